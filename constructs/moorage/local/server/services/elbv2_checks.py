"""The checks that Elastic Load Balancing performs on load balancers, target groups, listeners and actions.

The messages are those of the API, as users report them (kubernetes-sigs/aws-load-balancer-controller issue 1045,
aws/copilot-cli issue 5473, openshift/installer issue 1110, hashicorp/terraform issue 18126, aws-cloudformation/cfn-lint
issue 3833, terraform-aws-modules/terraform-aws-alb issue 294, coldbrewcloud/coldbrew-cli issue 44, in4it/ecs-deploy
issue 8, theopensystemslab/planx-new pull request 1051). Otherwise the rule is the API reference's.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_region

from moorage.local.server.core.adapter import alb, ec2
from moorage.local.server.core.calls import RefusedError, documentation
from moorage.local.server.services.ec2_checks import internet_gateways

Properties = Mapping[str, Any]
Groups = list[dict[str, Any]]

_NAME_LENGTH = 32
_PROTOCOLS = {
    "application": ("HTTPS", "HTTP"),
    "network": ("TLS", "TCP", "TCP_UDP", "UDP", "QUIC", "TCP_QUIC"),
}
_GROUP_PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": _PROTOCOLS["network"]}
_FINAL_ACTIONS = ("forward", "redirect", "fixed-response")
_RANGES = {
    "client_keep_alive.seconds": (range(60, 604801), "between 60 and 604800"),
    "deregistration_delay.timeout_seconds": (range(3601), "between 0 and 3600"),
    "idle_timeout.timeout_seconds": (range(1, 4001), "between 1 and 4000"),
    "slow_start.duration_seconds": ((0, *range(30, 901)), "0 or between 30 and 900"),
    "stickiness.app_cookie.duration_seconds": (range(1, 604801), "between 1 and 604800"),
    "stickiness.lb_cookie.duration_seconds": (range(1, 604801), "between 1 and 604800"),
}
"""The ranges of attributes (Elastic Load Balancing API reference, LoadBalancerAttribute and TargetGroupAttribute)."""
_CHOICES = {
    "load_balancing.algorithm.anomaly_mitigation": ("on", "off"),
    "load_balancing.algorithm.type": ("round_robin", "least_outstanding_requests", "weighted_random"),
    "routing.http.desync_mitigation_mode": ("monitor", "defensive", "strictest"),
    "routing.http.xff_header_processing.mode": ("append", "preserve", "remove"),
}
"""The valid values of attributes (LoadBalancerAttribute and TargetGroupAttribute)."""
_STICKINESS = {
    **dict.fromkeys(("HTTP", "HTTPS"), ("lb_cookie", "app_cookie")),
    **dict.fromkeys(("TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC"), ("source_ip",)),
}
"""The types of stickiness for each protocol of a target group (TargetGroupAttribute)."""
_REQUEST_ATTRIBUTES = ("load_balancing.algorithm.", "slow_start.", "stickiness.app_cookie.", "stickiness.lb_cookie.")
_CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
_MOST_TARGET_GROUPS = 5
_WEIGHTS = range(1000)
_ONLY_OF = {
    "application": ("client_keep_alive.", "connection_logs.", "idle_timeout.", "routing.", "waf."),
    "network": ("dns_record.", "secondary_ips."),
}
"""The prefixes of the attributes that only one type of load balancer has (LoadBalancerAttribute)."""
_POLICY = re.compile(
    r"ELBSecurityPolicy-(2015-05|2016-08|TLS-1-0-2015-04|TLS-1-[12]-2017-01|TLS-1-2-Ext-2018-06|FS-2018-06"
    r"|FS-1-[12]-2019-08|FS-1-2-Res-(2019-08|2020-10)|TLS13-1-([013]|2(-Res|-Ext[12])?)-2021-06"
    r"|TLS13-1-([013]|2(-Res|-Ext[012])?)-(FIPS-2023-04|(FIPS-)?PQ-2025-09))"
)
"""The security policies in the user guides, "Security policies for your Application Load Balancer"."""
_INHERITED = "use_load_balancer_configuration"
_RELEASE = re.compile(r"ELBSecurityPolicy-.*(\d{4}-\d{2})")
_NEWEST_RELEASE = "2025-09"


def check_name(kind: str, name: str | None) -> None:
    """Refuse an invalid name of a load balancer or a target group.

    Args:
        kind: The beginning of the message, which names the kind of resource.
        name: The name, if the template specifies it.

    Raises:
        RefusedError: The name is invalid.
    """
    if name is None:
        return
    if len(name) > _NAME_LENGTH:
        raise RefusedError(f"ValidationError: {kind} name '{name}' cannot be longer than '{_NAME_LENGTH}' characters")
    if not re.fullmatch("[A-Za-z0-9-]+", name):
        raise RefusedError(
            f"ValidationError: {kind} name '{name}' can only contain characters that are alphanumeric characters and "
            "hyphens(-)"
        )
    if name.startswith("-") or name.endswith("-"):
        raise RefusedError(f"ValidationError: {kind} name '{name}' cannot begin or end with a hyphen(-)")
    if kind.startswith("The load balancer") and name.startswith("internal-"):
        raise RefusedError(f"ValidationError: {kind} name '{name}' cannot begin with 'internal-'")


def subnets_of(properties: Properties) -> list[str]:
    """Return the IDs of a load balancer's subnets, from `Subnets` or `SubnetMappings`.

    Args:
        properties: The properties in the template.
    """
    mappings = properties.get("SubnetMappings") or ()
    return list(properties.get("Subnets") or [each["SubnetId"] for each in mappings])


def check_load_balancer(properties: Properties) -> str:
    """Refuse a load balancer that the service does not accept, and return the ID of its VPC; empty without subnets.

    Args:
        properties: The properties in the template.

    Raises:
        RefusedError: The service does not accept the load balancer.
    """
    ec2.ensure_defaults_initialized()
    kind, subnets = properties.get("Type", "application"), subnets_of(properties)
    check_name("The load balancer", properties.get("Name"))
    missing = [subnet for subnet in subnets if subnet not in ec2.subnets]
    if missing:
        raise RefusedError(f"InvalidSubnet: the subnets {', '.join(missing)} do not exist")
    vpcs = {ec2.subnets[subnet]["VpcId"] for subnet in subnets}
    if len(vpcs) > 1:
        raise RefusedError(f"InvalidSubnet: the subnets are in several VPCs: {', '.join(sorted(vpcs))}")
    zones = [ec2.subnets[subnet]["AvailabilityZone"] for subnet in subnets]
    if len(set(zones)) < len(zones):
        raise RefusedError(
            "InvalidConfigurationRequest: A load balancer cannot be attached to multiple subnets in the same "
            "Availability Zone"
        )
    if kind == "application" and len(subnets) < 2:  # noqa: PLR2004  # as the message says
        raise RefusedError(
            "ValidationError: At least two subnets in two different Availability Zones must be specified"
        )
    vpc = next(iter(vpcs), "")
    if vpc and properties.get("Scheme") != "internal" and not internet_gateways(vpc):
        raise RefusedError(f"InvalidSubnet: VPC {vpc} has no internet gateway")
    _check_addresses_and_groups(properties, vpc)
    _check_attributes("Load balancer", "LoadBalancerAttribute", properties.get("LoadBalancerAttributes") or [], kind)
    return str(vpc)


def _check_addresses_and_groups(properties: Properties, vpc: str) -> None:
    for mapping in properties.get("SubnetMappings") or ():
        address = mapping.get("AllocationId")
        if address and address not in ec2.addresses:  # botocore elbv2: AllocationIdNotFoundException
            raise RefusedError(f"AllocationIdNotFound: The allocation ID '{address}' does not exist")
    for group in properties.get("SecurityGroups") or []:
        if not str(group).startswith("sg-"):
            raise RefusedError(f"ValidationError: Security group '{group}' is not valid")
        if ec2.security_groups.get(group, {}).get("VpcId") != vpc:
            raise RefusedError(
                f"InvalidConfigurationRequest: One or more security groups are invalid: '{group}' does not belong to "
                f"VPC '{vpc}'"
            )


def _check_attributes(owner: str, shape: str, attributes: list[dict[str, Any]], kind: str = "") -> None:
    for attribute in attributes:
        key, value = str(attribute.get("Key")), str(attribute.get("Value", ""))
        if key not in _attribute_keys(shape):
            raise RefusedError(f"ValidationError: {owner} attribute key '{key}' is not recognized")
        if any(kind and key.startswith(starts) for other in _ONLY_OF.keys() - {kind} for starts in _ONLY_OF[other]):
            raise RefusedError(
                f"ValidationError: {owner} attribute key '{key}' is not supported on load balancers with type '{kind}'"
            )
        if key.endswith(".enabled") and value.lower() not in {"true", "false", _INHERITED}:
            raise RefusedError(f"ValidationError: {owner} attribute '{key}' must be true or false, not '{value}'")
        values, words = _RANGES.get(key, ((), ""))
        if words and (not value.isdecimal() or int(value) not in values):
            raise RefusedError(f"ValidationError: {owner} attribute '{key}' must be {words}, not '{value}'")
        choices = _CHOICES.get(key)
        if choices and value not in choices:
            raise RefusedError(
                f"ValidationError: {owner} attribute '{key}' must be one of {', '.join(choices)}, not '{value}'"
            )


@functools.cache
def _attribute_keys(shape: str) -> frozenset[str]:
    """Return the attribute keys that the API's model describes."""
    return frozenset(re.findall(r"<code>([a-z0-9_]+(?:\.[a-z0-9_]+)+)</code>", documentation("elbv2", shape, "Key")))


def check_target_group(properties: Properties) -> None:
    """Refuse a target group that the service does not accept.

    Args:
        properties: The properties in the template.

    Raises:
        RefusedError: The service does not accept the target group.
    """
    check_name("Target group", properties.get("Name"))
    vpc = properties.get("VpcId")
    if vpc:
        ec2.ensure_defaults_initialized()
    if vpc and vpc not in ec2.vpcs:
        raise RefusedError(f"ValidationError: The VPC ID '{vpc}' is not found")
    _check_health_check(properties)
    attributes = properties.get("TargetGroupAttributes") or []
    _check_attributes("Target group", "TargetGroupAttribute", attributes)
    stated = {str(each.get("Key")): str(each.get("Value", "")) for each in attributes}
    _check_stickiness(stated, properties)
    if properties.get("ProtocolVersion") and properties.get("Protocol") not in _GROUP_PROTOCOLS["application"]:
        raise RefusedError(
            "ValidationError: Protocol version is supported only for target groups with protocol HTTP or HTTPS"
        )


def _check_stickiness(attributes: dict[str, str], properties: Properties) -> None:
    """Refuse stickiness and algorithms that a target group's protocol does not support (TargetGroupAttribute)."""
    protocol, kind = properties.get("Protocol", ""), attributes.get("stickiness.type")
    allowed = _STICKINESS.get(protocol)
    if kind and allowed and kind not in allowed:
        raise RefusedError(
            f"InvalidConfigurationRequest: Stickiness type '{kind}' is not supported for target groups with the "
            f"{protocol} protocol"
        )
    if kind == "app_cookie" and attributes.get("stickiness.enabled") == "true":
        cookie = attributes.get("stickiness.app_cookie.cookie_name", "")
        if not cookie or cookie.upper().startswith("AWSALB"):
            raise RefusedError(f"InvalidConfigurationRequest: The cookie name '{cookie}' is not valid")
    for key in attributes:
        if key.startswith(_REQUEST_ATTRIBUTES) and protocol in _PROTOCOLS["network"]:
            raise RefusedError(
                f"InvalidConfigurationRequest: Target group attribute '{key}' is not supported for target groups with "
                f"the {protocol} protocol"
            )
    algorithm = attributes.get("load_balancing.algorithm.type", "round_robin")
    if attributes.get("slow_start.duration_seconds", "0") != "0" and algorithm != "round_robin":
        # Application Load Balancers user guide, "Edit target group attributes for your Application Load Balancer"
        raise RefusedError(
            "InvalidConfigurationRequest: Slow start mode can be enabled only with the round robin algorithm, not with "
            f"{algorithm}"
        )


def _check_health_check(properties: Properties) -> None:
    protocol = properties.get("Protocol")
    of_http = protocol in _GROUP_PROTOCOLS["application"] and properties.get("TargetType") != "alb"
    if properties.get("HealthCheckProtocol") == "TCP" and protocol in _GROUP_PROTOCOLS["application"]:
        # CreateTargetGroup, HealthCheckProtocol
        raise RefusedError(
            f"ValidationError: Health check protocol 'TCP' is not supported for target groups with protocol {protocol}"
        )
    interval, timeout = (properties.get(f"HealthCheck{name}Seconds") for name in ("Interval", "Timeout"))
    if of_http:  # other protocols have other defaults, and may have equal values
        interval, timeout = int(interval or 30), int(timeout or 5)
    if interval and timeout and (int(timeout) > int(interval) or (of_http and timeout == interval)):
        raise RefusedError("ValidationError: Health check interval must be greater than the timeout.")
    path = str(properties.get("HealthCheckPath", "/"))
    if not path.startswith("/"):
        raise RefusedError(f"ValidationError: Health check path '{path}' must begin with a '/' character")
    port = str(properties.get("HealthCheckPort", "traffic-port"))
    if port != "traffic-port" and not (port.isdecimal() and 1 <= int(port) <= 65535):  # noqa: PLR2004  # TCP's
        raise RefusedError(
            f"ValidationError: Health check port '{port}' must be an integer between 1 and 65535 or 'traffic-port'"
        )
    codes = str((properties.get("Matcher") or {}).get("HttpCode", "200"))
    if not re.fullmatch(r"[2-5]\d\d(-[2-5]\d\d)?(,[2-5]\d\d(-[2-5]\d\d)?)*", codes.replace(" ", "")):
        raise RefusedError(f"ValidationError: HttpCode must be like 200 | 200-399 | 200,201 ..., not '{codes}'")


def check_listener(properties: Properties) -> None:
    """Refuse a listener that the service does not accept.

    Args:
        properties: The properties in the template.

    Raises:
        RefusedError: The service does not accept the listener or its actions.
    """
    balancer = alb.lbs.get(properties.get("LoadBalancerArn"), {})
    protocol, policy = properties.get("Protocol"), properties.get("SslPolicy")
    allowed = _PROTOCOLS.get(balancer.get("Type", ""), ())
    if protocol and allowed and protocol not in allowed:
        raise RefusedError(f"ValidationError: Listener protocol '{protocol}' must be one of '{', '.join(allowed[:4])}'")
    certificates = [each.get("CertificateArn", "") for each in properties.get("Certificates") or []]
    if protocol == "HTTP" and policy:
        raise RefusedError("ValidationError: An SSL policy cannot be specified for HTTP listeners")
    if protocol == "HTTP" and certificates:
        raise RefusedError("ValidationError: A certificate cannot be specified for HTTP listeners")
    for arn in certificates:
        if arn.startswith("arn:") and ":acm:" in arn and arn.split(":")[3] != get_region():
            raise RefusedError(f"CertificateNotFound: Certificate '{arn}' not found")
    if policy and not _POLICY.fullmatch(policy) and not _is_newer(policy):
        raise RefusedError(f"SSLPolicyNotFound: SSL policy '{policy}' not found")
    check_actions(properties.get("DefaultActions") or [], balancer, properties)


def _is_newer(policy: str) -> bool:
    """Return whether a security policy may be newer than the policies that are known here."""
    release = _RELEASE.fullmatch(policy)
    return release is not None and release[1] > _NEWEST_RELEASE


def target_groups(action: Properties) -> Groups:
    """Return the target groups that an action forwards to, with the weights that the action specifies.

    Args:
        action: The action, from a template or from the API.
    """
    stated: Groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    return stated or ([{"TargetGroupArn": action["TargetGroupArn"]}] if "TargetGroupArn" in action else [])


def check_actions(actions: list[dict[str, Any]], balancer: Properties, listener: Properties) -> None:
    """Refuse actions that the load balancer does not accept, for example without exactly one final action.

    Args:
        actions: The actions in the template.
        balancer: The record of the load balancer.
        listener: The port and the protocol of the listener.

    Raises:
        RefusedError: The load balancer does not accept an action.
    """
    final = [action for action in actions if action.get("Type") in _FINAL_ACTIONS]
    if len(final) != 1:
        raise RefusedError(
            f"ValidationError: An action must be specified: exactly one of {', '.join(_FINAL_ACTIONS)} (got "
            f"{len(final)} of them)"
        )
    for action in actions:
        _check_action(action, balancer, listener)
    for action in final:
        groups = [each["TargetGroupArn"] for each in target_groups(action)] if action["Type"] == "forward" else []
        if action["Type"] == "forward" and not groups:
            raise RefusedError("ValidationError: A target group ARN must be specified")
        if "TargetGroupArn" in action and groups and groups != [action["TargetGroupArn"]]:
            raise RefusedError(
                "ValidationError: ForwardConfig and TargetGroupArn must name the same, single target group"
            )
        for group in groups:
            _check_target(group, balancer)


def _check_action(action: Properties, balancer: Properties, listener: Properties) -> None:
    """Refuse an invalid action (Action, TargetGroupTuple, FixedResponseActionConfig)."""
    kind = str(action.get("Type"))
    if balancer.get("Type") == "network" and kind != "forward":
        raise RefusedError(f"ValidationError: Actions of type '{kind}' are not supported on network load balancers")
    if kind.startswith("authenticate-") and listener.get("Protocol") == "HTTP":
        raise RefusedError(f"InvalidLoadBalancerAction: Actions of type '{kind}' are supported only on HTTPS listeners")
    groups = target_groups(action)
    if len(groups) > _MOST_TARGET_GROUPS:
        raise RefusedError(
            f"TooManyTargetGroups: An action forwards to at most {_MOST_TARGET_GROUPS} target groups, not {len(groups)}"
        )
    for each in groups:
        if int(each.get("Weight", 1)) not in _WEIGHTS:
            raise RefusedError(
                f"ValidationError: The weight of a target group must be between 0 and 999, not {each['Weight']}"
            )
    response = action.get("FixedResponseConfig") or {}
    if response.get("ContentType", "text/plain") not in _CONTENT_TYPES:
        raise RefusedError(
            f"ValidationError: ContentType '{response['ContentType']}' must be one of {', '.join(_CONTENT_TYPES)}"
        )
    redirect = action.get("RedirectConfig")
    if kind == "redirect" and redirect:
        _check_redirect(redirect, listener)


def _check_redirect(redirect: Properties, listener: Properties) -> None:
    protocol, port = redirect.get("Protocol", "#{protocol}"), str(redirect.get("Port", "#{port}"))
    kept = (redirect.get("Host", "#{host}"), redirect.get("Path", "/#{path}"), redirect.get("Query", "#{query}"))
    same_port = port in ("#{port}", str(listener.get("Port")))
    if (
        same_port
        and protocol in ("#{protocol}", listener.get("Protocol"))
        and kept == ("#{host}", "/#{path}", "#{query}")
    ):
        # kubernetes-sigs/aws-load-balancer-controller issue 487
        raise RefusedError(
            "InvalidLoadBalancerAction: The redirect configuration is not valid because it creates a loop"
        )
    if protocol == "HTTP" and listener.get("Protocol") == "HTTPS":
        raise RefusedError("InvalidLoadBalancerAction: You cannot redirect HTTPS to HTTP")


def _check_target(arn: str, balancer: Properties) -> None:
    group = alb.tgs.get(arn)
    if group is None:
        raise RefusedError(f"TargetGroupNotFound: Target groups '{arn}' not found")
    if group.get("TargetType") == "lambda" or not balancer:
        return
    if group["VpcId"] != balancer["VpcId"]:
        raise RefusedError(
            "InvalidConfigurationRequest: The following target groups are in a different VPC than load balancer "
            f"{balancer['LoadBalancerArn']}: {arn}"
        )
    allowed = _GROUP_PROTOCOLS.get(balancer.get("Type", ""), (group["Protocol"],))
    if group["Protocol"] not in allowed:
        raise RefusedError(
            f"IncompatibleProtocols: The target group '{arn}' with protocol {group['Protocol']} cannot be used with a "
            f"load balancer of type {balancer['Type']}"
        )
