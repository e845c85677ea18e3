"""Acknowledgements of policy findings: in a file, in an app, and those of moorage's own constructs."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Template

from moorage import (
    Capacity,
    Cluster,
    Container,
    Image,
    Job,
    LoadBalancer,
    Network,
    Route,
    Scaling,
    Service,
    Task,
    Worker,
    policy,
)
from moorage.assembly.cloud_assembly import stacks_of
from moorage.policy.acknowledgement_file import read
from moorage.policy.acknowledgements import Acknowledgement, judge, of_app
from moorage.policy.issues import issues
from moorage.policy.violation import PolicyError, Violation
from moorage.scope import acknowledgements as kept
from moorage.scope.per_construct import PerConstruct
from tools.policy import checked

IMAGE = "public.ecr.aws/docker/library/nginx:1.29"
MESSAGE = "jsii._kernel.providers.process._NodeProcess.send"
"""The method that sends each message to Node.js. jsii keeps references to the methods of its kernel."""
TODAY = datetime.date(2026, 11, 30)
LOGS = Violation("guard:cloudwatch_log_group_encrypted_check", "Shop/Web/Logs/Resource")
WILDCARD = Violation("nag:IAM5[Resource::*]", "Shop/Web/Role/Resource")


def file(folder: Path, *entries: str) -> Path:
    path = folder / "acknowledged.toml"
    path.write_text("".join(f"[[acknowledged]]\n{entry}\n\n" for entry in entries))
    return path


def entry(**values: Any) -> str:
    given = {"id": "log-kms", "path": "Shop/Web", "reason": "no personal data", **values}
    return "\n".join(
        f"{key} = {value.isoformat() if isinstance(value, datetime.date) else json.dumps(value)}"
        for key, value in given.items()
        if value is not None
    )


# The file


def test_an_entry_covers_its_path_and_everything_below_it(tmp_path: Path) -> None:
    (given,) = read(file(tmp_path, entry()))
    assert given.covers(LOGS)
    assert given.covers(Violation(LOGS.rule, "Shop/Web"))
    assert not given.covers(Violation(LOGS.rule, "Shop/Website/Logs"))
    assert not given.covers(Violation(LOGS.rule, "Other/Shop/Web"))
    assert not given.covers(Violation("guard:sqs_dlq_check", LOGS.path))


@pytest.mark.parametrize("path", ["*/Logs", "Shop/*", "*", "Shop/*/Logs/Resource"])
def test_a_star_matches_any_characters(tmp_path: Path, path: str) -> None:
    (given,) = read(file(tmp_path, entry(path=path)))
    assert given.covers(LOGS)


@pytest.mark.parametrize(
    ("name", "covers"),
    [("nag:IAM5", True), ("nag:IAM5[Resource::*]", True), ("iam-wildcard", True), ("nag:IAM5[Action::s3:*]", False)],
)
def test_an_id_is_an_issue_a_rule_or_one_finding_of_a_rule(tmp_path: Path, name: str, *, covers: bool) -> None:
    (given,) = read(file(tmp_path, entry(id=name)))
    assert given.covers(WILDCARD) is covers


def test_an_entry_counts_through_its_last_day(tmp_path: Path) -> None:
    given = read(file(tmp_path, entry(until=TODAY)))
    assert judge([LOGS], given, TODAY).left == frozenset()
    late = judge([LOGS], given, TODAY + datetime.timedelta(days=1))
    assert (late.left, late.expired, late.stale) == (frozenset([LOGS]), given, ())


def test_an_entry_that_matches_nothing_is_stale(tmp_path: Path) -> None:
    given = read(file(tmp_path, entry(), entry(path="Shop/Gone")))
    verdict = judge([LOGS, WILDCARD], given, TODAY)
    assert (verdict.left, verdict.accepted, verdict.stale) == (frozenset([WILDCARD]), 1, given[1:])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": "log-kmss"}, "log-kmss is not a known issue or rule; did you mean log-kms?"),
        ({"id": "guard:xyz"}, "guard:xyz is not a known issue or rule; write the name of an issue, or a rule with its"),
        ({"id": "cfn-lint:W301"}, "cfn-lint:W301 is not a known issue or rule; did you mean cfn-lint:W"),
        ({"id": "AwsSolutions:SQS3"}, "AwsSolutions:SQS3 is not a known issue or rule; did you mean nag:SQS3?"),
        ({"id": "moorage:log-kms"}, "moorage:log-kms is not a known issue or rule; did you mean log-kms?"),
        ({"id": "AwsSolutions-SQS3"}, "AwsSolutions-SQS3 is not a known issue or rule; did you mean nag:SQS3?"),
        ({"id": "nag:AwsSolutions-SQS3"}, "nag:AwsSolutions-SQS3 is not a known issue or rule; did you mean nag:SQS3?"),
        (
            {"id": "AwsSolutions::AwsSolutions-IAM5[Resource::*]"},
            "AwsSolutions::AwsSolutions-IAM5[Resource::*] is not a known issue or rule; did you mean "
            "nag:IAM5[Resource::*]?",
        ),
        ({"id": "moorage::log-kms"}, "moorage::log-kms is not a known issue or rule; did you mean log-kms?"),
        ({"id": "cfn-lint::W3010"}, "cfn-lint::W3010 is not a known issue or rule; did you mean cfn-lint:W3010?"),
        ({"path": "/"}, 'path must not begin or end with "/" (got \'/\'); write path = "*"'),
        ({"path": "/Shop/Web/"}, 'path must not begin or end with "/" (got \'/Shop/Web/\'); write path = "Shop/Web"'),
        (
            {"until": datetime.datetime(2026, 1, 31)},
            "until must be a date without quotes (got 2026-01-31 00:00:00); write a date such as until = 2027-01-31",
        ),
        ({"id": "nag: ECS4"}, "nag: ECS4 is not a known issue or rule; "),
        ({"id": 3}, 'id must be a string that is not empty (got 3); write id = "..."'),
        ({"reason": " "}, "reason must be a string that is not empty (got ' '); write reason ="),
        ({"path": None}, 'path is missing; write path = "..."'),
        (
            {"until": "tomorrow"},
            "until must be a date without quotes (got 'tomorrow'); write a date such as until = 2027-01-31",
        ),
        ({"expires": TODAY}, "expires is not a key of an acknowledgement; use only id, path, reason, until"),
    ],
)
def test_a_wrong_entry_is_named_with_its_line(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    path = file(tmp_path, entry(), entry(**wrong))
    with pytest.raises(PolicyError, match=re.escape(f"{path}:6: {said}")):
        read(path)


def test_rules_of_other_plugins_can_be_acknowledged(tmp_path: Path) -> None:
    (given,) = read(file(tmp_path, entry(id="CloudFormation Validate:F3031")))
    assert given.covers(Violation("CloudFormation Validate:F3031", "Shop/Web"))


@pytest.mark.parametrize("name", ["Guard", "cfn-guard", "cdk-nag", "CloudFormation Validate", "team rules"])
def test_the_name_of_a_plugin_can_be_near_to_that_of_an_engine(tmp_path: Path, name: str) -> None:
    violation = Violation(f"{name}:no-queue", "Shop/Web")
    for written in (name, name.replace(" ", "-")):  # CDK prints hyphens
        given = read(file(tmp_path, entry(id=f"{written}:no-queue")))
        verdict = judge([violation], given, TODAY, {name})
        assert (verdict.left, verdict.stale) == (frozenset(), ())
        assert judge([], given, TODAY, {name}).stale == given


def test_an_entry_for_a_plugin_that_did_not_run_is_not_stale(tmp_path: Path) -> None:
    given = read(
        file(tmp_path, entry(id="CloudFormation Validate:F3034"), entry(id="nag:SQS3"), entry(id="iam-inline"))
    )
    assert judge([], given, TODAY, {"cfn-lint", "guard"}).stale == ()
    assert judge([], given, TODAY, {"cfn-lint", "guard", "nag", "CloudFormation Validate"}).stale == given


def test_an_entry_for_an_unknown_plugin_names_the_engine_that_may_be_meant(tmp_path: Path) -> None:
    given = read(file(tmp_path, entry(id="nagg:ECS4")))
    ((_, _, said),) = judge([], given, TODAY, {"cfn-lint", "guard"}).useless
    assert said.endswith("matches no finding; there is no plugin of this name; did you mean nag:ECS4?")


def test_a_star_in_the_app_is_part_of_an_id() -> None:
    given = Acknowledgement("log-kms", "Shop/*", "one log group")
    assert given.covers(Violation(LOGS.rule, "Shop/*/Resource"))
    assert not given.covers(LOGS)


def test_a_link_to_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("acknowledged.toml").symlink_to("gone.toml")
    with pytest.raises(PolicyError, match=r"acknowledged.toml cannot be read"):
        read(None)


def test_all_problems_of_a_file_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as error:
        read(file(tmp_path, entry(id="no", reason=None), entry(path=None)))
    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[acknowledged]\n", "is not valid TOML: Expected ']]' at the end of an array declaration (at line 1"),
        ("[[accepted]]\n", "must contain only tables [[acknowledged]] (got accepted); remove everything else"),
        (
            "acknowledged = 3\n",
            "must contain only tables [[acknowledged]] (got acknowledged = 3); remove everything else",
        ),
        ("[[acknowledged]]\nuntil = 2026-13-01\n", "is not valid TOML: "),
        (f"acknowledged = {'[' * 5000}", "is not valid TOML: it is nested too deeply"),
        (f"acknowledged = {'9' * 5000}", "is not valid TOML: "),
    ],
)
def test_a_file_that_is_not_of_this_form_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "acknowledged.toml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=re.escape(f"{path} {said}")):
        read(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"no\.toml cannot be read \(No such file or directory\); name another file"):
        read(tmp_path / "no.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xe9")
    with pytest.raises(PolicyError, match=r"latin\.toml cannot be read \(it is not UTF-8\)"):
        read(tmp_path / "latin.toml")


def test_entries_in_an_array_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "acknowledged.toml"
    path.write_text('acknowledged = [{id = "log-kms", path = "Shop", reason = "none"}]')
    assert read(path)[0].covers(LOGS)


def test_a_byte_order_mark_is_not_part_of_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, entry())
    path.write_text(path.read_text("utf-8"), "utf-8-sig")
    assert read(path)[0].covers(LOGS)


def test_a_folder_in_place_of_the_default_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("acknowledged.toml").mkdir()
    with pytest.raises(PolicyError, match=r"acknowledged.toml cannot be read"):
        read(None)


# The app


def nag_findings(app: cdk.App) -> set[tuple[str, str]]:
    report = json.loads((checked(app) / "validation-report.json").read_text())
    return {
        (violation["ruleName"], construct["constructPath"])
        for plugin in report["pluginReports"]
        if plugin["pluginName"] != "Construct Annotations"
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }


def shop(app: cdk.App) -> Service:
    """Define a service on instances with a load balancer, sessions and an image of Amazon ECR."""
    stack = cdk.Stack(app, "Shop")
    network = Network(stack, "Network")
    general = Capacity.ec2("general", instance_types=["m7g.large", "m6g.large"], max_instances=4)
    cluster = Cluster(stack, "Cluster", vpc=network.vpc, capacity=[general, Capacity.fargate()])
    edge = LoadBalancer(stack, "Edge", vpc=network.vpc, plain_http="a test")
    repository = ecr.Repository.from_repository_name(stack, "Images", "web")
    image = Container(Image.from_repository(repository, tag="1.0"), port=8080)
    task = Task(image, execute_command=True)
    return Service(stack, "Web", cluster=cluster, task=task, capacity=Capacity.fargate(), route=Route(edge))


def before(app: cdk.App) -> Service:
    policy.acknowledge(app)
    return shop(app)


def after(app: cdk.App) -> Service:
    service = shop(app)
    policy.acknowledge(app)
    policy.acknowledge(app)  # again: nothing happens
    return service


@pytest.mark.slow
@pytest.mark.parametrize("define", [before, after])
def test_cdk_nag_reports_nothing_that_a_construct_has_judged(define: Callable[[cdk.App], Service]) -> None:
    app = cdk.App()
    define(app)
    found = {(rule.rpartition("-")[2], path) for rule, path in nag_findings(app)}
    plain_http = {f"Shop/Edge/Default/{name}/Resource" for name in ("Http", "Https", "Test")}
    assert found == {
        (rule, path) for rule in ("ALBHttpToHttpsRedirection", "ELBv2ACMCertificateRequired") for path in plain_http
    }


@pytest.mark.slow
def test_wider_statements_with_the_actions_of_a_job_are_still_reported() -> None:
    app = cdk.App()
    policy.acknowledge(app)
    stack = cdk.Stack(app, "Shop")
    cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
    nightly = scheduler.ScheduleExpression.cron(hour="3", minute="0")
    for name in ("Own", "Wider"):
        Job(stack, name, cluster=cluster, task=Task(Container(IMAGE)), schedule=nightly)
    role = stack.node.find_child("Wider").node.find_child("Role")
    assert isinstance(role, iam.Role)
    role.add_to_policy(iam.PolicyStatement(actions=["ecs:RunTask"], resources=["*"]))
    assert nag_findings(app) == {("AwsSolutions-IAM5[Resource::*]", "Shop/Wider/Role/DefaultPolicy/Resource")}


@pytest.mark.slow
def test_variables_of_users_are_still_reported() -> None:
    app = cdk.App()
    policy.acknowledge(app)
    stack = cdk.Stack(app, "Shop")
    cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
    for name, environment in (("Own", None), ("Given", {"LEVEL": "info"}), ("Added", None)):
        task = Task(Container(IMAGE, environment=environment))
        worker = Worker(stack, name, cluster=cluster, task=task, scaling=Scaling(0, 2, backlog_per_task=10))
        if name == "Added":
            container = worker.service.task_definition.default_container
            assert container
            container.add_environment("LEVEL", "info")
    assert {path for rule, path in nag_findings(app) if rule == "AwsSolutions-ECS2"} == {
        f"Shop/{name}/Service/TaskDefinition/Resource" for name in ("Given", "Added")
    }


@pytest.mark.slow
def test_what_users_add_to_our_resources_is_still_reported() -> None:
    app = cdk.App()
    service = after(app)
    stack = cdk.Stack.of(service)
    definition = service.service.task_definition
    definition.add_to_task_role_policy(iam.PolicyStatement(actions=["ses:SendEmail"], resources=["*"]))
    definition.add_to_execution_role_policy(iam.PolicyStatement(not_actions=["iam:*"], resources=["arn:aws:s3:::*"]))
    edge = stack.node.find_child("Edge")
    assert isinstance(edge, LoadBalancer)
    edge.security_group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(80))  # it is internal
    network = stack.node.find_child("Network")
    assert isinstance(network, Network)
    subnet = network.vpc.public_subnets[0]
    assert isinstance(subnet, ec2.Subnet)
    subnet.add_route("More", router_type=ec2.RouterType.GATEWAY, router_id="igw-1", destination_cidr_block="0.0.0.0/1")
    s3.Bucket(stack, "Files")
    found = nag_findings(app)
    assert ("AwsSolutions-IAM5[Resource::*]", "Shop/Web/TaskDefinition/TaskRole/DefaultPolicy/Resource") in found
    assert ("AwsSolutions-EC23", "Shop/Edge/SecurityGroup/Resource") in found
    assert ("AwsSolutions-S1", "Shop/Files/Resource") in found
    execution = "Shop/Web/TaskDefinition/ExecutionRole/DefaultPolicy/Resource"
    assert {rule for rule, path in found if path == execution} == {"AwsSolutions-IAM5"}, "it cannot read NotAction"


_COMPUTED = cdk.Fn.condition_if("IsLarge", {}, {})


def imported_action(role: iam.Role, _: ec2.SecurityGroup) -> str:
    role.add_to_policy(iam.PolicyStatement(actions=[cdk.Fn.import_value("a")], resources=["*"]))
    return f"{role.node.path}/DefaultPolicy/Resource"


def computed(name: str, value: Any) -> Callable[[iam.Role, ec2.SecurityGroup], str]:
    """Return a function that sets a property of a role, its policy or a security group, and returns the path."""

    def change(role: iam.Role, group: ec2.SecurityGroup) -> str:
        owners = {"policy_document": role.node.find_child("DefaultPolicy"), "security_group_ingress": group}
        resource: Any = owners.get(name, role).node.default_child
        setattr(resource, name, value)
        return str(resource.node.path)

    return change


@pytest.mark.parametrize(
    "change",
    [
        imported_action,
        computed("policy_document", {"Statement": [_COMPUTED]}),
        computed("policy_document", _COMPUTED),
        computed("policies", _COMPUTED),
        computed("policies", [_COMPUTED]),
        computed("security_group_ingress", _COMPUTED),
        computed("security_group_ingress", [_COMPUTED]),
    ],
)
def test_what_only_cloudformation_computes_is_not_acknowledged(
    change: Callable[[iam.Role, ec2.SecurityGroup], str],
) -> None:
    app = cdk.App()
    service = after(app)
    stack = cdk.Stack.of(service)
    cdk.CfnCondition(stack, "IsLarge", expression=cdk.Fn.condition_equals("a", "b"))
    edge, role = stack.node.find_child("Edge"), service.service.task_definition.task_role
    assert isinstance(edge, LoadBalancer)
    assert isinstance(role, iam.Role)
    group = edge.security_group
    assert isinstance(group, ec2.SecurityGroup)
    path = change(role, group)
    given = {each.id for each in of_app(stacks_of(Path(app.synth().directory))) if each.path == path}
    assert not given & {"iam-wildcard", "alb-public"}


def test_the_template_does_not_change() -> None:
    one, other = cdk.App(), cdk.App()
    shop(one)
    after(other)
    first, second = (Template.from_stack(cdk.Stack.of(app.node.find_child("Shop"))) for app in (one, other))
    assert first.to_json() == second.to_json()


def test_an_app_is_needed() -> None:
    app = cdk.App()
    stage = cdk.Stage(app, "dev")
    for wrong, name in ((stage, "Stage"), ("app", "str"), (None, "NoneType")):
        with pytest.raises(TypeError, match=rf"app must be a cdk.App \(got {name}\); pass the app that you synthesize"):
            policy.acknowledge(wrong)  # type: ignore[arg-type]  # on purpose


def test_without_the_call_no_message_is_sent() -> None:
    app = cdk.App()
    stack = cdk.Stack(app, "Shop")
    group = logs.LogGroup(stack, "Logs")
    with (
        mock.patch(MESSAGE, side_effect=AssertionError),
        mock.patch.object(kept, "_receivers", PerConstruct()),
    ):
        kept.acknowledge(group, "log-kms", "no data")
    assert [(each.issue, each.reason) for each in kept.acknowledged(app)] == [("log-kms", "no data")]


def test_other_apps_of_the_process_are_not_acknowledged() -> None:
    one, other = cdk.App(), cdk.App()
    policy.acknowledge(one)
    kept.acknowledge(logs.LogGroup(cdk.Stack(other, "Shop"), "Logs"), "log-kms", "no data")
    folder = Path(other.synth().directory)
    assert of_app(stacks_of(folder)) == ()


def test_an_acknowledgement_asks_only_once_for_its_app() -> None:
    app = cdk.App()
    kept.acknowledge(logs.LogGroup(cdk.Stack(app, "Shop"), "Logs"), "log-kms", "no data")
    first = kept.acknowledged(app)
    with mock.patch(MESSAGE, side_effect=AssertionError):
        assert kept.acknowledged(app) == first
    assert len(first) == 1


def test_what_an_app_acknowledges_is_read_from_its_assembly() -> None:
    app = cdk.App()
    stack = cdk.Stack(app, "Shop")
    group = logs.LogGroup(stack, "Logs")
    given = [("moorage::log-kms", "public"), ("cfn-lint::W3010", "one zone"), ("AwsSolutions-S1", "of cdk-nag")]
    cdk.Validations.of(group).acknowledge(*(cdk.Acknowledgment(id=each, reason=why) for each, why in given))
    found = of_app(stacks_of(Path(app.synth().directory)))
    assert found[:2] == (
        Acknowledgement("log-kms", "Shop/Logs", "public"),
        Acknowledgement("cfn-lint:W3010", "Shop/Logs", "one zone"),
    )
    assert judge([Violation(LOGS.rule, "Shop/Logs/Resource")], found).left == frozenset()
    assert judge([], found).stale == (), "only entries of a file are stale"


@pytest.mark.parametrize(
    ("port", "description", "left"), [(22, "Clients on port 80", True), (80, "Clients on port 80", False)]
)
def test_a_rule_counts_as_our_own_by_its_description_and_port(port: int, description: str, *, left: bool) -> None:
    app = cdk.App()
    policy.acknowledge(app)
    stack = cdk.Stack(app, "Shop")
    edge = LoadBalancer(stack, "Edge", vpc=Network(stack, "Network").vpc, public=True, plain_http="a test")
    edge.security_group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), description)
    found = of_app(stacks_of(Path(app.synth().directory)))
    acknowledged = {each.id for each in found if each.path.startswith("Shop/Edge/SecurityGroup")}
    assert ("alb-public" not in acknowledged) is left
    assert ("open-ports" not in acknowledged) is left


def test_everybody_on_port_80_is_another_issue_than_on_port_22(tmp_path: Path) -> None:
    (given,) = read(file(tmp_path, entry(id="alb-public", path="*")))
    assert given.covers(Violation("nag:EC23", "Shop/Edge"))
    assert not given.covers(Violation("nag:EC2RestrictedSSH", "Shop/Edge"))


def issues_in(app: cdk.App) -> Iterable[str]:
    return (each.issue for each in kept.acknowledged(app))


def test_each_issue_that_a_construct_acknowledges_is_known() -> None:
    app = cdk.App()
    shop(app)
    assert set(issues_in(app)) <= set(issues())


def test_the_module_loads_no_cdk() -> None:
    program = "import sys, moorage.policy; raise SystemExit('aws_cdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    program = "import cdk_nag, aws_cdk, moorage; moorage.policy.acknowledge(aws_cdk.App())"
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0
