"""The services of the retail store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import aws_cdk as cdk
from constructs import Construct

from moorage import Container, Dashboard, HealthCheck, Route, Service, ServiceAlarms, ServiceConnect, Task
from stacks.images import Images
from stacks.platform import PlatformStack
from stacks.settings import EnvironmentSettings


class ServicesStack(cdk.Stack):
    """AWS's retail store sample: a web front end and four services behind it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        platform: PlatformStack,
        images: Images,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        self._settings, self._platform, self._images = settings, platform, images

        catalog = self._service("catalog", environment={"RETAIL_CATALOG_PERSISTENCE_PROVIDER": "in-memory"})
        carts = self._service(
            "carts",
            health="/actuator/health",
            environment={"RETAIL_CART_PERSISTENCE_PROVIDER": "in-memory"},
        )
        orders = self._service(
            "orders",
            health="/actuator/health",
            environment={
                "RETAIL_ORDERS_PERSISTENCE_PROVIDER": "in-memory",
                "RETAIL_ORDERS_MESSAGING_PROVIDER": "in-memory",
            },
        )
        checkout = self._service(
            "checkout",
            environment={
                "RETAIL_CHECKOUT_PERSISTENCE_PROVIDER": "in-memory",
                "RETAIL_CHECKOUT_ENDPOINTS_ORDERS": "http://orders",
            },
        )
        ui = self._service(
            "ui",
            health="/actuator/health",
            environment={
                f"RETAIL_UI_ENDPOINTS_{name.upper()}": f"http://{name}"
                for name in ("catalog", "carts", "checkout", "orders")
            },
            route=Route(platform.entrance, host=settings.entrance.domain, health="/actuator/health"),
        )

        checkout.connect_to(orders)
        for service in (catalog, carts, checkout, orders):
            ui.connect_to(service)

        services = (ui, catalog, carts, orders, checkout)
        for service in services:
            ServiceAlarms(service, "Alarms", service=service, topic=platform.operators)
        Dashboard(self, "Dashboard", services=services)

    def _service(
        self,
        name: str,
        *,
        environment: Mapping[str, str],
        health: str = "/health",
        route: Route | None = None,
    ) -> Service:
        settings = self._settings.services.of(name)
        container = Container(
            self._images.of(self, name),
            name=name,
            port=8080,
            user="1000",
            writable=["/tmp"],
            environment=environment,
            health_check=HealthCheck(
                f"curl -f http://localhost:8080{health} || exit 1", start_period=dt.timedelta(seconds=60)
            ),
        )
        return Service(
            self,
            name.title(),
            cluster=self._platform.cluster,
            task=Task(
                container,
                cpu=settings.cpu,
                memory_mib=settings.memory_mib,
                execute_command=self._settings.exec_sessions,
            ),
            capacity={self._platform.capacities[each]: weight for each, weight in settings.capacity.items()} or None,
            scaling=settings.scaling,
            route=route or (),
            connect=ServiceConnect(),
            removal_policy=self._settings.removal_policy,
        )
