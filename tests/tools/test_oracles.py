"""`make oracles` prints how much was checked, and fails with the smallest program for each rule."""

from __future__ import annotations

import re

import pytest

from tools import oracles, preflight
from tools.fuzz.services import Definition
from tools.fuzz.trial import Problem


def test_a_run_prints_how_much_it_checked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "findings", lambda *_: [])
    assert oracles.main(["--services", "3"]) == 0
    printed = capsys.readouterr().out
    assert "random services in " in printed
    assert f"the {len(preflight.rules()):,} rules of cdk-preflight find 0" in printed


def test_a_finding_in_a_random_service_fails_and_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def findings(template: str, *_: str) -> list[preflight.Finding]:
        name = re.findall(r"N\d+NWebService", template)[0]
        return [preflight.Finding("pf-any", name, "Properties", "wrong", "")]

    monkeypatch.setattr(preflight, "findings", findings)
    assert oracles.main(["--services", "3"]) == 1
    assert re.search(r"\npf-any: pf-any at N\d+NWebService Properties: wrong\n", capsys.readouterr().out)


def test_each_rule_is_shown_by_its_shortest_program() -> None:
    long, short = (Definition("x" * length, frozenset()) for length in (9, 3))
    problems = [
        Problem("invalid template", long, "pf-a at N0N: wrong\nE3012 at []: wrong"),
        Problem("invalid template", short, "pf-a at N1N: wrong"),
    ]
    found = oracles.by_rule(problems)
    assert {rule: problem.definition for rule, problem in found.items()} == {"pf-a": short, "E3012": long}
