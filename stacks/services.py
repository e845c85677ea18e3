"""The services of the retail store."""

from __future__ import annotations

import functools

import attrs
import aws_cdk as cdk
from constructs import Construct

from moorage import Dashboard, Route, ServiceAlarms
from stacks.data import DataStack
from stacks.images import Images
from stacks.platform import PlatformStack
from stacks.service import define_service
from stacks.settings import EnvironmentSettings
from stacks.shared_platform import SharedPlatform
from stacks.store import BUILT_IN


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
        shared = platform.imported_by(self) if isinstance(platform, SharedPlatform) else platform
        rollout = images.define_rollout(self)
        service = functools.partial(
            define_service, self, settings=settings, platform=shared, images=images, rollout=rollout
        )
        stores = data.stores if data else BUILT_IN

        catalog = service("catalog", store=stores["catalog"])
        carts = service("carts", store=stores["carts"], health="/actuator/health")
        orders = service("orders", store=stores["orders"], health="/actuator/health")
        checkout = service(
            "checkout", store=stores["checkout"], environment={"RETAIL_CHECKOUT_ENDPOINTS_ORDERS": "http://orders"}
        )
        route = Route(shared.entrance, host=settings.entrance.domain, health="/actuator/health")
        ui = service(
            "ui",
            health="/actuator/health",
            environment={
                f"RETAIL_UI_ENDPOINTS_{name.upper()}": f"http://{name}"
                for name in ("catalog", "carts", "checkout", "orders")
            },
            route=attrs.evolve(route, priority=priority) if priority else route,
        )

        checkout.connect_to(orders)
        for backend in (catalog, carts, checkout, orders):
            ui.connect_to(backend)

        if shared.operators:
            services = (ui, catalog, carts, orders, checkout)
            for each in services:
                ServiceAlarms(each, "Alarms", service=each, topic=shared.operators)
            Dashboard(self, "Dashboard", services=services)
