"""Random services are accepted with a valid template, or refused with an error that gives the reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase

from moorage.workload import container_limits, limits
from tests.conftest import SUMMARY_PROPERTY
from tools.fuzz.__main__ import SEED, Report, explore, main, plan, run, smallest_like
from tools.fuzz.services import ELSEWHERE, ROWS, Definition, definitions
from tools.fuzz.trial import Trial, unsaid

CLUSTER = "cluster = PlainCluster(stack, 'Cluster', vpc=vpc)\n"
GOOD = Definition(f"{CLUSTER}Service(stack, 'Web', cluster=cluster, task=Task(Container('redis:8')))", frozenset())
RETRIES = "HealthCheck('true', retries={})"


def answered(*definitions: Definition) -> Trial:
    trial = Trial()
    for definition in definitions:
        trial.answer(definition)
    trial.finish()
    return trial


def program(source: str, *broken: str) -> Definition:
    return Definition(source, frozenset(broken))


@pytest.mark.slow
def test_random_services_are_accepted_or_refused_with_a_reason(
    record_property: Callable[[str, object], None],
) -> None:
    report = run(40, SEED)
    record_property(SUMMARY_PROPERTY, report.summary)
    assert not report.failures(whole=False)
    assert report.trial.answered == 40
    assert report.trial.accepted > 10  # 13 to 20 of 40, depending on the seed and on the number of limits
    assert report.trial.refused > 15
    assert sum(report.trial.hits.values()) >= report.trial.refused // 2


def test_accepted_and_refused_services_and_broken_limits_are_counted() -> None:
    trial = answered(GOOD, program(RETRIES.format(11), "health-retries"), GOOD)
    assert (trial.accepted, trial.refused, trial.problems) == (2, 1, [])
    assert +trial.hits == {"health-retries": 1}


def test_a_crash_is_found_and_services_accepted_before_it_are_checked() -> None:
    crash = program("ScheduleExpression.expression(5)")
    trial = answered(GOOD, crash, BROKEN)
    assert [(each.kind, each.definition) for each in trial.problems] == [("crash", crash), ("invalid template", BROKEN)]


BROKEN = program(f"{CLUSTER}cluster.node.default_child.add_property_override('ClusterSettings', 'none')")
"""A program that moorage accepts, with a template that CloudFormation refuses."""


def test_the_program_of_one_invalid_template_among_many_is_found() -> None:
    trial = answered(GOOD, GOOD, BROKEN, GOOD)
    assert [(each.kind, each.definition) for each in trial.problems] == [("invalid template", BROKEN)]
    assert "ClusterSettings" in trial.problems[0].says


def test_the_program_of_a_template_that_cannot_be_written_is_found() -> None:
    never = program(
        "one = Capacity.ec2('one', instance_types=['m7i.large'], max_instances=1)\n"
        "cluster = Cluster(stack, 'Cluster', vpc=vpc, capacity=[one])\n"
        "task = Task(Container('redis:8'), cpu=None, memory_mib=5000)\n"
        "Service(stack, 'Web', cluster=cluster, task=task, scaling=Scaling(1), rollout=ending)\n"
        "Service(stack, 'Api', cluster=cluster, task=task, scaling=Scaling(1), rollout=ending)\n".replace(
            "ending", "Rollout.rolling(minimum_healthy_percent=0)"
        )
    )
    trial = answered(GOOD, never, GOOD)
    assert [(each.kind, each.definition) for each in trial.problems] == [("crash", never)]


def test_leftovers_of_a_refused_program_are_no_problem_of_others() -> None:
    """The constructs of the refused program are removed, but its definitions for the stack remain and refer to them."""
    shared = program(
        "import aws_cdk as cdk\ncluster = PlainCluster(stack, 'Other', vpc=vpc)\n"
        "cdk.CfnOutput(stack.node.scope, 'Shared', value=cluster.cluster_name)\nHealthCheck('true', retries=0)"
    )
    trial = answered(GOOD, shared, GOOD)
    assert (trial.accepted, trial.refused, trial.problems) == (2, 1, [])


def test_an_accepted_broken_limit_is_found_with_a_small_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        container_limits, "HEALTH_RETRIES", container_limits.HEALTH_RETRIES._replace(accepts=lambda _: True)
    )
    trial, part = Trial(), (definitions("health-retries"), 8, SEED)
    explore(trial.answer, part, (Phase.generate,))
    trial.discard()
    through = [each for each in trial.problems if each.kind == "let through"]
    longest = max(through, key=lambda each: len(each.definition.source))
    smallest = smallest_like(longest, part).definition.source
    assert "retries=0" in smallest
    assert len(smallest) < len(longest.definition.source) / 2


@pytest.mark.parametrize(
    ("message", "lacks"),
    [
        ("Shop/Web: task is too large, but small is right; use less", None),
        ("Shop/Web: 2 problems\n  - port is 0, but more is right; use 1\n  - cpu is 0, but more is right; use 1", None),
        ("invalid literal for int() with base 10", "no path and no value"),
        ("Shop/Web: task is too large", "no way out"),
        ("Shop/Web: 2 problems\n  - port is 0, but more is right; use 1\n  - cpu is 0", "no way out: cpu is 0"),
        ("Shop/Web: task is too large, but small is right; use less.", "a full stop"),
    ],
)
def test_a_refusal_names_the_path_and_the_way_out(message: str, lacks: str | None) -> None:
    said = unsaid(message)
    assert said is None if lacks is None else said and said.startswith(lacks)


def test_a_refusal_for_a_reason_other_than_the_broken_limit_is_found() -> None:
    trial = answered(program("HealthCheck('true', interval=timedelta(seconds=1))", "health-retries"))
    assert [each.kind for each in trial.problems] == ["unsaid"]


def test_a_limit_never_hit_fails_only_a_full_run() -> None:
    trial = answered(program(RETRIES.format(0), "health-retries"))
    report = Report(seed=1, trial=trial, took=1, smallest={})
    assert len(report.never_hit) == len(ROWS) - 1
    assert not report.failures(whole=False)
    (failure,) = report.failures()
    assert failure.startswith(f"never hit: {ROWS[0].id}, ")
    assert "| health-retries | 1 |" in str(report)
    assert "1 random services in 1 s, seed 1" in report.summary
    assert str(report).startswith(report.summary)


def test_a_failed_run_prints_its_failures_and_returns_their_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--services", "1", "--updates", "0", "--seed", "5"]) == 1
    printed = capsys.readouterr().out
    assert "1 random services" in printed
    assert "never hit: " in printed


def test_a_full_run_tries_to_break_every_limit_of_a_service() -> None:
    parts = plan(2000, SEED)
    assert sum(count for _, count, _ in parts) == 2000
    assert len(parts) == 2 + len(ROWS)
    rows = {row.id for row in limits.TABLE}
    assert {row.id for row in ROWS} == rows - ELSEWHERE.keys()
    assert rows >= ELSEWHERE.keys()
    assert all(ELSEWHERE.values())
