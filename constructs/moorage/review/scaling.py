"""The copies of an ECS service: fewer copies, and a scaling that is added, removed or limited otherwise.

Source: CloudFormation template reference, AWS::ECS::Service ("For existing services, if a desired count is not
specified, it is omitted from the operation").
"""

from __future__ import annotations

from collections.abc import Iterator

from moorage.review.comparison import KEPT, Replacement, ResourceChange
from moorage.review.ecs_services import SCALABLE_TARGET, SCALING_POLICY, Service
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named

_Range = tuple[int, int]
"""The least and the most copies."""


def changed_copies(change: ResourceChange, before: Service, after: Service) -> Iterator[Finding]:
    """Yield the findings about the number of copies of a service.

    Args:
        change: The change of the service.
        before: The service in the base.
        after: The service in the head.
    """
    if before.target and after.target is None:
        if before.target.definition.get("DeletionPolicy") not in KEPT:
            yield from _without_target(change, before, after)
        return
    old, new = _range(before), _range(after)
    if old is None or new is None or after.target is None:
        yield from _fewer(change, before, after)
        yield from _lower_maximum(change, before, after)
    elif _is_scaling(old) and not _is_scaling(new):
        yield from _fixed(change, before, after)
    else:
        limits = f"It now {_scaling(new)} (before: {_numbers(old)})."
        yield from _fewer(change, before, after, *([limits] if new[1] != old[1] else []))
        yield from _lower_maximum(change, before, after)
        if _loses_rules(change, before, after):
            sentence = (
                f"The {named(after.resource)} no longer scales: its scaling policies are removed, and it keeps the "
                f"number of copies that it has then, from {new[0]} to {new[1]}."
            )
            yield _finding(Kind.INTERRUPTED, "scaling", change, sentence)
        elif new[0] >= old[0] and new[1] >= old[1] and old != new:
            sentence = f"The {named(after.resource)} now {_scaling(new)} (before: {_numbers(old)})."
            yield _finding(Kind.DEPLOYED, "scaling", change, sentence)


def zone_clause(before: Service, after: Service) -> str:
    """Return the clause about the copies that remain after the loss of a zone; empty if nothing changes or is known.

    Args:
        before: The service in the base.
        after: The service in the head.
    """
    left, was = after.left_without_a_zone, before.left_without_a_zone
    if left is None or (was, before.zones) == (left, after.zones):
        return ""
    zones = "" if before.zones == after.zones else f" with {before.zones} zones"
    earlier = "" if was is None else f" (before: {was}{zones})"
    return f"; if one of {after.zones} zones is lost, {left} remain{'s' if left == 1 else ''}{earlier}"


def copies_text(number: int) -> str:
    """Return a number of copies: `1 copy`, `2 copies`.

    Args:
        number: The number.
    """
    return "1 copy" if number == 1 else f"{number} copies"


def _loses_rules(change: ResourceChange, before: Service, after: Service) -> bool:
    """Return whether a service loses all of its scaling policies and scheduled actions in the stack."""
    if not any(each.type in {SCALABLE_TARGET, SCALING_POLICY} for each in change.stack.changes):
        return False
    return before.has_scaling_rules and not after.has_scaling_rules


def _without_target(change: ResourceChange, before: Service, after: Service) -> Iterator[Finding]:
    """Yield the finding for a service whose scalable target is removed."""
    old = _range(before)
    stays = change.replacement is Replacement.NO and "DesiredCount" not in after.resource.properties
    if old and not _is_scaling(old):
        yield from () if stays else _fewer(change, before, after)
    elif stays or after.copies is None:
        was = f" (before: {_numbers(old)})" if old else ""
        keeps = ": it keeps the number of copies that it has then" if stays else ""
        sentence = f"The {named(after.resource)} no longer scales{keeps}{was}."
        yield _finding(Kind.INTERRUPTED, "scaling", change, sentence)
    else:
        yield from _fixed(change, before, after)


def _fixed(change: ResourceChange, before: Service, after: Service) -> Iterator[Finding]:
    """Yield the finding for a service that scaled, and whose number of copies is fixed now."""
    old, copies = _range(before), after.copies or 0
    was = f" (before: {_numbers(old)})" if old else ""
    if copies == 0:
        sentence = f"The {named(after.resource)} no longer scales and runs no copies{was}."
        yield _finding(Kind.INTERRUPTED, "no-copies", change, sentence)
        return
    kind = Kind.DEPLOYED if old and copies >= old[1] else Kind.INTERRUPTED
    keeps = f"it always keeps {copies_text(copies)}{was}{zone_clause(before, after)}"
    yield _finding(kind, "scaling", change, f"The {named(after.resource)} no longer scales: {keeps}.")


def _fewer(change: ResourceChange, before: Service, after: Service, *details: str) -> Iterator[Finding]:
    """Yield the finding for a service that keeps fewer copies, or no copies."""
    if before.copies is None or after.copies is None or after.copies >= before.copies:
        return
    if after.copies == 0:
        sentence = f"The {named(after.resource)} may run no copies (before: at least {before.copies})."
        yield _finding(Kind.INTERRUPTED, "no-copies", change, sentence, *details)
        return
    sentence = (
        f"The {named(after.resource)} keeps at least {copies_text(after.copies)} (before: {before.copies})"
        f"{zone_clause(before, after)}."
    )
    yield _finding(Kind.INTERRUPTED, "fewer-copies", change, sentence, *details)


def _lower_maximum(change: ResourceChange, before: Service, after: Service) -> Iterator[Finding]:
    """Yield the finding for a service whose scaling has a lower maximum."""
    old, new = before.most_copies, after.most_copies
    if before.target and after.target and old is not None and new is not None and new < old:
        sentence = f"The {named(after.resource)} runs at most {copies_text(new)} (before: {old}): more are stopped."
        yield _finding(Kind.INTERRUPTED, "maximum", change, sentence)


def _range(service: Service) -> _Range | None:
    """Return the least and the most copies; None if one of them is not known."""
    least, most = service.copies, service.most_copies
    return None if least is None or most is None else (least, most)


def _is_scaling(copies: _Range) -> bool:
    return copies[0] != copies[1]


def _scaling(copies: _Range) -> str:
    least, most = copies
    return f"scales from {least} to {copies_text(most)}" if _is_scaling(copies) else f"keeps {copies_text(least)}"


def _numbers(copies: _Range) -> str:
    least, most = copies
    return f"{least} to {most}" if _is_scaling(copies) else str(least)


def _finding(kind: Kind, rule: str, change: ResourceChange, sentence: str, *details: str) -> Finding:
    return Finding(kind, f"{kind.value}/{rule}", change.stack.path, change.resource, sentence, details)
