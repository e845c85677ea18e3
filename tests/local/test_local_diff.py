"""`diff` shows what `up` would change, from the templates in the local AWS to those of the app, and changes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from moorage.assembly.asset_manifest import files
from moorage.assembly.cloud_assembly import stacks_of
from moorage.cli.commands import moorage
from moorage.local.environment import ACCOUNT, REGION
from moorage.local.process import Home, Server
from tests.conftest import synthesize
from tests.local.local_aws import SECRET, Client, resource

APP = """
import pathlib
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2, aws_ecs as ecs, aws_s3_assets as assets, aws_sqs as sqs, aws_ssm as ssm

app = cdk.App()
stage = cdk.Stage(app, "dev")
shop = cdk.Stack(stage, "Shop", termination_protection=True)
vpc = ec2.Vpc(shop, "Vpc", nat_gateways=0, restrict_default_security_group=False)
task = ecs.FargateTaskDefinition(shop, "Task")
task.add_container("web", image=ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:1.28"))
cluster = ecs.Cluster(shop, "Cluster", vpc=vpc)
web = ecs.FargateService(
    shop, "Web", cluster=cluster, task_definition=task, assign_public_ip=True, min_healthy_percent=100, desired_count=2
)
web.auto_scale_task_count(min_capacity=2, max_capacity=4)
inner = cdk.NestedStack(shop, "Inner")
sqs.CfnQueue(inner, "Jobs", visibility_timeout=30)

jobs = cdk.Stack(app, "Jobs", env=cdk.Environment(account="222222222222", region="eu-west-1"))
file = assets.Asset(jobs, "File", path=str(pathlib.Path("app.py").resolve()))
name = ssm.StringParameter.value_for_string_parameter(jobs, "/jobs/name")
sqs.CfnQueue(jobs, "Queue", queue_name=name, tags=[cdk.CfnTag(key="file", value=file.s3_object_key)])
app.synth()
"""
PLACE_OF_JOBS = ("222222222222", "eu-west-1")


@attrs.frozen
class Local:
    """A local AWS with a deployed app, and copies of the app's assembly to change.

    Args:
        home: The home of the local AWS, which has the deployed assembly.
        head: The assembly of the app as it is now.
        client: A function that returns boto3's client of a service.
    """

    home: Path
    head: Path
    client: Client

    def diff(self, *arguments: str) -> Result:
        """Compare without the policy engines, which take seconds."""
        given = [*arguments, *([] if "--policy" in arguments else ["--no-policy"])]
        return CliRunner().invoke(moorage, ["diff", *given, "--app", str(self.head), "--home", str(self.home)])

    def template(self, name: str) -> Path:
        """Return the file of a stack's template; the names of the files of nested stacks are longer."""
        return min(self.head.rglob(f"*{name}*.template.json"), key=lambda file: len(file.name))

    def change(self, stack: str, kind: str, **properties: Any) -> None:
        """Change properties of the only resource of a type in the app."""
        file = self.template(stack)
        template = json.loads(file.read_text())
        (found,) = [each for each in template["Resources"].values() if each["Type"] == kind]
        found["Properties"] |= properties
        file.write_text(json.dumps(template))

    def move(self, stack: str, path: str) -> None:
        """Change the construct path of a stack of the app."""
        file = self.head / "manifest.json"
        manifest = json.loads(file.read_text())
        manifest["artifacts"][stack]["displayName"] = path
        file.write_text(json.dumps(manifest))

    def forget(self, assembly: Path, *stacks: str) -> None:
        """Remove stacks from an assembly."""
        for file in assembly.rglob("manifest.json"):
            manifest = json.loads(file.read_text())
            manifest["artifacts"] = {
                name: artifact
                for name, artifact in manifest["artifacts"].items()
                if artifact.get("displayName", name) not in stacks
            }
            file.write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the assembly of the app."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.py").write_text(APP)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        synthesize(Path("app.py"), folder / "cdk.out", **{"aws:cdk:enable-path-metadata": True})
    return folder / "cdk.out"


@pytest.fixture(scope="module")
def deployed(client: Client, assembly: Path) -> Path:
    """Return the assembly after its deployment, as the cdk CLI makes it but in less time."""
    client("ssm", *PLACE_OF_JOBS).put_parameter(Name="/jobs/name", Value="orders", Type="String")
    for place in (PLACE_OF_JOBS, (ACCOUNT, REGION)):
        client("ssm", *place).put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    for stack in stacks_of(assembly):
        place = stack.account or ACCOUNT, stack.region or REGION
        assert stack.template_file
        upload(client, place, stack.template_file.with_name(stack.template_file.name.replace(".template.", ".assets.")))
        create(client, place, stack.name, stack.template, protected=stack.termination_protection)
    return assembly


def upload(client: Client, place: tuple[str, str], manifest: Path) -> None:
    storage = client("s3", *place)
    bucket = "cdk-hnb659fds-assets-{}-{}".format(*place)
    location = {} if place[1] == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": place[1]}}
    storage.create_bucket(Bucket=bucket, **location)
    for key, path in files(json.loads(manifest.read_text())):
        storage.put_object(Bucket=bucket, Key=key, Body=(manifest.parent / path).read_bytes())


def create(
    client: Client, place: tuple[str, str], name: str, template: Mapping[str, Any], *, protected: bool = False
) -> None:
    cloudformation = client("cloudformation", *place)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        EnableTerminationProtection=protected,
    )
    (made,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [each.get("ResourceStatusReason") for each in events if each["ResourceStatus"].endswith("FAILED")]
    assert made["StackStatus"] == "CREATE_COMPLETE", reasons


@pytest.fixture
def local(
    server: tuple[int, int], client: Client, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Local:
    home = Home(tmp_path / "home")
    with home.exclusive():
        shutil.copytree(deployed, home.assembly)
    shutil.copytree(deployed, tmp_path / "head")
    monkeypatch.setattr(Home, "running", lambda _: Server(server[0], server[1], SECRET))
    return Local(home.folder, tmp_path / "head", client)


def test_an_app_that_did_not_change_has_no_differences(local: Local) -> None:
    done = local.diff()
    assert (done.output, done.exit_code) == (
        "Review of the app against the local AWS: nothing to object to; 0 resources differ\n",
        0,
    )


def test_changes_of_a_service_are_reviewed_and_not_deployed(local: Local) -> None:
    before = local.client("cloudformation", ACCOUNT, REGION).describe_stacks()["Stacks"]
    local.change("Shop", "AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=1)
    container = {"Essential": True, "Image": "public.ecr.aws/nginx/nginx:1.29", "Name": "web"}
    local.change("Shop", "AWS::ECS::TaskDefinition", ContainerDefinitions=[container])
    page = local.head.parent / "page.md"
    done = local.diff("--fail-on", "interrupted", "--markdown", str(page))
    assert done.exit_code == 1, done.output
    assert "; 2 resources differ\n" in done.output
    assert "The ECS service dev/Shop/Web keeps at least 1 copy (before: 2)" in done.output
    assert "public.ecr.aws/nginx/nginx:1.28 | public.ecr.aws/nginx/nginx:1.29" in page.read_text()
    assert local.client("cloudformation", ACCOUNT, REGION).describe_stacks()["Stacks"] == before


def test_a_change_in_a_nested_stack_is_shown(local: Local) -> None:
    local.change("Inner", "AWS::SQS::Queue", VisibilityTimeout=60)
    assert "SQS queue dev/Shop/Inner/Jobs  updated  VisibilityTimeout  30      60" in local.diff().output


def test_a_stack_that_moved_in_the_app_is_the_same_stack_in_cloudformation(local: Local) -> None:
    local.move("Jobs", "moved/Jobs")
    assert local.diff().output.endswith("; 0 resources differ\n")


def test_a_removed_stack_is_shown_also_if_the_last_deployment_did_not_have_it(local: Local) -> None:
    local.forget(local.head, "dev/Shop")
    said = "The stack dev/Shop is no longer in the app"
    removed = local.diff().output
    assert said in removed
    assert "deletes it, after its termination protection is turned off." in removed
    local.forget(local.home / "cdk.out", "dev/Shop")
    assert local.diff().output == removed


def test_a_stack_that_is_not_deployed_is_shown_as_new(local: Local) -> None:
    manifest = local.head / "manifest.json"
    content = json.loads(manifest.read_text())
    content["artifacts"]["New"] = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "New.template.json"},
    }
    manifest.write_text(json.dumps(content))
    queue = {"Type": "AWS::SQS::Queue", "Metadata": {"aws:cdk:path": "New/Queue"}}
    (local.head / "New.template.json").write_text(json.dumps({"Resources": {"Queue": queue}}))
    assert "SQS queue New/Queue  added" in local.diff().output
    assert local.diff("Jobs").output.endswith("; 0 resources differ\n")
    assert "; 1 resource differs\n" in local.diff("New").output


def test_only_new_policy_findings_are_shown(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after an `up` that failed, so that the templates that are deployed are not in its assembly."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    programs = {name: shutil.which(name) for name in ("cdk", "node")}
    monkeypatch.setattr(shutil, "which", lambda name, **_: programs.get(name))  # without checkov
    local.change("Jobs", "AWS::SQS::Queue", DelaySeconds=1000)
    violation = {"ruleName": "AwsSolutions-SQS3", "violatingConstructs": [{"constructPath": "Jobs/Queue"}]}
    report = {"pluginReports": [{"pluginName": "AwsSolutions", "violations": [violation]}]}
    (local.head / "validation-report.json").write_text(json.dumps(report))
    shutil.copytree(local.head, local.home / "cdk.out", dirs_exist_ok=True)
    done = local.diff("Jobs", "--policy", "--json", "-")
    page = json.loads(done.stdout)
    assert [finding["rule"] for finding in page["findings"]] == ["policy/cfn-lint:E3034"]
    assert "policy findings of the base are still in the head" in done.stdout
    assert done.stderr.startswith("Checking 2 new templates with the policy engines, which takes about 5 s;")


def test_a_parameter_with_a_new_value_is_named(local: Local) -> None:
    parameters = local.client("ssm", *PLACE_OF_JOBS)
    parameters.put_parameter(Name="/jobs/name", Value="returns", Type="String", Overwrite=True)
    try:
        printed = local.diff().output
    finally:
        parameters.put_parameter(Name="/jobs/name", Value="orders", Type="String", Overwrite=True)
    assert "\nJobs reads the parameter /jobs/name, whose value has changed: `up` updates this stack.\n" in printed


def test_a_stack_that_lacks_a_resource_is_named(local: Local) -> None:
    queues = local.client("sqs", *PLACE_OF_JOBS)
    queues.delete_queue(QueueUrl=queues.get_queue_url(QueueName="orders")["QueueUrl"])
    try:
        printed = local.diff().output
    finally:
        queues.create_queue(QueueName="orders")
    assert "Jobs lacks Queue (AWS::SQS::Queue): `up` deletes and redeploys this stack." in printed


@pytest.fixture
def others(client: Client) -> Iterator[str]:
    """Yield the name of a failed stack, beside a stack that no CDK app defines."""
    cloudformation = client("cloudformation", ACCOUNT, REGION)
    broken = {**resource("AWS::SQS::Queue", DelaySeconds=-1), "Metadata": {"aws:cdk:path": "Failed/Queue"}}
    for name, queue in (("Failed", broken), ("ByHand", resource("AWS::SQS::Queue"))):
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Queue": queue}}))
    yield "Failed"
    for name in ("Failed", "ByHand"):
        cloudformation.delete_stack(StackName=name)


@pytest.mark.usefixtures("others")
def test_stacks_that_failed_or_that_are_of_no_app_are_left_out(local: Local) -> None:
    assert local.diff().output.endswith("; 0 resources differ\n")


def test_missing_programs_are_said_together(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage.installation.programs.find", lambda _: None)
    monkeypatch.setattr("moorage.installation.programs.node", lambda: None)
    done = local.diff()
    assert done.exit_code == 1
    assert done.output.startswith("moorage diff: 2 problems\n  - Node.js, which runs the CDK CLI, is not installed; ")
    assert "\n  - the CDK CLI (`cdk`) is not installed; " in done.output


@pytest.mark.usefixtures("others")
def test_a_stack_that_left_the_app_is_shown_and_can_be_deleted(local: Local) -> None:
    queue = {**resource("AWS::SQS::Queue"), "Metadata": {"aws:cdk:path": "Old/Queue"}}
    create(local.client, (ACCOUNT, REGION), "Old", {"Resources": {"Queue": queue}})

    def moorage_(*arguments: str) -> str:
        return CliRunner().invoke(moorage, [*arguments, "--home", str(local.home)]).output

    shown = moorage_("status")
    assert (
        f"Old is deployed, but no longer in the app; to delete it, run moorage down --home {local.home} Old\n" in shown
    )
    assert "ByHand" not in shown
    assert shown.splitlines()[-1].startswith("  ")  # a command below `Next:`
    assert "Next:" not in moorage_("status", "Old")
    note = shown[shown.index("Old is deployed") :].partition("\n")[0]
    assert f"\n{note}\n" in local.diff().output
    refused = moorage_("up", "Old", "--app", str(local.head))
    assert note in refused
    assert "moorage up: no stack matches Old; the paths of the app's stacks are" in refused
    assert ["stack", "Old", "CREATE_COMPLETE,", "1", "resource,"] in [
        line.split()[:5] for line in moorage_("status", "Old").splitlines()
    ]
    assert moorage_("down", "Old") == (
        "Deleting Old, which is no longer in the app ...\nDestroyed. Still deployed: dev/Shop, Jobs.\n"
    )
    assert "Old" not in moorage_("status")


def test_nothing_to_compare_is_said_with_the_way_out(
    local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for assembly in (local.head, local.home / "cdk.out"):
        local.forget(assembly, "dev/Shop", "Jobs")
    monkeypatch.setattr("moorage.local.standing.ACCOUNT", "333333333333")
    done = local.diff()
    assert (done.output, done.exit_code) == (
        "moorage diff: nothing is deployed in the local AWS to compare the app with; deploy the app with up\n",
        1,
    )
    monkeypatch.setattr(Home, "running", lambda _: None)
    never = CliRunner().invoke(moorage, ["diff", "--home", str(tmp_path / "never")])
    assert (never.output, never.exit_code) == (
        "moorage diff: the local AWS is not running, so there is nothing to compare the app with; deploy the app "
        "with up\n",
        1,
    )
    assert not (tmp_path / "never").exists()
