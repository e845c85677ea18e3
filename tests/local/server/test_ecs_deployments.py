"""The deployments of a service in the local AWS: strategies, hooks, alarms and rollbacks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from moorage.assembly.cloud_assembly import Stack
from moorage.local.report.table import table
from tests.local.local_aws import (
    ACCOUNT,
    NETWORK,
    REGION,
    Client,
    Deploy,
    access,
    attribute,
    fargate,
    load_balancer,
    ref,
    resource,
    role,
)

Resources = dict[str, Any]

IMAGE = "public.ecr.aws/nginx/nginx:1"
STAGES = [
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
]
RECORDING = """
import json, boto3, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    return {"hookStatus": "SUCCEEDED"}
"""
ANSWERING = "def handler(event, context):\n    return {}\n"


def _function(code: str, **variables: Any) -> Resources:
    """Return a function, its role, and the role with which ECS invokes it."""
    return {
        "FunctionRole": role("lambda.amazonaws.com"),
        "Function": resource(
            "AWS::Lambda::Function",
            Code={"ZipFile": code},
            Handler="index.handler",
            Runtime="python3.13",
            Role=attribute("FunctionRole", "Arn"),
            Timeout=30,
            Environment={"Variables": variables},
        ),
        "HookRole": role(
            "ecs.amazonaws.com",
            {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": attribute("Function", "Arn")},
        ),
    }


def _hook(*stages: str, **more: Any) -> Resources:
    return {
        "HookTargetArn": attribute("Function", "Arn"),
        "RoleArn": attribute("HookRole", "Arn"),
        "LifecycleStages": list(stages),
        **more,
    }


def _group() -> Resources:
    return resource(
        "AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=ref("Vpc"), Port=8080, Protocol="HTTP", TargetType="ip"
    )


def _rule(listener: str) -> Resources:
    shares = [{"TargetGroupArn": ref("Blue"), "Weight": 100}, {"TargetGroupArn": ref("Green"), "Weight": 0}]
    return resource(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        ListenerArn=ref(listener),
        Priority=1,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}],
    )


def _listener(port: int) -> Resources:
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    return resource(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref("Edge"),
        Port=port,
        Protocol="HTTP",
        DefaultActions=[answer],
    )


def _edge() -> Resources:
    return {
        "Edge": load_balancer(),
        "Live": _listener(80),
        "Test": _listener(8443),
        "Blue": _group(),
        "Green": _group(),
        "LiveRule": _rule("Live"),
        "TestRule": _rule("Test"),
        "Infrastructure": role(
            "ecs.amazonaws.com", {"Effect": "Allow", "Action": "elasticloadbalancing:*", "Resource": "*"}
        ),
    }


BALANCER: Resources = {
    "ContainerName": "web",
    "ContainerPort": 8080,
    "TargetGroupArn": ref("Blue"),
    "AdvancedConfiguration": {
        "AlternateTargetGroupArn": ref("Green"),
        "ProductionListenerRule": ref("LiveRule"),
        "TestListenerRule": ref("TestRule"),
        "RoleArn": attribute("Infrastructure", "Arn"),
    },
}


def _service(deployment: Resources, *, version: int = 1, command: list[str] | None = None, **more: Any) -> Resources:
    container: Resources = {
        "PortMappings": [{"ContainerPort": 8080}],
        "Environment": [{"Name": "VERSION", "Value": str(version)}],
        **({"Command": command} if command else {}),
    }
    return NETWORK | {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Task": fargate("web", **container),
        "Service": resource(
            "AWS::ECS::Service",
            **{
                "Cluster": ref("Cluster"),
                "TaskDefinition": ref("Task"),
                "LaunchType": "FARGATE",
                "DesiredCount": 2,
                "DeploymentConfiguration": deployment,
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}},
                **more,
            },
        ),
    }


def _shifting(deployment: Resources, *, version: int = 1, **more: Any) -> Resources:
    return _edge() | _service(deployment, version=version, **{"LoadBalancers": [BALANCER], **more})


OUTPUTS = {
    "cluster": ref("Cluster"),
    "service": ref("Service"),
    "task": ref("Task"),
    "blue": ref("Blue"),
    "green": ref("Green"),
    "live": ref("LiveRule"),
    "test": ref("TestRule"),
}


class Seen:
    """The deployed resources, as each service's API shows them."""

    def __init__(self, client: Client, stack: dict[str, Any]) -> None:
        self.client, self.stack, self.values = client, stack, stack["Values"]

    @property
    def service(self) -> dict[str, Any]:
        found = self.client("ecs").describe_services(cluster=self.values["cluster"], services=[self.values["service"]])
        service: dict[str, Any] = found["services"][0]
        return service

    @property
    def deployments(self) -> list[dict[str, Any]]:
        """Return the service deployments, newest first."""
        ecs = self.client("ecs")
        brief = ecs.list_service_deployments(cluster=self.values["cluster"], service=self.values["service"])
        arns = [each["serviceDeploymentArn"] for each in brief["serviceDeployments"]]
        described = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        return list(described)

    def shares(self, rule: str) -> dict[str, int]:
        """Return a rule's weights of the blue and the green target group."""
        found = self.client("elbv2").describe_rules(RuleArns=[self.values[rule]])["Rules"][0]
        groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
        names = {self.values[name]: name for name in ("blue", "green")}
        return {names[each["TargetGroupArn"]]: each["Weight"] for each in groups}

    def targets(self, group: str) -> set[str]:
        found = self.client("elbv2").describe_target_health(TargetGroupArn=self.values[group])
        return {each["Target"]["Id"] for each in found["TargetHealthDescriptions"]}

    @property
    def addresses(self) -> set[str]:
        """Return the addresses of the running tasks."""
        ecs, cluster = self.client("ecs"), self.values["cluster"]
        arns = ecs.list_tasks(cluster=cluster)["taskArns"]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        details = [detail for task in tasks for place in task["attachments"] for detail in place["details"]]
        return {detail["value"] for detail in details if detail["name"] == "privateIPv4Address"}

    def said(self, queue: str) -> list[dict[str, Any]]:
        """Return the events of a function that records them."""
        sqs, heard = self.client("sqs"), []
        while found := sqs.receive_message(QueueUrl=self.values[queue], MaxNumberOfMessages=10).get("Messages"):
            heard += [json.loads(each["Body"]) for each in found]
        return heard


@pytest.fixture
def stand(client: Client, deploy: Deploy) -> Callable[..., Seen]:
    """Return a function that deploys a template and returns the deployed resources."""

    def stood(resources: Resources, status: str = "_COMPLETE", **outputs: Any) -> Seen:
        shown = {name: value for name, value in OUTPUTS.items() if value["Ref"] in resources}
        stack = deploy(resources, **shown, **outputs)
        assert stack["StackStatus"] in (f"CREATE{status}", f"UPDATE{status}"), stack["Reason"]
        return Seen(client, stack)

    return stood


def test_blue_green_shifts_traffic_to_the_other_target_group_and_back(stand: Callable[..., Seen]) -> None:
    plan = {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 5}
    seen = stand(_shifting(plan))
    assert seen.shares("live") == seen.shares("test") == {"blue": 100, "green": 0}
    assert seen.targets("blue") == seen.addresses
    assert (len(seen.addresses), seen.targets("green")) == (2, set())
    first = seen.addresses

    seen = stand(_shifting(plan, version=2))
    assert seen.shares("live") == seen.shares("test") == {"green": 100, "blue": 0}
    assert seen.targets("green") == seen.addresses
    assert (len(seen.addresses), seen.targets("blue")) == (2, set())
    assert not first & seen.addresses

    seen = stand(_shifting(plan, version=3))
    assert seen.shares("live") == {"blue": 100, "green": 0}
    assert (seen.targets("blue"), seen.targets("green")) == (seen.addresses, set())
    assert [each["status"] for each in seen.deployments] == ["SUCCESSFUL"] * 3
    assert seen.service["deploymentConfiguration"]["strategy"] == "BLUE_GREEN"
    assert seen.service["deploymentConfiguration"]["bakeTimeInMinutes"] == 5


def test_the_listener_of_a_network_load_balancer_shifts_traffic(
    stand: Callable[..., Seen], server: tuple[int, int], client: Client
) -> None:
    group = resource(
        "AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=ref("Vpc"), Port=8080, Protocol="TCP", TargetType="ip"
    )
    shares = [{"TargetGroupArn": ref("Blue"), "Weight": 100}, {"TargetGroupArn": ref("Green"), "Weight": 0}]
    live = resource(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref("Gate"),
        Port=8883,
        Protocol="TCP",
        DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}],
    )
    turned = {**BALANCER["AdvancedConfiguration"], "ProductionListenerRule": ref("Live")}
    del turned["TestListenerRule"]
    gate = {
        "Gate": load_balancer(Type="network"),
        "Live": live,
        "Blue": group,
        "Green": group,
        "Infrastructure": _edge()["Infrastructure"],
    }
    balancers = [{**BALANCER, "AdvancedConfiguration": turned}]
    plan = {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 5}
    stand(gate | _service(plan, LoadBalancers=balancers))
    seen = stand(gate | _service(plan, version=2, LoadBalancers=balancers), live=ref("Live"))
    (listener,) = client("elbv2").describe_listeners(ListenerArns=[seen.values["live"]])["Listeners"]
    forwarded = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
    assert {each["TargetGroupArn"]: each["Weight"] for each in forwarded} == {
        seen.values["green"]: 100,
        seen.values["blue"]: 0,
    }
    assert seen.targets("green") == seen.addresses
    name = seen.stack["StackName"]
    stack = Stack(path=name, name=name, account=ACCOUNT, region=REGION, template={}, needs=())
    rows = {row.what.strip(): row.says for row in table(access(server[1]), [stack])}
    assert "takes an estimated 32 min" in rows["estimate"]


def test_service_revisions_and_deployments_are_described(client: Client, stand: Callable[..., Seen]) -> None:
    monitoring = {"MetricConfigurations": [{"MetricNames": ["CPUUtilization"], "ResolutionSeconds": 20}]}
    plan = {"Strategy": "BLUE_GREEN"}
    before = stand(_shifting(plan, Monitoring=monitoring)).deployments[0]["targetServiceRevision"]["arn"]
    seen = stand(_shifting(plan, version=2, Monitoring=monitoring))
    newest = seen.deployments[0]
    target = newest["targetServiceRevision"]
    assert newest["serviceDeploymentArn"].startswith(f"arn:aws:ecs:{REGION}:111111111111:service-deployment/")
    assert newest["lifecycleStage"] == "CLEAN_UP"
    assert newest["deploymentConfiguration"]["bakeTimeInMinutes"] == 15
    assert (target["requestedTaskCount"], target["runningTaskCount"]) == (2, 2)
    assert (target["requestedProductionTrafficWeight"], target["requestedTestTrafficWeight"]) == (100.0, 100.0)
    assert [each["arn"] for each in newest["sourceServiceRevisions"]] == [before]
    assert [each["arn"] for each in seen.service["currentServiceRevisions"]] == [target["arn"]]
    revision = client("ecs").describe_service_revisions(serviceRevisionArns=[target["arn"]])["serviceRevisions"][0]
    assert revision["taskDefinition"] == seen.values["task"]
    assert revision["containerImages"] == [{"containerName": "web", "image": IMAGE}]
    assert revision["monitoring"]["metricConfigurations"][0]["resolutionSeconds"] == 20
    resolved = revision["resolvedConfiguration"]["loadBalancers"][0]
    assert resolved == {"targetGroupArn": seen.values["green"], "productionListenerRule": seen.values["live"]}


@pytest.mark.parametrize(
    ("plan", "steps"),
    [
        ({"Strategy": "CANARY", "CanaryConfiguration": {"CanaryPercent": 2.5}}, [2.5, 100]),
        ({"Strategy": "LINEAR", "LinearConfiguration": {"StepPercent": 40, "StepBakeTimeInMinutes": 1}}, [40, 80, 100]),
    ],
    ids=["canary", "linear"],
)
def test_traffic_shifts_in_steps_and_a_hook_runs_at_each(
    stand: Callable[..., Seen], plan: Resources, steps: list[float]
) -> None:
    hooked = plan | {"LifecycleHooks": [_hook("PRODUCTION_TRAFFIC_SHIFT")]}
    recording = _function(RECORDING, QUEUE=ref("Said")) | {"Said": resource("AWS::SQS::Queue")}
    stand(_shifting(hooked) | recording, said=ref("Said")).said("said")
    seen = stand(_shifting(hooked, version=2) | recording, said=ref("Said"))
    target = seen.deployments[0]["targetServiceRevision"]["arn"]
    (source,) = (each["arn"] for each in seen.deployments[0]["sourceServiceRevisions"])
    told = [each["executionDetails"]["productionTrafficWeights"] for each in seen.said("said")]
    assert told == [{target: step, source: 100 - step} for step in steps]
    assert seen.shares("live") == {"green": 100, "blue": 0}


def test_hooks_receive_the_stage_the_revision_and_their_details(stand: Callable[..., Seen]) -> None:
    hooked = {"Strategy": "BLUE_GREEN", "LifecycleHooks": [_hook(*STAGES, HookDetails={"Url": "https://x"})]}
    recording = _function(RECORDING, QUEUE=ref("Said")) | {"Said": resource("AWS::SQS::Queue")}
    first = stand(_shifting(hooked) | recording, said=ref("Said"))
    assert [each["lifecycleStage"] for each in first.said("said")] == STAGES
    seen = stand(_shifting(hooked, version=2) | recording, said=ref("Said"))
    told = seen.said("said")
    newest = seen.deployments[0]
    assert [each["lifecycleStage"] for each in told] == STAGES
    assert {each["resourceArn"] for each in told} == {newest["serviceDeploymentArn"]}
    assert {each["executionDetails"]["serviceArn"] for each in told} == {seen.values["service"]}
    assert all(each["hookDetails"] == {"Url": "https://x"} for each in told)
    assert [each["status"] for each in newest["lifecycleHookDetails"]] == ["SUCCEEDED"] * len(STAGES)
    assert told[2]["executionDetails"]["testTrafficWeights"] == {
        newest["targetServiceRevision"]["arn"]: 100.0,
        newest["sourceServiceRevisions"][0]["arn"]: 0.0,
    }


ASKED_AGAIN = """
def handler(event, context):
    seen = event.get("hookDetails", {}).get("seen", 0)
    if seen < 2:
        return {"hookStatus": "IN_PROGRESS", "callBackDelay": 5, "hookDetails": {"seen": seen + 1}}
    return {"hookStatus": "SUCCEEDED"}
"""


def test_a_hook_in_progress_is_invoked_again_with_its_details(stand: Callable[..., Seen]) -> None:
    plan = {"LifecycleHooks": [_hook("PRE_SCALE_UP")]}
    seen = stand(_service(plan) | _function(ASKED_AGAIN))
    assert seen.deployments[0]["status"] == "SUCCESSFUL"
    assert seen.service["runningCount"] == 2


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('def handler(event, context):\n    return {"hookStatus": "FAILED"}\n', 'answered {"hookStatus": "FAILED"}'),
        ("def handler(event, context):\n    return None\n", "answered"),
        ("def handler(event, context):\n    raise ValueError('no')\n", "the function failed"),
        ('def handler(event, context):\n    return {"hookStatus": "IN_PROGRESS"}\n', "timed out"),
    ],
    ids=["failed", "silent", "raising", "endless"],
)
@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"])
def test_a_failing_hook_rolls_back_the_deployment_and_the_stack(
    stand: Callable[..., Seen], stage: str, code: str, said: str
) -> None:
    fine = {"Strategy": "BLUE_GREEN"}
    before = stand(_shifting(fine))
    tasks = before.addresses
    hooked = fine | {"LifecycleHooks": [_hook(stage, TimeoutConfiguration={"TimeoutInMinutes": 1})]}
    seen = stand(_shifting(hooked, version=2) | _function(code), "_ROLLBACK_COMPLETE")
    assert said in seen.stack["Reason"]
    assert stage in seen.stack["Reason"]
    assert seen.addresses == tasks
    assert (seen.targets("blue"), seen.targets("green")) == (tasks, set())
    assert seen.shares("live") == {"blue": 100, "green": 0}
    assert seen.service["taskDefinition"] == before.values["task"]
    failed = seen.deployments[0]
    assert failed["status"] == "ROLLBACK_SUCCESSFUL"
    assert failed["rollback"]["serviceRevisionArn"] == seen.deployments[1]["targetServiceRevision"]["arn"]
    assert "FAILED" in [each["rolloutState"] for each in seen.service["deployments"]]


def test_a_hook_that_times_out_can_continue_the_deployment(stand: Callable[..., Seen]) -> None:
    waits = {"TimeoutInMinutes": 1, "Action": "CONTINUE"}
    endless = 'def handler(event, context):\n    return {"hookStatus": "IN_PROGRESS"}\n'
    hooked = {"LifecycleHooks": [_hook("POST_SCALE_UP", TimeoutConfiguration=waits)]}
    seen = stand(_service(hooked) | _function(endless))
    assert [each["status"] for each in seen.deployments[0]["lifecycleHookDetails"]] == ["TIMED_OUT"]


def test_a_hook_whose_role_cannot_invoke_it_fails(deploy: Deploy) -> None:
    hooked = {"LifecycleHooks": [_hook("PRE_SCALE_UP")]}
    weak = _function(ANSWERING) | {
        "HookRole": role("ecs.amazonaws.com", {"Effect": "Allow", "Action": "lambda:Get*", "Resource": "*"})
    }
    stack = deploy(_service(hooked) | weak)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform: lambda:InvokeFunction" in stack["Reason"]


MIGRATING = """
import boto3, os
def handler(event, context):
    ecs, details = boto3.client("ecs"), event.get("hookDetails", {})
    cluster = os.environ["CLUSTER"]
    if "task" not in details:
        subnets = {"awsvpcConfiguration": {"subnets": [os.environ["SUBNET"]]}}
        started = ecs.run_task(cluster=cluster, taskDefinition=os.environ["TASK"], launchType="FARGATE",
                               networkConfiguration=subnets)
        details = {"task": started["tasks"][0]["taskArn"]}
        return {"hookStatus": "IN_PROGRESS", "callBackDelay": 10, "hookDetails": details}
    task = ecs.describe_tasks(cluster=cluster, tasks=[details["task"]])["tasks"][0]
    if task["lastStatus"] != "STOPPED":
        return {"hookStatus": "IN_PROGRESS", "callBackDelay": 10, "hookDetails": details}
    return {"hookStatus": "SUCCEEDED" if task["containers"][0]["exitCode"] == 0 else "FAILED"}
"""


@pytest.mark.parametrize(("command", "status"), [("echo done", "_COMPLETE"), ("exit 3", "_ROLLBACK_COMPLETE")])
def test_a_function_runs_a_task_before_the_new_version_starts(
    stand: Callable[..., Seen], command: str, status: str
) -> None:
    migration = {"Migration": fargate("migrate", Command=["sh", "-c", command])}
    hooked = {"LifecycleHooks": [_hook("PRE_SCALE_UP")]}
    function = _function(MIGRATING, CLUSTER=ref("Cluster"), TASK=ref("Migration"), SUBNET=ref("Subnet"))
    stand(_service({}))
    seen = stand(_service(hooked, version=2) | migration | function, status)
    assert seen.deployments[0]["status"] == ("SUCCESSFUL" if status == "_COMPLETE" else "ROLLBACK_SUCCESSFUL")
    assert seen.service["runningCount"] == 2


ALARMING = """
import boto3, os
def handler(event, context):
    boto3.client("cloudwatch").set_alarm_state(AlarmName=os.environ["ALARM"], StateValue="ALARM", StateReason="test")
    return {"hookStatus": "SUCCEEDED"}
"""


def test_an_alarm_during_a_deployment_rolls_it_back(client: Client, stand: Callable[..., Seen]) -> None:
    alarm = resource(
        "AWS::CloudWatch::Alarm",
        AlarmName="rollout-errors",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="HTTPCode_Target_5XX_Count",
        Namespace="AWS/ApplicationELB",
        Period=60,
        Statistic="Sum",
        Threshold=1,
        TreatMissingData="notBreaching",
    )
    watched: Resources = {
        "Strategy": "BLUE_GREEN",
        "Alarms": {"AlarmNames": [ref("Errors")], "Enable": True, "Rollback": True},
    }
    more = {"Errors": alarm} | _function(ALARMING, ALARM="rollout-errors")
    stand(_shifting(watched) | more)
    hooked = watched | {"LifecycleHooks": [_hook("POST_PRODUCTION_TRAFFIC_SHIFT")]}
    seen = stand(_shifting(hooked, version=2) | more, "_ROLLBACK_COMPLETE")
    assert "alarms in ALARM: rollout-errors" in seen.stack["Reason"]
    failed = seen.deployments[0]
    assert failed["alarms"]["triggeredAlarmNames"] == ["rollout-errors"]
    assert failed["alarms"]["status"] == "TRIGGERED"
    assert seen.shares("live") == {"blue": 100, "green": 0}
    # an alarm that was in ALARM before does not block a fix
    assert stand(_shifting(watched, version=3) | more).deployments[0]["status"] == "SUCCESSFUL"
    client("cloudwatch").set_alarm_state(AlarmName="rollout-errors", StateValue="OK", StateReason="test")


def _paused(seen: Seen) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the deployment that waits in a pause, and the pause."""
    for _ in range(200):
        newest = seen.deployments[0]
        waiting = [each for each in newest["lifecycleHookDetails"] if each["status"] == "AWAITING_ACTION"]
        if waiting:
            return newest, waiting[0]
        time.sleep(0.05)
    raise AssertionError("no deployment paused")


@pytest.mark.parametrize(("action", "status"), [("CONTINUE", "_COMPLETE"), ("ROLLBACK", "_ROLLBACK_COMPLETE")])
def test_a_pause_waits_for_an_action(client: Client, stand: Callable[..., Seen], action: str, status: str) -> None:
    plain = {"Strategy": "BLUE_GREEN"}
    pause = {"TargetType": "PAUSE", "LifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    before = stand(_shifting(plain))
    shares: list[dict[str, int]] = []
    running: list[tuple[int, int]] = []

    def answer() -> None:
        deployment, hook = _paused(before)
        shares.extend([before.shares("live"), before.shares("test")])
        running.append((len(before.targets("blue")), len(before.targets("green"))))
        client("ecs").continue_service_deployment(
            serviceDeploymentArn=deployment["serviceDeploymentArn"], hookId=hook["hookId"], action=action
        )

    answering = threading.Thread(target=answer)
    answering.start()
    seen = stand(_shifting(plain | {"LifecycleHooks": [pause]}, version=2), status)
    answering.join()
    assert shares == [{"blue": 100, "green": 0}, {"green": 100, "blue": 0}]
    assert running == [(2, 2)]
    served = "green" if action == "CONTINUE" else "blue"
    assert seen.shares("live")[served] == seen.shares("test")[served] == 100


def test_no_new_task_starts_before_its_hooks_succeed(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_service({}))
    ecs, cluster, before = client("ecs"), seen.values["cluster"], seen.addresses
    waits = {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]}
    service = {"cluster": cluster, "deploymentConfiguration": waits}
    ecs.update_service(**service, service=seen.values["service"], forceNewDeployment=True)
    network = seen.service["networkConfiguration"]
    task = seen.values["task"]
    added = ecs.create_service(
        **service, serviceName="added", taskDefinition=task, launchType="FARGATE", networkConfiguration=network
    )
    other = Seen(client, seen.stack | {"Values": seen.values | {"service": added["service"]["serviceArn"]}})
    paused = [_paused(each) for each in (seen, other)]
    ecs.update_service(cluster=cluster, service="added", desiredCount=2)
    with pytest.raises(ClientError, match="still in progress"):
        ecs.update_service(cluster=cluster, service="added", forceNewDeployment=True)
    assert seen.addresses == before
    for deployment, hook in paused:
        arn = deployment["serviceDeploymentArn"]
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"], action="CONTINUE")
    for _ in range(100):
        if {each.deployments[0]["status"] for each in (seen, other)} == {"SUCCESSFUL"}:
            break
        time.sleep(0.05)
    assert len(seen.addresses) == 4
    ecs.delete_service(cluster=cluster, service="added", force=True)


def test_a_pause_that_is_not_continued_times_out(stand: Callable[..., Seen]) -> None:
    pause = {
        "TargetType": "PAUSE",
        "LifecycleStages": ["PRE_SCALE_UP"],
        "TimeoutConfiguration": {"TimeoutInMinutes": 1, "Action": "ROLLBACK"},
    }
    stand(_service({}))
    seen = stand(_service({"LifecycleHooks": [pause]}, version=2), "_ROLLBACK_COMPLETE")
    assert "timed out" in seen.stack["Reason"]
    assert "ContinueServiceDeployment" in seen.stack["Reason"]


def test_a_stopped_deployment_is_rolled_back(client: Client, stand: Callable[..., Seen]) -> None:
    before = stand(_service({}))

    def stop() -> None:
        deployment, _ = _paused(before)
        client("ecs").stop_service_deployment(serviceDeploymentArn=deployment["serviceDeploymentArn"])

    stopping = threading.Thread(target=stop)
    stopping.start()
    pause = {"TargetType": "PAUSE", "LifecycleStages": ["POST_SCALE_UP"]}
    seen = stand(_service({"LifecycleHooks": [pause]}, version=2), "_ROLLBACK_COMPLETE")
    stopping.join()
    assert seen.deployments[0]["status"] == "ROLLBACK_SUCCESSFUL"
    assert seen.service["runningCount"] == 2


def test_update_service_responds_before_a_deployment_with_hooks_ends(
    client: Client, stand: Callable[..., Seen]
) -> None:
    pause = {"TargetType": "PAUSE", "LifecycleStages": ["RECONCILE_SERVICE"]}
    seen = stand(_service({"LifecycleHooks": [pause]}))
    ecs, key = client("ecs"), {"cluster": seen.values["cluster"], "service": seen.values["service"]}
    waits = {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]}
    ecs.update_service(**key, forceNewDeployment=True, deploymentConfiguration=waits)
    deployment, hook = _paused(seen)
    assert deployment["status"] == "IN_PROGRESS"
    assert seen.service["currentServiceDeployment"] == deployment["serviceDeploymentArn"]
    ecs.continue_service_deployment(
        serviceDeploymentArn=deployment["serviceDeploymentArn"], hookId=hook["hookId"], action="CONTINUE"
    )
    for _ in range(100):
        if seen.deployments[0]["status"] == "SUCCESSFUL":
            break
        time.sleep(0.05)
    assert [each["status"] for each in seen.deployments] == ["SUCCESSFUL", "SUCCESSFUL"]


def test_a_task_that_exits_triggers_the_circuit_breaker(stand: Callable[..., Seen]) -> None:
    breaker = {
        "Enable": True,
        "Rollback": True,
        "ResetOnHealthyTask": False,
        "ThresholdConfiguration": {"Type": "COUNT", "Value": 2},
    }
    plan = {"DeploymentCircuitBreaker": breaker}
    stand(_service(plan))
    seen = stand(_service(plan, version=2, command=["sh", "-c", "exit 1"]), "_ROLLBACK_COMPLETE")
    assert "ECS Deployment Circuit Breaker was triggered" in seen.stack["Reason"]
    assert "exited with code 1" in seen.stack["Reason"]
    monitored = seen.deployments[0]["deploymentCircuitBreaker"]
    assert (monitored["status"], monitored["failureCount"], monitored["threshold"]) == ("TRIGGERED", 2, 2)
    kept = seen.service["deploymentConfiguration"]["deploymentCircuitBreaker"]
    assert kept["resetOnHealthyTask"] is False
    assert kept["thresholdConfiguration"] == {"type": "COUNT", "value": 2}


def test_only_changes_that_start_new_tasks_are_deployments(stand: Callable[..., Seen]) -> None:
    stand(_service({}))
    assert len(stand(_service({}, HealthCheckGracePeriodSeconds=30)).deployments) == 1
    assert len(stand(_service({}, PlatformVersion="1.4.0")).deployments) == 2
    forced = {"EnableForceNewDeployment": True, "ForceNewDeploymentNonce": "1"}
    assert len(stand(_service({}, PlatformVersion="1.4.0", ForceNewDeployment=forced)).deployments) == 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Role": attribute("HookRole", "Arn")}, "The role defined for the function cannot be assumed by Lambda"),
        ({"Runtime": "java21"}, "property Runtime must match ^(nodejs.*|python.*)$, not 'java21'"),
    ],
)
def test_an_invalid_function_is_refused_as_by_lambda(deploy: Deploy, changed: Resources, said: str) -> None:
    function = _function(ANSWERING)
    function["HookRole"] = role("ecs.amazonaws.com")
    function["Function"]["Properties"] |= changed
    stack = deploy(function)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in stack["Reason"]


def test_a_function_keeps_its_properties(client: Client, deploy: Deploy) -> None:
    function = _function('exports.handler = async () => ({ hookStatus: "SUCCEEDED" });')
    function["Logs"] = resource("AWS::Logs::LogGroup", RetentionInDays=7)
    function["Function"]["Properties"] |= {
        "Architectures": ["arm64"],
        "LoggingConfig": {"LogGroup": ref("Logs"), "LogFormat": "JSON"},
        "ReservedConcurrentExecutions": 2,
        "Runtime": "nodejs24.x",
    }
    stack = deploy(function, name=ref("Function"), logs=ref("Logs"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    functions, name = client("lambda"), stack["Values"]["name"]
    found = functions.get_function(FunctionName=name)
    assert found["Configuration"]["Architectures"] == ["arm64"]
    assert found["Configuration"]["LoggingConfig"] == {"LogGroup": stack["Values"]["logs"], "LogFormat": "JSON"}
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    answer = functions.invoke(FunctionName=name)["Payload"].read()
    assert json.loads(answer) == {"hookStatus": "SUCCEEDED"}


def _advanced(**changed: Any) -> Resources:
    stated = {**BALANCER["AdvancedConfiguration"], **changed}
    return {**BALANCER, "AdvancedConfiguration": {key: value for key, value in stated.items() if value is not None}}


BLUE_GREEN: Resources = {"Strategy": "BLUE_GREEN"}


@pytest.mark.parametrize(
    ("deployment", "more", "said"),
    [
        (
            BLUE_GREEN,
            {"LoadBalancers": [{**BALANCER, "AdvancedConfiguration": {"Ref": "AWS::NoValue"}}]},
            "advancedConfiguration must be",
        ),
        (
            BLUE_GREEN,
            {"LoadBalancers": [_advanced(AlternateTargetGroupArn="arn:aws:x")]},
            "target group does not exist: arn:aws:x",
        ),
        (BLUE_GREEN, {"LoadBalancers": [_advanced(AlternateTargetGroupArn=ref("Blue"))]}, "must not be the same"),
        (BLUE_GREEN, {"LoadBalancers": [_advanced(ProductionListenerRule=None)]}, "productionListenerRule must be"),
        (
            BLUE_GREEN,
            {"LoadBalancers": [_advanced(RoleArn=attribute("FunctionRole", "Arn"))]},
            "Unable to assume role",
        ),
        (BLUE_GREEN, {"LoadBalancers": [_advanced(TestListenerRule="arn:aws:r")]}, "rule 'arn:aws:r' does not exist"),
        ({"Strategy": "CANARY", "BakeTimeInMinutes": 1441}, {}, "BakeTimeInMinutes must be at most 1440, not '1441'"),
        (
            {"Strategy": "CANARY", "CanaryConfiguration": {"CanaryPercent": 0.05}},
            {},
            "CanaryPercent must be at least 0.1, not '0.05'",
        ),
        (
            {"Strategy": "LINEAR", "LinearConfiguration": {"StepPercent": 2.9}},
            {},
            "StepPercent must be at least 3, not '2.9'",
        ),
        (
            {"Strategy": "LINEAR", "CanaryConfiguration": {"CanaryPercent": 5}},
            {},
            "only with the deployment strategy CANARY",
        ),
        (
            {"Strategy": "LINEAR", "LinearConfiguration": {"StepPercent": 3, "StepBakeTimeInMinutes": 90}},
            {},
            "33 hours",
        ),
        (
            BLUE_GREEN | {"EarlySuccessCriteria": {"Enable": True}},
            {},
            "only with the deployment strategy ROLLING",
        ),
        ({"EarlySuccessCriteria": {"Enable": True, "HealthyPercent": 50}}, {}, "between minimumHealthyPercent (100)"),
        ({"Alarms": {"AlarmNames": [], "Enable": True, "Rollback": True}}, {}, "At least one alarm name"),
        (
            {
                "DeploymentCircuitBreaker": {
                    "Enable": True,
                    "Rollback": True,
                    "ThresholdConfiguration": {"Type": "COUNT", "Value": 0},
                }
            },
            {},
            "threshold is not valid for COUNT",
        ),
        ({"LifecycleHooks": [{"LifecycleStages": ["PRE_SCALE_UP"]}]}, {}, "hookTargetArn must be specified"),
        (
            {"LifecycleHooks": [_hook("PRE_SCALE_UP", RoleArn=attribute("FunctionRole", "Arn"))]},
            {},
            "Unable to assume the lifecycle hook's role",
        ),
        (
            {"LifecycleHooks": [{"TargetType": "PAUSE", "LifecycleStages": ["TEST_TRAFFIC_SHIFT"]}]},
            {},
            "PAUSE lifecycle hooks cannot be configured at the TEST_TRAFFIC_SHIFT stage",
        ),
        (
            {"LifecycleHooks": [_hook("PRE_SCALE_UP", TimeoutConfiguration={"TimeoutInMinutes": 1441})]},
            {},
            "1 to 1440 minutes, not 1441",
        ),
    ],
)
def test_an_invalid_deployment_configuration_is_refused_as_by_ecs(
    deploy: Deploy, deployment: Resources, more: Resources, said: str
) -> None:
    wanted = _shifting(deployment, **more) | _function(ANSWERING)
    stack = deploy(wanted)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in stack["Reason"]


@pytest.mark.parametrize(
    ("plan", "rollout", "estimate"),
    [
        (
            {"Strategy": "CANARY", "BakeTimeInMinutes": 5, "CanaryConfiguration": {"CanaryBakeTimeInMinutes": 10}},
            "canary, 5% of traffic for 10 min, 5 min bake time",
            "replacing 2 copies takes an estimated 22 min with 2 to 4 running; if the only zone is lost, "
            "0 copies remain",
        ),
        (
            {"MinimumHealthyPercent": 50, "MaximumPercent": 100},
            "rolling, minimum healthy 50%, maximum 100%",
            "replacing 2 copies takes an estimated 13 min with 1 to 2 running; if the only zone is lost, "
            "0 copies remain",
        ),
    ],
    ids=["canary", "rolling"],
)
def test_the_table_shows_the_strategy_and_its_estimated_duration(
    stand: Callable[..., Seen], server: tuple[int, int], plan: Resources, rollout: str, estimate: str
) -> None:
    name = stand(_shifting(plan)).stack["StackName"]
    stack = Stack(path=name, name=name, account=ACCOUNT, region=REGION, template={}, needs=())
    rows = {row.what.strip(): row.says for row in table(access(server[1]), [stack])}
    assert rows["rollout"] == rollout
    assert rows["estimate"] == estimate
