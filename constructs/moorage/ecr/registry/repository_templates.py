"""The creation templates of repositories, and the rules by which ECR signs images."""

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
    """The creation template of repositories that ECR creates automatically. Existing repositories do not change.

    Args:
        prefix: The prefix of the repositories, 1 to 256 characters. `prod` matches repositories below `prod/`. `ROOT`
            matches repositories without another template.
        settings: The settings of the repositories. Default: those of a `Repository`.
        applied_for: The actions for which ECR creates repositories: `CREATE_ON_PUSH`, `REPLICATION` and
            `PULL_THROUGH_CACHE`. A `Replication` and a `PullThrough` have their own templates.
            Default: `CREATE_ON_PUSH`.
        description: The description of the template, at most 256 characters. Default: none.

    Raises:
        ValueError: If ECR would not accept an argument.
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
        """The prefix without a trailing '/', which ECR adds."""
        return self.prefix.rstrip("/")


def merge_templates(templates: Sequence[RepositoryTemplate], problems: Problems) -> tuple[RepositoryTemplate, ...]:
    """Merge the templates of each prefix into one template for all actions. Check that the settings are the same."""
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
    """A rule by which AWS Signer signs images on push. The principal that pushes must be allowed to use the profile.

    Args:
        profile: The ARN of the signing profile.
        repositories: The names of the repositories, or patterns with `*`. Default: all repositories.

    Raises:
        ValueError: If the ARN is not that of a signing profile, or ECR would not accept a filter.
    """

    profile: str
    repositories: tuple[str, ...] | None = attrs.field(default=None, converter=as_filters)

    def __attrs_post_init__(self) -> None:
        problems = Problems("SigningRule")
        problems.check(registry_limits.SIGNING_PROFILE, "profile", self.profile)
        if is_token(self.profile) and "//signing-profiles/" in self.profile:
            problems.add(
                "profile must not be from CDK's from_signing_profile_attributes, whose ARN has '//' instead of '/'; "
                "use a literal ARN such as 'arn:aws:signer:eu-west-1:111111111111:/signing-profiles/shop'"
            )
        problems.check_filter("repositories", self.repositories, "all repositories")
        problems.check(registry_limits.SIGNING_FILTERS, "the number of filters", len(self.repositories or ()))
        for pattern in self.repositories or ():
            problems.check(registry_limits.SIGNING_FILTER, "each item of repositories", pattern)
        problems.raise_any()

    def _unmatched_filters(self, repositories: Sequence[str]) -> list[str]:
        """Return the filters that match none of the repositories."""
        return [
            pattern
            for pattern in self.repositories or ()
            if not any(fnmatch.fnmatchcase(name, pattern) for name in repositories)
        ]
