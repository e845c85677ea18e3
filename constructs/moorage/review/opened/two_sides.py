"""The two sides of a comparison, and the names of resources in sentences."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from moorage.assembly.cloud_assembly import Resource
from moorage.assembly.construct_paths import short_path
from moorage.review.comparison import Comparison
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import capitalized
from moorage.review.nouns import noun as noun_of
from moorage.review.renamed import renames
from moorage.review.template.side import Renamed, Scope, Side, readable

_LONGEST = 100
"""The maximum number of characters of a readable text. A longer text is cut."""


@attrs.frozen(eq=False)
class Sides:
    """The stacks before and after the change.

    Args:
        comparison: The two assemblies.
        base: The stacks before the change.
        head: The stacks after the change.
    """

    comparison: Comparison
    base: Side
    head: Side

    @classmethod
    def of(cls, comparison: Comparison) -> Sides:
        """Return the sides of a comparison."""
        base = Side.of(comparison, base=True, renamed=_renamed(comparison))
        return cls(comparison, base, Side.of(comparison, base=False))

    def added(self, text: str) -> bool:
        """Return whether a text refers to a resource that the base does not have."""
        return self.head.found(text) is not None and self.base.found(text) is None

    def is_new_stack(self, text: str) -> bool:
        """Return whether a text refers to a resource of a stack that the base does not have."""
        found = self.head.found(text)
        return found is not None and (self.comparison.new or found[0].place not in self.base.scopes)

    def exists(self, text: str) -> bool:
        """Return whether the resource that a text refers to exists after the change; True if it is not known."""
        return self.head.found(text) is not None or self.base.found(text) is None

    def readable(self, text: str) -> str:
        """Return a text with construct paths in place of references, cut after 100 characters."""
        found = readable(text, (self.head, self.base))
        return found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"

    def named(self, text: str, noun: str = "") -> str:
        """Return the noun and the path of the resource that a text refers to: `the role Shop/Web/TaskRole`.

        If the templates do not define the resource, return the readable text, after the noun if there is one.

        Args:
            text: A canonical text.
            noun: The noun for a resource that the templates do not define. Default: no noun.
        """
        found = self.head.found(text) or self.base.found(text)
        if found:
            return f"the {noun_of(found[1].type)} {short_path(found[1])}"
        return f"the {noun} {self.readable(text)}" if noun else self.readable(text)

    def finding(self, rule: str, about: tuple[Scope, Resource], sentence: str, details: Iterable[str] = ()) -> Finding:
        """Return a finding of the kind "opened".

        Args:
            rule: The ID of the rule.
            about: The resource, with its stack.
            sentence: The sentence without its capital letter and its period.
            details: Further lines. Default: none.
        """
        path = self.comparison.stacks[about[0].place].path
        return Finding(Kind.OPENED, rule, path, about[1], f"{capitalized(sentence)}.", tuple(details))


def _renamed(comparison: Comparison) -> Renamed:
    """Return a mapping from the place and logical ID of each renamed resource in the base to those in the head."""
    places = {id(stack): place for place, stack in enumerate(comparison.stacks)}
    return {
        (places[id(before.stack)], before.logical_id): (places[id(after.stack)], after.logical_id)
        for rename in renames(comparison)
        for before, after in rename.pairs
    }
