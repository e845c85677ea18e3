"""Every example synthesizes, and so does the program in the README."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from moorage.policy.cloudformation_lint import matches
from tests.conftest import synthesize

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BOUNDARY = {"@aws-cdk/core:permissionsBoundary": {"name": "developers"}}
"""CDK's context for a permissions boundary on all roles of an app."""
ROLES = {"AWS::IAM::Role", "AWS::IAM::User"}
OF_CDK = ("W3005", "W7001")
"""The rules of cfn-lint that CDK itself breaks: redundant dependencies, and an unused mapping."""


class Known(NamedTuple):
    """A public image, as its own page describes it.

    Args:
        ports: The ports that it listens on; None if its command determines them.
        writes: The directories that it writes to, except for those that it declares as a VOLUME.
        source: The page.
    """

    ports: set[int] | None
    writes: set[str]
    source: str


KNOWN = {
    "public.ecr.aws/nginx/nginx": Known({80}, {"/var/cache/nginx", "/run"}, "Docker's nginx page, read-only mode"),
    "public.ecr.aws/nginx/nginx-unprivileged": Known({8080}, {"/tmp"}, "nginxinc/docker-nginx-unprivileged, README"),
    "public.ecr.aws/docker/library/rabbitmq": Known(
        {5672, 15672, 15692}, {"/var/log/rabbitmq"}, "Docker's rabbitmq page; VOLUME /var/lib/rabbitmq"
    ),
    "public.ecr.aws/docker/library/redis": Known({6379}, set(), "Docker's redis page; VOLUME /data"),
    "public.ecr.aws/docker/library/python": Known(None, set(), "Docker's python page: CMD is a prompt"),
    "docker.io/library/python": Known(None, set(), "Docker's python page: CMD is a prompt"),
    "public.ecr.aws/docker/library/eclipse-mosquitto": Known(
        None, set(), "Docker's eclipse-mosquitto page: 2.0 listens on loopback without a configuration"
    ),
    "public.ecr.aws/aws-cli/aws-cli": Known(None, set(), "aws/aws-cli, docker/README"),
    "quay.io/prometheus/node-exporter": Known({9100}, set(), "prometheus/node_exporter, README"),
    "registry.k8s.io/e2e-test-images/agnhost": Known(None, set(), "kubernetes, test/images/agnhost/README"),
    "timberio/vector": Known(None, set(), "vectordotdev/vector, distribution/docker"),
    "mcr.microsoft.com/windows/servercore/iis": Known({80}, set(), "microsoft/iis-docker, README"),
    "public.ecr.aws/aws-observability/aws-otel-collector": Known(set(), set(), "aws-observability, README"),
    "public.ecr.aws/aws-observability/aws-for-fluent-bit": Known(set(), set(), "aws/aws-for-fluent-bit, README"),
    **{
        f"public.ecr.aws/aws-containers/retail-store-sample-{name}": Known(
            {8080}, {"/tmp"}, "aws-containers/retail-store-sample-app, docker-compose (read_only, tmpfs /tmp)"
        )
        for name in ("ui", "catalog", "cart", "orders", "checkout")
    },
}


def wrong_containers(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield each container that would not run: an unknown image, a wrong port, or a path without write access."""
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::ECS::TaskDefinition":
            continue
        for container in resource["Properties"]["ContainerDefinitions"]:
            image = container["Image"]
            if isinstance(image, str):  # the contents of a repository are not known
                yield from wrong_container(container, image.partition("@")[0].rpartition(":")[0])


def wrong_container(container: Mapping[str, Any], image: str) -> Iterator[str]:
    if image not in KNOWN:
        yield f"{image} is not in the table of images"
        return
    known, ports = KNOWN[image], {each["ContainerPort"] for each in container.get("PortMappings", ())}
    if known.ports is None and not container.get("Command"):
        yield f"{image} needs a command to keep running, or to be reached ({known.source})"
    if known.ports is not None and not ports <= known.ports:
        yield f"{image} listens on {known.ports}, and not on {ports} ({known.source})"
    mounted = {each["ContainerPath"] for each in container.get("MountPoints", ())}
    mounted |= {each["ContainerPath"] for each in container.get("LinuxParameters", {}).get("Tmpfs", ())}
    if container.get("ReadonlyRootFilesystem") and not known.writes <= mounted:
        yield f"{image} writes to {known.writes - mounted} ({known.source})"


@pytest.mark.parametrize(
    ("container", "says"),
    [
        (
            {"Image": "public.ecr.aws/nginx/nginx:1.29", "PortMappings": [{"ContainerPort": 8080}]},
            "listens on {80}, and not on {8080}",
        ),
        ({"Image": "public.ecr.aws/nginx/nginx:1.29", "ReadonlyRootFilesystem": True}, "writes to"),
        ({"Image": "public.ecr.aws/docker/library/python:3"}, "needs a command"),
        ({"Image": "public.ecr.aws/docker/library/report:1.0"}, "is not in the table"),
    ],
)
def test_the_check_finds_containers_that_would_not_run(container: dict[str, Any], says: str) -> None:
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}}
    assert says in "".join(wrong_containers({"Resources": {"Task": task}}))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_cfn_lint_accepts_each_example_and_every_role_gets_a_boundary(path: Path, tmp_path: Path) -> None:
    synthesize(path, tmp_path, **BOUNDARY)
    templates = templates_in(tmp_path)
    assert templates
    for template in templates:
        assert list(wrong_containers(template)) == []
        assert not matches(json.dumps(template), "us-east-1", ignore=OF_CDK)
    roles = [each for template in templates for each in template["Resources"].values() if each["Type"] in ROLES]
    assert all(each["Properties"].get("PermissionsBoundary") for each in roles)


def test_the_readme_begins_with_the_first_example_and_it_runs(tmp_path: Path) -> None:
    (source, *_) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    program = tmp_path / "app.py"
    program.write_text(source)
    out = tmp_path / "cdk.out"
    environment = {**os.environ, "CDK_OUTDIR": str(out)}
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (template,) = templates_in(out)
    types = {each["Type"] for each in template["Resources"].values()}
    assert {"AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::Listener"} <= types


def templates_in(assembly: Path) -> list[dict[str, Any]]:
    templates = [json.loads(path.read_text()) for path in assembly.glob("*.template.json")]
    return [template for template in templates if "Resources" in template]
