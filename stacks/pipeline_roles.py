"""The roles of each stage for the workflows of a GitHub repository."""

from __future__ import annotations

from collections.abc import Iterator

import aws_cdk as cdk

from stacks.pipeline_permissions import bootstrap_statements, deploy_statements, promote_statements, push_statements
from stacks.pipelines import PipelinesStack, StageSettings
from stacks.replication import missing_keys
from stacks.settings import Description, EnvironmentSettings


def define_pipelines(stage: cdk.Stage, description: Description) -> None:
    """Define the roles of a stage, if its settings have a table for GitHub, an account and a region.

    Args:
        stage: The stage of the tooling or of an environment.
        description: The description of all environments.
    """
    name, repository = stage.node.id, description.tooling.github if description.tooling else None
    settings = description.tooling if name == "tooling" else description.environments[name]
    if not (repository and settings and settings.github and settings.place):
        return
    stack = PipelinesStack(stage, "Pipelines", settings=settings, repository=repository)
    if not isinstance(settings, EnvironmentSettings):
        stack.define_role("Push", "Pushes images to the repositories of the company", push_statements(stack), [name])
        return
    deploy = deploy_statements(stack, name, settings)
    stack.define_role("Deploy", f"Deploys the environment {name} with the AWS CDK", deploy, [name])
    if settings.previews:
        preview = bootstrap_statements(stack, settings)
        stack.define_role("Preview", "Deploys previews of pull requests", preview, ["preview"], any_branch=True)
    if targets := description.promotion_targets(name):
        promote = promote_statements(stack, name, settings)
        stack.define_role("Promote", f"Reads which images {name} has, to promote them", promote, targets)


def roles_left_out(description: Description) -> Iterator[tuple[str, str]]:
    """Yield a name and the text of a warning for each stage with a table for GitHub whose place is not set."""
    stages: dict[str, StageSettings | None] = {"tooling": description.tooling, **description.environments}
    for name, settings in stages.items():
        if settings and settings.github and not settings.place:
            keys = {f"{name}.account": settings.account, f"{name}.region": settings.region}
            yield name, missing_keys(keys, "GitHub Actions has no role there")
