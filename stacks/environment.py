"""An environment: its platform, its registries, its data and its services."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.data import DataStack
from stacks.images import Images
from stacks.jobs import JobsStack
from stacks.monitoring import MonitoringStack
from stacks.pipeline_roles import define_pipelines
from stacks.platform import PlatformStack
from stacks.previews import define_preview
from stacks.registry import RegistryStack
from stacks.replica_registry import define_replicas
from stacks.services import ServicesStack
from stacks.settings import Description, EnvironmentSettings
from stacks.settings.description import RECOVERY
from stacks.shared_platform import SharedPlatform
from stacks.tooling import Tooling


class Environment(cdk.Stage):
    """The complete retail store in one account and region.

    Args:
        scope: The app.
        construct_id: The name of the environment.
        settings: The settings of the environment.
        images: The images of the services.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings, images: Images) -> None:
        super().__init__(scope, construct_id, env=settings.env, permissions_boundary=settings.boundary)
        for key, value in settings.tags.items():
            cdk.Tags.of(self).add(key, value)
        platform = PlatformStack(self, "Platform", settings=settings, namespace=f"retail-{construct_id}")
        if settings.previews:
            shared = SharedPlatform(environment=construct_id, settings=settings)
            shared.export(platform, vpc=platform.vpc, cluster=platform.cluster, entrance=platform.entrance)
        RegistryStack(self, "Registry", settings=settings)
        data = DataStack(self, "Data", settings=settings, vpc=platform.vpc) if settings.data else None
        ServicesStack(self, "Services", settings=settings, platform=platform, images=images, data=data)
        if data:
            JobsStack(self, "Jobs", settings=settings, platform=platform, data=data)
        MonitoringStack(self, "Monitoring", settings=settings, platform=platform, data=data)


def define_environments(app: cdk.App, description: Description) -> None:
    """Define the stages of a description: the company's tools, each environment, and each in its recovery region.

    If the context of the app has the number of a pull request, define the stage of its preview, too.

    Args:
        app: The app.
        description: The description.
    """
    tooling = Tooling(app, description=description) if description.tooling else None
    if tooling:
        define_pipelines(tooling, description)
    for name, settings in description.environments.items():
        images = Images(description, name)
        environment = Environment(app, name, settings=settings, images=images)
        define_pipelines(environment, description)
        if tooling:
            define_replicas(environment, name, description=description, source=tooling.registry)
        if settings.in_recovery_region:
            Environment(app, f"{name}{RECOVERY}", settings=settings.in_recovery_region, images=images)
    define_preview(app, description)
