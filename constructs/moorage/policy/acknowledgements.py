"""The policy findings that a team has acknowledged: in one file, or in the app with CDK's `Validations`."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.stack_traces import Line
from moorage.policy.issues import OWN_NAMESPACE, issues, issues_of
from moorage.policy.judged import digest
from moorage.policy.violation import Violation

ENGINES = ("nag", "cfn-lint", "guard", "checkov")
"""The engines whose rules are known here. All other engines are validation plugins of the app."""


@attrs.frozen
class Acknowledgement:
    """An acknowledgement of policy findings, with its reason.

    Args:
        id: The name of an issue, such as `log-kms`, or a rule with its engine, such as `cfn-lint:W3010`.
        path: The path of the construct. Findings in constructs below it are also covered. In a file, `*` matches any
            characters.
        reason: The reason why the findings are accepted.
        until: The last day on which the acknowledgement is valid. Default: None; it does not expire.
        place: The line in the file of acknowledgements. Default: None, for an acknowledgement in the app.
    """

    id: str
    path: str
    reason: str
    until: datetime.date | None = None
    place: Line | None = None

    def __str__(self) -> str:
        return f"the acknowledgement of {self.id} for {self.path}"

    def covers(self, violation: Violation) -> bool:
        """Return whether this acknowledgement is for the rule, or the issue, and the construct of a violation.

        The date `until` is not checked.

        Args:
            violation: The violation to check.
        """
        names = {violation.rule, violation.rule.partition("[")[0], *(issue.name for issue in issues_of(violation.rule))}
        names |= {_printed(name) for name in names}
        pattern = ".*".join(map(re.escape, self.path.split("*") if self.place else [self.path]))
        return self.id in names and bool(re.fullmatch(f"{pattern}(/.*)?", violation.path))


@attrs.frozen
class Verdict:
    """The findings that remain, and the acknowledgements that have expired or match no finding.

    Args:
        left: The findings that nothing acknowledges.
        accepted: The number of findings that are acknowledged.
        stale: The acknowledgements of a file that match no finding.
        expired: The acknowledgements of a file that have expired.
    """

    left: frozenset[Violation]
    accepted: int
    stale: tuple[Acknowledgement, ...]
    expired: tuple[Acknowledgement, ...]

    @property
    def useless(self) -> Iterator[tuple[Acknowledgement, str, str]]:
        """Each acknowledgement that has expired or matches no finding, with `expired` or `stale` and a sentence."""
        for given in self.expired:
            yield given, "expired", f"{given} expired on {given.until}; renew it or fix the finding"
        for given in self.stale:
            near = _near_engine(given.id)
            way_out = f"there is no plugin of this name; did you mean {near}?" if near else "remove it"
            yield given, "stale", f"{given} matches no finding; {way_out}"


def _near_engine(name: str) -> str | None:
    """Return the rule that an ID with a misspelled engine probably means; None if no engine has a similar name."""
    engine, _, rule = name.partition(":")
    near = difflib.get_close_matches(engine, ENGINES, n=1) if rule and engine not in ENGINES else None
    return f"{near[0]}:{rule}" if near else None


def judge(
    found: Iterable[Violation],
    acknowledgements: Sequence[Acknowledgement],
    today: datetime.date | None = None,
    engines: Collection[str] | None = None,
) -> Verdict:
    """Return which findings are not acknowledged, and which acknowledgements of a file have expired or match nothing.

    Args:
        found: The findings to judge.
        acknowledgements: The acknowledgements. Expired ones acknowledge nothing.
        today: The current day. Default: today.
        engines: The engines and plugins that ran. An acknowledgement for another engine is not stale. Default: all.
    """
    today = today or datetime.datetime.now().astimezone().date()
    expired = [each for each in acknowledgements if each.until and each.until < today]
    valid = [each for each in acknowledgements if each not in expired]
    violations = frozenset(found)
    used: set[Acknowledgement] = set()
    left = set()
    for violation in violations:
        covering = [each for each in valid if each.covers(violation)]
        used.update(covering)
        if not covering:
            left.add(violation)
    return Verdict(
        left=frozenset(left),
        accepted=len(violations) - len(left),
        stale=tuple(each for each in valid if each.place and each not in used and _could_match(each.id, engines)),
        expired=tuple(expired),
    )


def _could_match(name: str, engines: Collection[str] | None) -> bool:
    """Return whether an engine ran that can report an issue or a rule."""
    if engines is None:
        return True
    ran = {_printed(f"{engine}:") for engine in engines}
    rules = issues()[name].rules if name in issues() else (name,)
    reporting = {_printed(f"{rule.partition(':')[0]}:") for rule in rules}
    return bool(reporting & ran) or _near_engine(name) is not None


def _printed(rule: str) -> str:
    """Return a rule as CDK prints it, with hyphens in the name of its plugin: `CloudFormation-Validate:F3031`."""
    engine, colon, name = rule.partition(":")
    return f"{engine.replace(' ', '-')}{colon}{name}"


def of_app(stacks: Iterable[Stack]) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in an app, made with CDK's `Validations.of(construct).acknowledge(...)`.

    The ID `moorage::log-kms` acknowledges an issue, and `cfn-lint::W3010` acknowledges a rule. CDK itself applies
    acknowledgements of the rules of its plugins, such as cdk-nag.

    Args:
        stacks: The stacks of the app, including the nested stacks.
    """
    found = list(stacks)
    given = [
        Acknowledgement(name if engine == OWN_NAMESPACE else f"{engine}:{name}", path, reason)
        for stack in found
        for path, reasons in stack.acknowledged.items()
        for given, reason in reasons.items()
        for engine, _, name in [given.partition("::")]
    ]
    return tuple(dict.fromkeys([*given, *(each for stack in found for each in _of_constructs(stack))]))


def _of_constructs(stack: Stack) -> Iterator[Acknowledgement]:
    """Yield the acknowledgements of moorage's constructs in a stack, if the judged properties are in the template."""
    for resource in stack.resources if stack.own_acknowledged else ():
        for issue, (reason, judged) in stack.own_acknowledged.get(resource.path, {}).items():
            if judged == digest(issue, resource.properties):
                yield Acknowledgement(issue, resource.path, reason)
