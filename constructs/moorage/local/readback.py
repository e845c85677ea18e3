"""What stands in the local AWS, read back through each service's own API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from moorage.local.assembly import Stack
from moorage.local.capacity import fit_line, group_line
from moorage.local.environment import ACCOUNT, REGION, session_arguments
from moorage.local.lines import estimate_line, queue_line, rollout_line, schedule_line

TOOLKIT = "CDKToolkit"
_QUICK = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=2, read_timeout=30, proxies={})
_GONE = {"DELETE_COMPLETE"}
_STORED = "AWS::SSM::Parameter::Value<"


class Account:
    """One account and region of the local AWS, seen through boto3."""

    def __init__(self, endpoint: str, account: str | None, region: str | None) -> None:
        self.account, self.region = account or ACCOUNT, region or REGION
        self._arguments = session_arguments(endpoint, account=self.account, region=self.region)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, config=_QUICK, **self._arguments)
        return self._clients[service]

    def stack(self, name: str) -> Mapping[str, Any] | None:
        """A stack as CloudFormation describes it; None where there is none."""
        try:
            (found,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            return None
        return None if found["StackStatus"] in _GONE else found

    def resources(self, stack: str) -> Sequence[Mapping[str, Any]]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return [each for page in pages for each in page["StackResourceSummaries"]]


@attrs.frozen
class Row:
    """A line of the table of what stands."""

    what: str
    name: str
    says: str


def _cluster(account: Account, name: str) -> bool:
    found = account.client("ecs").describe_clusters(clusters=[name])["clusters"]
    return any(each["status"] == "ACTIVE" for each in found)


def _service(account: Account, arn: str) -> bool:
    cluster = arn.split("/")[-2]
    found = account.client("ecs").describe_services(cluster=cluster, services=[arn])["services"]
    return any(each["status"] == "ACTIVE" for each in found)


def _schedule(account: Account, name: str) -> Mapping[str, Any] | None:
    """A schedule, by its name alone: the group it is in is no part of its physical id."""
    client = account.client("scheduler")
    pages = client.get_paginator("list_schedules").paginate(NamePrefix=name)
    groups = [each["GroupName"] for page in pages for each in page["Schedules"] if each["Name"] == name]
    found: Mapping[str, Any] | None = client.get_schedule(Name=name, GroupName=groups[0]) if groups else None
    return found


def _named(service: str, operation: str, argument: str, *, many: bool = False) -> Callable[[Account, str], bool]:
    def exists(account: Account, physical_id: str) -> bool:
        getattr(account.client(service), operation)(**{argument: [physical_id] if many else physical_id})
        return True

    return exists


def _log_group(account: Account, name: str) -> bool:
    found = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(each["logGroupName"] == name for each in found)


def _listed(service: str, operation: str, argument: str, result: str) -> Callable[[Account, str], bool]:
    """For an operation that answers with nothing where there is nothing."""

    def exists(account: Account, physical_id: str) -> bool:
        return bool(getattr(account.client(service), operation)(**{argument: [physical_id]})[result])

    return exists


EXISTS: Mapping[str, Callable[[Account, str], bool]] = {
    "AWS::AutoScaling::AutoScalingGroup": _listed(
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroupNames", "AutoScalingGroups"
    ),
    "AWS::AutoScaling::WarmPool": _named("autoscaling", "describe_warm_pool", "AutoScalingGroupName"),
    "AWS::EC2::LaunchTemplate": _listed("ec2", "describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates"),
    "AWS::EC2::VPC": _named("ec2", "describe_vpcs", "VpcIds", many=True),
    "AWS::EC2::Subnet": _named("ec2", "describe_subnets", "SubnetIds", many=True),
    "AWS::EC2::SecurityGroup": _named("ec2", "describe_security_groups", "GroupIds", many=True),
    "AWS::EC2::NatGateway": _named("ec2", "describe_nat_gateways", "NatGatewayIds", many=True),
    "AWS::ECR::Repository": _named("ecr", "describe_repositories", "repositoryNames", many=True),
    "AWS::ECS::CapacityProvider": _listed(
        "ecs", "describe_capacity_providers", "capacityProviders", "capacityProviders"
    ),
    "AWS::ECS::Cluster": _cluster,
    "AWS::ECS::ClusterCapacityProviderAssociations": _cluster,
    "AWS::ECS::Service": _service,
    "AWS::ECS::TaskDefinition": _named("ecs", "describe_task_definition", "taskDefinition"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _named(
        "elbv2", "describe_load_balancers", "LoadBalancerArns", many=True
    ),
    "AWS::ElasticLoadBalancingV2::Listener": _named("elbv2", "describe_listeners", "ListenerArns", many=True),
    "AWS::ElasticLoadBalancingV2::ListenerRule": _named("elbv2", "describe_rules", "RuleArns", many=True),
    "AWS::ElasticLoadBalancingV2::TargetGroup": _named("elbv2", "describe_target_groups", "TargetGroupArns", many=True),
    "AWS::IAM::InstanceProfile": _named("iam", "get_instance_profile", "InstanceProfileName"),
    "AWS::IAM::Role": _named("iam", "get_role", "RoleName"),
    "AWS::Lambda::Function": _named("lambda", "get_function", "FunctionName"),
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _named("s3", "head_bucket", "Bucket"),
    "AWS::Scheduler::Schedule": lambda account, name: bool(_schedule(account, name)),
    "AWS::Scheduler::ScheduleGroup": _named("scheduler", "get_schedule_group", "Name"),
    "AWS::SNS::Topic": _named("sns", "get_topic_attributes", "TopicArn"),
    "AWS::SQS::Queue": _named("sqs", "get_queue_attributes", "QueueUrl"),
    "AWS::StepFunctions::StateMachine": _named("stepfunctions", "describe_state_machine", "stateMachineArn"),
}
"""How the service that owns a type is asked whether one exists."""


def why_not_standing(endpoint: str, stack: Stack) -> str | None:
    """Why a stack cannot be taken as it stands: half-deployed, or without a resource it made. None where it can.

    A stack that was never deployed stands as well as one can.
    """
    account = Account(endpoint, stack.account, stack.region)
    found = account.stack(stack.name)
    if found is None:
        return None
    if found["StackStatus"] not in {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
    }:
        return f"{stack.path} was left in {found['StackStatus']}"
    for resource in account.resources(stack.name):
        exists = EXISTS.get(resource["ResourceType"])
        if exists and not _answers(exists, account, resource["PhysicalResourceId"]):
            return f"{stack.path} made {resource['LogicalResourceId']} ({resource['ResourceType']}), which is gone"
    return None


def _answers(exists: Callable[[Account, str], bool], account: Account, physical_id: str) -> bool:
    try:
        return exists(account, physical_id)
    except ClientError:
        return False


def is_deployed(endpoint: str, stack: Stack) -> bool:
    """Whether a stack stands exactly as its template says, and its parameters as Parameter Store says now."""
    account = Account(endpoint, stack.account, stack.region)
    found = account.stack(stack.name)
    if found is None:
        return False
    stated = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())}
    for name, parameter in stack.template.get("Parameters", {}).items():
        if str(parameter["Type"]).startswith(_STORED):
            stored = account.client("ssm").get_parameter(Name=parameter["Default"])["Parameter"]["Value"]
            if stated.get(name) != stored:
                return False
    body = account.client("cloudformation").get_template(StackName=stack.name)["TemplateBody"]
    return bool(body == stack.template)


def left(endpoint: str, stacks: Sequence[Stack]) -> list[str]:
    """The stacks that are still there, by path."""
    return [each.path for each in stacks if Account(endpoint, each.account, each.region).stack(each.name)]


def table(endpoint: str, stacks: Sequence[Stack]) -> list[Row]:
    """What stands, a row each: stacks, clusters, services and their tasks, load balancers, queues, repositories."""
    rows: list[Row] = []
    for stack in stacks:
        account = Account(endpoint, stack.account, stack.region)
        found = account.stack(stack.name)
        if found is None:
            continue
        resources = account.resources(stack.name)
        says = f"{found['StackStatus']}, {len(resources)} resources, {account.account} {account.region}"
        rows.append(Row("stack", stack.path, says))
        for resource in resources:
            rows.extend(_rows(account, resource["ResourceType"], resource["PhysicalResourceId"]))
    return rows


def _rows(account: Account, resource_type: str, physical_id: str) -> Iterator[Row]:
    if resource_type == "AWS::ECS::Cluster":
        (cluster,) = account.client("ecs").describe_clusters(clusters=[physical_id])["clusters"]
        yield Row("  cluster", cluster["clusterName"], cluster["status"])
    elif resource_type == "AWS::ECS::Service":
        cluster = physical_id.split("/")[-2]
        (service,) = account.client("ecs").describe_services(cluster=cluster, services=[physical_id])["services"]
        counts = f"{service['runningCount']} of {service['desiredCount']} tasks running"
        yield Row("  service", service["serviceName"], counts)
        yield Row("  task definition", service["taskDefinition"].rpartition("/")[2], "")
        yield Row("  rollout", "", rollout_line(service["deploymentConfiguration"]))
        ecs, elbv2, ec2 = (account.client(each) for each in ("ecs", "elbv2", "ec2"))
        estimated = estimate_line(ecs, elbv2, ec2, service)
        if estimated:
            yield Row("  estimate", "", estimated)
        fits = fit_line(account.client("ecs"), cluster, service)
        if fits:
            yield Row("  fits", "", fits)
    elif resource_type == "AWS::ECS::CapacityProvider":
        line = group_line(account.client("ecs"), account.client("autoscaling"), physical_id)
        yield Row("  capacity", physical_id, line)
    elif resource_type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
        (balancer,) = account.client("elbv2").describe_load_balancers(LoadBalancerArns=[physical_id])["LoadBalancers"]
        yield Row("  load balancer", balancer["LoadBalancerName"], balancer["DNSName"])
    elif resource_type == "AWS::ECR::Repository":
        (repository,) = account.client("ecr").describe_repositories(repositoryNames=[physical_id])["repositories"]
        yield Row("  repository", repository["repositoryName"], repository["repositoryUri"])
    else:
        yield from _rows_of_jobs(account, resource_type, physical_id)


def _rows_of_jobs(account: Account, resource_type: str, physical_id: str) -> Iterator[Row]:
    """What runs tasks, and what they work on."""
    if resource_type == "AWS::Scheduler::Schedule":
        schedule = _schedule(account, physical_id)
        if schedule:
            yield Row("  schedule", physical_id, schedule_line(schedule))
    elif resource_type == "AWS::SQS::Queue":
        asked = account.client("sqs").get_queue_attributes(QueueUrl=physical_id, AttributeNames=["All"])["Attributes"]
        yield Row("  queue", asked["QueueArn"].rpartition(":")[2], queue_line(asked))
    elif resource_type == "AWS::StepFunctions::StateMachine":
        machine = account.client("stepfunctions").describe_state_machine(stateMachineArn=physical_id)
        yield Row("  state machine", machine["name"], machine["status"])
