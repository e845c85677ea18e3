"""The issues that the rules of the engines are about. Several rules of several engines are about the same issue."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

import attrs


@attrs.frozen
class Issue:
    """An issue of a policy.

    Args:
        name: The name of the issue.
        verdict: `D` if a construct can avoid it by default, `O` if it can with an argument to turn that off, `U` if the
            user has to give or pay something, `N` if it is noise.
        means: The change that avoids it, as an imperative, with moorage's argument if there is one. If the verdict is
            `N`, the reason why moorage's own constructs do not avoid it.
        rules: The rules about it, each with its engine: `nag:ECS4`.
    """

    name: str
    verdict: str
    means: str
    rules: tuple[str, ...]

    @property
    def advice(self) -> str:
        """The sentence for somebody whose resource fails a rule about the issue."""
        if self.verdict == "N":
            return f"moorage accepts this in its own constructs: {self.means}."
        return f"To fix it, {self.means}."


@functools.cache
def issues() -> Mapping[str, Issue]:
    """Return the known issues by name."""
    found = tomllib.loads((Path(__file__).parent / "issues.toml").read_text("utf-8"))
    return {name: Issue(name, each["verdict"], each["means"], tuple(each["rules"])) for name, each in found.items()}


def issues_of(rule: str) -> tuple[Issue, ...]:
    """Return the issues that a rule is about; none for an unknown rule.

    Args:
        rule: The rule with its engine. cdk-nag appends the statement in brackets, which is ignored.
    """
    names = {rule, rule.partition("[")[0]}
    return tuple(issue for issue in issues().values() if names & set(issue.rules))
