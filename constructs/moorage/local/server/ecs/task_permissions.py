"""Amazon ECS: why a task could never start for want of a role, of a permission of its role's, or of a log group.

ECS tries again until a task starts, so what the same deployment of a stack has still to make is not held against it.
"""

from __future__ import annotations

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
)
from moorage.local.server.services.iam import is_trusted

_SERVICE = "ecs-tasks.amazonaws.com"
_POLICIES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")
_NO_SECRETS = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
"""Lets a role pull from ECR and write into log groups (AWS managed policy reference)."""
_UNASSUMED = (
    "ECS was unable to assume the role '{}' that was provided for this task. Please verify that the role being passed "
    "has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
)
"""aws-samples/aws-modern-application-workshop issue 88."""
_UNREAD = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
_UNLOGGED = (
    "failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The "
    "specified log group does not exist."
)
"""cn-terraform/terraform-aws-ecs-fargate-task-definition issue 1; before it, on Fargate, what the ECS user guide has
("Stopped tasks error codes")."""

Record = Mapping[str, Any]


def faults(revision: Record, *, on_instances: bool) -> Iterator[str]:
    """Yield why a task could never start, in the words of its service's events or of its stopped reason.

    Args:
        revision: Its task definition.
        on_instances: Whether it is for container instances.
    """
    for stated in (revision.get("taskRoleArn"), revision.get("executionRoleArn")):
        if stated and not _is_assumed(stated):
            yield _UNASSUMED.format(stated)
    containers = revision.get("containerDefinitions") or ()
    if revision.get("executionRoleArn") and not _is_pending(_POLICIES):
        yield from _unread_secrets(_name(revision["executionRoleArn"]), containers)
    if not _is_pending(("AWS::Logs::LogGroup",)):
        yield from _missing_groups(containers, on_instances=on_instances)


def _name(role: str) -> str:
    return role.rsplit("/", maxsplit=1)[-1]


def _is_assumed(role: str) -> bool:
    """Return whether ECS can assume a role, given by its ARN or its name; true for one of another account."""
    if role.startswith("arn:") and role.split(":")[4] != get_account_id():
        return True
    source = f"arn:aws:ecs:{get_region()}:{get_account_id()}:task/default/0123456789abcdef0123456789abcdef"
    return is_trusted(role, _SERVICE, sourcearn=source)


def _unread_secrets(role: str, containers: Iterable[Record]) -> Iterator[str]:
    """Yield which secrets of this account a role may not read, by its own policies."""
    if role not in iam.roles:
        return
    attached = iam.roles[role].get("AttachedPolicies", ())
    if any(arn.startswith("arn:aws:iam::aws:") and arn != _NO_SECRETS for arn in attached):
        return  # what these allow is not known here
    for container in containers:
        log = container.get("logConfiguration") or {}
        for each in [*(container.get("secrets") or ()), *(log.get("secretOptions") or ())]:
            arn = ":".join(each["valueFrom"].split(":")[:7])
            secret = secretsmanager.resolve(arn)[1] if ":secretsmanager:" in arn else None
            if secret is None or secretsmanager.resource_policies.get(secret["ARN"]) or _may_read(role, secret["ARN"]):
                continue
            yield (  # aws-samples/dify-self-hosted-on-aws pull request 35
                f"{_UNREAD} unable to retrieve secret from asm: service call has been retried 1 time(s): failed to "
                f"fetch secret {arn} from secrets manager: AccessDeniedException: User: arn:aws:sts::"
                f"{get_account_id()}:assumed-role/{role} is not authorized to perform: secretsmanager:GetSecretValue "
                f"on resource: {arn} because no identity-based policy allows the secretsmanager:GetSecretValue action"
            )


def _may_read(role: str, secret: str) -> bool:
    account = get_account_id()
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/{role}",
        principal_type="AssumedRole",
        principal_account=account,
        action="secretsmanager:GetSecretValue",
        resource_arn=secret,
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
    """Return whether a stack that is being deployed has still to make, or changes, a resource of one of these types."""
    for stack in cloudformation.stacks.values():
        if not str(stack.get("StackStatus")).endswith("_IN_PROGRESS") or not stack.get("_template_body"):
            continue
        before = (stack.get("_template") or {}).get("Resources") or {}
        for name, resource in (engine.parse_template(stack["_template_body"]).get("Resources") or {}).items():
            changes = name in before and before[name] != resource
            if resource.get("Type") in types and (changes or name not in stack.get("_resources", {})):
                return True
    return False
