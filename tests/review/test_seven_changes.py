"""Seven changes that a reviewer meets, each of them in the first five lines of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from moorage import Cluster, Container, Network, Repository, Scaling, Service, Task
from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.review.forms import markdown, terminal
from moorage.review.review import Review, review

WEB = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"]))
LINES = 5


def shop(
    *, name: str = "web", web: str | None = "Web", copies: int = 2, zones: int = 2, open_port: int | None = None
) -> Callable[[cdk.App], None]:
    def define(app: cdk.App) -> None:
        Repository(cdk.Stack(app, "Images"), "Web", name=name)
        stack = cdk.Stack(app, "Shop", env=cdk.Environment(region="eu-west-1"))
        network = Network(stack, "Network", zones=zones)
        cluster = Cluster(stack, "Cluster", vpc=network.vpc)
        Service(stack, "Other", cluster=cluster, task=WEB)
        if web:
            service = Service(stack, web, cluster=cluster, task=WEB, scaling=Scaling(copies, 4, cpu_percent=60))
            if open_port:
                service.connections.allow_from_any_ipv4(ec2.Port.tcp(open_port))

    return define


def synthesized(define: Callable[[cdk.App], None], folder: Path) -> tuple[Stack, ...]:
    app = cdk.App(outdir=str(folder), context={"aws:cdk:enable-path-metadata": True})
    define(app)
    app.synth()
    return stacks_of(folder)


CHANGES: dict[str, tuple[Callable[[cdk.App], None], str]] = {
    "fewer copies": (shop(copies=1), "keeps at least 1 copy (before: 2); if one of 2 zones is lost, 0 remain"),
    "service removed": (shop(web=None), "The ECS service Shop/Web is removed with its 2 to 4 copies"),
    "id renamed": (shop(web="Front"), "Shop/Web is now Shop/Front"),
    "port opened": (shop(open_port=22), "22"),
    "zones added": (shop(zones=3), "if one of 3 zones is lost"),
    "repository renamed": (shop(name="front"), "The ECR repository Images/Web is replaced because"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stack, ...]:
    return synthesized(shop(), tmp_path_factory.mktemp("base"))


@pytest.fixture(params=CHANGES)
def changed(request: pytest.FixtureRequest, base: tuple[Stack, ...], tmp_path: Path) -> tuple[Review, str]:
    define, expected = CHANGES[request.param]
    return review(base, synthesized(define, tmp_path), policy=False), expected


def test_each_change_is_in_the_first_lines(changed: tuple[Review, str]) -> None:
    reviewed, expected = changed
    for form in (terminal, markdown):
        first = "\n".join(form.render(reviewed).splitlines()[:LINES])
        assert expected in first.replace("\\_", "_"), form.render(reviewed)


def test_the_same_program_has_nothing_to_object_to(base: tuple[Stack, ...], tmp_path: Path) -> None:
    reviewed = review(base, synthesized(shop(), tmp_path), policy=False)
    assert reviewed.findings == ()
    assert list(reviewed.comparison.changes) == []


def test_an_unknown_cost_is_absent(base: tuple[Stack, ...], tmp_path: Path) -> None:
    reviewed = review(base, synthesized(shop(copies=3), tmp_path), policy=False)
    assert "cost" not in terminal.render(reviewed).lower()
