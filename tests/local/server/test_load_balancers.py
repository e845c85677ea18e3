"""Load balancers in the local AWS: conflicts when a stack is updated, and the remains of a failed creation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, NETWORK, Client, Deploy, load_balancer, ref, resource

ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
FAILING = resource("AWS::SNS::Topic", TopicName="taken")


def _listener(port: int, *, balancer: str = "Edge", action: dict[str, Any] = ANSWER) -> dict[str, Any]:
    return resource(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref(balancer),
        Port=port,
        Protocol="HTTP",
        DefaultActions=[action],
    )


def _rule(priority: int, *, listener: str = "Listener", action: dict[str, Any] = ANSWER) -> dict[str, Any]:
    return resource(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        ListenerArn=ref(listener),
        Priority=priority,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{priority}"]}}],
        Actions=[action],
    ) | {"Metadata": {"aws:cdk:path": f"Shop/Rule{priority}"}}


def _group(port: int = 80) -> dict[str, Any]:
    return resource(
        "AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=ref("Vpc"), Port=port, Protocol="HTTP", TargetType="ip"
    )


def _forward(*groups: str) -> dict[str, Any]:
    shares = [{"TargetGroupArn": ref(group), "Weight": 1} for group in groups]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}


EDGE = NETWORK | {"Edge": load_balancer(), "Listener": _listener(80)}


@pytest.mark.parametrize(
    ("before", "after", "holder"),
    [
        ({"A": _rule(1)}, {"A": _rule(1), "B": _rule(1)}, "Shop/Rule1"),
        ({"A": _rule(1)}, {"B": _rule(1)}, "Shop/Rule1"),
        ({"A": _rule(1), "B": _rule(2)}, {"A": _rule(2), "B": _rule(3)}, "Shop/Rule2"),
        ({"A": _rule(1), "B": _rule(2)}, {"B": _rule(1)}, "Shop/Rule1"),
    ],
    ids=["beside", "another id", "moved on", "after the first is gone"],
)
def test_update_with_a_priority_in_use_is_refused(
    deploy: Deploy, before: dict[str, Any], after: dict[str, Any], holder: str
) -> None:
    assert deploy(EDGE | before)["StackStatus"] == "CREATE_COMPLETE"
    changed = deploy(EDGE | after)
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "PriorityInUse: Priority" in changed["Reason"]
    assert f"it belongs to {holder} of the stack" in changed["Reason"]
    assert "delete that resource in a separate deployment first, or move it with `cdk refactor`" in changed["Reason"]


def test_rule_can_keep_its_priority_or_move_to_a_free_one(deploy: Deploy) -> None:
    assert deploy(EDGE | {"A": _rule(1), "B": _rule(2)})["StackStatus"] == "CREATE_COMPLETE"
    changed = deploy(EDGE | {"A": _rule(1, action=ANSWER | {"Order": 1}), "B": _rule(3)})
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    changed = deploy(EDGE | {"A": _rule(2), "B": _rule(3)})
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"Listener": _listener(80), "Other": _listener(80)}, "A listener already exists on this port"),
        ({"Other": _listener(80)}, "A listener already exists on this port"),
        ({"Listener": _listener(8080), "Second": _listener(9090)}, "Listener port '8080' is already in use"),
    ],
    ids=["beside", "another id", "moved on"],
)
def test_update_with_a_port_in_use_is_refused(deploy: Deploy, after: dict[str, Any], said: str) -> None:
    base = {name: EDGE[name] for name in EDGE if name != "Listener"}
    assert deploy(EDGE | {"Second": _listener(8080)})["StackStatus"] == "CREATE_COMPLETE"
    changed = deploy(base | after)
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert f"DuplicateListener: {said}" in changed["Reason"]


def test_two_load_balancers_can_have_listeners_on_the_same_port(deploy: Deploy) -> None:
    stack = deploy(EDGE | {"Second": load_balancer(), "Other": _listener(80, balancer="Second")})
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


@pytest.mark.parametrize(
    "second",
    [
        {"Other": _listener(80, balancer="Second", action=_forward("Group"))},
        {"Other": _listener(80, balancer="Second"), "Rule": _rule(1, listener="Other", action=_forward("X", "Group"))},
    ],
    ids=["by default", "by a rule's weight"],
)
def test_target_group_has_only_one_load_balancer(deploy: Deploy, second: dict[str, Any]) -> None:
    base = EDGE | {
        "Group": _group(),
        "X": _group(),
        "Second": load_balancer(),
        "First": _rule(9, action=_forward("Group")),
    }
    assert deploy(base)["StackStatus"] == "CREATE_COMPLETE"
    both = deploy(base | second)
    assert both["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "The following target groups cannot be associated with more than one load balancer: arn:" in both["Reason"]


def test_replacement_of_a_load_balancer_cannot_keep_its_target_groups(client: Client, deploy: Deploy) -> None:
    def edge(scheme: str, group: str) -> dict[str, Any]:
        forward = {"Rule": _rule(1, action=_forward(group)), group: _group()}
        attached = resource("AWS::EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway"))
        gateway = {"Gateway": resource("AWS::EC2::InternetGateway"), "Attached": attached}
        return EDGE | gateway | {"Edge": load_balancer(Scheme=scheme) | {"DependsOn": ["Attached"]}} | forward

    assert deploy(edge("internal", "Group"))["StackStatus"] == "CREATE_COMPLETE"
    kept = deploy(edge("internet-facing", "Group"))
    assert kept["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot be associated with more than one load balancer" in kept["Reason"]
    renewed = deploy(edge("internet-facing", "PublicGroup"))
    assert renewed["StackStatus"] == "UPDATE_COMPLETE", renewed["Reason"]
    (group,) = client("elbv2").describe_target_groups()["TargetGroups"]
    (balancer,) = client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert group["LoadBalancerArns"] == [balancer["LoadBalancerArn"]]


def test_deletion_protection_prevents_the_rollback_of_a_failed_creation(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    protection = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    deploy({"Taken": FAILING}, "-taken")
    stack = deploy(
        NETWORK
        | {
            "Edge": load_balancer(LoadBalancerAttributes=protection),
            "Failing": FAILING | {"DependsOn": ["Edge"]},
        }
    )
    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    cloudformation, balancers = client("cloudformation"), client("elbv2")
    events = cloudformation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    (reason,) = [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "DELETE_FAILED"]
    assert "cannot be deleted because deletion protection is enabled" in reason
    assert "turn it off with `aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:" in reason

    cloudformation.delete_stack(StackName=stack["StackName"])
    (balancer,) = balancers.describe_load_balancers()["LoadBalancers"]
    balancers.modify_load_balancer_attributes(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
    )
    remove(stack["StackName"])
    assert balancers.describe_load_balancers()["LoadBalancers"] == []


def _logged(bucket: Any) -> dict[str, Any]:
    attributes = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": bucket, "access_logs.s3.prefix": "edge"}
    stated = [{"Key": key, "Value": value} for key, value in attributes.items()]
    return NETWORK | {"Edge": load_balancer(LoadBalancerAttributes=stated)}


def test_bucket_of_access_logs_contains_a_test_file(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    edge = _logged(ref("Logs"))["Edge"] | {"DependsOn": ["Policy"]}
    writing = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${Logs.Arn}/*"},
    }
    policy = resource("AWS::S3::BucketPolicy", Bucket=ref("Logs"), PolicyDocument={"Statement": [writing]})
    logs = {"Logs": resource("AWS::S3::Bucket"), "Policy": policy}
    stack = deploy(NETWORK | logs | {"Edge": edge}, bucket=ref("Logs"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    s3, cloudformation, bucket = client("s3"), client("cloudformation"), stack["Values"]["bucket"]
    (test_file,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert test_file["Key"] == f"edge/AWSLogs/{ACCOUNT}/ELBAccessLogTestFile"
    cloudformation.delete_stack(StackName=stack["StackName"])
    (left,) = cloudformation.describe_stacks(StackName=stack["StackName"])["Stacks"]
    assert left["StackStatus"] == "DELETE_FAILED"
    assert "[Logs]" in left["StackStatusReason"]
    s3.delete_object(Bucket=bucket, Key=test_file["Key"])
    remove(stack["StackName"])


def test_bucket_of_access_logs_must_exist(client: Client, deploy: Deploy) -> None:
    stack = deploy(_logged("nowhere"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Access Denied for bucket: nowhere. Please check S3bucket permission" in stack["Reason"]
    assert client("elbv2").describe_load_balancers()["LoadBalancers"] == []


@pytest.mark.parametrize(("policy", "left"), [("Retain", True), ("RetainExceptOnCreate", False), ("Delete", False)])
def test_deletion_policy_decides_what_a_failed_creation_leaves(
    client: Client, deploy: Deploy, policy: str, *, left: bool
) -> None:
    deploy({"Taken": FAILING}, "-taken")
    name = f"shop/{policy.lower()}"
    repository = resource("AWS::ECR::Repository", RepositoryName=name) | {"DeletionPolicy": policy}
    failing = {"Images": repository, "Failing": FAILING | {"DependsOn": ["Images"]}}
    stack = deploy(failing)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    found = [each["repositoryName"] for each in client("ecr").describe_repositories()["repositories"]]
    assert (name in found) == left
    again = deploy({"Images": repository}, "-again")
    assert (again["StackStatus"] == "CREATE_COMPLETE") != left
    client("ecr").delete_repository(repositoryName=name, force=True)
