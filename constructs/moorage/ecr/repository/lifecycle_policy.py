"""The lifecycle policies of repositories, and their effect on a list of images."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from moorage.ecr import repository_limits
from moorage.ecr.filters import as_filters
from moorage.ecr.repository.pushed_image import PushedImage, as_tags, optional_utc
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import aws_cdk as cdk

_SECONDS_PER_DAY = 86400
_ANY, _TAGGED, _UNTAGGED = "any", "tagged", "untagged"
_STANDARD, _ARCHIVE = "standard", "archive"


@value_class
@attrs.frozen(kw_only=True)
class LifecycleRule:
    """A rule by which images expire or are archived.

    Use at most one of `tags`, `prefixes` and `untagged` to select images. A rule without any of the three applies to
    all images and must be the last rule of its policy. Exactly one of `keep`, `older_than`, `unpulled_for` and
    `archived_for` must be given.

    Args:
        tags: The patterns of tags, each with up to four `*`. An image must have a tag for each pattern.
            Default: none.
        prefixes: The prefixes of tags. An image must have a tag for each prefix. Default: none.
        untagged: Whether to select images without a tag. Default: False.
        keep: The number of the newest images to keep, 1 or more. Default: none.
        older_than: The age, counted from the push, at which an image expires (with `archive=True`, is archived), in
            whole days. Default: none.
        unpulled_for: The time after which an image that is not pulled is archived, in whole days. Requires
            `archive=True`. Default: none.
        archived_for: The time after which an archived image expires, in whole days. Less than 90 days causes a warning.
            Default: none.
        archive: Whether to archive images instead of deleting them. An archived image must be restored before it can be
            pulled, which takes minutes. The archive costs less, but is billed for at least 90 days. Default: False.
        priority: The priority of the rule, 1 or more. The rule with the lowest number applies first. Default: one more
            than the priority of the rule before.
        description: The description of the rule. Default: a description of the other arguments.

    Raises:
        ValueError: If there is more than one selection, not exactly one count or age, or ECR would not accept an
            argument.
    """

    tags: tuple[str, ...] | None = attrs.field(default=None, converter=as_filters)
    prefixes: tuple[str, ...] | None = attrs.field(default=None, converter=as_filters)
    untagged: bool = False
    keep: int | None = None
    older_than: int | None = attrs.field(default=None, converter=optional_seconds)
    unpulled_for: int | None = attrs.field(default=None, converter=optional_seconds)
    archived_for: int | None = attrs.field(default=None, converter=optional_seconds)
    archive: bool = False
    priority: int | None = None
    description: str | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("LifecycleRule")
        selectors = [name for name in ("tags", "prefixes", "untagged") if getattr(self, name)]
        problems.check_filter("tags", self.tags, "all images")
        problems.check_filter("prefixes", self.prefixes, "all images")
        problems.check(repository_limits.LIFECYCLE_SELECTION, "the selection", selectors)
        for pattern in self.tags or ():
            problems.check(repository_limits.LIFECYCLE_WILDCARDS, "each item of tags", pattern)
        ages = {name: getattr(self, name) for name in ("older_than", "unpulled_for", "archived_for")}
        counts = [name for name, value in {"keep": self.keep, **ages}.items() if value is not None]
        problems.check(repository_limits.LIFECYCLE_ONE_COUNT, "the count or age", counts)
        problems.check(repository_limits.LIFECYCLE_COUNT, "keep", self.keep)
        problems.check(repository_limits.IMAGES, "keep", self.keep)
        for name, seconds in ages.items():
            problems.check(repository_limits.LIFECYCLE_DAYS, name, seconds)
        problems.check(repository_limits.ARCHIVED_DAYS, "archived_for", self.archived_for)
        problems.check(repository_limits.LIFECYCLE_PRIORITY, "priority", self.priority)
        if self.unpulled_for is not None and not self.archive:
            problems.add(
                "unpulled_for must be used only with archive=True, since ECR does not delete images by their last "
                "pull; archive the images, and delete them with archived_for= in a second rule"
            )
        if self.archived_for is not None and self.archive:
            problems.add("archive must be False with archived_for, which selects archived images; leave archive= out")
        problems.raise_any()

    @property
    def _tag_status(self) -> str:
        """The tag status that the rule selects, as ECR names it: `tagged`, `untagged` or `any`."""
        if self.untagged:
            return _UNTAGGED
        return _TAGGED if self.tags or self.prefixes else _ANY

    @property
    def _patterns(self) -> list[str]:
        """The patterns that the tags of an image must all match."""
        return [*(self.tags or ()), *(f"{prefix}*" for prefix in self.prefixes or ())]

    @property
    def _selects_any_tag(self) -> bool:
        """True if the rule selects images with any tags, so that images in use are among them."""
        return self._tag_status == _ANY or set(self.tags or ()) == {"*"} or "" in (self.prefixes or ())

    @property
    def _storage_class(self) -> str:
        """The storage class of the images that the rule selects, as ECR names it."""
        return _STANDARD if self.archived_for is None else _ARCHIVE

    @property
    def _default_description(self) -> str:
        """The rule's default description."""
        images = self._images_text
        if self.keep is not None:
            return f"Keep the newest {self.keep} {images}" + (", archive the rest" if self.archive else "")
        verb = "Archive" if self.archive else "Expire"
        ages = {
            "pushed more than {} days ago": self.older_than,
            "not pulled for {} days": self.unpulled_for,
            "archived for {} days": self.archived_for,
        }
        age, seconds = next((text, each) for text, each in ages.items() if each is not None)
        return f"{verb} {images} {age.format(seconds // _SECONDS_PER_DAY)}"

    def _selects(self, image: PushedImage) -> bool:
        """Return whether an image has the tags that the rule selects."""
        if self.untagged:
            return not image.tags
        patterns = map(_as_pattern, self._patterns)
        return all(any(pattern.fullmatch(tag) for tag in image.tags) for pattern in patterns)

    def _to_json(self, priority: int) -> dict[str, Any]:
        """Return the rule in the form of ECR's lifecycle policies."""
        selection: dict[str, Any] = {"tagStatus": self._tag_status}
        if self.tags:
            selection["tagPatternList"] = list(self.tags)
        if self.prefixes:
            selection["tagPrefixList"] = list(self.prefixes)
        if self._storage_class == _ARCHIVE:
            selection["storageClass"] = _ARCHIVE
        for name, count in (
            ("sinceImagePushed", self.older_than),
            ("sinceImagePulled", self.unpulled_for),
            ("sinceImageTransitioned", self.archived_for),
        ):
            if count is not None:
                selection |= {"countType": name, "countUnit": "days", "countNumber": count // _SECONDS_PER_DAY}
        if self.keep is not None:
            selection |= {"countType": "imageCountMoreThan", "countNumber": self.keep}
        action = {"type": "transition", "targetStorageClass": _ARCHIVE} if self.archive else {"type": "expire"}
        return {
            "rulePriority": priority,
            "description": self.description or self._default_description,
            "selection": selection,
            "action": action,
        }

    @property
    def _images_text(self) -> str:
        """A phrase for the images that the rule selects, such as 'images without a tag', for the description."""
        if self.untagged:
            return "images without a tag"
        if self.tags == ("*",):
            return "images with a tag"
        if self.prefixes:
            return f"images tagged {' and '.join(f'{each}*' for each in self.prefixes)}"
        return f"images tagged {' and '.join(self.tags)}" if self.tags else "images"


def _as_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))))


@value_class
@attrs.frozen(init=False)
class LifecyclePolicy:
    """The lifecycle policy of a repository, which can be tested with a list of images before ECR applies it.

    Only the first rule that selects an image applies to the image, even if that rule keeps it. A rule that keeps
    releases therefore protects them from all later rules.

    Args:
        *rules: The rules, in the order in which they apply, unless rules have a `priority`.

    Raises:
        ValueError: If two rules have the same priority or the same selection, the rule for all images is not the last,
            or ECR would not accept the policy. A rule that deletes images with any tag must keep 2 or more.
    """

    rules: tuple[LifecycleRule, ...]

    def __init__(self, *rules: LifecycleRule) -> None:
        self.__attrs_init__(tuple(rules))  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it
        problems = Problems("LifecyclePolicy")
        problems.check(repository_limits.LIFECYCLE_RULES, "the number of rules", len(rules))
        for rule in rules:
            if rule._selects_any_tag and not rule.archive:
                problems.check(repository_limits.LIFECYCLE_ROLLBACK, "keep", rule.keep)
        problems.check(
            repository_limits.LIFECYCLE_PRIORITIES, "priority", [priority for priority, _ in self._numbered_rules]
        )
        for storage_class in (_STANDARD, _ARCHIVE):
            class_rules = [rule for _, rule in self._rules_by_priority if rule._storage_class == storage_class]
            problems.check(repository_limits.LIFECYCLE_ANY_LAST, "rules", [rule._tag_status for rule in class_rules])
            untagged = sum(rule._tag_status == _UNTAGGED for rule in class_rules)
            problems.check(
                repository_limits.LIFECYCLE_UNTAGGED_ONCE, "the number of rules with untagged=True", untagged
            )
            tags = [tuple(sorted(set(rule._patterns))) for rule in class_rules]
            problems.check(repository_limits.LIFECYCLE_TAGS_ONCE, "tags", [" and ".join(each) for each in tags if each])
        problems.check(repository_limits.LIFECYCLE_TEXT, "the text of the policy", self.text)
        problems.raise_any()

    @classmethod
    def releases(
        cls,
        keep: int = 100,
        *,
        tags: str | Sequence[str] = "*",
        expire_untagged: cdk.Duration | dt.timedelta | None = None,
    ) -> LifecyclePolicy:
        """Keep the newest releases, and delete images without a tag.

        Args:
            keep: The number of releases to keep, 2 or more, since a rollback needs the previous release. Default: 100.
            tags: The pattern of the tags of releases, such as `v*`. With several patterns, a release must have a tag
                for each. Images with other tags are kept. Default: `*`, any tag.
            expire_untagged: The time after which an image without a tag expires, in whole days. Default: 14 days.

        Raises:
            ValueError: If `keep` is below 2, `tags` is empty, or ECR would not accept the policy.
        """
        problems = Problems("LifecyclePolicy.releases")
        problems.check(repository_limits.LIFECYCLE_ROLLBACK, "keep", keep)
        if not all(as_tags(tags)) or not tags:
            problems.add(f"tags must not be empty (got {tags!r}); use '*' for any tag, or a pattern such as 'v*'")
        problems.raise_any()
        return cls(
            LifecycleRule(untagged=True, older_than=expire_untagged or dt.timedelta(days=14)),
            LifecycleRule(tags=tags, keep=keep),
        )

    @property
    def text(self) -> str:
        """The policy as JSON, in the form of ECR."""
        rules = [rule._to_json(priority) for priority, rule in self._rules_by_priority]
        return json.dumps({"rules": rules}, separators=(",", ":"))

    def keeps(
        self, images: Iterable[PushedImage | tuple[str | Sequence[str], dt.date]], *, at: dt.date | None = None
    ) -> list[str]:
        """Return the tags that can still be pulled after ECR applies this policy, in the order of `images`.

        Args:
            images: The images: `PushedImage`s, or pairs of a tag or tags and the date of the push.
            at: The time at which ECR applies the policy. Default: now.
        """
        return self._tags_with(images, at, "keep")

    def archives(
        self, images: Iterable[PushedImage | tuple[str | Sequence[str], dt.date]], *, at: dt.date | None = None
    ) -> list[str]:
        """Return the tags of images that are in the archive after ECR applies this policy.

        Args:
            images: The images, as for `keeps`.
            at: The time at which ECR applies the policy. Default: now.
        """
        return self._tags_with(images, at, "archive")

    def expires(
        self, images: Iterable[PushedImage | tuple[str | Sequence[str], dt.date]], *, at: dt.date | None = None
    ) -> list[str]:
        """Return the tags of images that ECR deletes when it applies this policy.

        Args:
            images: The images, as for `keeps`.
            at: The time at which ECR applies the policy. Default: now.
        """
        return self._tags_with(images, at, "expire")

    def outcome(
        self, images: Iterable[PushedImage | tuple[str | Sequence[str], dt.date]], *, at: dt.date | None = None
    ) -> list[tuple[PushedImage, str]]:
        """Return the outcome for each image, including images without a tag: `keep`, `archive` or `expire`.

        The evaluation follows the ECR guide. All rules are evaluated for all images, then applied by priority. Only the
        first rule that selects an image applies to the image. Images that an index refers to are kept as long as the
        index.

        Args:
            images: The images, as for `keeps`.
            at: The time at which ECR applies the policy. Default: now.
        """
        pushed_images = [each if isinstance(each, PushedImage) else PushedImage(*each) for each in images]
        instant = optional_utc(at) or dt.datetime.now(dt.UTC)
        outcomes = ["keep" if each.archived is None else "archive" for each in pushed_images]
        claimed: set[int] = set()
        for _, rule in self._rules_by_priority:
            candidates = [
                number for number, image in enumerate(pushed_images) if _storage_class_of(image) == rule._storage_class
            ]
            selected = [number for number in candidates if rule._selects(pushed_images[number])]
            for number in _affected_numbers(rule, selected, pushed_images, instant):
                if number not in claimed:
                    outcomes[number] = "archive" if rule.archive else "expire"
            claimed |= set(selected)
        for number, image in enumerate(pushed_images):
            indexes = zip(pushed_images, outcomes, strict=True)
            if any(image.part_of in index.tags and outcome == "keep" for index, outcome in indexes):
                outcomes[number] = "keep"
        return list(zip(pushed_images, outcomes, strict=True))

    def _tags_with(
        self, images: Iterable[PushedImage | tuple[str | Sequence[str], dt.date]], at: dt.date | None, outcome: str
    ) -> list[str]:
        return [
            tag
            for image, image_outcome in self.outcome(images, at=at)
            if image_outcome == outcome
            for tag in image.tags
        ]

    @property
    def _numbered_rules(self) -> list[tuple[int, LifecycleRule]]:
        """The rules with their priorities, in the order in which they were given."""
        numbered_rules: list[tuple[int, LifecycleRule]] = []
        for rule in self.rules:
            next_priority = numbered_rules[-1][0] + 1 if numbered_rules else 1
            numbered_rules.append((next_priority if rule.priority is None else rule.priority, rule))
        return numbered_rules

    @property
    def _rules_by_priority(self) -> list[tuple[int, LifecycleRule]]:
        """The rules with their priorities, in the order in which they apply."""
        return sorted(self._numbered_rules, key=lambda pair: pair[0])


def _storage_class_of(image: PushedImage) -> str:
    return _STANDARD if image.archived is None else _ARCHIVE


def _affected_numbers(
    rule: LifecycleRule, selected: list[int], images: list[PushedImage], instant: dt.datetime
) -> list[int]:
    """Return the positions of the selected images that a rule would archive or expire if it were the only rule."""
    if rule.keep is not None:
        newest_first = sorted(selected, key=lambda number: images[number]._arrival, reverse=True)
        return newest_first[rule.keep :]
    age = next(filter(None, (rule.older_than, rule.unpulled_for, rule.archived_for)))
    return [number for number in selected if (instant - _age_start(rule, images[number])).total_seconds() > age]


def _age_start(rule: LifecycleRule, image: PushedImage) -> dt.datetime:
    """Return the time from which a rule counts the age of an image."""
    if rule.archived_for is not None:
        return image.archived or image._arrival
    if rule.unpulled_for is not None:
        return max(filter(None, (image.pulled, image.restored)), default=image.pushed)
    return image._arrival
