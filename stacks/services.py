"""The services of the retail store."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import aws_cdk as cdk
from constructs import Construct

from moorage import Container, Dashboard, HealthCheck, Route, Service, ServiceAlarms, ServiceConnect, Task
from stacks.data import DataStack
from stacks.images import Images
from stacks.platform import PlatformStack
from stacks.settings import EnvironmentSettings
from stacks.shared_platform import SharedPlatform
from stacks.store import BUILT_IN, Store


class ServicesStack(cdk.Stack):
    """AWS's retail store sample: a web front end and four services behind it, with alarms and a dashboard.

    Args:
        scope: The stage.
        construct_id: The ID of the stack in the stage.
        settings: The settings of the environment.
        platform: The platform in the stage, or that of another stage. On the latter there are no alarms and dashboard.
        images: The images of the services.
        data: The data stores. Default: in memory.
        priority: The priority of the route of the web front end. Default: one that follows from its host.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        platform: PlatformStack | SharedPlatform,
        images: Images,
        data: DataStack | None = None,
        priority: int | None = None,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        self._settings, self._images = settings, images
        self._platform = platform.imported_by(self) if isinstance(platform, SharedPlatform) else platform
        stores = data.stores if data else BUILT_IN

        catalog = self._service("catalog", store=stores["catalog"])
        carts = self._service("carts", store=stores["carts"], health="/actuator/health")
        orders = self._service("orders", store=stores["orders"], health="/actuator/health")
        checkout = self._service(
            "checkout", store=stores["checkout"], environment={"RETAIL_CHECKOUT_ENDPOINTS_ORDERS": "http://orders"}
        )
        route = Route(self._platform.entrance, host=settings.entrance.domain, health="/actuator/health")
        ui = self._service(
            "ui",
            health="/actuator/health",
            environment={
                f"RETAIL_UI_ENDPOINTS_{name.upper()}": f"http://{name}"
                for name in ("catalog", "carts", "checkout", "orders")
            },
            route=attrs.evolve(route, priority=priority) if priority else route,
        )

        checkout.connect_to(orders)
        for service in (catalog, carts, checkout, orders):
            ui.connect_to(service)

        if self._platform.operators:
            services = (ui, catalog, carts, orders, checkout)
            for service in services:
                ServiceAlarms(service, "Alarms", service=service, topic=self._platform.operators)
            Dashboard(self, "Dashboard", services=services)

    def _service(
        self,
        name: str,
        *,
        store: Store | None = None,
        environment: Mapping[str, str] | None = None,
        health: str = "/health",
        route: Route | None = None,
    ) -> Service:
        size, store = self._settings.services.of(name), store or Store()
        check = HealthCheck(f"curl -f http://localhost:8080{health} || exit 1", start_period=cdk.Duration.seconds(60))
        container = Container(
            self._images.of(self, name),
            name=name,
            port=8080,
            user="1000",
            writable=["/tmp"],
            environment={**store.environment, **(environment or {})},
            secrets=store.secrets,
            health_check=check,
        )
        task = Task(
            container,
            cpu=size.cpu,
            memory_mib=size.memory_mib,
            execute_command=self._settings.exec_sessions,
            called_services=store.called_services,
        )
        service = Service(
            self,
            name.title(),
            cluster=self._platform.cluster,
            task=task,
            capacity=self._platform.strategy(size.capacity),
            scaling=size.scaling,
            route=route or (),
            connect=ServiceConnect(),
            removal_policy=self._settings.removal_policy,
        )
        store.open_to(service)
        return service
