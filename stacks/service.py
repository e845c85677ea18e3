"""One service of the retail store."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk

from moorage import Container, HealthCheck, Rollout, Route, Service, ServiceConnect, Task
from stacks.images import Images
from stacks.platform import PlatformStack
from stacks.settings import EnvironmentSettings
from stacks.shared_platform import ImportedPlatform
from stacks.store import Store


def define_service(
    stack: cdk.Stack,
    name: str,
    *,
    settings: EnvironmentSettings,
    platform: PlatformStack | ImportedPlatform,
    images: Images,
    rollout: Rollout,
    store: Store | None = None,
    environment: Mapping[str, str] | None = None,
    health: str = "/health",
    route: Route | None = None,
) -> Service:
    """Define and return a service, which other services reach at `http://<name>`.

    Args:
        stack: The stack.
        name: The name of the service.
        settings: The settings of the environment.
        platform: The cluster and its capacities.
        images: The images of the services.
        rollout: The rollout of new versions.
        store: The data store. Default: none.
        environment: The variables of the container, in addition to those of the store. Default: none.
        health: The path of the health check. Default: "/health".
        route: The route from the load balancer. Default: none.
    """
    size, store = settings.services.of(name), store or Store()
    check = HealthCheck(f"curl -f http://localhost:8080{health} || exit 1", start_period=cdk.Duration.seconds(60))
    container = Container(
        images.of(stack, name),
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
        execute_command=settings.exec_sessions,
        called_services=store.called_services,
    )
    service = Service(
        stack,
        name.title(),
        cluster=platform.cluster,
        task=task,
        capacity=platform.strategy(size.capacity),
        scaling=size.scaling,
        rollout=rollout,
        route=route or (),
        connect=ServiceConnect(),
        removal_policy=settings.removal_policy,
    )
    store.open_to(service)
    return service
