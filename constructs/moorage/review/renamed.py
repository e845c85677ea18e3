"""Resources that only get another logical ID, so that CloudFormation creates new resources and deletes the old ones."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource
from moorage.review.claims import NAMES
from moorage.review.comparison import KEPT, Comparison, ResourceChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import listed

RULES: Mapping[str, str] = {"renamed/id": "The same resources get other logical IDs."}
_TELLING = 3
"""The minimum number of properties of a single renamed resource. With fewer, two resources can be equal by chance."""
_NAMED = {**NAMES, "AWS::Route53::HostedZone": "Name"}
"""The property that identifies a resource of a type."""


@attrs.frozen(eq=False)
class Rename:
    """A construct that gets another path, with its resources.

    Args:
        before: The path of the construct in the base.
        after: The path of the construct in the head.
        pairs: The removed and the added resource of each pair.
        is_part: True if the path in the base or in the head also has other constructs, such as a stack.
    """

    before: str
    after: str
    pairs: tuple[tuple[ResourceChange, ResourceChange], ...]
    is_part: bool = False

    @property
    def constructs(self) -> tuple[str, ...]:
        """The names of the moved constructs below the paths; none if `is_part` is False."""
        rest = (after.resource.path[len(self.after) + 1 :] for _, after in self.pairs)
        return tuple(dict.fromkeys(path.split("/")[0] for path in rest if path)) if self.is_part else ()

    @property
    def sentence(self) -> str:
        """The clause that names the constructs before and after: `Shop/Web is now Shop/Front`."""
        if self.before == self.after:
            return self.before
        if not self.constructs:
            return f"{self.before} is now {self.after}"
        if len(self.constructs) == 1:
            return f"{self.before}/{self.constructs[0]} is now {self.after}/{self.constructs[0]}"
        return f"{listed([f'{self.before}/{name}' for name in self.constructs])} are now under {self.after}"


def renamed(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each construct that gets another path.

    Args:
        comparison: The two assemblies.
    """
    for rename in renames(comparison):
        first = min((after for _, after in rename.pairs), key=lambda change: len(change.resource.path))
        kept = sum(before.resource.definition.get("DeletionPolicy") in KEPT for before, _ in rename.pairs)
        count = len(rename.pairs)
        its = "their" if len(rename.constructs) > 1 else "its"
        resources = (
            f"{its} resource gets another logical ID"
            if count == 1
            else f"{its} {count} resources get other logical IDs"
        )
        old, new = ("the old one", "a new one") if count == 1 else (f"the {count} old ones", f"{count} new ones")
        base, head = (change.stack.path for change in rename.pairs[0])
        if base != head:
            resources = f"{its} resource moves" if count == 1 else f"{its} {count} resources move"
            what = f"{rename.sentence}: {resources} from the stack {base} to the stack {head}"
            sentence = f"{what}, which creates {new}, and {base} removes {old}"
        else:
            verb = "removes" if kept else "deletes"
            sentence = f"{rename.sentence}: {resources}, so CloudFormation creates {new} and {verb} {old}"
        yield Finding(
            Kind.RENAMED,
            "renamed/id",
            first.stack.path,
            first.resource,
            f"{sentence}{_kept_clause(kept, count)}.",
            (
                "To keep the running resources, keep the old construct ID, set the old logical ID with "
                "`override_logical_id`, or run `cdk refactor` separately.",
            ),
        )


def _kept_clause(kept: int, count: int) -> str:
    """Return the clause about the old resources that their `DeletionPolicy` keeps."""
    if kept == 0:
        return ""
    if count == 1:
        return ", which is kept"
    return f"; {kept} of the old ones {'is' if kept == 1 else 'are'} kept"


def moved(comparison: Comparison) -> set[int]:
    """Return the `id()` of the change of each removed resource that has another logical ID in the head.

    Args:
        comparison: The two assemblies.
    """
    return {id(before) for rename in renames(comparison) for before, _ in rename.pairs}


def renames(comparison: Comparison) -> tuple[Rename, ...]:
    """Return the constructs that get another path, those with the most resources first.

    Args:
        comparison: The two assemblies.
    """
    removed = [change for change in comparison.changes if change.after is None and change.stack.after]
    added = [change for change in comparison.changes if change.before is None and change.stack.before]
    unpaired = {id(change) for change in (*removed, *added)}
    pairs = _equal(removed, added)
    groups: dict[tuple[str, str], list[tuple[ResourceChange, ResourceChange]]] = defaultdict(list)
    for before, after in pairs:
        groups[_prefixes(before.resource.path, after.resource.path)].append((before, after))
        unpaired -= {id(before), id(after)}
    by_path = {(change.type, change.resource.path): change for change in added if id(change) in unpaired}
    for (old, new), group in groups.items():
        for change in removed:
            if id(change) in unpaired and f"{change.resource.path}/".startswith(f"{old}/"):
                other = by_path.pop((change.type, new + change.resource.path[len(old) :]), None)
                if other:
                    group.append((change, other))
    stay = [
        {resource.path for side in sides if side for resource in side.resources}
        for sides in ([stack.after for stack in comparison.stacks], [stack.before for stack in comparison.stacks])
    ]
    found = [
        Rename(old, new, tuple(group), is_part=_has_others(old, stay[0]) or _has_others(new, stay[1]))
        for (old, new), group in groups.items()
        if len(group) > 1 or _is_telling(group[0][1].resource)
    ]
    return tuple(sorted(found, key=lambda rename: -len(rename.pairs)))


def _has_others(path: str, paths: Set[str]) -> bool:
    """Return whether other resources remain under a path, or the path is that of a stack."""
    return "/" not in path or any(f"{each}/".startswith(f"{path}/") for each in paths)


def _is_telling(resource: Resource) -> bool:
    """Return whether the properties of a single resource identify it."""
    name = _NAMED.get(resource.type)
    return len(resource.properties) >= _TELLING or (name is not None and name in resource.properties)


def _equal(
    removed: Sequence[ResourceChange], added: Sequence[ResourceChange]
) -> list[tuple[ResourceChange, ResourceChange]]:
    """Return the pairs of resources that differ only in their logical IDs.

    A resource is left out if another resource of the same assembly is equal to it.
    """
    by_contents = [_by_contents(removed), _by_contents(added)]
    return [
        (before[0], after[0])
        for key, before in by_contents[0].items()
        if len(after := by_contents[1].get(key, [])) == 1 and len(before) == 1
    ]


def _by_contents(changes: Sequence[ResourceChange]) -> dict[str, list[ResourceChange]]:
    moved = {(change.stack.stack.name, change.logical_id): change.type for change in changes}
    found = defaultdict(list)
    for change in changes:
        contents = _without_ids(change.resource.properties, change.stack.stack.name, moved)
        found[json.dumps([change.type, _last_part(change.resource), contents], sort_keys=True)].append(change)
    return found


def _without_ids(value: Any, stack: str, moved: Mapping[tuple[str, str], str]) -> Any:
    """Return a value without tags and descriptions, and with the types of moved resources instead of their logical IDs.

    CDK writes the path of a construct into its tag `Name`.
    """
    if isinstance(value, Mapping):
        return {
            name: _without_ids(inner, stack, moved)
            for name, inner in value.items()
            if name not in {"Tags", "Description"}
        }
    if isinstance(value, list):
        return [_without_ids(inner, stack, moved) for inner in value]
    return moved.get((stack, value), value) if isinstance(value, str) else value


def _last_part(resource: Resource) -> str:
    """Return the last part of a construct path if CDK added it, such as `Resource`; otherwise an empty text."""
    last = resource.path.rpartition("/")[2]
    return last if last in {"Resource", "Default"} else ""


def _prefixes(before: str, after: str) -> tuple[str, str]:
    """Return two paths without their common last parts."""
    old, new = before.split("/"), after.split("/")
    while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
        old.pop()
        new.pop()
    return "/".join(old), "/".join(new)
