"""A service whose image is chosen by CI runs a placeholder before the first image, and the released images after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from moorage.local.account import Account
from tests.local.test_local_lifecycle import Project

NGINX = "public.ecr.aws/nginx/nginx:1.29"
APP = f"""
import json, pathlib
import aws_cdk as cdk
from moorage import Cluster, Container, Image, Network, Repository, Scaling, Service, Task

said = json.loads(pathlib.Path("said.json").read_text())
app = cdk.App()
gone = cdk.RemovalPolicy.DESTROY
images = cdk.Stack(app, "Images")
repository = Repository(images, "Web", name="shop/web", removal_policy=gone, empty_on_delete=True)
shop = cdk.Stack(app, "Shop")
network = Network(shop, "Network", nat_gateways=1, removal_policy=gone)
by_parameter = Image.from_repository(repository, **said["parameter"], placeholder="{NGINX}")
image = by_parameter if said["count"] else "{NGINX}"
Service(
    shop, "Web", cluster=Cluster(shop, "Cluster", vpc=network.vpc), task=Task(Container(image)),
    scaling=Scaling(said["count"] or 1), removal_policy=gone,
)
images.export_value(repository.repository_arn)
images.export_value(repository.repository_name)
app.synth()
"""


TAG = {"parameter": "/shop/web/tag"}
DIGEST = {"digest_parameter": "/shop/web/digest"}


def up(project: Project, count: int = 1, parameter: Mapping[str, str] = TAG) -> dict[str, Any]:
    """Deploy, and return the service as ECS shows it."""
    project.say(count=count, parameter=parameter)
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return project.service()


def release(project: Project, tag: str) -> str:
    """Release an image as CI does: push it, and write its tag to the parameter. Return the digest."""
    account = Account(project.server.access, None, None)
    manifest = json.dumps({"schemaVersion": 2, "config": {"of": tag}})
    pushed = account.client("ecr").put_image(repositoryName="shop/web", imageManifest=manifest, imageTag=tag)
    hold(project, tag)
    return str(pushed["image"]["imageId"]["imageDigest"])


def hold(project: Project, value: str, parameter: str = "/shop/web/tag") -> None:
    """Write a parameter, which is in no stack."""
    ssm = Account(project.server.access, None, None).client("ssm")
    ssm.put_parameter(Name=parameter, Value=value, Type="String", Overwrite=True)


@pytest.mark.oracle
@pytest.mark.slow
def test_a_placeholder_runs_first_and_deployments_keep_the_released_image(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    up(project, count=0)
    hold(project, "none")
    assert up(project)["image"] == NGINX

    release(project, "1.0.0")
    assert up(project)["image"].endswith("/shop/web:1.0.0")

    digest = release(project, "1.1.0")
    service = up(project, count=2)
    assert service["image"].endswith("/shop/web:1.1.0")
    assert service["runningCount"] == 2
    assert up(project)["image"].endswith("/shop/web:1.1.0")

    hold(project, digest, "/shop/web/digest")
    assert up(project, parameter=DIGEST)["image"].endswith(f"/shop/web@{digest}")
    hold(project, f"sha256:{0:064}", "/shop/web/digest")
    missing = project.up()
    assert missing.returncode == 1
    assert f"/shop/web@sha256:{0:064}: not found" in missing.stdout + missing.stderr

    down = project.run("down")
    assert down.stdout.endswith("All stacks are deleted; the local AWS is stopped.\n"), down.stdout + down.stderr
