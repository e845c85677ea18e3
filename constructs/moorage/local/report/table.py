"""The table of the resources in the local AWS, as each service's API returns them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.local.account import Account
from moorage.local.environment import Access
from moorage.local.report.capacity_lines import fit_line, group_line
from moorage.local.report.readback import schedule_of
from moorage.local.report.service_lines import estimate_line, queue_line, rollout_line, schedule_line

_CONFIGURATION = "AWS::AutoScaling::LaunchConfiguration"
_EXPORT = "ExportsOutput"
"""The beginning of the logical ID of an output that CDK defines for a reference between stacks."""
_NO_CONFIGURATIONS = "accepted here, but AWS refuses launch configurations in accounts created since 2024-10-01"
"""The source is the EC2 Auto Scaling user guide, "Auto Scaling launch configurations": "Accounts created on or after
October 1, 2024 cannot create new launch configurations using any method (console, API, AWS CLI, or CloudFormation)"."""


@attrs.frozen
class Row:
    """A row of the table: the kind of a resource, its name, and its state or settings."""

    what: str
    name: str
    says: str


def table(access: Access, stacks: Sequence[Stack]) -> list[Row]:
    """Return a row for each deployed stack, then those of its outputs and of its resources with a type in `SHOWN`.

    If a template has a launch configuration, a last row says that AWS refuses launch configurations in new accounts.
    """
    rows: list[Row] = []
    for stack in stacks:
        account = Account(access, stack.account, stack.region)
        found = account.stack(stack.name)
        if found is None:
            continue
        resources = account.resources(stack.name)
        number = f"{len(resources)} resource{'' if len(resources) == 1 else 's'}"
        says = f"{found['StackStatus']}, {number}, {account.account} {account.region}"
        rows.append(Row("stack", stack.path, says))
        rows += _outputs(found)
        for resource in resources:
            shown = SHOWN.get(resource["ResourceType"])
            if shown:
                rows.extend(shown(account, resource["PhysicalResourceId"]))
    if any(resource.type == _CONFIGURATION for stack in stacks for resource in stack.resources):
        rows.append(Row("launch configurations", "", _NO_CONFIGURATIONS))
    return rows


def _outputs(found: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the outputs of a stack, without those with which CDK exports values to other stacks."""
    for output in found.get("Outputs", ()):
        if not output["OutputKey"].startswith(_EXPORT):
            yield Row("  output", output["OutputKey"], output["OutputValue"])


def _cluster(account: Account, name: str) -> Iterator[Row]:
    (cluster,) = account.client("ecs").describe_clusters(clusters=[name])["clusters"]
    yield Row("  cluster", cluster["clusterName"], cluster["status"])


def _service(account: Account, arn: str) -> Iterator[Row]:
    ecs, cluster = account.client("ecs"), arn.split("/")[-2]
    (service,) = ecs.describe_services(cluster=cluster, services=[arn])["services"]
    counts = f"{service['runningCount']} of {service['desiredCount']} tasks running"
    yield Row("  service", service["serviceName"], counts)
    if not service.get("taskDefinition"):  # a service with an external deployment controller
        return
    yield Row("  task definition", service["taskDefinition"].rpartition("/")[2], "")
    told = {
        "rollout": rollout_line(service["deploymentConfiguration"]),
        "estimate": estimate_line(ecs, account.client("elbv2"), account.client("ec2"), service),
        "fits": fit_line(ecs, cluster, service),
    }
    for what, line in told.items():
        if line:
            yield Row(f"  {what}", "", line)


def _capacity(account: Account, provider: str) -> Iterator[Row]:
    line = group_line(account.client("ecs"), account.client("autoscaling"), provider)
    yield Row("  capacity", provider, line)


def _load_balancer(account: Account, arn: str) -> Iterator[Row]:
    (balancer,) = account.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    yield Row("  load balancer", balancer["LoadBalancerName"], balancer["DNSName"])


def _queue(account: Account, url: str) -> Iterator[Row]:
    asked = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    yield Row("  queue", asked["QueueArn"].rpartition(":")[2], queue_line(asked))


def _schedule(account: Account, name: str) -> Iterator[Row]:
    schedule = schedule_of(account, name)
    if schedule:
        yield Row("  schedule", name, schedule_line(schedule))


def _state_machine(account: Account, arn: str) -> Iterator[Row]:
    machine = account.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    yield Row("  state machine", machine["name"], machine["status"])


def _repository(account: Account, name: str) -> Iterator[Row]:
    (repository,) = account.client("ecr").describe_repositories(repositoryNames=[name])["repositories"]
    yield Row("  repository", repository["repositoryName"], repository["repositoryUri"])


SHOWN: Mapping[str, Callable[[Account, str], Iterator[Row]]] = {
    "AWS::ECR::Repository": _repository,
    "AWS::ECS::CapacityProvider": _capacity,
    "AWS::ECS::Cluster": _cluster,
    "AWS::ECS::Service": _service,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancer,
    "AWS::SQS::Queue": _queue,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
"""The function that makes the rows for each resource type."""
