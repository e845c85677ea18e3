"""The findings of policy engines: those that a change adds, or those of one assembly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.policy.acknowledgements import Acknowledgement, Verdict, judge, of_app
from moorage.policy.engines import all_violations, engines_of
from moorage.policy.issues import by_issue, issues_of
from moorage.policy.plugin_reports import has_failed
from moorage.policy.violation import APP, Violation
from moorage.review.comparison import Comparison
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import shortened
from moorage.review.progress import Watch, silent
from moorage.review.renamed import renames

RULES: Mapping[str, str] = {
    "policy/acknowledgement-expired": "An acknowledgement has expired.",
    "policy/acknowledgement-stale": "An acknowledgement matches no finding.",
}
"""The rules about acknowledgements. All other rules are those of policy engines."""
_LISTED = 4


def policy_findings(
    comparison: Comparison,
    acknowledged: Sequence[Acknowledgement] = (),
    acknowledged_before: Sequence[Acknowledgement] = (),
    *,
    complete: bool = True,
    watch: Watch = silent,
) -> tuple[list[Finding], int]:
    """Return a finding for each issue that the change adds, and the number of violations that already existed.

    Acknowledged findings are left out. A finding that only the base acknowledges is new. An entry in
    the file of the head is also a finding if it has expired or matches nothing.

    Args:
        comparison: The two assemblies.
        acknowledged: The acknowledgements in the file of the head.
        acknowledged_before: The acknowledgements in the file of the base.
        complete: False if the head has only some stacks of the app, so that the file can have entries for other stacks.
        watch: A function that shows the progress of the engines. Default: nothing is shown.
    """
    before = [stack.before for stack in comparison.stacks if stack.before]
    after = [stack.after for stack in comparison.stacks if stack.after]
    with watch((*before, *after)) as checked:
        violated_before, violated = all_violations(before, checked), all_violations(after, checked)
    unaccepted = judge(violated_before, (*of_app(before), *acknowledged_before)).left
    old = {_moved(comparison, violation) for violation in unaccepted if not has_failed(violation)}
    verdict = judge(violated, (*of_app(after), *acknowledged), engines=engines_of(after))
    found = _grouped(verdict.left - old, after, "newly violate")
    return [*found, *(_useless(verdict) if complete else ())], len(verdict.left & old)


def findings_of(
    stacks: Sequence[Stack], acknowledged: Sequence[Acknowledgement] = (), watch: Watch = silent
) -> tuple[list[Finding], int]:
    """Return a finding for each issue of an app, and the number of violations that are acknowledged.

    An acknowledgement in a file is also a finding if it has expired or matches nothing.

    Args:
        stacks: The stacks of the app, including the nested stacks.
        acknowledged: The acknowledgements of a file.
        watch: A function that shows the progress of the engines. Default: nothing is shown.
    """
    with watch(stacks) as checked:
        violated = all_violations(stacks, checked)
    verdict = judge(violated, (*of_app(stacks), *acknowledged), engines=engines_of(stacks))
    return [*_grouped(verdict.left, stacks, "violate"), *_useless(verdict)], verdict.accepted


def _useless(verdict: Verdict) -> Iterator[Finding]:
    """Yield a finding for each entry of a file that has expired or matches nothing."""
    for given, state, sentence in verdict.useless:
        rule, said = f"policy/acknowledgement-{state}", f"{sentence[0].upper()}{sentence[1:]}."
        yield Finding(Kind.POLICY, rule, given.path, None, said, place=given.place)


def _grouped(found: Iterable[Violation], stacks: Sequence[Stack], verb: str) -> list[Finding]:
    """Return a finding for each issue, the issue with the most violations first."""
    groups = by_issue(found)
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
    if paths == [APP]:
        subject = f"The app {verb}s"
    return Finding(
        Kind.POLICY,
        f"policy/{name}",
        stack,
        first[1] if first else None,
        f"{subject} a policy rule: {message}.",
        tuple(details),
    )
