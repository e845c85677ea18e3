"""Checks of deployed stacks: that their resources exist, with each service's API, and that they match the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from moorage.assembly.cloud_assembly import Stack
from moorage.local.account import Account
from moorage.local.environment import Access

TOOLKIT = "CDKToolkit"
STABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
"""The statuses of stacks that can be updated."""
_STORED = "AWS::SSM::Parameter::Value<"


def _cluster(account: Account, name: str) -> bool:
    found = account.client("ecs").describe_clusters(clusters=[name])["clusters"]
    return any(each["status"] == "ACTIVE" for each in found)


def _service(account: Account, arn: str) -> bool:
    cluster = arn.split("/")[-2]
    found = account.client("ecs").describe_services(cluster=cluster, services=[arn])["services"]
    return any(each["status"] == "ACTIVE" for each in found)


def schedule_of(account: Account, name: str) -> Mapping[str, Any] | None:
    """Return the schedule with a name, in any schedule group; None if there is no such schedule."""
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
    """Return an existence check with an operation that returns an empty list for a resource that does not exist."""

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
    "AWS::Scheduler::Schedule": lambda account, name: bool(schedule_of(account, name)),
    "AWS::Scheduler::ScheduleGroup": _named("scheduler", "get_schedule_group", "Name"),
    "AWS::SNS::Topic": _named("sns", "get_topic_attributes", "TopicArn"),
    "AWS::SQS::Queue": _named("sqs", "get_queue_attributes", "QueueUrl"),
    "AWS::StepFunctions::StateMachine": _named("stepfunctions", "describe_state_machine", "stateMachineArn"),
}
"""For each resource type: a function that returns whether the resource with a physical ID exists."""


def why_not_standing(access: Access, stack: Stack) -> str | None:
    """Return the reason why a stack must be deleted and redeployed: the stack is unfinished or lacks a resource.

    The result is None for a complete stack, and for a stack that does not exist.
    """
    account = Account(access, stack.account, stack.region)
    found = account.stack(stack.name)
    if found is None:
        return None
    if found["StackStatus"] not in STABLE:
        return f"{stack.path} was left in {found['StackStatus']}"
    for resource in account.resources(stack.name):
        exists = EXISTS.get(resource["ResourceType"])
        if exists and not _answers(exists, account, resource["PhysicalResourceId"]):
            return f"{stack.path} lacks {resource['LogicalResourceId']} ({resource['ResourceType']})"
    return None


def _answers(exists: Callable[[Account, str], bool], account: Account, physical_id: str) -> bool:
    try:
        return exists(account, physical_id)
    except ClientError:
        return False


def is_deployed(access: Access, stack: Stack) -> bool:
    """Return whether a stack is deployed with its template, termination protection and values of Parameter Store.

    The result is also True for a stack without resources and images, which the cdk CLI does not deploy.
    """
    account = Account(access, stack.account, stack.region)
    found = account.stack(stack.name)
    if found is None:  # the CLI does not deploy a stack without resources
        return not stack.template.get("Resources") and not stack.images
    if bool(found.get("EnableTerminationProtection")) != stack.termination_protection:
        return False
    return not changed_parameters(account, stack, found) and account.template(stack.name) == stack.template


def changed_parameters(account: Account, stack: Stack, found: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters of Parameter Store whose values have changed since a stack was deployed.

    Args:
        account: The account and region of the stack.
        stack: A stack of an assembly.
        found: The deployed stack, as DescribeStacks shows it.
    """
    stated = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())}
    changed = []
    for name, parameter in stack.template.get("Parameters", {}).items():
        if name in stated and str(parameter["Type"]).startswith(_STORED):
            stored = account.client("ssm").get_parameter(Name=parameter["Default"])["Parameter"]["Value"]
            if stated[name] != stored:
                changed.append(str(parameter["Default"]))
    return changed


def left(access: Access, stacks: Sequence[Stack]) -> list[str]:
    """Return the paths of the stacks that still exist."""
    return [each.path for each in stacks if Account(access, each.account, each.region).stack(each.name)]
