"""Findings of policy engines that the head has and the base has not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.policy.engines import reported, violations
from moorage.policy.issues import issues_of
from moorage.policy.violation import Violation
from moorage.review.comparison import Comparison
from moorage.review.finding import Finding, Kind
from moorage.review.renamed import renames

_LISTED = 4


def policy_findings(comparison: Comparison) -> tuple[list[Finding], int]:
    """Return a finding for each issue that the change adds, and the number of violations that both sides have.

    Args:
        comparison: The two assemblies.
    """
    before = [stack.before for stack in comparison.stacks if stack.before]
    after = [stack.after for stack in comparison.stacks if stack.after]
    old = {_moved(comparison, violation) for violation in _all(before)}
    now = _all(after)
    groups: dict[str, list[Violation]] = defaultdict(list)
    for violation in sorted(now - old):
        about = issues_of(violation.rule)
        groups[about[0].name if about else violation.rule].append(violation)
    resources = {resource.path: (stack, resource) for stack in after for resource in stack.resources}
    found = [_finding(name, group, resources, comparison) for name, group in groups.items()]
    return sorted(found, key=lambda finding: -len(groups[finding.rule.partition("/")[2]])), len(now & old)


def _all(stacks: Sequence[Stack]) -> frozenset[Violation]:
    return violations(stacks) | reported(stacks)


def _moved(comparison: Comparison, violation: Violation) -> Violation:
    """Return a violation of the base with the path that its construct has in the head."""
    for rename in renames(comparison):
        if f"{violation.path}/".startswith(f"{rename.before}/"):
            return Violation(violation.rule, rename.after + violation.path[len(rename.before) :], violation.message)
    return violation


def _finding(
    name: str, found: Sequence[Violation], resources: Mapping[str, tuple[Stack, Resource]], comparison: Comparison
) -> Finding:
    about = issues_of(found[0].rule)
    paths = list(dict.fromkeys(violation.path for violation in found))
    rules = sorted({violation.rule for violation in found})
    message = next((violation.message for violation in found if violation.message), name).rstrip(".")
    first = next((resources[path] for path in paths if path in resources), None)
    stack = first[0].path if first else comparison.stacks[0].path
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    details = [f"Rules: {', '.join(rules)}.", f"Resources: {', '.join(paths[:_LISTED])}{more}."]
    if about:
        details.insert(0, about[0].advice)
    subject = f"{len(paths)} resources newly violate" if len(paths) > 1 else f"{paths[0]} newly violates"
    return Finding(
        Kind.POLICY,
        f"policy/{name}",
        stack,
        first[1] if first else None,
        f"{subject} a policy rule: {message}.",
        tuple(details),
    )
