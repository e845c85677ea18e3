"""Elastic Load Balancing: the properties and checks that ministack's load balancers, target groups and rules lack."""

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
from moorage.local.server.services import elbv2_checks, elbv2_rule_checks
from moorage.local.server.services.elbv2_checks import target_groups

_ACTION = {"FixedResponseConfig", "ForwardConfig", "Order", "RedirectConfig", "TargetGroupArn", "Type"}
_TEST_FILES = {"access_logs": "ELBAccessLogTestFile", "connection_logs": "ELBConnectionLogTestFile"}
"""The files that a load balancer writes at once into the buckets of its logs (Elastic Load Balancing user guides,
"Enable access logs", "Verify bucket permissions")."""
_LOG_WRITERS = ("logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com")

Actions = list[dict[str, Any]]


class LoadBalancer(Resource):
    """A load balancer, which cannot be deleted while deletion protection is enabled."""

    type = "AWS::ElasticLoadBalancingV2::LoadBalancer"

    def create(self, properties: Properties, name: str) -> Made:
        subnets = elbv2_checks.subnets_of(properties)
        placed = properties | {"VpcId": elbv2_checks.check_load_balancer(properties), "Subnets": subnets}
        made = _of_type(Made(*provisioners.elbv2_load_balancer_create(name, placed, name)), properties)
        try:
            _write_test_files(made.physical_id)
        except RefusedError:
            provisioners.elbv2_load_balancer_delete(made.physical_id, properties)
            raise
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        elbv2_checks.check_load_balancer(new)
        kept = new | {
            "Name": alb.lbs[physical_id]["LoadBalancerName"],
            "Subnets": elbv2_checks.subnets_of(new),
        }
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


def _of_type(made: Made, properties: Properties) -> Made:
    """Return a load balancer with the ARN and the full name that its type requires; its metrics use the full name."""
    short = {"network": "net", "gateway": "gwy"}.get(str(properties.get("Type")))
    if short is None:
        return made
    arn = made.physical_id.replace(":loadbalancer/app/", f":loadbalancer/{short}/")
    for records in (alb.lbs, alb.tags, alb.lb_attrs):
        records[arn] = records.pop(made.physical_id)
    alb.lbs[arn]["LoadBalancerArn"] = arn
    full = f"{short}/{made.attributes['LoadBalancerFullName'].partition('/')[2]}"
    return Made(arn, {**made.attributes, "Arn": arn, "LoadBalancerArn": arn, "LoadBalancerFullName": full})


def _attributes(balancer: str) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in alb.lb_attrs.get(balancer, ())}


def _write_test_files(balancer: str) -> None:
    """Write the test files to a load balancer's log buckets, which are then not empty, as on AWS.

    Refuse a bucket that the load balancer cannot write to.
    """
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
    """Return whether a bucket's policy allows a load balancer to write its logs.

    Elastic Load Balancing writes as a service or as an AWS account that depends on the region (user guide, "Enable
    access logs", "Step 2: Attach a policy to your S3 bucket"). Here, any other account in the policy counts as that
    account.
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
    """A target group. It keeps the protocol version, which ministack drops."""

    type = "AWS::ElasticLoadBalancingV2::TargetGroup"

    def create(self, properties: Properties, name: str) -> Made:
        elbv2_checks.check_target_group(properties)
        made = Made(*provisioners.elbv2_target_group_create(name, properties, name))
        if "ProtocolVersion" in properties:
            alb.tgs[made.physical_id]["ProtocolVersion"] = properties["ProtocolVersion"]
        self._register(made.physical_id, {}, properties)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        elbv2_checks.check_target_group(new)
        kept = new | {"Name": alb.tgs[physical_id]["TargetGroupName"]}
        self._register(physical_id, old, new)
        return Made(*provisioners.elbv2_target_group_update(physical_id, old, kept, physical_id))

    def _register(self, group: str, old: Properties, new: Properties) -> None:
        """Register the targets in the template; the targets of ECS services and Auto Scaling groups stay registered."""
        targets = [dict(each) for each in new.get("Targets") or ()]
        gone = [each["Id"] for each in old.get("Targets") or ()]
        kept = [each for each in alb.targets.get(group, []) if each["Id"] not in gone]
        alb.targets[group] = kept + targets

    def delete(self, physical_id: str, properties: Properties) -> None:
        used = [rule["RuleArn"] for rule in alb.rules.values() if physical_id in str(rule["Actions"])]
        if used:
            raise RefusedError(f"ResourceInUse: the target group '{physical_id}' is in use by {used[0]}")
        provisioners.elbv2_target_group_delete(physical_id, properties)


class Listener(Resource):
    """A listener; no other listener of the load balancer has its port."""

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
    """A rule of a listener; no other rule of the listener has its priority."""

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
        elbv2_rule_checks.check_rule(properties)
        balancer = alb.listeners.get(listener, {}).get("LoadBalancerArn")
        _check_associations(properties.get("Actions", ()), balancer)


def _taken(arn: str) -> str:
    """Return the end of a message: the owner of a port or priority, and how to make it free."""
    return (
        f"it belongs to {owners.owner(arn)}. CloudFormation creates and updates resources before it deletes any: "
        "delete that resource in a separate deployment first, or move it with `cdk refactor`"
    )


def _check_associations(actions: Actions, balancer: str | None) -> None:
    """Refuse a target group that is associated with another load balancer."""
    for group in (each["TargetGroupArn"] for action in actions for each in target_groups(action)):
        others = _balancers(group) - {balancer}
        if others:
            raise RefusedError(
                "TargetGroupAssociationLimit: The following target groups cannot be associated with more than one load "
                f"balancer: {group}; it is associated with {', '.join(sorted(map(owners.owner, others)))}"
            )


def _balancers(group: str) -> set[str]:
    """Return the load balancers that forward to a target group in a rule or in a listener's default actions."""
    listeners = {rule["ListenerArn"] for arn, rule in alb.rules.items() if group in weights(arn)}
    return {alb.listeners[arn]["LoadBalancerArn"] for arn in listeners if arn in alb.listeners}


def _associate() -> None:
    """Record on each target group the load balancers that forward to it."""
    for arn, group in alb.tgs.items():
        group["LoadBalancerArns"] = sorted(_balancers(arn))


def weights(rule_arn: str) -> dict[str, int]:
    """Return the target groups of a rule, or of a listener's default rule, with their weights.

    Args:
        rule_arn: The ARN of the rule, or of the listener for its default rule.

    Raises:
        RefusedError: The rule or listener does not exist.
    """
    rule = _rule(rule_arn)
    if rule is None:
        raise RefusedError(f"RuleNotFound: The rule '{rule_arn}' does not exist")
    forwards = (target_groups(action) for action in rule["Actions"] if action["Type"] == "forward")
    return {each["TargetGroupArn"]: each.get("Weight", 1) for groups in forwards for each in groups}


def shift(rule_arn: str, shares: Mapping[str, int]) -> None:
    """Change the target groups that a rule forwards to, and their weights; the rule's other settings do not change.

    Do nothing if the rule does not exist.

    Args:
        rule_arn: The ARN of a listener rule, or of a listener for its default rule. A listener of a Network Load
            Balancer has only the default rule.
        shares: The weight of each target group.
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
    """Return a rule by its ARN, or a listener's default rule by the ARN of the listener; None if neither exists."""
    defaults = (rule for rule in alb.rules.values() if rule["ListenerArn"] == arn and rule.get("IsDefault"))
    return alb.rules.get(arn) or next(defaults, None)


def _check_actions(properties: Properties) -> None:
    """Refuse the properties of actions that ministack would drop."""
    for action in properties.get("Actions", ()):
        lost = sorted(set(action) - _ACTION)
        if lost:
            raise RefusedError(
                f"property Actions: {', '.join(lost)} exists in CloudFormation, but the local AWS does not implement it"
            )


def _with_forward(actions: Callable[..., Actions]) -> Callable[..., Actions]:
    """Add the weights and the stickiness of forward actions that ministack drops."""

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
        several = len(forward["TargetGroups"]) > 1  # then AWS shows no TargetGroupArn of the action
        shown = describe({key: value for key, value in action.items() if not (several and key == "TargetGroupArn")})
        config = f"<ForwardConfig>{xml('elbv2', 'ForwardActionConfig', forward)}</ForwardConfig></member>"
        return re.sub("</member>$", lambda _: config, shown)

    return described


def install() -> None:
    """Make the API show the properties that ministack's records do not have."""
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
    """Show the zone of each subnet; ministack shows the region's first zone for all subnets."""

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
