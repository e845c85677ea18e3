"""Elastic Load Balancing: what ministack's load balancers, target groups and rules drop or would let pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core import owners, policies
from moorage.local.server.core.adapter import alb, ec2, provisioners, s3
from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.calls import RefusedError, request, xml
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import elbv2_checks
from moorage.local.server.services.elbv2_checks import target_groups

_ACTION = {"FixedResponseConfig", "ForwardConfig", "Order", "RedirectConfig", "TargetGroupArn", "Type"}
_MOST_GROUPS = 5
_WEIGHTS = range(1000)
_TEST_FILES = {"access_logs": "ELBAccessLogTestFile", "connection_logs": "ELBConnectionLogTestFile"}
"""What a load balancer writes at once into the bucket of its logs (Elastic Load Balancing user guides, "Enable access
logs", "Verify bucket permissions")."""
_LOG_WRITERS = ("logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com")

Actions = list[dict[str, Any]]


class LoadBalancer(Resource):
    """A load balancer in the VPC of its subnets, which deletion protection protects."""

    type = "AWS::ElasticLoadBalancingV2::LoadBalancer"

    def create(self, properties: Properties, name: str) -> Made:
        placed = properties | {"VpcId": elbv2_checks.check_load_balancer(properties)}
        made = Made(*provisioners.elbv2_load_balancer_create(name, placed, name))
        try:
            _write_test_files(made.physical_id)
        except RefusedError:
            provisioners.elbv2_load_balancer_delete(made.physical_id, properties)
            raise
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        elbv2_checks.check_load_balancer(new)
        kept = new | {"Name": alb.lbs[physical_id]["LoadBalancerName"]}
        made = Made(*provisioners.elbv2_load_balancer_update(physical_id, old, kept, physical_id))
        _write_test_files(physical_id)
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        if _attributes(physical_id).get("deletion_protection.enabled") == "true":
            raise RefusedError(
                f"OperationNotPermitted: Load balancer '{physical_id}' cannot be deleted because deletion protection "
                "is enabled; turn it off with `aws elbv2 modify-load-balancer-attributes --load-balancer-arn "
                f"{physical_id} --attributes Key=deletion_protection.enabled,Value=false`, then delete the stack"
            )
        provisioners.elbv2_load_balancer_delete(physical_id, properties)


def _attributes(balancer: str) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in alb.lb_attrs.get(balancer, ())}


def _write_test_files(balancer: str) -> None:
    """Write into the buckets of a load balancer's logs, which are not empty from then on."""
    attributes = _attributes(balancer)
    for kind, name in _TEST_FILES.items():
        if attributes.get(f"{kind}.s3.enabled") != "true":
            continue
        bucket, prefix = (attributes.get(f"{kind}.s3.{part}", "") for part in ("bucket", "prefix"))
        key = f"{prefix}/AWSLogs/{get_account_id()}/{name}" if prefix else f"AWSLogs/{get_account_id()}/{name}"
        status = s3.put_object(bucket, key, b"", {})[0] if _may_write(balancer, bucket, key) else 0
        written = status == HTTPStatus.OK
        if not written:
            raise RefusedError(
                f"InvalidConfigurationRequest: Access Denied for bucket: {bucket}. Please check S3bucket permission"
            )


def _may_write(balancer: str, bucket: str, key: str) -> bool:
    """Return whether a bucket's policy lets a load balancer write its logs.

    Elastic Load Balancing writes as a service, or as an account of its own, which differs by region (user guide,
    "Enable access logs", "Step 2: Attach a policy to your S3 bucket"). Any account but this one is taken for that one.
    """
    policy, resource = s3.bucket_policies.get(bucket), f"arn:aws:s3:::{bucket}/{key}"
    context = {"s3:x-amz-acl": "bucket-owner-full-control"}
    if any(policies.allows(policy, each, "s3:PutObject", resource, balancer, **context) for each in _LOG_WRITERS):
        return True
    for account in set(re.findall(r"\b\d{12}\b", str(policy))) - {get_account_id()}:
        writer = iam.EvalContext(
            principal_arn=f"arn:aws:iam::{account}:root",
            principal_type="Root",
            principal_account=account,
            action="s3:PutObject",
            resource_arn=resource,
            region=get_region(),
            secure_transport=True,
            service_context=context,
        )
        if iam.evaluate_resource_policy(policy, writer).decision == "Allow":
            return True
    return False


class TargetGroup(Resource):
    """A target group, with the version of its protocol."""

    type = "AWS::ElasticLoadBalancingV2::TargetGroup"

    def create(self, properties: Properties, name: str) -> Made:
        elbv2_checks.check_target_group(properties)
        made = Made(*provisioners.elbv2_target_group_create(name, properties, name))
        if "ProtocolVersion" in properties:
            alb.tgs[made.physical_id]["ProtocolVersion"] = properties["ProtocolVersion"]
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        elbv2_checks.check_target_group(new)
        kept = new | {"Name": alb.tgs[physical_id]["TargetGroupName"]}
        return Made(*provisioners.elbv2_target_group_update(physical_id, old, kept, physical_id))

    def delete(self, physical_id: str, properties: Properties) -> None:
        used = [rule["RuleArn"] for rule in alb.rules.values() if physical_id in str(rule["Actions"])]
        if used:
            raise RefusedError(f"ResourceInUse: the target group '{physical_id}' is in use by {used[0]}")
        provisioners.elbv2_target_group_delete(physical_id, properties)


class Listener(Resource):
    """A listener, alone on its port of the load balancer."""

    type = "AWS::ElasticLoadBalancingV2::Listener"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties, None)
        made = Made(*provisioners.elbv2_listener_create(name, properties, name))
        _associate()
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new, physical_id)
        made = Made(*provisioners.elbv2_listener_update(physical_id, old, new, physical_id, physical_id))
        _associate()
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.elbv2_listener_delete(physical_id, properties)
        _associate()

    def _check(self, properties: Properties, listener_arn: str | None) -> None:
        balancer, port = properties["LoadBalancerArn"], int(properties.get("Port", 0))
        for arn, listener in alb.listeners.items():
            if arn != listener_arn and (listener["LoadBalancerArn"], listener["Port"]) == (balancer, port):
                reason = (
                    f"Listener port '{port}' is already in use"
                    if listener_arn
                    else f"A listener already exists on this port for this load balancer '{balancer}'"
                )
                raise RefusedError(f"DuplicateListener: {reason}; {_taken(arn)}")
        elbv2_checks.check_listener(properties)
        _check_associations(properties.get("DefaultActions", ()), balancer)


class ListenerRule(Resource):
    """A rule of a listener: target groups by weight, a redirect or a fixed answer, at a priority of its own."""

    type = "AWS::ElasticLoadBalancingV2::ListenerRule"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties, None)
        made = Made(*provisioners.elbv2_listener_rule_create(name, properties, name))
        alb.tags[made.physical_id] = provisioners.elbv2_tags(properties.get("Tags"))
        _associate()
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new, physical_id)
        made = Made(*provisioners.elbv2_listener_rule_update(physical_id, old, new, physical_id, physical_id))
        provisioners.reconcile_tag_list(alb.tags.setdefault(physical_id, []), old, new)
        _associate()
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.elbv2_listener_rule_delete(physical_id, properties)
        alb.tags.pop(physical_id, None)
        _associate()

    def _check(self, properties: Properties, rule_arn: str | None) -> None:
        listener, priority = properties.get("ListenerArn"), str(properties.get("Priority"))
        for arn, rule in alb.rules.items():
            if arn != rule_arn and (rule["ListenerArn"], rule["Priority"]) == (listener, priority):
                raise RefusedError(f"PriorityInUse: Priority '{priority}' is currently in use; {_taken(arn)}")
        _check_actions(properties)
        elbv2_checks.check_rule(properties)
        balancer = alb.listeners.get(listener, {}).get("LoadBalancerArn")
        _check_associations(properties.get("Actions", ()), balancer)


def _taken(arn: str) -> str:
    """Say who has what is in use, and why an update that would free it does not."""
    return (
        f"it is that of {owners.owner(arn)}. CloudFormation creates and changes everything before it deletes anything: "
        "remove that one in a deployment of its own first, or move it with `cdk refactor`"
    )


def _check_associations(actions: Actions, balancer: str | None) -> None:
    """Refuse a target group that another load balancer forwards to."""
    for group in (each["TargetGroupArn"] for action in actions for each in target_groups(action)):
        others = _balancers(group) - {balancer}
        if others:
            raise RefusedError(
                "TargetGroupAssociationLimit: The following target groups cannot be associated with more than one load "
                f"balancer: {group}; it is associated with {', '.join(sorted(map(owners.owner, others)))}"
            )


def _balancers(group: str) -> set[str]:
    """The load balancers that forward to a target group, by a rule or by a listener's default."""
    listeners = {rule["ListenerArn"] for arn, rule in alb.rules.items() if group in weights(arn)}
    return {alb.listeners[arn]["LoadBalancerArn"] for arn in listeners if arn in alb.listeners}


def _associate() -> None:
    """Note on each target group the load balancers that forward to it."""
    for arn, group in alb.tgs.items():
        group["LoadBalancerArns"] = sorted(_balancers(arn))


def weights(rule_arn: str) -> dict[str, int]:
    """The target groups that a rule forwards to, or a listener by itself, and each one's weight.

    Raises:
        RefusedError: If there is no such rule or listener.
    """
    rule = _rule(rule_arn)
    if rule is None:
        raise RefusedError(f"RuleNotFound: the rule '{rule_arn}' does not exist")
    forwards = (target_groups(action) for action in rule["Actions"] if action["Type"] == "forward")
    return {each["TargetGroupArn"]: each.get("Weight", 1) for groups in forwards for each in groups}


def shift(rule_arn: str, shares: Mapping[str, int]) -> None:
    """Forward a rule's requests to these target groups, by these weights; what else the rule does stays.

    Args:
        rule_arn: A listener rule's; a listener's own default rule takes its listener along. Or a listener's, as of a
            network load balancer, which has that rule alone.
        shares: A weight for each target group.
    """
    rule = _rule(rule_arn)
    if rule is None:
        return
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in shares.items()]
    for action in rule["Actions"]:
        if action["Type"] == "forward":
            action["ForwardConfig"] = {**action.get("ForwardConfig", {}), "TargetGroups": groups}
            action["TargetGroupArn"] = max(shares, key=lambda arn: shares[arn])


def _rule(arn: str) -> dict[str, Any] | None:
    """A rule by its ARN, or a listener's default rule by that of the listener."""
    defaults = (rule for rule in alb.rules.values() if rule["ListenerArn"] == arn and rule.get("IsDefault"))
    return alb.rules.get(arn) or next(defaults, None)


def _check_actions(properties: Properties) -> None:
    """Refuse what ministack would leave out of an action, and what a forward cannot be."""
    for action in properties.get("Actions", ()):
        lost = sorted(set(action) - _ACTION)
        if lost:
            raise RefusedError(
                f"property Actions: {', '.join(lost)} exists in CloudFormation, but the local AWS does not implement it"
            )
        groups = target_groups(action) if action.get("Type") == "forward" else []
        if len(groups) > _MOST_GROUPS:
            raise RefusedError(f"TooManyTargetGroups: a rule forwards to {_MOST_GROUPS} target groups at most")
        for group in groups:
            if int(group.get("Weight", 1)) not in _WEIGHTS:
                raise RefusedError(f"ValidationError: a target group's weight is 0 to 999, not {group['Weight']}")


def _with_forward(actions: Callable[..., Actions]) -> Callable[..., Actions]:
    """Keep the weights and the stickiness of a forward, which ministack drops."""

    def kept(properties: Properties, balancer: str | None, prop: str = "DefaultActions") -> Actions:
        records = actions(properties, balancer, prop)
        for record, stated in zip(records, properties.get(prop) or (), strict=True):
            if "ForwardConfig" in stated:
                action = {"Type": "forward", "ForwardConfig": stated["ForwardConfig"]}
                record["ForwardConfig"] = request("elbv2", "ModifyRule", {"Actions": [action]})["Actions"][0][
                    "ForwardConfig"
                ]
        return records

    return kept


def _showing_forward(describe: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    def described(action: dict[str, Any]) -> str:
        forward = action.get("ForwardConfig")
        if not forward:
            return describe(action)
        several = len(forward["TargetGroups"]) > 1  # then AWS names none of them as the action's own
        shown = describe({key: value for key, value in action.items() if not (several and key == "TargetGroupArn")})
        config = f"<ForwardConfig>{xml('elbv2', 'ForwardActionConfig', forward)}</ForwardConfig></member>"
        return re.sub("</member>$", lambda _: config, shown)

    return described


def install() -> None:
    """Let the service's own API show what ministack's records have no place for."""
    describe = alb.tg_xml

    def described(group: dict[str, Any]) -> str:
        version = group.get("ProtocolVersion")
        shown = f"<ProtocolVersion>{version}</ProtocolVersion></member>" if version else "</member>"
        return re.sub("</member>$", shown, describe(group))

    alb.tg_xml = described
    alb.lb_xml = _with_zones(alb.lb_xml)
    alb.action_xml = _showing_forward(alb.action_xml)
    provisioners.elbv2_listener_actions = _with_forward(provisioners.elbv2_listener_actions)


def _with_zones(describe: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """Each subnet's own zone, where ministack names the region's first for all."""

    def described(balancer: dict[str, Any]) -> str:
        shown = describe(balancer)
        for subnet in balancer.get("Subnets", ()):
            zone = ec2.subnets.get(subnet, {}).get("AvailabilityZone", "")
            shown = re.sub(
                f"<ZoneName>[^<]*</ZoneName><SubnetId>{subnet}<",
                f"<ZoneName>{zone}</ZoneName><SubnetId>{subnet}<",
                shown,
            )
        return shown

    return described
