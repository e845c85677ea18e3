"""The roles that the workflows of a GitHub repository assume, so that no access key is stored at GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.settings import EnvironmentSettings, ToolingSettings
from stacks.settings.github import RepositorySettings

_ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
_SESSION = cdk.Duration.hours(2)
"""The longest session. The default of a role, one hour, can be too short to create the databases of an environment."""
_WILDCARDS = (
    "the wildcards end prefixes that the stage owns; neither logins to ECR nor findings of Inspector have an ARN"
)
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
        self,
        construct_id: str,
        purpose: str,
        statements: Iterable[iam.PolicyStatement],
        environments: Sequence[str],
        *,
        any_branch: bool = False,
    ) -> None:
        """Define a role for jobs of the branch in GitHub environments, whose subject does not name the branch.

        Args:
            construct_id: The ID of the role in the stack.
            purpose: The description of the role.
            statements: The permissions of the role.
            environments: The names of the GitHub environments.
            any_branch: Whether to trust jobs of any branch, such as those of pull requests. Default: False.
        """
        trusted: dict[str, str | list[str]] = {
            "aud": _AUDIENCE,
            "sub": [f"repo:{self._repository.repository}:environment:{each}" for each in environments],
        }
        if not any_branch:
            trusted["ref"] = f"refs/heads/{self._repository.branch}"
        equal = {f"{_ISSUER}:{claim}": value for claim, value in trusted.items()}
        principal = iam.WebIdentityPrincipal(self._provider_arn, {"StringEquals": equal})
        role = iam.Role(self, construct_id, assumed_by=principal, description=purpose, max_session_duration=_SESSION)
        policy = iam.ManagedPolicy(self, f"{construct_id}Policy", statements=[*statements], roles=[role])
        acknowledgment = cdk.Acknowledgment(id="moorage::iam-wildcard", reason=_WILDCARDS)
        cdk.Validations.of(policy).acknowledge(acknowledgment)
        cdk.CfnOutput(self, f"{construct_id}RoleArn", value=role.role_arn)
