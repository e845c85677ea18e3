"""The issues that policy rules report. Rules of different engines can report the same issue."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from moorage.policy.violation import Violation

OWN_NAMESPACE = "moorage"
"""The namespace of issues in CDK's acknowledgements: `moorage::log-kms`."""
NAG_PACKS = ("AwsSolutions", "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321", "Serverless")
"""The names of cdk-nag's packs (cdk-nag 3.0.2, `RULES.md`). Several packs can have the same rule."""


@attrs.frozen
class Issue:
    """An issue that policy rules report.

    Args:
        name: The name of the issue.
        verdict: The default of a construct. `D`: avoids the issue. `O`: avoids the issue, but an argument permits it.
            `U`: has the issue, since avoiding it needs the user's input or money. `N`: the issue is noise.
        means: The change that avoids the issue, as an imperative, with moorage's argument if there is one.
        rules: The rules that report the issue, each with its engine: `nag:ECS4`.
        controls: The controls of AWS Security Hub that check for the same issue. Default: none.
    """

    name: str
    verdict: str
    means: str
    rules: tuple[str, ...]
    controls: tuple[str, ...] = ()

    @property
    def advice(self) -> str:
        """A sentence with the advice for a resource that has the issue."""
        return f"To fix it, {self.means}."


@functools.cache
def issues() -> Mapping[str, Issue]:
    """Return a mapping from the name of each known issue to the issue."""
    found = tomllib.loads((Path(__file__).parent / "issues.toml").read_text("utf-8"))
    return {
        name: Issue(name, each["verdict"], each["means"], tuple(each["rules"]), tuple(each.get("controls", ())))
        for name, each in found.items()
    }


@functools.cache  # an app has few rules, and each acknowledgement is compared with each finding
def issues_of(rule: str) -> tuple[Issue, ...]:
    """Return the issues that a rule reports; none for an unknown rule.

    Args:
        rule: The rule with its engine. cdk-nag can append the details of a finding in brackets, which are ignored.
    """
    names = {rule, rule.partition("[")[0]}
    return tuple(issue for issue in issues().values() if names & set(issue.rules))


def by_issue(found: Iterable[Violation]) -> dict[str, list[Violation]]:
    """Group violations by issue: return a mapping from the name of each issue to its violations.

    If a rule reports no known issue, the rule takes the place of the issue's name.

    Args:
        found: The violations to group.
    """
    groups: dict[str, list[Violation]] = {}
    for violation in sorted(found):
        about = issues_of(violation.rule)
        groups.setdefault(about[0].name if about else violation.rule, []).append(violation)
    return groups
