"""An image is promoted from staging to production in the local AWS, and the next deployment runs it."""

from __future__ import annotations

import contextlib
import hashlib
import json

import pytest
from click.testing import CliRunner, Result

from moorage.cli.commands import moorage
from moorage.local.account import Account
from moorage.local.process import Home
from tests.conftest import synthesize
from tests.local.test_local_lifecycle import BIN, Project

STAGES = {"staging": "111111111111", "production": "222222222222"}
REGION = "eu-west-1"
APP = f"""
import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from moorage import Cluster, Container, Image, Network, Scaling, Service, Task

app = cdk.App()
gone = cdk.RemovalPolicy.DESTROY
for name, account in {STAGES!r}.items():
    stage = cdk.Stage(app, name, env=cdk.Environment(account=account, region="{REGION}"))
    stack = cdk.Stack(stage, "Services")
    repository = ecr.Repository.from_repository_name(stack, "Images", "shop/ui")
    image = Image.from_repository(repository, digest_parameter=f"/shop/{{name}}/ui/digest")
    network = Network(stack, "Network", nat_gateways=1, removal_policy=gone)
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    Service(stack, "Ui", cluster=cluster, task=Task(Container(image)), scaling=Scaling(1), removal_policy=gone)
app.synth()
"""
FINDINGS = {"moorage.local/findings": '[{"name": "CVE-1", "severity": "HIGH"}]'}
MANIFEST = json.dumps({"schemaVersion": 2, "annotations": FINDINGS})
DIGEST = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"


def account(project: Project, stage: str) -> Account:
    return Account(project.server.access, STAGES[stage], REGION)


def promote(project: Project) -> Result:
    with contextlib.chdir(project.folder):
        return CliRunner().invoke(
            moorage, ["promote", "ui", "staging", "production", "--local", "--yes", "--app", "out"]
        )


@pytest.mark.slow
def test_an_image_runs_in_production_after_its_promotion(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(BIN), prepend=":")
    (project.folder / "app.py").write_text(APP)
    synthesize(project.folder / "app.py", project.folder / "out", **{"aws:cdk:enable-path-metadata": True})
    stopped = promote(project)
    assert stopped.stderr == "moorage promote: the local AWS is not running; deploy the app with up\n"
    assert stopped.exit_code == 1

    home = Home(project.folder / ".moorage")
    with home.exclusive():
        home.start()
    staging = account(project, "staging").client("ssm")
    staging.put_parameter(Name="/shop/staging/ui/digest", Value=DIGEST, Type="String")
    ecr = account(project, "production").client("ecr")
    ecr.create_repository(repositoryName="shop/ui", imageScanningConfiguration={"scanOnPush": True})
    early = promote(project)
    assert f"has no image {DIGEST}; if it is replicated there, wait some minutes" in early.stderr
    assert early.exit_code == 1

    ecr.put_image(repositoryName="shop/ui", imageManifest=MANIFEST, imageTag="1.7.0")
    promoted = promote(project)
    assert promoted.exit_code == 0, promoted.output
    row = promoted.stdout.splitlines()[1]
    assert row.startswith(f"Services/Ui  no parameter  {DIGEST[7:19]} (1.7.0)  ")
    assert row.endswith("UTC  1 high (basic scan)")
    assert promoted.stdout.endswith("moorage up --app out production/Services\n")

    done = project.run("up", "production/Services", app="out")
    assert done.returncode == 0, done.stdout + done.stderr
    ecs = account(project, "production").client("ecs")
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    (container,) = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"]
    assert container["image"].endswith(f"/shop/ui@{DIGEST}")
    assert not (home.folder / "promotion").exists()
