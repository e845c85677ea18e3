"""The policy findings that a team has acknowledged: in one file, or in the app with CDK's `Validations`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.stack_traces import Line
from moorage.policy.issues import OWN_NAMESPACE, issues_of
from moorage.policy.violation import Violation


@attrs.frozen
class Acknowledgement:
    """An acknowledgement of policy findings, with its reason.

    Args:
        id: The name of an issue, such as `log-kms`, or a rule with its engine, such as `cfn-lint:W3010`.
        path: The path of the construct; `*` matches any characters. Findings in constructs below it are also covered.
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

        Its date is not checked.

        Args:
            violation: The violation.
        """
        names = {violation.rule, violation.rule.partition("[")[0], *(issue.name for issue in issues_of(violation.rule))}
        pattern = ".*".join(map(re.escape, self.path.split("*")))
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
            yield given, "stale", f"{given} matches no finding; remove it"


def judge(
    found: Iterable[Violation], acknowledgements: Sequence[Acknowledgement], today: datetime.date | None = None
) -> Verdict:
    """Return which findings are not acknowledged, and which acknowledgements of a file have expired or match nothing.

    Args:
        found: The findings.
        acknowledgements: The acknowledgements. An expired acknowledgement covers nothing.
        today: The day on which acknowledgements must be valid. Default: the current day.
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
        stale=tuple(each for each in valid if each.place and each not in used),
        expired=tuple(expired),
    )


def of_app(stacks: Iterable[Stack]) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in an app, made with CDK's `Validations.of(construct).acknowledge(...)`.

    The ID `moorage::log-kms` acknowledges an issue, and `cfn-lint::W3010` acknowledges a rule. CDK itself applies
    acknowledgements of the rules of its plugins, such as cdk-nag.

    Args:
        stacks: The stacks of the app, including the nested stacks.
    """
    return tuple(
        Acknowledgement(name if engine == OWN_NAMESPACE else f"{engine}:{name}", path, reason)
        for stack in stacks
        for path, reasons in stack.acknowledged.items()
        for given, reason in reasons.items()
        for engine, _, name in [given.partition("::")]
    )
