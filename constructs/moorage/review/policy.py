"""The findings of policy engines: those that a change adds, or those of one assembly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.policy.acknowledgements import Acknowledgement, judge, of_app
from moorage.policy.engines import reported, violations
from moorage.policy.issues import issues_of
from moorage.policy.violation import Violation
from moorage.review.comparison import Comparison
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import shortened
from moorage.review.renamed import renames

RULES: Mapping[str, str] = {
    "policy/acknowledgement-expired": "An acknowledgement has expired.",
    "policy/acknowledgement-stale": "An acknowledgement matches no finding.",
}
"""The rules about acknowledgements. All other rules are those of policy engines."""
_LISTED = 4


def policy_findings(comparison: Comparison, acknowledged: Sequence[Acknowledgement] = ()) -> tuple[list[Finding], int]:
    """Return a finding for each issue that the change adds, and the number of violations that both sides have.

    Findings that the app acknowledges are left out.

    Args:
        comparison: The two assemblies.
        acknowledged: The acknowledgements of a file, for the head.
    """
    before = [stack.before for stack in comparison.stacks if stack.before]
    after = [stack.after for stack in comparison.stacks if stack.after]
    old = {_moved(comparison, violation) for violation in judge(violations_in(before), of_app(before)).left}
    now = judge(violations_in(after), (*of_app(after), *acknowledged)).left
    return _grouped(now - old, after, "newly violate"), len(now & old)


def findings_of(stacks: Sequence[Stack], acknowledged: Sequence[Acknowledgement] = ()) -> tuple[list[Finding], int]:
    """Return a finding for each issue of an app, and the number of violations that are acknowledged.

    An acknowledgement in a file is also a finding if it has expired or matches nothing.

    Args:
        stacks: The stacks of the app, including the nested stacks.
        acknowledged: The acknowledgements of a file.
    """
    verdict = judge(violations_in(stacks), (*of_app(stacks), *acknowledged))
    found = _grouped(verdict.left, stacks, "violate")
    for given, rule, sentence in (
        *((each, "expired", f"expired on {each.until}; renew it or fix the finding") for each in verdict.expired),
        *((each, "stale", "matches no finding; remove it") for each in verdict.stale),
    ):
        said = f"The acknowledgement of {given.id} for {given.path} {sentence}."
        found.append(Finding(Kind.POLICY, f"policy/acknowledgement-{rule}", given.path, None, said, place=given.place))
    return found, verdict.accepted


def violations_in(stacks: Sequence[Stack]) -> frozenset[Violation]:
    """Return the findings of all engines, and of CDK's validation plugins.

    Args:
        stacks: The stacks, including the nested stacks.
    """
    return violations(stacks) | reported(stacks)


def _grouped(found: Iterable[Violation], stacks: Sequence[Stack], verb: str) -> list[Finding]:
    """Return a finding for each issue, the one with the most violations first."""
    groups: dict[str, list[Violation]] = defaultdict(list)
    for violation in sorted(found):
        about = issues_of(violation.rule)
        groups[about[0].name if about else violation.rule].append(violation)
    resources = {resource.path: (stack, resource) for stack in stacks for resource in stack.resources}
    findings = [_finding(name, group, resources, stacks, verb) for name, group in groups.items()]
    return sorted(findings, key=lambda finding: -len(groups[finding.rule.partition("/")[2]]))


def _moved(comparison: Comparison, violation: Violation) -> Violation:
    """Return a violation of the base with the path that its construct has in the head."""
    for rename in renames(comparison):
        if f"{violation.path}/".startswith(f"{rename.before}/"):
            return Violation(violation.rule, rename.after + violation.path[len(rename.before) :], violation.message)
    return violation


def _finding(
    name: str,
    found: Sequence[Violation],
    resources: Mapping[str, tuple[Stack, Resource]],
    stacks: Sequence[Stack],
    verb: str,
) -> Finding:
    about = issues_of(found[0].rule)
    paths = list(dict.fromkeys(violation.path for violation in found))
    rules = sorted({violation.rule for violation in found})
    message = next((violation.message for violation in found if violation.message), name).rstrip(".")
    first = next((resources[path] for path in paths if path in resources), None)
    stack = first[0].path if first else stacks[0].path
    issue = f" (issue {name})" if about else ""
    details = [f"Rules: {', '.join(rules)}{issue}."]
    if len(paths) > 1:
        details.append(f"Resources: {shortened(paths, _LISTED)}.")
    if about:
        details.insert(0, about[0].advice)
        if about[0].controls:
            details.append(f"AWS Security Hub: {', '.join(about[0].controls)}.")
    subject = f"{len(paths)} resources {verb}" if len(paths) > 1 else f"{paths[0]} {verb}s"
    return Finding(
        Kind.POLICY,
        f"policy/{name}",
        stack,
        first[1] if first else None,
        f"{subject} a policy rule: {message}.",
        tuple(details),
    )
