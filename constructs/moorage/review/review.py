"""The review of two assemblies: their comparison and the findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.policy.acknowledgements import Acknowledgement
from moorage.review import interrupted, lost, refused, renamed
from moorage.review.comparison import Comparison, compare
from moorage.review.cost import ReviewedCost
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import placed, shortened
from moorage.review.opened import opened
from moorage.review.policy import RULES as POLICY_RULES
from moorage.review.policy import findings_of, policy_findings
from moorage.review.progress import Watch, silent
from moorage.review.replacement.replacement import replaced

Judge = Callable[[Comparison], Iterable[Finding]]
"""A function that yields the findings of a comparison, all of one kind."""

_JUDGES: tuple[Judge, ...] = (
    lost.lost,
    refused.refused,
    interrupted.interrupted,
    opened.opened,
    renamed.renamed,
)
"""The judges that every review runs, in the order in which their findings are shown within a kind."""
RULES: Mapping[str, str] = {
    **lost.RULES,
    **refused.RULES,
    **interrupted.RULES,
    **opened.RULES,
    **renamed.RULES,
    **POLICY_RULES,
}
"""The rules of a review, each with its meaning, without the rules of policy engines."""
_PREVENTING = {"refused/name", "refused/in-use"}
"""The rules about resources that CloudFormation cannot create again."""
_NAMED = 3
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = 12
"""The number of characters of a commit's hash in the title."""
_ORDER = {kind: number for number, kind in enumerate(Kind)}


@attrs.frozen(eq=False)
class Review:
    """The result of a review, which every form shows.

    Args:
        comparison: The stacks of both sides and the differences between them.
        findings: The findings, the most serious kind first; within a kind, as the judges yielded them.
        title: The title of the page.
        base: The name of the side before the change, as the user gave it; None for the review of a new app.
        head: The name of the side after the change, as the user gave it.
        notes: Sentences about the comparison itself, for example that the two sides have no stack in common.
        cost: The cost of the change. Default: None; it is not estimated.
        preface: Sentences about the two sides, which the page shows directly below its title. Default: none.
    """

    comparison: Comparison
    findings: tuple[Finding, ...]
    title: str
    base: str | None
    head: str
    notes: tuple[str, ...] = ()
    cost: ReviewedCost | None = None
    preface: tuple[str, ...] = ()

    def of_kind(self, kind: Kind) -> tuple[Finding, ...]:
        """Return the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind is kind)


def review(
    base: Sequence[Stack] | None,
    head: Sequence[Stack],
    *,
    policy: bool = True,
    acknowledged: Sequence[Acknowledgement] = (),
    acknowledged_before: Sequence[Acknowledgement] = (),
    base_name: str | None = None,
    head_name: str = "head",
    complete: bool = True,
    watch: Watch = silent,
) -> Review:
    """Review the change from one assembly to another.

    Args:
        base: The stacks before the change; None to review the head as a new app.
        head: The stacks after the change.
        policy: Whether to run the policy engines, which take seconds. Default: True.
        acknowledged: The acknowledgements of policy findings in the file of the head. Default: none.
        acknowledged_before: The acknowledgements in the file of the base. Default: none.
        base_name: The name of the base on the page: a revision, or the folder of an assembly. Default: None. If `base`
            is None, give a name only if there is a base that has no app yet.
        head_name: The name of the head on the page.
        complete: False if the head has only some stacks of the app. Default: True.
        watch: A function that shows the progress of the policy engines. Default: nothing is shown.

    Raises:
        AssemblyError: Two stacks of one assembly have the same stage, account, region and name.
    """
    comparison = replaced(compare(base, head))
    before = base_name or "base"
    found = _without_prevented(comparison, [finding for judge in _JUDGES for finding in judge(comparison)])
    notes = list(_notes(comparison, base_name, head_name))
    if policy:
        violated, old = policy_findings(comparison, acknowledged, acknowledged_before, complete=complete, watch=watch)
        found += violated
        notes += [_hidden(old, " of the base", "still in the head")] if old else []
    return Review(
        comparison=comparison,
        findings=tuple(sorted(found, key=lambda finding: _ORDER[finding.kind])),
        title=f"Review of {_short(head_name)}" + ("" if base is None else f" against {_short(before)}"),
        base=None if base is None else before,
        head=head_name,
        notes=tuple(notes),
    )


def _without_prevented(comparison: Comparison, found: Sequence[Finding]) -> list[Finding]:
    """Return the findings without the losses that a refusal prevents. Such a loss becomes a detail of the refusal.

    CloudFormation rolls back a refused update, so that nothing is lost.
    """
    moved = {
        id(after.resource): id(before.resource)
        for rename in renamed.renames(comparison)
        for before, after in rename.pairs
    }
    losses = {id(finding.resource): finding for finding in found if finding.kind is Kind.LOST and finding.resource}
    prevented: set[int] = set()
    kept: list[Finding] = []
    for finding in found:
        resource = id(finding.resource)
        loss = losses.get(resource) or losses.get(moved.get(resource, 0))
        if loss and finding.rule in _PREVENTING and " may be " not in finding.sentence:
            prevented.add(id(loss))
            kept.append(attrs.evolve(finding, details=(*finding.details, f"Without the refusal: {loss.sentence}")))
        else:
            kept.append(finding)
    return [finding for finding in kept if id(finding) not in prevented]


def policy_review(
    stacks: Sequence[Stack], acknowledged: Sequence[Acknowledgement], name: str, watch: Watch = silent
) -> Review:
    """Return the policy findings of one assembly as a review, so that every form can show them.

    Args:
        stacks: The stacks of the assembly.
        acknowledged: The acknowledgements in a file.
        name: The name of the assembly on the page.
        watch: A function that shows the progress of the policy engines. Default: nothing is shown.

    Raises:
        AssemblyError: Two stacks have the same stage, account, region and name.
    """
    comparison = compare(stacks, stacks)  # without differences
    found, accepted = findings_of([stack.after for stack in comparison.stacks if stack.after], acknowledged, watch)
    notes = [_hidden(accepted, "", "acknowledged")] if accepted else []
    return Review(comparison, tuple(found), f"Policy of {name}", None, name, tuple(notes))


def _short(name: str) -> str:
    """Return the name of a side, with only the first characters of the hash of a commit."""
    return name[:_HASH] if _COMMIT.fullmatch(name) else name


def _hidden(number: int, side: str, state: str) -> str:
    if number == 1:
        return f"1 policy finding{side} is {state}; it is not shown."
    return f"{number} policy findings{side} are {state}; they are not shown."


def _notes(comparison: Comparison, base: str | None, head: str) -> Iterable[str]:
    if comparison.new and base:
        yield f"{base} has no app in this folder: everything is new."
    both = [stack for stack in comparison.stacks if stack.before and stack.after]
    old = [stack.before for stack in comparison.stacks if stack.before]
    new = [stack.after for stack in comparison.stacks if stack.after]
    same = {stack.path for stack in old} == {stack.path for stack in new}
    before, after = ([placed(stack) if same else stack.path for stack in stacks] for stacks in (old, new))
    if before and after and not both:
        stacks = f"{shortened(before, _NAMED)} in the base, {shortened(after, _NAMED)} in the head"
        yield (
            f"{base or 'base'} and {head} have no stack in common ({stacks}): are they the same app? Every stack is "
            "shown as removed or added."
        )
