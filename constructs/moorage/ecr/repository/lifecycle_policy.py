"""The lifecycle policies of repositories, and their effect on a list of images."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from moorage.ecr import repository_limits
from moorage.ecr.filters import as_filters
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from moorage.workload.durations import Duration

_SECONDS_PER_DAY = 86400
_ANY, _TAGGED, _UNTAGGED = "any", "tagged", "untagged"
_STANDARD, _ARCHIVE = "standard", "archive"


def _as_tags(tags: str | Sequence[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


def _as_utc(moment: dt.date) -> dt.datetime:
    """Convert a date, or a time with or without a zone, to a time in UTC."""
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day)
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment


def _optional_utc(moment: dt.date | None) -> dt.datetime | None:
    return None if moment is None else _as_utc(moment)


@value_class
@attrs.frozen
class PushedImage:
    """An image to try a lifecycle on: its tags, and when it was pushed.

    Args:
        tags: Its tags; none for an image that lost them.
        pushed: When it was pushed.
        pulled: When it was last pulled, if it ever was.
        archived: When it was moved to the archive, if it is there.
        restored: When it came back from the archive, if it ever did.
        part_of: A tag of the index (a multi-architecture image) that refers to it, and keeps it as long as itself.
    """

    tags: tuple[str, ...] = attrs.field(converter=_as_tags)
    pushed: dt.datetime = attrs.field(converter=_as_utc)
    pulled: dt.datetime | None = attrs.field(default=None, converter=_optional_utc, kw_only=True)
    archived: dt.datetime | None = attrs.field(default=None, converter=_optional_utc, kw_only=True)
    restored: dt.datetime | None = attrs.field(default=None, converter=_optional_utc, kw_only=True)
    part_of: str | None = attrs.field(default=None, kw_only=True)

    @property
    def _arrival(self) -> dt.datetime:
        """Return when it was pushed or restored, by which ECR orders images."""
        return self.restored or self.pushed


Images: TypeAlias = Iterable[PushedImage | tuple[str | Sequence[str], dt.date]]


@value_class
@attrs.frozen(kw_only=True)
class LifecycleRule:
    """Some images, and when they expire or are archived.

    Args:
        tags: Patterns of tags, with up to four `*` each; an image must match all of them. Without `tags`, `prefixes`
            or `untagged`, the rule is for all images, and the last of its lifecycle.
        prefixes: Instead of `tags`: beginnings of tags, of which an image must have all.
        untagged: Instead of `tags`: images without a tag.
        keep: The newest so many of them stay.
        older_than: Instead of `keep`: those pushed longer ago than so many days go.
        unpulled_for: Instead of `keep`: those that nobody has pulled for so many days go; to the archive alone.
        archived_for: Instead of `keep`: those that have been in the archive for so many days go.
        archive: Whether those that go are archived, not deleted. An archived image is not pulled before it is
            restored, which takes minutes; the archive costs less, and for 90 days at least.
        priority: When the rule applies, the lowest first; in the order of the rules without it.
        description: What reviewers read; worked out without it.

    Raises:
        ValueError: the rule selects by more than one thing, counts none or several, or what ECR does not take.
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
            problems.check(repository_limits.LIFECYCLE_WILDCARDS, "each of tags", pattern)
        ages = {name: getattr(self, name) for name in ("older_than", "unpulled_for", "archived_for")}
        counts = [name for name, value in {"keep": self.keep, **ages}.items() if value is not None]
        problems.check(repository_limits.LIFECYCLE_ONE_COUNT, "the count", counts)
        problems.check(repository_limits.LIFECYCLE_COUNT, "keep", self.keep)
        problems.check(repository_limits.IMAGES, "keep", self.keep)
        for name, seconds in ages.items():
            problems.check(repository_limits.LIFECYCLE_DAYS, name, seconds)
        problems.check(repository_limits.ARCHIVED_DAYS, "archived_for", self.archived_for)
        problems.check(repository_limits.LIFECYCLE_PRIORITY, "priority", self.priority)
        if self.unpulled_for is not None and not self.archive:
            problems.add(
                "unpulled_for is given without archive=True, but ECR deletes no image for not being pulled; "
                "archive it, and delete it from there with a second rule's archived_for="
            )
        if self.archived_for is not None and self.archive:
            problems.add("archive=True with archived_for, but those images are in the archive already; leave it out")
        problems.raise_any()

    @property
    def _tag_status(self) -> str:
        """Return the tag status that it selects, as ECR names it: `tagged`, `untagged` or `any`."""
        if self.untagged:
            return _UNTAGGED
        return _TAGGED if self.tags or self.prefixes else _ANY

    @property
    def _patterns(self) -> list[str]:
        """Return the patterns that the tags of an image must match, all of them."""
        return [*(self.tags or ()), *(f"{prefix}*" for prefix in self.prefixes or ())]

    @property
    def _selects_any_tag(self) -> bool:
        """Return whether it selects images whatever their tags are, so that those in use are among them."""
        return self._tag_status == _ANY or set(self.tags or ()) == {"*"} or "" in (self.prefixes or ())

    @property
    def _storage_class(self) -> str:
        """Return the storage class of the images that it selects, as ECR names it."""
        return _STANDARD if self.archived_for is None else _ARCHIVE

    @property
    def _default_description(self) -> str:
        """Return a description of the rule, for a rule without one."""
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
        """Return the rule as ECR's lifecycle policies write it."""
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
        """Return the selected images in words."""
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
    """Which images of a repository stay, rule by rule; tried on a list of images before ECR runs it.

    An image belongs to the first rule that is for its tags, whether that one acts on it or not: a rule that keeps
    releases protects them from every later one.

    Args:
        rules: The rules, in the order in which they apply.

    Raises:
        ValueError: two rules have one priority, two are for the same tags or for images without one, the one for all
            images is not the last, or ECR would not take the policy.
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
        cls, keep: int = 100, *, tags: str | Sequence[str] = "*", expire_untagged: Duration | None = None
    ) -> LifecyclePolicy:
        """Keep the newest releases, and let images without a tag expire.

        Args:
            keep: How many releases stay, 2 or more: a rollback needs the one before.
            tags: What the tag of a release looks like: `v*`; `*` for any. Images with other tags stay.
            expire_untagged: After how long an image without a tag expires; 14 days without it.

        Raises:
            ValueError: `keep` is less than 2, or ECR would not take the policy.
        """
        problems = Problems("LifecyclePolicy.releases")
        problems.check(repository_limits.LIFECYCLE_ROLLBACK, "keep", keep)
        if not all(_as_tags(tags)) or not tags:
            problems.add(f"tags must name the tags of releases (got {tags!r}); use '*' for any, or a pattern as 'v*'")
        problems.raise_any()
        return cls(
            LifecycleRule(untagged=True, older_than=expire_untagged or dt.timedelta(days=14)),
            LifecycleRule(tags=tags, keep=keep),
        )

    @property
    def text(self) -> str:
        """The policy as ECR takes it."""
        rules = [rule._to_json(priority) for priority, rule in self._rules_by_priority]
        return json.dumps({"rules": rules}, separators=(",", ":"))

    def keeps(self, images: Images, *, at: dt.date | None = None) -> list[str]:
        """The tags that could still be pulled after ECR ran this policy, in the order given.

        Args:
            images: `PushedImage`s, or pairs of a tag (or several) and a date.
            at: When it runs; now without it.
        """
        return self._tags_with(images, at, "keep")

    def archives(self, images: Images, *, at: dt.date | None = None) -> list[str]:
        """The tags of images that are, or would be moved, in the archive; arguments as of `keeps`."""
        return self._tags_with(images, at, "archive")

    def expires(self, images: Images, *, at: dt.date | None = None) -> list[str]:
        """The tags of images that would be deleted; arguments as of `keeps`."""
        return self._tags_with(images, at, "expire")

    def outcome(self, images: Images, *, at: dt.date | None = None) -> list[tuple[PushedImage, str]]:
        """What becomes of each image, those without a tag too: `keep`, `archive` or `expire`.

        As the ECR guide's evaluation rules say: all rules are worked out on all images, then applied by priority; an
        image belongs to the first rule that is for its tags; and what an index refers to outlives it.
        """
        pushed_images = [each if isinstance(each, PushedImage) else PushedImage(*each) for each in images]
        instant = _optional_utc(at) or dt.datetime.now(dt.UTC)
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

    def _tags_with(self, images: Images, at: dt.date | None, outcome: str) -> list[str]:
        return [
            tag
            for image, image_outcome in self.outcome(images, at=at)
            if image_outcome == outcome
            for tag in image.tags
        ]

    @property
    def _numbered_rules(self) -> list[tuple[int, LifecycleRule]]:
        """Return the rules with their priorities, in the order in which they were given."""
        numbered_rules: list[tuple[int, LifecycleRule]] = []
        for rule in self.rules:
            next_priority = numbered_rules[-1][0] + 1 if numbered_rules else 1
            numbered_rules.append((next_priority if rule.priority is None else rule.priority, rule))
        return numbered_rules

    @property
    def _rules_by_priority(self) -> list[tuple[int, LifecycleRule]]:
        """Return the rules with their priorities, in the order in which they apply."""
        return sorted(self._numbered_rules, key=lambda pair: pair[0])


def _storage_class_of(image: PushedImage) -> str:
    return _STANDARD if image.archived is None else _ARCHIVE


def _affected_numbers(
    rule: LifecycleRule, selected: list[int], images: list[PushedImage], instant: dt.datetime
) -> list[int]:
    """Return the numbers of the selected images that a rule would archive or expire if it were the only rule."""
    if rule.keep is not None:
        newest_first = sorted(selected, key=lambda number: images[number]._arrival, reverse=True)
        return newest_first[rule.keep :]
    age = rule.older_than or rule.unpulled_for or rule.archived_for or 0
    return [number for number in selected if (instant - _age_start(rule, images[number])).total_seconds() > age]


def _age_start(rule: LifecycleRule, image: PushedImage) -> dt.datetime:
    """Return the time from which a rule counts the age of an image."""
    if rule.archived_for is not None:
        return image.archived or image._arrival
    if rule.unpulled_for is not None:
        pulled_since = image.pulled and (image.restored is None or image.pulled > image.restored)
        return image.pulled if image.pulled and pulled_since else image._arrival
    return image._arrival
