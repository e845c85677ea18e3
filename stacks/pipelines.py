"""The roles that the workflows of a GitHub repository assume, so that no access key is stored at GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.pipeline_permissions import deploy_statements, promote_statements, push_statements
from stacks.replication import missing_keys
from stacks.settings import Description, EnvironmentSettings, ToolingSettings
from stacks.settings.github import RepositorySettings

_ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
_SESSION = cdk.Duration.hours(2)
"""The longest session. The default of a role, one hour, can be too short to create the databases of an environment."""
_WILDCARDS = "the wildcards end prefixes that the stage owns; the token with which a role logs in to ECR has no ARN"
StageSettings: TypeAlias = EnvironmentSettings | ToolingSettings


class PipelinesStack(cdk.Stack):
    """GitHub's identity provider, and the roles of one stage. Each role's ARN is an output.

    Args:
        scope: The stage.
        construct_id: The ID of the stack in the stage.
        settings: The settings of the stage.
        repository: The repository whose workflows assume the roles.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, repository: RepositorySettings
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        self._repository = repository
        if settings.github and settings.github.provider == "new":
            url = f"https://{_ISSUER}"
            provider = iam.OidcProviderNative(self, "GitHub", url=url, client_ids=[_AUDIENCE])
            self._provider_arn = provider.oidc_provider_arn
        else:
            self._provider_arn = f"arn:{self.partition}:iam::{self.account}:oidc-provider/{_ISSUER}"

    def define_role(
        self, construct_id: str, purpose: str, statements: Iterable[iam.PolicyStatement], environments: Sequence[str]
    ) -> None:
        """Define a role for jobs of the branch in GitHub environments, whose subject does not name the branch.

        Args:
            construct_id: The ID of the role in the stack.
            purpose: The description of the role.
            statements: The permissions of the role.
            environments: The names of the GitHub environments.
        """
        trusted = {
            "aud": _AUDIENCE,
            "sub": [f"repo:{self._repository.repository}:environment:{each}" for each in environments],
            "ref": f"refs/heads/{self._repository.branch}",
        }
        equal = {f"{_ISSUER}:{claim}": value for claim, value in trusted.items()}
        principal = iam.WebIdentityPrincipal(self._provider_arn, {"StringEquals": equal})
        role = iam.Role(self, construct_id, assumed_by=principal, description=purpose, max_session_duration=_SESSION)
        policy = iam.ManagedPolicy(self, f"{construct_id}Policy", statements=[*statements], roles=[role])
        acknowledgment = cdk.Acknowledgment(id="moorage::iam-wildcard", reason=_WILDCARDS)
        cdk.Validations.of(policy).acknowledge(acknowledgment)
        cdk.CfnOutput(self, f"{construct_id}RoleArn", value=role.role_arn)


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
