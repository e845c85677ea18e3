"""Services with each kind of rollout are deployed, updated, rolled back and destroyed by the real cdk CLI."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.local.account import Account
from tests.local.test_local_lifecycle import Project

APP = """
import json, pathlib
import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch, aws_iam as iam, aws_lambda as lambda_
from moorage import (
    Cluster, Container, LifecycleHook, LifecycleStage, LoadBalancer, Network, RollbackAlarms, Rollout, Route, Scaling,
    Service, Task
)

said = json.loads(pathlib.Path("said.json").read_text())
app = cdk.App()
stack = cdk.Stack(app, "Shop")
gone = cdk.RemovalPolicy.DESTROY
network = Network(stack, "Network", nat_gateways=1, flow_logs=False, removal_policy=gone)
cluster = Cluster(stack, "Cluster", vpc=network.vpc)
edge = LoadBalancer(stack, "Edge", vpc=network.vpc, access_logs=False, deletion_protection=False, removal_policy=gone)
orders = cloudwatch.Metric(namespace="Shop", metric_name="OrdersFailed")
alarm = cloudwatch.Alarm(stack, "Orders", metric=orders, threshold=1, evaluation_periods=1)
check = lambda_.Function(
    stack,
    "Check",
    runtime=lambda_.Runtime.PYTHON_3_13,
    handler="index.handler",
    code=lambda_.Code.from_inline(
        "import boto3, os\\n"
        "def handler(event, context):\\n"
        "    if os.environ['STATE']:\\n"
        "        boto3.client('cloudwatch').set_alarm_state(\\n"
        "            AlarmName=os.environ['ALARM'], StateValue=os.environ['STATE'], StateReason='test')\\n"
        "    return {'hookStatus': os.environ['STATUS']}\\n"
    ),
    environment={
        "ALARM": alarm.alarm_name, "STATE": said.get("alarm", ""), "STATUS": said.get("check", "SUCCEEDED")
    },
)
check.add_to_role_policy(iam.PolicyStatement(actions=["cloudwatch:SetAlarmState"], resources=[alarm.alarm_arn]))
bake = cdk.Duration.minutes(1)
hooks = [LifecycleHook.function(check, LifecycleStage.POST_TEST_TRAFFIC_SHIFT)]
rollouts = {
    "rolling": Rollout.rolling(),
    "blue_green": Rollout.blue_green(bake=bake, hooks=hooks, alarms=RollbackAlarms(extra_alarms=[alarm])),
    "canary": Rollout.canary(percent=10, bake=bake),
    "linear": Rollout.linear(percent=50, bake=bake),
}
for name, rollout in rollouts.items():
    Service(
        stack,
        name,
        cluster=cluster,
        task=Task(Container(said["image"], port=8080)),
        scaling=Scaling(2),
        route=Route(edge, path=f"/{name}/*"),
        rollout=rollout,
        pre_deployment_task=(
            Task(Container("busybox:1.37", command=["sh", "-c", said["before"]])) if name == "rolling" else None
        ),
        removal_policy=gone,
    )
app.synth()
"""


def services(of: Project) -> dict[str, dict[str, Any]]:
    ecs = Account(of.server.access, None, None).client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    found = ecs.describe_services(cluster=cluster, services=arns)["services"]
    names = ("rolling", "green", "canary", "linear")
    return {next(name for name in names if name in each["serviceName"]): each for each in found}


def serving(of: Project, service: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the weights of the target groups in the listener rule of a service."""
    elbv2 = Account(of.server.access, None, None).client("elbv2")
    rule = service["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"]
    (found,) = elbv2.describe_rules(RuleArns=[rule])["Rules"]
    groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return [(each["TargetGroupArn"], each["Weight"]) for each in groups]


def deployments(of: Project, service: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the deployments of a service, newest first."""
    ecs = Account(of.server.access, None, None).client("ecs")
    listed = ecs.list_service_deployments(service=service["serviceArn"], cluster=service["clusterArn"])
    arns = [each["serviceDeploymentArn"] for each in listed["serviceDeployments"]]
    found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    return sorted(found, key=lambda each: each["createdAt"], reverse=True)


def image(of: Project, service: dict[str, Any]) -> str:
    ecs = Account(of.server.access, None, None).client("ecs")
    found = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return str(found["containerDefinitions"][0]["image"])


@pytest.mark.oracle
@pytest.mark.slow
def test_each_rollout_is_deployed_updated_rolled_back_and_destroyed(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    project.say(image="nginx:1.28", before="exit 0")
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "replacing 2 copies takes an estimated 105 s with 2 to 4 running; if one of 2 zones is" in done.stdout
    assert "canary, 10% of traffic for 1 min, 1 min bake time, 3 alarms" in done.stdout
    first = services(project)
    strategies = {name: each["deploymentConfiguration"]["strategy"] for name, each in first.items()}
    assert strategies == {"rolling": "ROLLING", "green": "BLUE_GREEN", "canary": "CANARY", "linear": "LINEAR"}
    before = {name: serving(project, first[name]) for name in ("green", "canary", "linear")}

    project.say(image="nginx:1.29", before="exit 0")
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    second = services(project)
    for name, each in second.items():
        assert image(project, each) == "nginx:1.29"
        assert each["runningCount"] == 2
        assert deployments(project, each)[0]["status"] == "SUCCESSFUL"
        if name in before:  # now the other target group serves
            now = dict(serving(project, each))
            assert [now[group] for group, _ in before[name]] == [0, 100]

    reasons = []
    for said in ({"before": "exit 3"}, {"check": "FAILED"}, {"alarm": "ALARM"}):
        project.say(image="nginx:1.30", **{"before": "exit 0", **said})
        failed = project.up()
        assert failed.returncode == 1, failed.stdout
        for each in services(project).values():
            assert image(project, each) == "nginx:1.29"
            assert each["runningCount"] == 2
        taken_back = [
            each["statusReason"]
            for service in services(project).values()
            for each in deployments(project, service)
            if each["status"] == "ROLLBACK_SUCCESSFUL"
        ]
        reasons.append(" ".join(taken_back))
    before_task, hook, alarm = reasons
    assert "PRE_SCALE_UP" in before_task
    assert "POST_TEST_TRAFFIC_SHIFT" in hook
    assert "alarms in ALARM" not in hook
    assert "alarms in ALARM" in alarm

    down = project.run("down")
    assert down.stdout.endswith("All stacks are deleted; the local AWS is stopped.\n"), down.stdout + down.stderr
