"""The diagram shows what starts tasks, the queues that they work on, and the databases that they use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.assembly.diagram import draw
from tests.conftest import synthesize

ROOT = Path(__file__).resolve().parents[2]


def drawn(example: str, folder: Path) -> str:
    synthesize(ROOT / "examples" / f"{example}.py", folder, **{"aws:cdk:enable-path-metadata": True})
    return draw(stacks_of(folder))


def edges(text: str) -> set[tuple[str, str, str]]:
    """Return the edges between single nodes: source, label and target."""
    found = set()
    for line in text.splitlines():
        sources, arrow, target = line.partition("-->|")
        if arrow:
            label, _, node = target.partition("| ")
            found |= {(source.strip(), label, node) for source in sources.split("&")}
    return found


def nodes(text: str) -> dict[str, str]:
    """Return the labels of the nodes with their identifiers."""
    lines = [line.strip() for line in text.splitlines() if "<br/>" in line]
    return {line.split('"')[1]: line.partition('"')[0].rstrip("[({>/\\") for line in lines}


def test_jobs_are_drawn_with_the_schedules_and_rules_that_start_them(tmp_path: Path) -> None:
    text = drawn("job", tmp_path)
    found = nodes(text)
    jobs = {"Reports/Nightly<br/>job", "Reports/Import<br/>job", "Reports/Backfill<br/>job"}
    assert jobs <= set(found)
    schedule, rule = found["Reports/Nightly<br/>schedule"], found["Import/Rule<br/>rule"]
    assert (schedule, '"cron(0 3 * * ? *)"', found["Reports/Nightly<br/>job"]) in edges(text)
    assert (rule, '"event"', found["Reports/Import<br/>job"]) in edges(text)
    for job in jobs:
        assert (found[job], "runs in", found["Reports/Cluster<br/>cluster"]) in edges(text)
        assert (found[job], "in", found["Reports/Network<br/>VPC"]) in edges(text)
    assert "Forensics" not in text  # its rules start no task, and its queue has no worker


def test_queues_are_drawn_with_their_workers_and_senders(tmp_path: Path) -> None:
    text = drawn("worker", tmp_path)
    found = nodes(text)
    assert (found["Mailer/Queue<br/>queue"], "messages", found["Mail/Mailer<br/>service"]) in edges(text)
    assert "DeadLetters" not in text


def template(**resources: Mapping[str, Any]) -> str:
    return draw([Stack("Shop", "Shop", None, None, {"Resources": resources}, ())])


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


TASK = {
    "Role": resource("AWS::IAM::Role"),
    "Task": resource("AWS::ECS::TaskDefinition", TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]}),
    "Web": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, Groups=[{"Ref": "WebGroup"}]),
    "WebGroup": resource("AWS::EC2::SecurityGroup"),
    "Queue": resource("AWS::SQS::Queue"),
}


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("sqs:ReceiveMessage", {("Shop_Queue", "messages", "Shop_Web")}),
        (["sqs:GetQueueUrl", "sqs:SendMessage"], {("Shop_Web", "messages", "Shop_Queue")}),
        ("sqs:*", {("Shop_Web", "messages", "Shop_Queue"), ("Shop_Queue", "messages", "Shop_Web")}),
        ("sqs:GetQueueUrl", set()),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_the_permissions_of_the_task_role_show_who_receives_and_sends(
    action: str | list[str],
    wanted: set[tuple[str, str, str]],
    inline: bool,  # noqa: FBT001  # pytest passes it by its name
) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}
    document = {"PolicyDocument": {"Statement": [statement]}}
    policies = (
        {"Role": resource("AWS::IAM::Role", Policies=[document])}
        if inline
        else {"Policy": resource("AWS::IAM::Policy", Roles=[{"Ref": "Role"}], **document)}
    )
    text = template(**{**TASK, **policies})
    assert edges(text) == wanted
    assert ("Shop_Queue" in text) == bool(wanted)


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("AWS::RDS::DBCluster", "database"),
        ("AWS::RDS::DBInstance", "database"),
        ("AWS::ElastiCache::CacheCluster", "cache"),
        ("AWS::ElastiCache::ReplicationGroup", "cache"),
        ("AWS::ElastiCache::ServerlessCache", "cache"),
    ],
)
def test_databases_and_caches_are_drawn_with_the_port_that_is_open_to_tasks(kind: str, label: str) -> None:
    text = template(
        **TASK,
        Data=resource(kind, Groups=[{"Fn::GetAtt": ["DataGroup", "GroupId"]}]),
        DataGroup=resource("AWS::EC2::SecurityGroup"),
        Open=resource(
            "AWS::EC2::SecurityGroupIngress",
            FromPort=5432,
            GroupId={"Fn::GetAtt": ["DataGroup", "GroupId"]},
            SourceSecurityGroupId={"Ref": "WebGroup"},
        ),
    )
    assert f"<br/>{label}" in text
    assert ("Shop_Web", "5432", "Shop_Data") in edges(text)


def test_a_job_is_drawn_with_its_database_and_table() -> None:
    network = {"AwsVpcConfiguration": {"SecurityGroups": [{"Ref": "JobGroup"}]}}
    parameters = {"TaskDefinitionArn": {"Ref": "Job"}, "NetworkConfiguration": network}
    environment = [{"Name": "TABLE", "Value": {"Ref": "Orders"}}]
    text = template(
        Job=resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Environment": environment}]),
        Orders=resource("AWS::DynamoDB::Table"),
        Nightly=resource(
            "AWS::Scheduler::Schedule", ScheduleExpression="rate(1 day)", Target={"EcsParameters": parameters}
        ),
        JobGroup=resource("AWS::EC2::SecurityGroup"),
        DataGroup=resource("AWS::EC2::SecurityGroup"),
        Data=resource("AWS::RDS::DBCluster", Groups=[{"Ref": "DataGroup"}]),
        Open=resource(
            "AWS::EC2::SecurityGroupIngress",
            FromPort=3306,
            GroupId={"Ref": "DataGroup"},
            SourceSecurityGroupId={"Ref": "JobGroup"},
        ),
    )
    assert edges(text) == {
        ("Shop_Nightly", '"rate(1 day)"', "Shop_Job"),
        ("Shop_Job", "data", "Shop_Orders"),
        ("Shop_Job", "3306", "Shop_Data"),
    }


def test_a_machine_that_only_redeploys_a_service_makes_no_job() -> None:
    machine = resource("AWS::StepFunctions::StateMachine", DefinitionString={"Fn::GetAtt": ["Web", "Name"]})
    rule = resource("AWS::Events::Rule", Targets=[{"Arn": {"Ref": "Machine"}}])
    text = template(**TASK, Machine=machine, Rule=rule)
    assert "job" not in text
    assert "rule" not in text
