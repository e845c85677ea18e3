"""The pull through caches of other registries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from moorage.ecr import registry_limits
from moorage.ecr.repository.repository_settings import RepositorySettings
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager

_UPSTREAMS_WITH_SECRET = {
    "azure-container-registry", "chainguard", "docker-hub", "github-container-registry", "gitlab-container-registry",
}  # fmt: skip
_SECRET_ARN_PATTERN = re.compile(r"arn:[^:]+:secretsmanager:(?P<region>[^:]+):[^:]+:secret:(?P<name>.+)")


def cache_settings() -> RepositorySettings:
    """Return the default settings of caches. Tags are mutable, since ECR updates them from upstream once a day."""
    return RepositorySettings(immutable_tags=False)


@value_class
@attrs.frozen(kw_only=True)
class PullThrough:
    """A pull through cache of another registry, created by one of its methods.

    Images that are pulled from `prefix/...` are cached in this registry. A cache cannot be changed: CloudFormation
    would create the new rule while the old rule still has the prefix, and ECR refuses a second rule with the same
    prefix. To change the upstream registry, secret, account or upstream prefix of a cache, deploy once without the
    cache and once with the new cache, or use another prefix. Cached images remain, and the value of a secret can change
    at any time.

    Args:
        upstream: The kind of upstream registry, as ECR names it.
        url: The URL of the upstream registry.
        prefix: The prefix of the cache's repositories, 2 to 30 characters, or `ROOT`.
        secret: The credentials for the upstream registry. The name of the secret must start with
            `ecr-pullthroughcache/`. The secret must be in the registry's account and region, and encrypted with
            `aws/secretsmanager`, the default key of secrets. Default: none.
        upstream_prefix: The prefix of the upstream repositories. Default: all repositories.
        account: The account of an upstream Amazon ECR registry. The cache gets a role that pulls from that registry.
            Default: none.
        settings: The settings of the repositories that ECR creates for the cache. Default: those of a `Repository`,
            with mutable tags.

    Raises:
        ValueError: If ECR would not accept an argument, or the upstream registry requires a secret and none is given.
    """

    upstream: str
    url: str
    prefix: str
    secret: secretsmanager.ISecret | None = None
    upstream_prefix: str | None = None
    account: str | None = None
    settings: RepositorySettings = attrs.field(factory=cache_settings)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"PullThrough {self.prefix!r}")
        problems.check(registry_limits.CACHE_UPSTREAM, "upstream", self.upstream)
        problems.check(registry_limits.CACHE_PREFIX, "prefix", self.prefix)
        problems.check(registry_limits.CACHE_PREFIX, "upstream_prefix", self.upstream_prefix)
        problems.check(registry_limits.ACCOUNT, "account", self.account)
        if self.upstream in _UPSTREAMS_WITH_SECRET and self.secret is None:
            problems.add(
                f"secret must be given for {self.upstream}, which requires authentication (got None); use a "
                "secretsmanager.Secret whose name starts with 'ecr-pullthroughcache/', with the keys username and "
                "accessToken"
            )
        if self.secret is not None:
            problems.check(registry_limits.CACHE_SECRET, "the name of secret", _secret_name(self.secret))
            problems.check(registry_limits.CACHE_SECRET_KEY, "the key of secret", _secret_key(self.secret))
        problems.raise_any()

    @staticmethod
    def ecr_public(*, prefix: str = "ecr-public", settings: RepositorySettings | None = None) -> PullThrough:
        """Cache Amazon ECR Public (`public.ecr.aws`).

        Args:
            prefix: The prefix of the cache's repositories. Default: `ecr-public`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If ECR would not accept the prefix.
        """
        return _pull_through("ecr-public", "public.ecr.aws", prefix, settings)

    @staticmethod
    def quay(*, prefix: str = "quay", settings: RepositorySettings | None = None) -> PullThrough:
        """Cache Quay (`quay.io`).

        Args:
            prefix: The prefix of the cache's repositories. Default: `quay`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If ECR would not accept the prefix.
        """
        return _pull_through("quay", "quay.io", prefix, settings)

    @staticmethod
    def kubernetes(*, prefix: str = "kubernetes", settings: RepositorySettings | None = None) -> PullThrough:
        """Cache the Kubernetes registry (`registry.k8s.io`).

        Args:
            prefix: The prefix of the cache's repositories. Default: `kubernetes`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If ECR would not accept the prefix.
        """
        return _pull_through("k8s", "registry.k8s.io", prefix, settings)

    @staticmethod
    def docker_hub(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "docker-hub",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Cache Docker Hub. Its official images are below `library/`, such as `docker-hub/library/redis`.

        Args:
            secret: The credentials, as described in `PullThrough`. Required.
            prefix: The prefix of the cache's repositories. Default: `docker-hub`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If no secret is given, or ECR would not accept an argument.
        """
        return _pull_through("docker-hub", "registry-1.docker.io", prefix, settings, secret=secret)

    @staticmethod
    def github(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "github",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Cache the GitHub Container Registry (`ghcr.io`).

        Args:
            secret: The credentials, as described in `PullThrough`. Required.
            prefix: The prefix of the cache's repositories. Default: `github`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If no secret is given, or ECR would not accept an argument.
        """
        return _pull_through("github-container-registry", "ghcr.io", prefix, settings, secret=secret)

    @staticmethod
    def gitlab(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "gitlab",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Cache the container registry of GitLab.com (`registry.gitlab.com`).

        Args:
            secret: The credentials, as described in `PullThrough`. Required.
            prefix: The prefix of the cache's repositories. Default: `gitlab`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If no secret is given, or ECR would not accept an argument.
        """
        return _pull_through("gitlab-container-registry", "registry.gitlab.com", prefix, settings, secret=secret)

    @staticmethod
    def azure(
        registry: str,
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "azure",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Cache an Azure container registry.

        Args:
            registry: The name of the registry, without `.azurecr.io`.
            secret: The credentials, as described in `PullThrough`. Required.
            prefix: The prefix of the cache's repositories. Default: `azure`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If no secret is given, or ECR would not accept an argument.
        """
        return _pull_through("azure-container-registry", f"{registry}.azurecr.io", prefix, settings, secret=secret)

    @staticmethod
    def chainguard(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "chainguard",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Cache the Chainguard registry (`cgr.dev`).

        Args:
            secret: The credentials, as described in `PullThrough`. Required.
            prefix: The prefix of the cache's repositories. Default: `chainguard`.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If no secret is given, or ECR would not accept an argument.
        """
        return _pull_through("chainguard", "cgr.dev", prefix, settings, secret=secret)

    @staticmethod
    def ecr(
        *,
        account: str,
        region: str,
        prefix: str,
        upstream_prefix: str | None = None,
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Cache another private registry of Amazon ECR, whose owner must allow the role of the cache to pull.

        Args:
            account: The account of the upstream registry.
            region: The region of the upstream registry.
            prefix: The prefix of the cache's repositories.
            upstream_prefix: The prefix of the upstream repositories. Default: all repositories.
            settings: The settings of the cache's repositories. Default: those of a `Repository`, with mutable tags.

        Raises:
            ValueError: If the account, the region or a prefix is invalid.
        """
        problems = Problems("PullThrough.ecr")
        problems.check(registry_limits.REGION, "region", region)
        problems.raise_any()
        return _pull_through(
            "ecr",
            f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}",
            prefix,
            settings,
            account=account,
            upstream_prefix=upstream_prefix,
        )


def _pull_through(
    upstream: str, url: str, prefix: str, settings: RepositorySettings | None, **options: Any
) -> PullThrough:
    return PullThrough(upstream=upstream, url=url, prefix=prefix, settings=settings or cache_settings(), **options)


def _secret_name(secret: secretsmanager.ISecret) -> str | None:
    """Return the name of a secret, a placeholder if CloudFormation chooses the name, or None if unknown."""
    arn = _SECRET_ARN_PATTERN.fullmatch(secret.secret_arn)
    if arn:
        return arn["name"]
    defined = secret.node.default_child
    if defined is None:
        return None if is_token(secret.secret_name) else secret.secret_name
    name = secret.stack.resolve(getattr(defined, "name", None))  # a token of None or of a name
    if name is None:
        return "(chosen by CloudFormation)"
    return name if isinstance(name, str) else None


def _secret_key(secret: secretsmanager.ISecret) -> str | None:
    """Return the ARN or path of a secret's key, or None if the key is the default key or unknown."""
    key = getattr(secret, "encryption_key", None)
    if key is None or key.key_arn.endswith(":alias/aws/secretsmanager"):
        return None
    return str(key.node.path if is_token(key.key_arn) else key.key_arn)
