"""Failed deployments do not affect other stacks, are reported at once and can be repaired, with the real cdk CLI."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from moorage.local.account import Account
from moorage.local.environment import sealed
from moorage.local.process import Home
from tests.local.local_aws import SLEEP, sleeping
from tests.local.test_local_lifecycle import BIN, PROGRAM, Project

STACKS = """
import json, pathlib
import aws_cdk as cdk
from aws_cdk import aws_sns as sns, aws_sqs as sqs

said = json.loads(pathlib.Path("said.json").read_text())
app = cdk.App(analytics_reporting=False)
shop, other = cdk.Stack(app, "Shop"), cdk.Stack(app, "Other")
sns.Topic(other, "News")
sqs.CfnQueue(shop, "Orders", queue_name=said.get("name"), delay_seconds=said["delay"])
for number in range(3):
    sns.Topic(shop, f"Topic{number}")
app.synth()
"""
PROTECTED = """
import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb, aws_ec2 as ec2, aws_ecr as ecr, aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_cognito as cognito, aws_s3 as s3

app = cdk.App(analytics_reporting=False)
stack = cdk.Stack(app, "Shop", termination_protection=True)
destroy = {"removal_policy": cdk.RemovalPolicy.DESTROY}
s3.Bucket(stack, "Files", versioned=True, **destroy)
ecr.Repository(stack, "Images", **destroy)
key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
dynamodb.Table(stack, "Orders", partition_key=key, deletion_protection=True, **destroy)
cognito.UserPool(stack, "Users", deletion_protection=True, **destroy)
vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0, max_azs=2, restrict_default_security_group=False)
elbv2.ApplicationLoadBalancer(stack, "Entrance", vpc=vpc, internet_facing=True, deletion_protection=True)
app.synth()
"""
CUSTOM = """
import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

app = cdk.App(analytics_reporting=False)
stack = cdk.Stack(app, "Shop")
code = pathlib.Path("index.py").read_text()
function = lambda_.Function(
    stack, "Function", runtime=lambda_.Runtime.PYTHON_3_13, handler="index.handler", timeout=cdk.Duration.minutes(5),
    code=lambda_.Code.from_inline(code),
)
cdk.CustomResource(stack, "Custom", service_token=function.function_arn)
app.synth()
""".replace("import aws", "import pathlib\nimport aws", 1)
ANSWER = """
import json, os, subprocess, time, urllib.request
def answer(event):
    body = {"Status": "SUCCESS", "PhysicalResourceId": "made"}
    body |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    sent = urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(sent)
def handler(event, context):
"""


def _physical_id(project: Project, kind: str) -> str:
    resources = Account(project.server.access, None, None).resources("Shop")
    (found,) = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == kind]
    return str(found)


@pytest.mark.slow
def test_only_a_failed_stack_is_redeployed_and_an_update_shows_only_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")  # by default, the CLI then prints to standard output
    (project.folder / "app.py").write_text(STACKS)
    project.say(delay=-1)
    assert project.up("Other").returncode == 0
    failed = project.up()
    assert failed.returncode == 1
    assert "DelaySeconds must be at least 0, not '-1'" in failed.stderr
    assert "Shop: CREATE_FAILED AWS::SQS::Queue Orders AWS::SQS::Queue Shop/Orders: " in failed.stderr
    assert "Failed resources" not in failed.stderr
    sqs = Account(project.server.access, None, None).client("sqs")
    sqs.create_queue(QueueName="by-hand")

    project.say(delay=1)
    mended = project.up()
    assert mended.returncode == 0, mended.stderr
    assert "Shop was left in ROLLBACK_COMPLETE; deleting and redeploying only this stack.\n" in mended.stdout
    assert mended.stderr.splitlines()[-1] == "Shop: CREATE_COMPLETE"
    assert "Other: " not in mended.stderr
    assert [each.rsplit("/")[-1] for each in sqs.list_queues(QueueNamePrefix="by-hand")["QueueUrls"]] == ["by-hand"]

    assert "Nothing to do" in project.up().stdout
    project.say(delay=2)
    updated = project.up()
    lines = [line for line in updated.stderr.splitlines() if line.startswith("Shop")]
    assert lines == ["Shop: deploying ...", "Shop: UPDATE_COMPLETE"]
    assert "\x1b" not in updated.stdout + updated.stderr


@pytest.mark.oracle
@pytest.mark.slow
def test_cdk_diff_shows_changes_and_no_other_replacement(project: Project) -> None:
    (project.folder / "app.py").write_text(STACKS)
    project.say(delay=1)
    assert project.up("Shop").returncode == 0

    def diff(method: str, **said: Any) -> str:
        project.say(**said)
        command = [str(BIN / "cdk"), "diff", "Shop", "--app", PROGRAM, f"--method={method}"]
        environment = sealed(project.folder / ".moorage", project.server.access)
        done = subprocess.run(
            command, cwd=project.folder, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout + done.stderr

    for method in ("change-set", "template"):
        assert "There were no differences" in diff(method, delay=1)
        changed = diff(method, delay=2)
        assert "[~] AWS::SQS::Queue Orders Orders\n" in changed
        assert "replace" not in changed.replace("resource replacement", "").replace("replacement information", "")
        assert "[~] AWS::SQS::Queue Orders Orders replace\n" in diff(method, delay=1, name="orders")


@pytest.mark.slow
def test_down_removes_protection_and_contents_and_says_so(project: Project) -> None:
    (project.folder / "app.py").write_text(PROTECTED)
    assert project.up().returncode == 0
    account = Account(project.server.access, None, None)
    bucket, repository = _physical_id(project, "AWS::S3::Bucket"), _physical_id(project, "AWS::ECR::Repository")
    for body in (b"old", b"new"):
        account.client("s3").put_object(Bucket=bucket, Key="file", Body=body)
    account.client("ecr").put_image(repositoryName=repository, imageTag="1", imageManifest="{}")
    down = project.run("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert down.stdout.startswith(
        "Removed protection from 1 user pool, 1 table, 1 stack, 1 load balancer; emptied 1 repository, 1 bucket, since "
        "the local AWS is disposable.\n"
    )


@pytest.mark.slow
def test_a_stack_that_cannot_be_deleted_is_reported_and_can_be_discarded(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    (project.folder / "app.py").write_text(CUSTOM)
    refusing = "    if event['RequestType'] == 'Delete': raise ValueError('still in use')\n"
    (project.folder / "index.py").write_text(f"{ANSWER}{refusing}    answer(event)\n")
    assert project.up().returncode == 0
    down = project.run("down")
    assert down.returncode == 1
    assert "its function Shop-Function" in down.stderr
    assert "still in use" in down.stderr
    assert down.stderr.endswith("down --discard stops the local AWS without deleting its stacks\n")
    server = project.server
    assert project.run("down", "--discard").stdout == "The local AWS is stopped and its stacks are discarded.\n"
    assert not server.lives


@pytest.mark.slow
def test_up_reports_a_server_that_is_killed(project: Project) -> None:
    (project.folder / "app.py").write_text(CUSTOM)
    (project.folder / "index.py").write_text(
        f"{ANSWER}    open('{project.folder}/began', 'w').close(); time.sleep(200)\n"
    )
    command = [sys.executable, "-m", "moorage.local", "up", "--app", PROGRAM]
    with subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as up:
        while not (project.folder / "began").exists():
            assert up.poll() is None
        os.kill(project.server.pid, signal.SIGKILL)
        _, said = up.communicate(timeout=30)  # on its own, the CLI would retry for a minute and a half
    assert up.returncode == 1
    assert said.endswith(
        "moorage up: the local AWS stopped unexpectedly (see .moorage/server.log); run up to restart it\n"
    )


SIMPLE = """
import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

app = cdk.App(analytics_reporting=False)
sqs.Queue(cdk.Stack(app, "Shop"), "Orders")
app.synth()
"""


@pytest.mark.slow
def test_a_misspelled_stack_leaves_no_server_running(project: Project) -> None:
    (project.folder / "app.py").write_text(SIMPLE)
    done = project.run("up", "Shopdev")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Starting the local AWS ...",
        "Synthesizing the app ...",
        "moorage up: no stack matches Shopdev; the paths of the app's stacks are Shop",
    ]
    assert Home(project.folder / ".moorage").running() is None


AROUND = """
import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets

app = cdk.App(analytics_reporting=False)
assets.Asset(cdk.Stack(app, "Shop"), "All", path="..", exclude=["node_modules"])
app.synth()
"""


@pytest.mark.slow
def test_an_asset_that_contains_the_home_is_refused(project: Project) -> None:
    folder = project.folder / "app"
    folder.mkdir()
    (folder / "app.py").write_text(AROUND)
    command = [sys.executable, "-m", "moorage.local", "up", "--app", PROGRAM]
    done = subprocess.run(
        command, cwd=folder, env=project.environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.endswith(
        "moorage up: an asset of the app contains .moorage, where the app is synthesized; exclude it from the asset "
        "(exclude=['.moorage']), or choose a folder outside the asset with --home\n"
    )
    assert not (folder / ".moorage" / "cdk.out").exists()


LEAVING = f"    subprocess.Popen(['sleep', '{SLEEP}'], start_new_session=True)\n    answer(event)\n"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows the environment of processes")
def test_down_leaves_no_process_and_no_file_outside_the_home(project: Project) -> None:
    (project.folder / "app.py").write_text(CUSTOM)
    (project.folder / "index.py").write_text(f"{ANSWER}{LEAVING}")
    mark = uuid.uuid4().hex
    user, temporary = project.folder / "user", project.folder / "temporary"
    user.mkdir()
    temporary.mkdir()
    environment = project.environment(
        HOME=str(user),
        TMPDIR=str(temporary),
        MARK=mark,
        PYTHONDONTWRITEBYTECODE="1",
        JSII_RUNTIME_PACKAGE_CACHE="disabled",
    )

    def run(*arguments: str) -> None:
        command = [sys.executable, "-m", "moorage.local", *arguments]
        done = subprocess.run(
            command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    before = _outside(project.folder)
    run("up", "--app", PROGRAM)
    assert len(_marked(mark)) == 1  # the server; the functions of templates do not see the variable
    assert sleeping()
    run("down")
    assert _marked(mark) == []
    assert sleeping() == []
    assert _outside(project.folder) == before
    assert json.loads((project.folder / ".moorage" / "cdk.out" / "manifest.json").read_text())


def _outside(project: Path) -> set[Path]:
    return {path for path in project.rglob("*") if ".moorage" not in path.parts}


def _marked(mark: str) -> list[str]:
    """Return the processes that have a mark in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found
