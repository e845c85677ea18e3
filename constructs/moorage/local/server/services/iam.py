"""AWS IAM: instance profiles, and the checks that a role allows a service to perform an action."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import iam, iam_evaluator
from moorage.local.server.core.calls import RefusedError, query
from moorage.local.server.core.resource import Made, Properties, Resource, shortened


class InstanceProfile(Resource):
    """An instance profile, which contains one role; `Ref` returns the name of the instance profile."""

    type = "AWS::IAM::InstanceProfile"

    def create(self, properties: Properties, name: str) -> Made:
        profile = str(properties.get("InstanceProfileName", shortened(name, 128)))
        self._check(properties)
        query(iam.create_instance_profile, InstanceProfileName=profile, Path=properties.get("Path", "/"))
        return self._made(profile, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new)
        return self._made(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        iam.instance_profiles.pop(physical_id, None)

    def _check(self, properties: Properties) -> None:
        roles = properties["Roles"]
        if len(roles) > 1:
            raise RefusedError("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1 (LimitExceeded)")
        for role in roles:
            if role not in iam.roles:
                raise RefusedError(f"The role with name {role} cannot be found. (NoSuchEntity)")

    def _made(self, name: str, properties: Properties) -> Made:
        profile = iam.instance_profiles[name]
        profile["Roles"] = list(properties["Roles"])
        return Made(name, {"Arn": profile["Arn"]})


def is_trusted(role_arn: str, service: str, **context: str) -> bool:
    """Return whether a role exists and its trust policy allows a service to assume it.

    Args:
        role_arn: The ARN of the role.
        service: The service principal, such as `ecs.amazonaws.com`.
        context: Condition keys other than the account, such as `sourcearn` for `aws:SourceArn`.
    """
    role = iam.roles.get(role_arn.rsplit("/", maxsplit=1)[-1])
    if role is None:
        return False
    document = role["AssumeRolePolicyDocument"]
    stated = json.loads(document) if isinstance(document, str) else document
    statements = stated["Statement"] if isinstance(stated["Statement"], list) else [stated["Statement"]]
    asked = _asked(role_arn, "sts:AssumeRole", role_arn, {f"aws:{key}": value for key, value in context.items()})
    return any(
        each["Effect"] == "Allow"
        and iam_evaluator.service_principal_matches(each.get("Principal"), service)
        and iam_evaluator.conditions_met(each.get("Condition", {}), asked)
        for each in statements
    )


def require(role_arn: str, action: str, resource: str, **context: str) -> None:
    """Refuse an action that a service's role does not allow.

    A role with an AWS managed policy is accepted, since the content of such policies is not known here.

    Args:
        role_arn: The ARN of the role.
        action: The action, such as `ecs:RunTask`.
        resource: The ARN of the resource.
        context: Condition keys of the action's service, such as `cluster` for `ecs:cluster`.

    Raises:
        RefusedError: The role does not allow the action; the message is the service's.
    """
    name = role_arn.rsplit("/", maxsplit=1)[-1]
    role: dict[str, Any] = iam.roles.get(name, {})
    if any(arn.startswith("arn:aws:iam::aws:policy/") for arn in role.get("AttachedPolicies", ())):
        return
    prefix = action.partition(":")[0]
    asked = _asked(role_arn, action, resource, {f"{prefix}:{key}": value for key, value in context.items()})
    policies = iam_evaluator.gather_role_policies(name, get_account_id())
    if iam_evaluator.evaluate(asked, policies).decision != "Allow":
        raise RefusedError(
            f"AccessDeniedException: User: arn:aws:sts::{get_account_id()}:assumed-role/{name} is not authorized to "
            f"perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        )


def grants(role_arn: str, action: str) -> bool:
    """Return whether a role allows an action on any resource; True for a role with a policy that is not known here.

    Args:
        role_arn: The ARN of the role.
        action: The action, such as `ec2:CreateNetworkInterface`.
    """
    name = role_arn.rsplit("/", maxsplit=1)[-1]
    attached = iam.roles.get(name, {}).get("AttachedPolicies", ())
    if any(iam.lookup_policy(arn) is None for arn in attached):
        return True
    statements = [each for policy in iam_evaluator.gather_role_policies(name, get_account_id()) for each in policy]
    return any(
        each.effect == "Allow" and iam_evaluator.action_matches(action, each.actions, each.not_actions)
        for each in statements
    )


def _asked(role_arn: str, action: str, resource: str, keys: dict[str, str]) -> Any:
    account = get_account_id()
    return iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:sourceaccount": account, **{key.lower(): value for key, value in keys.items()}},
    )
