"""No policy issue remains that a construct could fix by default, in typical programs and in `production`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from unittest import mock

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
    Daemon,
    Encryption,
    Gateway,
    GatewayConnector,
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
    ScanGate,
    Scanning,
    Service,
    Severity,
    Task,
    policy,
)
from moorage.assembly.cloud_assembly import Stack
from moorage.policy.acknowledgement_file import read
from moorage.policy.acknowledgements import judge, of_app
from moorage.policy.issues import issues, issues_of
from moorage.policy.violation import Violation
from moorage.scope.acknowledgements import acknowledged
from stacks.environment import define_environments
from stacks.settings import Description
from tests.policy.engines import findings

FILE = Path(__file__).resolve().parents[2] / "acknowledged.toml"
ROOT = Path(__file__).resolve().parents[2]
BY_DEFAULT = {"D", "O"}
UNSATISFIABLE = {
    "container-insights": "the Control Tower rule accepts only 'enabled'; checkov and AwsSolutions-ECS4 accept both",
    "imdsv2": "cdk-nag wants the launch template named directly, Control Tower in a mixed instances policy",
    "ebs-encryption": "cdk-nag wants the launch template named directly, Control Tower in a mixed instances policy",
}
"""Issues that some engine reports for every template."""
TURNED_OFF = {"alb-access-logs", "alb-deletion-protection", "container-insights"}
"""Issues of `dev`, whose settings `removable` and `container_insights` turn the defaults off."""
IMPORTED = {"sqs-kms"}
"""Issues whose Guard rule does not read a value that is imported from another stack."""
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
    """Define a cluster of instances, protected while tasks run on them, with a service behind a load balancer.

    A daemon runs on the managed instances of the cluster.
    """
    stack = cdk.Stack(app, "Shop")
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    network = Network(stack, "Network")
    types = ["m7g.large", "m6g.large"]
    general = Capacity.ec2("general", instance_types=types, max_instances=20, termination_protection=True)
    managed = Capacity.managed_instances("managed")
    cluster = Cluster(stack, "Cluster", vpc=network.vpc, capacity=[general, managed])
    agent = Task(Container("quay.io/prometheus/node-exporter:v1.9.1"), cpu=128, memory_mib=256)
    Daemon(stack, "Agent", cluster=cluster, task=agent, capacity=managed)
    edge = LoadBalancer(stack, "Edge", vpc=network.vpc, public=True, certificate=certificate)
    ui = Container("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2", port=8080, writable=["/tmp"])
    task = Task(ui, cpu=512, memory_mib=1024, architecture=Architecture.ARM64)
    route = Route(edge, health="/actuator/health")
    Service(stack, "Web", cluster=cluster, task=task, scaling=Scaling(2, 20, cpu_percent=60), route=route)


def connections(app: cdk.App) -> None:
    """Define a service behind a network load balancer, and one behind a gateway."""
    stack = cdk.Stack(app, "Shop")
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    network = Network(stack, "Network")
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    gate = NetworkLoadBalancer(stack, "Gate", vpc=network.vpc, public=True, certificate=certificate)
    task = Task(Container("public.ecr.aws/docker/library/eclipse-mosquitto:2.0", port=1883))
    Service(stack, "Broker", cluster=cluster, task=task, route=Listener(gate, 443))
    web = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080))
    gateway = Gateway(stack, "Gateway", clusters=cluster, public=True)
    Service(stack, "Web", cluster=cluster, task=web, route=GatewayConnector(gateway))


def registry(app: cdk.App) -> None:
    """Define a repository, scanning, replication to another place, and an alarm on findings and a gate for them."""
    stack = cdk.Stack(app, "Images")
    prod = Replication(prefix="prod/", to=["eu-central-1", ReplicationDestination("us-east-1", account="222222222222")])
    registry = Registry(stack, "Registry", scanning=Scanning.enhanced(), replication=[prod])
    Repository(stack, "Web", name="prod/web", keep_releases=30)
    topic = sns.Topic(stack, "Findings", master_key=registry.event_key, enforce_ssl=True)
    registry.on_scan_finding("Critical", severity=Severity.CRITICAL, target=targets.SnsTopic(topic))
    ScanGate(stack, "ScanGate", severity=Severity.CRITICAL)


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


def environments(app: cdk.App) -> None:
    """Define the environments of this repository, as app.py does."""
    define_environments(app, Description.read(str(ROOT / "environments.toml")))


JOBS = {
    define.__name__: define
    for define in (service, instances, connections, registry, destination, scheduled, environments)
}


@pytest.fixture(scope="module")
def apps() -> Mapping[str, cdk.App]:
    found = {job: cdk.App(context=PATHS) for job in JOBS}
    for job, define in JOBS.items():
        define(found[job])
        policy.acknowledge(found[job])
    return found


@pytest.fixture(scope="module")
def found(
    apps: Mapping[str, cdk.App], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, tuple[list[Stack], set[Violation]]]:
    with mock.patch.dict("os.environ", XDG_CACHE_HOME=str(tmp_path_factory.mktemp("cache"))):  # no results of old code
        return findings(apps)


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_no_issue_remains_that_a_default_could_fix(
    found: Mapping[str, tuple[list[Stack], set[Violation]]], job: str
) -> None:
    stacks, violations = found[job]
    file = read(FILE) if job == "environments" else ()
    verdict = judge(violations, (*of_app(stacks), *file))
    for finding in sorted(verdict.left):
        about = ", ".join(f"{issue.name} ({issue.verdict}): {issue.means}" for issue in issues_of(finding.rule))
        print(f"{finding.rule:60} {finding.path}\n    {about or 'unknown rule'}")
    assert not verdict.left, "findings that nothing acknowledges; see the printed list"
    assert (verdict.stale, verdict.expired) == ((), ())
    reported = {violation.path for violation in violations if violation.rule.startswith("nag:")}
    assert {path.partition("/")[0] for path in reported} <= {"dev", "staging", "production"}


def test_nothing_that_a_default_could_fix_is_acknowledged(apps: Mapping[str, cdk.App]) -> None:
    own = {each.issue: each.reason for app in apps.values() for each in acknowledged(app)}
    assert len(own) > 15
    for issue, reason in own.items():
        if issues()[issue].verdict in BY_DEFAULT:
            assert issue in UNSATISFIABLE, f"{issue} is acknowledged, but a default could avoid it"
        assert reason[-1] != "."
    for given in read(FILE):
        of_rule = [each for each in issues().values() if given.id in {each.name, *each.rules}]
        assert all(each.verdict not in BY_DEFAULT or each.name in TURNED_OFF | IMPORTED for each in of_rule)
