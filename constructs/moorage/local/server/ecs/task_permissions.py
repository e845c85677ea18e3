"""Amazon ECS: the errors in roles, permissions, secrets and log groups that prevent a task from ever starting.

ECS retries until a task starts, so resources that the same stack deployment has yet to create are not reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import (
    cloudformation,
    cloudwatch_logs,
    engine,
    iam,
    iam_evaluator,
    secretsmanager,
    ssm,
)
from moorage.local.server.ecr.other_accounts import may_pull
from moorage.local.server.services.iam import grants, is_trusted

_SERVICE = "ecs-tasks.amazonaws.com"
_POLICIES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")
_SECRETS = ("AWS::SSM::Parameter", "AWS::SecretsManager::Secret")
_NO_SECRETS = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
"""The managed policy for pulling from ECR and writing to log groups (AWS managed policy reference)."""
_UNASSUMED = (
    "ECS was unable to assume the role '{}' that was provided for this task. Please verify that the role being passed "
    "has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
)
"""The message of ECS (aws-samples/aws-modern-application-workshop issue 88)."""
_UNREAD = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
_UNLOGGED = (
    "failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The "
    "specified log group does not exist."
)
"""The message of ECS (cn-terraform/terraform-aws-ecs-fargate-task-definition issue 1). On Fargate, the prefix is that
of the ECS developer guide, "Stopped tasks error codes"."""

Record = Mapping[str, Any]


def faults(revision: Record, *, on_instances: bool) -> Iterator[str]:
    """Yield the reasons why a task can never start, in the words of the service's events or the task's stopped reason.

    Args:
        revision: The task definition.
        on_instances: True if the task runs on container instances.
    """
    for stated in (revision.get("taskRoleArn"), revision.get("executionRoleArn")):
        if stated and not _is_assumed(stated):
            yield _UNASSUMED.format(stated)
    containers = revision.get("containerDefinitions") or ()
    if revision.get("executionRoleArn") and not _is_pending((*_POLICIES, *_SECRETS)):
        yield from _unread_secrets(_name(revision["executionRoleArn"]), containers)
    if not _is_pending(("AWS::Logs::LogGroup",)):
        yield from _missing_groups(containers, on_instances=on_instances)
    if revision.get("executionRoleArn") and not on_instances and not _is_pending(_POLICIES):
        yield from _unmade_streams(revision["executionRoleArn"], containers)
        yield from _denied_images(revision["executionRoleArn"], containers)


def _name(role: str) -> str:
    return role.rsplit("/", maxsplit=1)[-1]


def _is_assumed(role: str) -> bool:
    """Return whether ECS can assume a role, given its ARN or name; True for a role of another account."""
    if role.startswith("arn:") and role.split(":")[4] != get_account_id():
        return True
    source = f"arn:aws:ecs:{get_region()}:{get_account_id()}:task/default/0123456789abcdef0123456789abcdef"
    return is_trusted(role, _SERVICE, sourcearn=source)


def _unread_secrets(role: str, containers: Iterable[Record]) -> Iterator[str]:
    """Yield errors for secrets of this account that a role cannot read with its own policies."""
    if role not in iam.roles:
        return
    attached = iam.roles[role].get("AttachedPolicies", ())
    if any(arn.startswith("arn:aws:iam::aws:") and arn != _NO_SECRETS for arn in attached):
        return  # the permissions of these policies are not known here
    for container in containers:
        registry = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
        if registry:
            yield from _unread_secret(role, registry)
        log = container.get("logConfiguration") or {}
        for each in [*(container.get("secrets") or ()), *(log.get("secretOptions") or ())]:
            arn = ":".join(each["valueFrom"].split(":")[:7])
            if ":secretsmanager:" in arn:
                yield from _unread_secret(role, arn)
            else:
                yield from _unread_parameter(role, arn)


def _unread_secret(role: str, arn: str) -> Iterator[str]:
    if not _is_here(arn):
        return
    asked = f"{_UNREAD} unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch"
    secret = secretsmanager.resolve(arn)[1]
    if secret is None:
        yield (  # aws/aws-cdk issue 18555
            f"{asked} secret {arn} from secrets manager: ResourceNotFoundException: Secrets Manager can't find the "
            "specified secret."
        )
    elif not secretsmanager.resource_policies.get(secret["ARN"]) and not _may(
        role, "secretsmanager:GetSecretValue", secret["ARN"]
    ):
        # aws-samples/dify-self-hosted-on-aws pull request 35
        yield f"{asked} secret {arn} from secrets manager: {_denied(role, 'secretsmanager:GetSecretValue', arn)}"


def _unread_parameter(role: str, stated: str) -> Iterator[str]:
    """Yield an error if a role cannot read a parameter of Parameter Store, given its name or ARN."""
    if not _is_here(stated):
        return
    name = stated.partition(":parameter")[2] or stated
    arn = f"arn:aws:ssm:{get_region()}:{get_account_id()}:parameter/{name.removeprefix('/')}"
    asked = f"{_UNREAD} unable to retrieve secrets from ssm: service call has been retried 1 time(s):"
    if not {name, name.removeprefix("/")} & set(ssm.parameters):
        yield f"{asked} invalid ssm parameters: {name}"  # botocore ssm GetParameters, InvalidParameters
    elif not _may(role, "ssm:GetParameters", arn):
        yield f"{asked} {_denied(role, 'ssm:GetParameters', arn)}"  # aws/copilot-cli issue 4504


def _unmade_streams(role: str, containers: Iterable[Record]) -> Iterator[str]:
    drivers = {(each.get("logConfiguration") or {}).get("logDriver") for each in containers}
    if "awslogs" in drivers and _name(role) in iam.roles and not grants(role, "logs:CreateLogStream"):
        yield (  # doctorray117/minecraft-ondemand issue 12
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
            f"failed to create Cloudwatch log stream: {_denied(_name(role), 'logs:CreateLogStream', '*')}"
        )


def _denied_images(role: str, containers: Iterable[Record]) -> Iterator[str]:
    """Yield errors for the images of other accounts that a role cannot pull (the message: aws/aws-cdk issue 29876)."""
    for image in (each["image"] for each in containers if not may_pull(each["image"], role)):
        host, version = image.partition("/")[0], re.split("[:@]", image, maxsplit=1)[-1]
        yield (
            f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: "
            f"pulling from host {host} failed with status code [manifests {version}]: 403 Forbidden"
        )


def _is_here(arn: str) -> bool:
    """Return whether an ARN belongs to this account and region; True for a name."""
    return not arn.startswith("arn:") or arn.split(":")[3:5] == [get_region(), get_account_id()]


def _denied(role: str, action: str, resource: str) -> str:
    return (
        f"AccessDeniedException: User: arn:aws:sts::{get_account_id()}:assumed-role/{role} is not authorized to "
        f"perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
    )


def _may(role: str, action: str, resource: str) -> bool:
    account = get_account_id()
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/{role}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = iam_evaluator.gather_role_policies(role, account)
    return bool(iam_evaluator.evaluate(asked, policies).decision == "Allow")


def _missing_groups(containers: Iterable[Record], *, on_instances: bool) -> Iterator[str]:
    for container in containers:
        log = container.get("logConfiguration") or {}
        options = log.get("options") or {}
        group, region = options.get("awslogs-group"), options.get("awslogs-region", get_region())
        if log.get("logDriver") != "awslogs" or group in cloudwatch_logs.log_groups or region != get_region():
            continue
        if str(options.get("awslogs-create-group")).lower() == "true":
            continue
        docker = "CannotStartContainerError: Error response from daemon"
        yield f"{docker if on_instances else 'ResourceInitializationError'}: {_UNLOGGED}"


def _is_pending(types: Iterable[str]) -> bool:
    """Return whether a stack in deployment has yet to create or update a resource of these types."""
    for stack in cloudformation.stacks.values():
        if not str(stack.get("StackStatus")).endswith("_IN_PROGRESS") or not stack.get("_template_body"):
            continue
        before = (stack.get("_template") or {}).get("Resources") or {}
        for name, resource in (engine.parse_template(stack["_template_body"]).get("Resources") or {}).items():
            changes = name in before and before[name] != resource
            if resource.get("Type") in types and (changes or name not in stack.get("_resources", {})):
                return True
    return False
