"""The resources that are the same under another logical ID."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs

from moorage.assembly.cloud_assembly import stacks_of
from moorage.review.comparison import compare
from moorage.review.renamed import renamed, renames
from tests.review.templates import compared


def service(path: str, logical_id: str, *, count: int = 2) -> dict[str, Any]:
    def of(type_: str, part: str, **properties: Any) -> dict[str, Any]:
        return {"Type": type_, "Properties": properties, "Metadata": {"aws:cdk:path": f"{path}/{part}"}}

    return {
        f"{logical_id}Role": of("AWS::IAM::Role", "Role/Resource", Path="/"),
        f"{logical_id}Task": of("AWS::ECS::TaskDefinition", "Task", Cpu="256", Role={"Ref": f"{logical_id}Role"}),
        logical_id: of("AWS::ECS::Service", "Service", Task={"Ref": f"{logical_id}Task"}, DesiredCount=count),
    }


def test_a_construct_under_another_id_is_recognized() -> None:
    comparison = compared({"Shop": service("Shop/Web", "Web")}, {"Shop": service("Shop/Front", "Front")})
    (finding,) = renamed(comparison)
    assert finding.sentence == (
        "Shop/Web is now Shop/Front: its 3 resources get other logical IDs, so CloudFormation creates 3 new ones and "
        "deletes the 3 old ones."
    )
    assert finding.path == "Shop/Front/Task"


def test_a_construct_that_changes_with_its_id_is_recognized() -> None:
    comparison = compared({"Shop": service("Shop/Web", "Web")}, {"Shop": service("Shop/Front", "Front", count=3)})
    (rename,) = renames(comparison)
    assert len(rename.pairs) == 3


def test_a_construct_that_moves_to_another_stack_is_recognized() -> None:
    base = {"A": service("A/Web", "Web"), "B": {}}
    (rename,) = renames(compared(base, {"A": {}, "B": service("B/Web", "Web")}))
    assert (rename.before, rename.after) == ("A", "B")


@pytest.mark.parametrize(("properties", "expected"), [({"A": 1, "B": 2}, 0), ({"A": 1, "B": 2, "C": 3}, 1)])
def test_a_single_resource_needs_several_equal_properties(properties: dict[str, Any], expected: int) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": properties}
    assert len(renames(compared({"Shop": {"A": queue}}, {"Shop": {"B": queue}}))) == expected


def test_resources_that_are_equal_to_several_are_not_paired() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"A": 1, "B": 2, "C": 3}}
    assert renames(compared({"Shop": {"A": queue}}, {"Shop": {"B": queue, "C": queue}})) == ()


def test_a_stack_that_leaves_the_app_is_not_renamed() -> None:
    base = {"A": service("A/Web", "Web")}
    assert renames(compared(base, {"B": service("B/Web", "Web")})) == ()


def test_a_program_with_another_id_is_recognized() -> None:
    def synthesized(construct_id: str) -> cdk.cx_api.CloudAssembly:
        app = cdk.App(context={"aws:cdk:enable-path-metadata": True})
        timeout = cdk.Duration.seconds(45)
        stack = cdk.Stack(app, "Shop")
        dead = sqs.DeadLetterQueue(queue=sqs.Queue(stack, "Dead"), max_receive_count=3)
        sqs.Queue(stack, construct_id, visibility_timeout=timeout, fifo=True, dead_letter_queue=dead)
        return app.synth()

    base, head = (stacks_of(Path(synthesized(name).directory)) for name in ("Orders", "Purchases"))
    (rename,) = renames(compare(base, head))
    assert (rename.before, rename.after) == ("Shop/Orders", "Shop/Purchases")


def test_a_move_to_another_stack_is_said_with_both_stacks() -> None:
    base = {"A": service("A/Web", "Web"), "B": {}}
    (finding,) = renamed(compared(base, {"A": {}, "B": service("B/Web", "Web")}))
    assert finding.sentence == (
        "A/Web is now B/Web: its 3 resources move from the stack A to the stack B, which creates 3 new ones, and A "
        "removes the 3 old ones."
    )


def test_a_kept_resource_is_not_said_to_be_deleted() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"A": 1, "B": 2, "C": 3}, "DeletionPolicy": "Retain"}
    (finding,) = renamed(compared({"Shop": {"A": queue}}, {"Shop": {"B": queue}}))
    assert finding.sentence.endswith("so CloudFormation creates a new one and removes the old one, which is kept.")
