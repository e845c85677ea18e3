"""The instances of Auto Scaling groups that an update replaces."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.instances import replaced_instances
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared

ROLLING = {"AutoScalingRollingUpdate": {"MinInstancesInService": "1"}}


def group(image: str, policy: Any = None, version: Any = None) -> dict[str, Any]:
    latest = version or {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}
    return {
        "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"ImageId": image}}},
        "Group": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {"LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": latest}},
            **({"UpdatePolicy": policy} if policy else {}),
        },
    }


def sentences(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    return [finding.sentence for finding in replaced_instances(replaced(compared({"Shop": base}, {"Shop": head})))]


def test_a_new_version_of_the_launch_template_replaces_the_instances() -> None:
    assert sentences(group("ami-1", ROLLING), group("ami-2", ROLLING)) == [
        "The Auto Scaling group Shop/Group replaces its instances in batches, since its LaunchTemplate changes: the "
        "tasks on an instance stop with it."
    ]


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (group("ami-1"), group("ami-2")),
        (group("ami-1", ROLLING), group("ami-1", ROLLING)),
        (group("ami-1", ROLLING, "1"), group("ami-2", ROLLING, "1")),
        ({}, group("ami-1", ROLLING)),
    ],
)
def test_other_instances_stay(base: dict[str, Any], head: dict[str, Any]) -> None:
    assert sentences(base, head) == []


def test_another_version_by_number_replaces_the_instances() -> None:
    assert len(sentences(group("ami-1", ROLLING, "1"), group("ami-1", ROLLING, "2"))) == 1
