"""Each kind of rollout in the AWS of this machine: deployed, updated, taken back and taken down by the real cdk CLI."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.local.account import Account
from tests.test_local_lifecycle import Project, project  # noqa: F401  # a fixture is found by its name

APP = """
import json, pathlib
import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from moorage import (
    Cluster, Container, LifecycleHook, LifecycleStage, LoadBalancer, Network, Rollout, Route, Scaling, Service, Task
)

said = json.loads(pathlib.Path("said.json").read_text())
app = cdk.App()
stack = cdk.Stack(app, "Shop")
gone = cdk.RemovalPolicy.DESTROY
network = Network(stack, "Network", nat_gateways=1, flow_logs=False, removal_policy=gone)
cluster = Cluster(stack, "Cluster", vpc=network.vpc)
edge = LoadBalancer(stack, "Edge", vpc=network.vpc, access_logs=False, deletion_protection=False, removal_policy=gone)
check = lambda_.Function(
    stack,
    "Check",
    runtime=lambda_.Runtime.PYTHON_3_13,
    handler="index.handler",
    code=lambda_.Code.from_inline(
        "def handler(event, context): return {'hookStatus': '%s'}" % said.get("check", "SUCCEEDED")
    ),
)
bake = cdk.Duration.minutes(1)
hooks = [LifecycleHook.function(check, LifecycleStage.POST_TEST_TRAFFIC_SHIFT)]
rollouts = {
    "rolling": Rollout.rolling(),
    "blue_green": Rollout.blue_green(bake=bake, hooks=hooks),
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
        before=Task(Container("busybox:1.37", command=["sh", "-c", said["before"]])) if name == "rolling" else None,
        removal_policy=gone,
    )
app.synth()
"""


def services(of: Project) -> dict[str, dict[str, Any]]:
    ecs = Account(of.server.endpoint, None, None).client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    found = ecs.describe_services(cluster=cluster, services=arns)["services"]
    names = ("rolling", "green", "canary", "linear")
    return {next(name for name in names if name in each["serviceName"]): each for each in found}


def serving(of: Project, service: dict[str, Any]) -> list[tuple[str, int]]:
    """The weights of the target groups in the rule that serves."""
    elbv2 = Account(of.server.endpoint, None, None).client("elbv2")
    rule = service["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"]
    (found,) = elbv2.describe_rules(RuleArns=[rule])["Rules"]
    groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return [(each["TargetGroupArn"], each["Weight"]) for each in groups]


def image(of: Project, service: dict[str, Any]) -> str:
    ecs = Account(of.server.endpoint, None, None).client("ecs")
    found = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return str(found["containerDefinitions"][0]["image"])


@pytest.mark.slow
def test_each_kind_of_rollout_is_deployed_updated_taken_back_and_taken_down(project: Project) -> None:  # noqa: F811
    (project.folder / "app.py").write_text(APP)
    project.say(image="nginx:1.28", before="exit 0")
    done = project.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "replacing 2 takes an estimated 105 s with 2 to 4 running, and leaves 1 if one of 2" in done.stdout
    assert "canary, 10 % for 1 min first, bakes 1 min, 3 alarms" in done.stdout
    first = services(project)
    strategies = {name: each["deploymentConfiguration"]["strategy"] for name, each in first.items()}
    assert strategies == {"rolling": "ROLLING", "green": "BLUE_GREEN", "canary": "CANARY", "linear": "LINEAR"}
    before = {name: serving(project, first[name]) for name in ("green", "canary", "linear")}

    project.say(image="nginx:1.29", before="exit 0")
    done = project.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    second = services(project)
    for name, each in second.items():
        assert image(project, each) == "nginx:1.29"
        assert each["runningCount"] == 2
        if name in before:  # the other target group serves now
            now = dict(serving(project, each))
            assert [now[group] for group, _ in before[name]] == [0, 100]

    for said in ({"before": "exit 3"}, {"before": "exit 0", "check": "FAILED"}):
        project.say(image="nginx:1.30", **said)
        failed = project.run("up")
        assert failed.returncode == 1, failed.stdout
        for each in services(project).values():
            assert image(project, each) == "nginx:1.29"
            assert each["runningCount"] == 2

    down = project.run("down")
    assert down.stdout.endswith("Nothing is left; the local AWS is stopped.\n"), down.stdout + down.stderr
