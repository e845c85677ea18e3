"""The worker of new orders, and the job that counts the carts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from moorage.testing import readable_template
from stacks import jobs
from tests.stacks.small_shop import Shop, statements_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

AWS = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1 $2" in
  "sqs receive-message") cat "$ANSWER"; echo None > "$ANSWER";;
  "dynamodb scan") cat "$ANSWER";;
esac
"""
"""An AWS CLI that records its arguments, and answers with a file."""


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    """Return a function that starts a script with an AWS CLI that records its calls."""
    program = tmp_path / "aws"
    program.write_text(AWS)
    program.chmod(0o755)
    (tmp_path / "calls").touch()
    own = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "CALLS": str(tmp_path / "calls")}

    def started(script: str, answer: str, **variables: str) -> subprocess.Popen[bytes]:
        (tmp_path / "answer").write_text(answer)
        environment = {**own, "ANSWER": str(tmp_path / "answer"), **variables}
        return subprocess.Popen(["bash", "--posix", "-c", script], env=environment)

    return started


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_whole_template(shop: Shop, template_snapshot: SnapshotAssertion) -> None:
    assert readable_template(shop.templates["Jobs"]) == template_snapshot


def test_a_removable_environment_leaves_nothing(removable: Shop) -> None:
    for name, resource in removable.whole("Jobs").items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name


def test_logs_of_any_other_environment_are_retained(protected: Shop) -> None:
    groups = protected.templates["Jobs"].find_resources("AWS::Logs::LogGroup").values()
    assert {each["DeletionPolicy"] for each in groups} == {"Retain"}


def test_workers_follow_the_backlog_from_none_to_five(shop: Shop) -> None:
    (target,) = shop.resources("Jobs", "ApplicationAutoScaling::ScalableTarget").values()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 5)
    policies = shop.resources("Jobs", "ApplicationAutoScaling::ScalingPolicy").values()
    tracking = [each for each in policies if each["PolicyType"] == "TargetTrackingScaling"]
    assert [each["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for each in tracking] == [100]


def test_carts_are_counted_every_night_and_never_twice_at_once(shop: Shop) -> None:
    (schedule,) = shop.resources("Jobs", "Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    (machine,) = shop.resources("Jobs", "StepFunctions::StateMachine").values()
    definition = str(machine["DefinitionString"])
    assert "Runs already" in definition
    assert '"TimeoutSeconds":1800' in definition
    assert '"MaxAttempts":2' in definition


def test_containers_know_their_region_on_instances_too(shop: Shop) -> None:
    for task in shop.resources("Jobs", "ECS::TaskDefinition").values():
        (container,) = task["ContainerDefinitions"]
        assert {"Name": "AWS_REGION", "Value": {"Ref": "AWS::Region"}} in container["Environment"]


def test_operators_are_notified_of_each_failure(shop: Shop) -> None:
    alarms = shop.resources("Jobs", "CloudWatch::Alarm")
    notifying = {name for name, each in alarms.items() if "RefOperators" in str(each.get("AlarmActions"))}
    assert sorted(name[:-8] for name in notifying) == ["CartsFailed", "CartsNotStarted", "OrdersFailed"]
    failed = next(each for name, each in alarms.items() if name.startswith("CartsFailed"))
    assert (failed["MetricName"], failed["Threshold"], failed["TreatMissingData"]) == (
        "ExecutionsFailed",
        1,
        "notBreaching",
    )


def test_the_worker_only_takes_messages(shop: Shop) -> None:
    granted = statements_of(shop, "Jobs", "OrdersServiceTaskDefinitionTaskRole")
    actions = {
        action
        for each in granted
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    assert actions == {
        "kms:Decrypt", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    }  # fmt: skip
    assert "*" not in str([each["Resource"] for each in granted])


def test_the_job_only_reads_the_index_and_writes_its_metric(shop: Shop) -> None:
    scan, decrypt, put = statements_of(shop, "Jobs", "CartsTaskDefinitionTaskRole")
    assert scan["Action"] == "dynamodb:Scan"
    assert str(scan["Resource"]).endswith("'/index/idx_global_customerId']]}")
    assert decrypt["Action"] == "kms:Decrypt"
    assert "kms:ViaService" in decrypt["Condition"]["StringEquals"]
    assert (put["Action"], put["Resource"]) == ("cloudwatch:PutMetricData", "*")
    assert put["Condition"] == {"StringEquals": {"cloudwatch:namespace": "RetailStore/Jobs"}}


def test_containers_run_as_an_ordinary_user_on_a_read_only_file_system(shop: Shop) -> None:
    for task in shop.resources("Jobs", "ECS::TaskDefinition").values():
        (container,) = task["ContainerDefinitions"]
        assert (container["User"], container["ReadonlyRootFilesystem"]) == ("1000", True)


def test_no_stack_depends_on_the_jobs(shop: Shop) -> None:
    assert {each.stack_name for each in shop.jobs.dependencies} == {"Platform", "Data"}
    assert "Jobs" not in {each.stack_name for each in (*shop.data.dependencies, *shop.services.dependencies)}


def test_customers_with_several_items_have_one_cart(shell: Any, tmp_path: Path) -> None:
    names = {"TABLE": "carts", "INDEX": "by-customer", "NAMESPACE": "Shop"}
    assert shell(jobs.COUNT, "ann\tbob\tann\n\ncid\n", **names).wait(10) == 0
    scan, put = calls(tmp_path)
    assert scan.startswith("dynamodb scan --table-name carts --index-name by-customer ")
    assert put == "cloudwatch put-metric-data --namespace Shop --metric-name Carts --unit Count --value 3"


@pytest.mark.parametrize("answer", ["", "\n", "None\n"])
def test_an_empty_table_has_no_carts(answer: str, shell: Any, tmp_path: Path) -> None:
    assert shell(jobs.COUNT, answer, TABLE="carts", INDEX="by-customer", NAMESPACE="Shop").wait(10) == 0
    assert calls(tmp_path)[1].endswith("--value 0")


def test_a_job_whose_scan_fails_fails_and_writes_no_metric(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "aws").write_text("#!/bin/sh\nexit 1\n")
    assert shell(jobs.COUNT, "", TABLE="carts", INDEX="by-customer", NAMESPACE="Shop").wait(10) != 0
    assert calls(tmp_path) == []


def test_the_worker_deletes_what_it_received_and_stops_when_it_is_told(shell: Any, tmp_path: Path) -> None:
    process = shell(jobs.DRAIN, "a-receipt\n", QUEUE_URL="https://queue.test")
    deadline = time.monotonic() + 10
    while len(calls(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    received, deleted, *more = calls(tmp_path)
    assert received.startswith("sqs receive-message --queue-url https://queue.test --wait-time-seconds 20 ")
    assert deleted == "sqs delete-message --queue-url https://queue.test --receipt-handle a-receipt"
    assert all(each == received for each in more)
