"""The templates of repositories that ECR creates, and the rules by which it signs images."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

import attrs

from moorage.ecr import registry_limits
from moorage.ecr.filters import as_filters
from moorage.ecr.repository.repository_settings import RepositorySettings
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH = "REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"


def _as_tuple(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


@value_class
@attrs.frozen
class RepositoryTemplate:
    """How ECR sets up a repository that it makes by itself; what exists already stays as it is.

    Args:
        prefix: Of which repositories: `prod` means what is below `prod/`, and `ROOT` what no other template is for.
        settings: Their settings.
        applied_for: When it makes them: `CREATE_ON_PUSH` (the default here), `REPLICATION`, `PULL_THROUGH_CACHE`;
            replications and caches bring templates of their own.
        description: What reviewers read.

    Raises:
        ValueError: ECR would not take one of them.
    """

    prefix: str
    settings: RepositorySettings = attrs.field(factory=RepositorySettings)
    applied_for: tuple[str, ...] = attrs.field(default=(CREATE_ON_PUSH,), converter=_as_tuple, kw_only=True)
    description: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"RepositoryTemplate {self.prefix!r}")
        problems.check(registry_limits.TEMPLATE_PREFIX, "prefix", self.prefix)
        problems.check(registry_limits.TEMPLATE_USES, "applied_for", self.applied_for)
        problems.check(registry_limits.TEMPLATE_DESCRIPTION, "description", self.description)
        problems.raise_any()

    @property
    def _bare_prefix(self) -> str:
        """Return the prefix without the '/' that ECR assumes at its end."""
        return self.prefix.rstrip("/")


def merge_templates(templates: Sequence[RepositoryTemplate], problems: Problems) -> tuple[RepositoryTemplate, ...]:
    """Merge the templates of each prefix into one for all their uses, and note different settings of one prefix."""
    by_prefix: dict[str, RepositoryTemplate] = {}
    clashes = []
    for template in templates:
        existing = by_prefix.setdefault(template._bare_prefix, template)
        if existing.settings != template.settings:
            clashes += [template._bare_prefix, template._bare_prefix]
        else:
            applied_for = tuple(dict.fromkeys((*existing.applied_for, *template.applied_for)))
            by_prefix[template._bare_prefix] = attrs.evolve(existing, applied_for=applied_for)
    problems.check(registry_limits.TEMPLATE_PREFIXES, "the prefixes of creation templates", clashes)
    return tuple(by_prefix.values())


@value_class
@attrs.frozen
class SigningRule:
    """Which images AWS Signer signs when they are pushed, for whoever pushes them and may use the profile.

    Args:
        profile: The ARN of a signing profile.
        repositories: Filters of names with `*`; all repositories without it.

    Raises:
        ValueError: it is no profile's ARN, or ECR would not take a filter.
    """

    profile: str
    repositories: tuple[str, ...] | None = attrs.field(default=None, converter=as_filters)

    def __attrs_post_init__(self) -> None:
        problems = Problems("SigningRule")
        problems.check(registry_limits.SIGNING_PROFILE, "profile", self.profile)
        if is_token(self.profile) and "//signing-profiles/" in self.profile:
            problems.add(
                "profile is one of CDK's from_signing_profile_attributes, but its ARN has '//' where AWS has '/'; "
                "write it out, as in 'arn:aws:signer:eu-west-1:111111111111:/signing-profiles/shop'"
            )
        problems.check_filter("repositories", self.repositories, "all repositories")
        problems.check(registry_limits.SIGNING_FILTERS, "the number of filters", len(self.repositories or ()))
        for pattern in self.repositories or ():
            problems.check(registry_limits.SIGNING_FILTER, "each of repositories", pattern)
        problems.raise_any()

    def _unmatched_filters(self, repositories: Sequence[str]) -> list[str]:
        """Return the filters that none of these repositories matches."""
        return [
            pattern
            for pattern in self.repositories or ()
            if not any(fnmatch.fnmatchcase(name, pattern) for name in repositories)
        ]
