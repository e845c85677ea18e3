"""The parts of the page that the terminal, Markdown and HTML forms share."""

from __future__ import annotations

import difflib
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack, mapping
from moorage.assembly.diagram import draw
from moorage.review.comparison import Comparison, Replacement, ResourceChange
from moorage.review.finding import Finding, Kind
from moorage.review.forms.cost_section import cost_lines
from moorage.review.nouns import named, noun, shortened
from moorage.review.review import Review

HEADINGS: Mapping[Kind, str] = {
    Kind.LOST: "Lost",
    Kind.REFUSED: "Refused",
    Kind.INTERRUPTED: "Interrupted",
    Kind.OPENED: "Opened",
    Kind.DEPLOYED: "Deployed",
    Kind.RENAMED: "Renamed",
    Kind.POLICY: "Policy",
}
_NOT_SHOWN = {"AWS::CDK::Metadata"}
"""CDK's own record of its version, which changes nothing."""
_ACTIONS = {Replacement.NO: "updated", Replacement.MAY: "may be replaced", Replacement.YES: "replaced"}
_LISTED = 5
_LISTED_NAMES = 3
_ORDER = "DependsOn"
_HASH = 8
"""The number of characters of an asset's hash that are shown."""
_LONGEST_VALUE = 80
_EQUAL_BEFORE = 20
"""The number of equal characters that are shown before the difference of two long values."""
_ABSENT = "(none)"


@attrs.frozen
class Row:
    """A difference of a resource, or the same difference of several resources.

    Args:
        resources: The paths of the resources.
        type: The noun for the type of the resources.
        action: The verb for the change, such as `updated`.
        name: The name of the property or output; empty if only the resource itself is added, removed or replaced.
        before: The value in the base, shortened.
        after: The value in the head, shortened. If no property differs, the reasons for the replacement.
    """

    resources: tuple[str, ...]
    type: str
    action: str
    name: str = ""
    before: str = ""
    after: str = ""

    @property
    def subject(self) -> str:
        """The path of the resource, or the first path and the number of further paths."""
        first, *others = self.resources
        return f"{first} and {len(others)} more" if others else first


@attrs.frozen
class Entry:
    """A finding, or the same finding of several resources.

    Args:
        sentence: The sentence of the first finding.
        place: The path of the construct, and the line of the user's program if it is known.
        details: The further lines of the first finding, and the paths of the other resources.
        count: The number of findings.
    """

    sentence: str
    place: str
    details: tuple[str, ...]
    count: int


def verdict(review: Review) -> str:
    """Return the first line of the page: the number of findings of each kind, and of resources that differ.

    For the policy findings of one assembly, return only the number of findings.

    Args:
        review: The review that the page shows.
    """
    counts = [
        f"{len(review.of_kind(kind))} {heading.lower()}" for kind, heading in HEADINGS.items() if review.of_kind(kind)
    ]
    changes = len([change for change in review.comparison.changes if change.type not in _NOT_SHOWN])
    if review.base is None and not changes:  # the policy findings of one assembly
        return f"{len(review.findings)} finding{'' if len(review.findings) == 1 else 's'}"
    differing = f"{changes} resource{'' if changes == 1 else 's'} {'differs' if changes == 1 else 'differ'}"
    return f"{', '.join(counts) or 'nothing to object to'}; {differing}"


def sections(review: Review) -> Iterator[tuple[str, list[Entry]]]:
    """Yield the heading and the entries of each kind of finding that the review has.

    Args:
        review: The review that the page shows.
    """
    for kind, heading in HEADINGS.items():
        groups: dict[tuple[object, ...], list[Finding]] = defaultdict(list)
        for finding in review.of_kind(kind):
            subject = named(finding.resource) if finding.resource else finding.stack
            groups[finding.rule, finding.sentence.replace(subject, ""), finding.details].append(finding)
        if groups:
            yield heading, [_entry(found) for found in groups.values()]


def _entry(found: Sequence[Finding]) -> Entry:
    first, *others = found
    details = first.details
    if others:
        details += (f"The same is true of {shortened([finding.path for finding in others], _LISTED)}.",)
    place = f"{first.path} ({first.line})" if first.line else first.path
    return Entry(first.sentence, place, details, len(found))


def headlines(review: Review) -> list[str]:
    """Return the lines below the title: the preface, a line for each kind, and those of the cost.

    The line of a kind has its first finding and the number of further findings. If all findings are of one kind, it
    has no line.

    Args:
        review: The review that the page shows.
    """
    found = list(sections(review))
    lines = list(review.preface)
    for heading, entries in found if len(found) > 1 else ():
        others = sum(entry.count for entry in entries) - 1
        lines.append(f"{heading}: {entries[0].sentence}{f' And {others} more.' if others else ''}")
    return lines + cost_lines(review.cost)


def rows(comparison: Comparison) -> list[Row]:
    """Return all differences of resources and outputs as rows. The same difference of several resources is one row.

    Resources that differ only in the order of deployment have no rows; `order_line` names them.

    Args:
        comparison: The two assemblies.
    """
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for change in comparison.changes:
        if change.type not in _NOT_SHOWN and not _differs_in_order(change):
            for name, before, after in _properties(change):
                found[noun(change.type), _action(change), name, before, after].append(_path(change.resource))
    for stack in comparison.stacks:
        if stack.before and stack.after:
            one, other = (mapping(side.template.get("Outputs")) for side in (stack.before, stack.after))
            for name in sorted(name for name in {*one, *other} if one.get(name) != other.get(name)):
                action = "added" if name not in one else "removed" if name not in other else "updated"
                shown = _shown(*(_text(mapping(side.get(name)).get("Value"), {}) for side in (one, other)))
                found["output", action, name, *shown].append(stack.path)
    return [
        Row(tuple(paths), type_, action, name, before, after)
        for (type_, action, name, before, after), paths in found.items()
    ]


def order_line(comparison: Comparison) -> str:
    """Return a line with the resources that differ only in the order of deployment; empty if there is no such resource.

    Args:
        comparison: The two assemblies.
    """
    paths = [_path(change.resource) for change in comparison.changes if _differs_in_order(change)]
    if not paths:
        return ""
    count = f"{len(paths)} resource{' differs' if len(paths) == 1 else 's differ'}"
    named_ = shortened(paths, _LISTED)
    return f"{count} only in DependsOn, the order in which CloudFormation deploys and deletes resources: {named_}."


def diagrams(review: Review) -> tuple[str, str]:
    """Return the diagram of the head, and its difference from the base.

    Return two empty texts if both diagrams are equal, or if there is no base.

    Args:
        review: The review that the page shows.
    """
    base = draw([stack.before for stack in review.comparison.stacks if stack.before])
    head = draw([stack.after for stack in review.comparison.stacks if stack.after])
    if base == head or review.base is None:
        return ("", "")
    lines = difflib.ndiff(base.splitlines(), head.splitlines())
    return head, "\n".join(line for line in lines if line.startswith(("+ ", "- ")))


def _action(change: ResourceChange) -> str:
    if change.before is None:
        return "added"
    if change.after is None:
        return "removed"
    return {Replacement.NO: "updated", Replacement.MAY: "may be replaced", Replacement.YES: "replaced"}[
        change.replacement
    ]


def _properties(change: ResourceChange) -> Iterator[tuple[str, str, str]]:
    if change.before is None or change.after is None:
        yield ("", "", "")
        return
    assets = {
        hashed: name
        for side in (change.stack.before, change.stack.after)
        for name, hashed in (side.assets if side else {}).items()
    }
    pairs = [(".".join(each.path), each.before, each.after) for each in change.properties]
    for name in sorted({*change.before.definition, *change.after.definition} - {"Properties", "Metadata"}):
        before, after = change.before.definition.get(name), change.after.definition.get(name)
        if name == _ORDER:
            yield from _order(change)
        elif before != after:
            pairs.append((name, before, after))
    for name, before, after in pairs:
        yield (name, *_shown(_text(before, assets), _text(after, assets)))
    if not pairs and (change.reasons or _depends_on(change.before) == _depends_on(change.after)):
        yield ("", "", "; ".join(change.reasons))


def _differs_in_order(change: ResourceChange) -> bool:
    """Return whether only the order of deployment differs."""
    if change.before is None or change.after is None or change.properties or change.replacement is not Replacement.NO:
        return False
    one, other = (
        {name: value for name, value in side.definition.items() if name not in {_ORDER, "Properties", "Metadata"}}
        for side in (change.before, change.after)
    )
    return one == other and change.before.definition.get(_ORDER) != change.after.definition.get(_ORDER)


def _order(change: ResourceChange) -> Iterator[tuple[str, str, str]]:
    """Yield the row about the resources for which a resource waits, unless they are the same in another order."""
    if change.before is None or change.after is None:
        return
    one, other = _depends_on(change.before), _depends_on(change.after)
    removed, added = (
        [paths.get(name, name) for name in sorted(names)]
        for names, paths in ((one - other, _paths(change.stack.before)), (other - one, _paths(change.stack.after)))
    )
    before = f"no longer waits for {shortened(removed, _LISTED_NAMES)}" if removed else ""
    after = f"also waits for {shortened(added, _LISTED_NAMES)}" if added else ""
    if before or after:
        yield _ORDER, before, after


def _depends_on(resource: Resource) -> set[str]:
    """Return the logical ids for which a resource waits."""
    found = resource.definition.get(_ORDER) or []
    return {found} if isinstance(found, str) else set(map(str, found))


def _paths(stack: Stack | None) -> dict[str, str]:
    return {each.logical_id: _path(each) for each in stack.resources} if stack else {}


def _path(resource: Resource) -> str:
    return resource.path.removesuffix("/Resource").removesuffix("/Default")


def _shown(one: str, other: str) -> tuple[str, str]:
    """Return two texts, shortened. If they would then be equal, both begin shortly before the first difference."""
    if _shortened(one) == _shortened(other):
        equal = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
        start = max(sum(1 for _ in equal) - _EQUAL_BEFORE, 0)
        one, other = (f"…{text[start:]}" if start else text for text in (one, other))
    return _shortened(one), _shortened(other)


def _text(value: Any, assets: Mapping[str, str]) -> str:
    """Return a value as a text of one line, with the names of assets before their shortened hashes."""
    if value is None:
        return _ABSENT
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for hashed, name in assets.items():
        text = text.replace(hashed, f"{name} {hashed[:_HASH]}")
    return " ".join(text.split())


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
