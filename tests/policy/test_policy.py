"""No policy issue remains that a construct could fix by default, in typical programs and in `production`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns

from moorage import (
    Architecture,
    AuditTrail,
    Capacity,
    Cluster,
    Container,
    Encryption,
    Job,
    Listener,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    Registry,
    Replication,
    ReplicationDestination,
    ReplicationSource,
    Repository,
    RepositorySettings,
    Route,
    Scaling,
    Scanning,
    Service,
    Severity,
    Task,
)
from moorage.policy.issues import Issue, issues, issues_of
from moorage.policy.violation import Violation
from stacks.environment import Environment
from tests.policy.engines import findings

HERE = Path(__file__).parent
ISSUES = issues()
ACKNOWLEDGED: list[dict[str, str]] = tomllib.loads((HERE / "acknowledged.toml").read_text())["acknowledged"]
BY_DEFAULT = {"D", "O"}
PATHS = {"aws:cdk:enable-path-metadata": True}


def service(app: cdk.App) -> None:
    """Define a web service behind a load balancer with scaling, as the first example of the README does."""
    stack = cdk.Stack(app, "Shop")
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    network = Network(stack, "Network")
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    edge = LoadBalancer(stack, "Edge", vpc=network.vpc, public=True, certificate=certificate)
    ui = Container("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2", port=8080, writable=["/tmp"])
    task = Task(ui, cpu=1024, memory_mib=2048)
    route = Route(edge, health="/actuator/health")
    Service(stack, "Web", cluster=cluster, task=task, scaling=Scaling(2, 20, cpu_percent=60), route=route)


def instances(app: cdk.App) -> None:
    """Define a cluster of instances, protected while tasks run on them, with a service behind a load balancer."""
    stack = cdk.Stack(app, "Shop")
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    network = Network(stack, "Network")
    types = ["m7g.large", "m6g.large"]
    general = Capacity.ec2("general", instance_types=types, max_instances=20, termination_protection=True)
    cluster = Cluster(stack, "Cluster", vpc=network.vpc, capacity=[general])
    edge = LoadBalancer(stack, "Edge", vpc=network.vpc, public=True, certificate=certificate)
    ui = Container("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2", port=8080, writable=["/tmp"])
    task = Task(ui, cpu=512, memory_mib=1024, architecture=Architecture.ARM64)
    route = Route(edge, health="/actuator/health")
    Service(stack, "Web", cluster=cluster, task=task, scaling=Scaling(2, 20, cpu_percent=60), route=route)


def connections(app: cdk.App) -> None:
    """Define a service behind a network load balancer."""
    stack = cdk.Stack(app, "Shop")
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    network = Network(stack, "Network")
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    gate = NetworkLoadBalancer(stack, "Gate", vpc=network.vpc, public=True, certificate=certificate)
    task = Task(Container("public.ecr.aws/docker/library/eclipse-mosquitto:2.0", port=1883))
    Service(stack, "Broker", cluster=cluster, task=task, route=Listener(gate, 443))


def registry(app: cdk.App) -> None:
    """Define a repository, scanning, replication to another region and account, and an alarm on findings."""
    stack = cdk.Stack(app, "Images")
    prod = Replication(prefix="prod/", to=["eu-central-1", ReplicationDestination("us-east-1", account="222222222222")])
    registry = Registry(stack, "Registry", scanning=Scanning.enhanced(), replication=[prod])
    Repository(stack, "Web", name="prod/web", keep_releases=30)
    topic = sns.Topic(stack, "Findings", master_key=registry.event_key, enforce_ssl=True)
    registry.on_scan_finding("Critical", severity=Severity.CRITICAL, target=targets.SnsTopic(topic))


def destination(app: cdk.App) -> None:
    """Define the destination of the replication, with repositories encrypted by its own key."""
    there = cdk.Environment(account="222222222222", region="us-east-1")
    settings = RepositorySettings(encryption=Encryption.own_key())
    prod = Replication(
        prefix="prod/", to=ReplicationDestination("us-east-1", account="222222222222"), settings=settings
    )
    registry = Registry(
        cdk.Stack(app, "Images", env=there),
        "Registry",
        replicates_from=[ReplicationSource("111111111111", prod)],
        audit=AuditTrail.own(),
    )
    registry.on_replicated("Copies", target=targets.EventBus(events.EventBus.from_event_bus_name(registry, "B", "b")))


def scheduled(app: cdk.App) -> None:
    """Define a scheduled Fargate task."""
    stack = cdk.Stack(app, "Shop")
    network = Network(stack, "Network")
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    report = Task(Container("public.ecr.aws/docker/library/report:1.0"))
    Job(
        stack, "Nightly", cluster=cluster, task=report, schedule=scheduler.ScheduleExpression.cron(hour="3", minute="0")
    )


def production(app: cdk.App) -> None:
    Environment(app, "production", zones=3, certificate_parameter="/moorage/production/certificate-arn")


JOBS = {
    define.__name__: define
    for define in (service, instances, connections, registry, destination, scheduled, production)
}


@pytest.fixture(scope="module")
def found() -> dict[str, set[Violation]]:
    apps = {job: cdk.App(context=PATHS) for job in JOBS}
    for job, define in JOBS.items():
        define(apps[job])
    return findings(apps)


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_no_issue_remains_that_a_default_could_fix(found: dict[str, set[Violation]], job: str) -> None:
    failed = []
    for finding in sorted(found[job]):
        about = issues_of(finding.rule)
        acknowledged = acknowledgement(finding, about)
        print(f"{finding.rule:60} {finding.path}\n    {describe(about)}: {acknowledged or 'NOT MET'}")
        if acknowledged is None:
            failed.append(finding)
    left = {
        name
        for name in ISSUES
        if ISSUES[name].verdict in BY_DEFAULT and not any(f.rule in ISSUES[name].rules for f in found[job])
    }
    print(f"met: {', '.join(sorted(left))}")
    assert not failed, "findings that nothing acknowledges; see the printed list"


def test_nothing_that_a_default_could_fix_is_acknowledged() -> None:
    for entry in ACKNOWLEDGED:
        if ISSUES[entry["issue"]].verdict in BY_DEFAULT:
            assert entry.get("unsatisfiable"), f"{entry['issue']} is acknowledged, but a default could meet it"
        assert entry["reason"]


def acknowledgement(finding: Violation, about: Sequence[Issue]) -> str | None:
    names = {issue.name for issue in about}
    for entry in ACKNOWLEDGED:
        if entry["issue"] in names and re.fullmatch(entry["resource"], finding.path):
            return f"acknowledged: {entry['reason']}"
    return None


def describe(about: Sequence[Issue]) -> str:
    return "; ".join(f"{issue.name} ({issue.verdict}: {issue.means})" for issue in about) or "unknown rule"
