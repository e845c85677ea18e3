"""Registries of others, of which ECR keeps what is pulled through it."""

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
    """Return the default settings of caches: tags are mutable, since ECR updates them from upstream once a day."""
    return RepositorySettings(immutable_tags=False)


@value_class
@attrs.frozen(kw_only=True)
class PullThrough:
    """A cache of another registry, made by one of its methods: what is pulled from `prefix/...` is kept here.

    A cache cannot be changed: CloudFormation defines the new one while the old one still has the prefix, which ECR
    refuses. To change its registry, secret, account or upstream prefix, deploy once without the cache and once with the
    new one, or give the new one another prefix. Its images stay, and the value of a secret can change at any time.

    Args:
        upstream: The registry that is cached, in ECR's word.
        url: Where it is.
        prefix: What its repositories are called here, 2 to 30 characters, or `ROOT`.
        secret: Who pulls from it, as ECR wants it; its name starts with `ecr-pullthroughcache/`. It is of the
            registry's account and region, and encrypted by `aws/secretsmanager`, the key that a secret has by default.
        upstream_prefix: Of which repositories there; all without it.
        account: The account of another Amazon ECR; a role of this registry's is what pulls from it.
        settings: How the repositories are set up that ECR makes for what it caches; tags move by default.

    Raises:
        ValueError: ECR would not take one of them, or the registry wants a secret and there is none.
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
                f"secret is missing, but {self.upstream} serves those alone who say who they are; give a "
                "secretsmanager.Secret whose name starts with 'ecr-pullthroughcache/', with username and accessToken"
            )
        if self.secret is not None:
            problems.check(registry_limits.CACHE_SECRET, "the name of secret", _secret_name(self.secret))
            problems.check(registry_limits.CACHE_SECRET_KEY, "the key of secret", _secret_key(self.secret))
        problems.raise_any()

    @staticmethod
    def ecr_public(*, prefix: str = "ecr-public", settings: RepositorySettings | None = None) -> PullThrough:
        """Amazon ECR Public (`public.ecr.aws`)."""
        return _pull_through("ecr-public", "public.ecr.aws", prefix, settings)

    @staticmethod
    def quay(*, prefix: str = "quay", settings: RepositorySettings | None = None) -> PullThrough:
        """Quay (`quay.io`)."""
        return _pull_through("quay", "quay.io", prefix, settings)

    @staticmethod
    def kubernetes(*, prefix: str = "kubernetes", settings: RepositorySettings | None = None) -> PullThrough:
        """Kubernetes' own registry (`registry.k8s.io`)."""
        return _pull_through("k8s", "registry.k8s.io", prefix, settings)

    @staticmethod
    def docker_hub(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "docker-hub",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Docker Hub; its own images are under `library/`, as in `docker-hub/library/redis`."""
        return _pull_through("docker-hub", "registry-1.docker.io", prefix, settings, secret=secret)

    @staticmethod
    def github(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "github",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """GitHub Container Registry (`ghcr.io`)."""
        return _pull_through("github-container-registry", "ghcr.io", prefix, settings, secret=secret)

    @staticmethod
    def gitlab(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "gitlab",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """GitLab.com's Container Registry (`registry.gitlab.com`)."""
        return _pull_through("gitlab-container-registry", "registry.gitlab.com", prefix, settings, secret=secret)

    @staticmethod
    def azure(
        registry: str,
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "azure",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """A registry of Azure's, by the name that stands before `.azurecr.io`."""
        return _pull_through("azure-container-registry", f"{registry}.azurecr.io", prefix, settings, secret=secret)

    @staticmethod
    def chainguard(
        secret: secretsmanager.ISecret | None = None,
        *,
        prefix: str = "chainguard",
        settings: RepositorySettings | None = None,
    ) -> PullThrough:
        """Chainguard's registry (`cgr.dev`)."""
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
        """Another private registry of Amazon ECR, whose owner lets the role pull that is defined for it here."""
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
    """Return the name of a secret as far as it is known, or a text if CloudFormation chooses it."""
    arn = _SECRET_ARN_PATTERN.fullmatch(secret.secret_arn)
    if arn:
        return arn["name"]
    defined = secret.node.default_child
    if defined is None:
        return None if is_token(secret.secret_name) else secret.secret_name
    name = secret.stack.resolve(getattr(defined, "name", None))  # CDK has a token there, of nothing or of a name
    if name is None:
        return "(chosen by CloudFormation)"
    return name if isinstance(name, str) else None


def _secret_key(secret: secretsmanager.ISecret) -> str | None:
    """Return the ARN or path of the key that a secret names, or None if it has the default."""
    key = getattr(secret, "encryption_key", None)
    if key is None or key.key_arn.endswith(":alias/aws/secretsmanager"):
        return None
    return str(key.node.path if is_token(key.key_arn) else key.key_arn)
