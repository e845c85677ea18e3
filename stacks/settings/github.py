"""The settings of deployments from GitHub Actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from stacks.settings.checks import SettingError, Settings, matches


@attrs.frozen(kw_only=True)
class ProviderSettings(Settings):
    """The identity provider of GitHub in an account.

    Args:
        provider: "new" to define the provider, or "existing" if the account has it already. An account has one provider
            for each URL. Default: "new".
    """

    provider: Literal["new", "existing"] = "new"


@attrs.frozen(kw_only=True)
class RepositorySettings(ProviderSettings):
    """The repository whose workflows deploy the environments and push images.

    Args:
        repository: The repository as GitHub's tokens name it: "my-organization/shop", or with the IDs of the owner and
            of the repository "my-organization@1234567/shop@7654321".
        branch: The branch from which workflows may deploy. Default: "main".
    """

    repository: str = attrs.field(
        metadata=matches(
            r"[\w-]+(@\d+)?/[\w.-]+(@\d+)?", "a repository with its owner", "my-organization@1234567/shop@7654321"
        )
    )
    branch: str = attrs.field(
        default="main",
        metadata=matches(r"(?!refs/)[\w.][\w./+-]*", "the name of a branch, without refs/heads/", "main"),
    )

    def _problems(self) -> Iterator[SettingError]:
        if self.repository.count("@") == 1:
            yield SettingError(
                f'must have both IDs or none of them (got "{self.repository}"); GitHub writes them as '
                "my-organization@1234567/shop@7654321",
                "repository",
            )


@attrs.frozen(kw_only=True)
class DeploymentSettings(ProviderSettings):
    """The deployment of an environment from GitHub Actions.

    Args:
        promotes_from: The environment whose images are promoted to this one, so whose parameters with the digests may
            be read. Default: none.
    """

    promotes_from: str | None = None
