"""Elastic Load Balancing: Classic Load Balancers, whose requests have an older API version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid, now_iso

from moorage.local.server.core.adapter import app, autoscaling, ec2
from moorage.local.server.core.calls import RefusedError, request, xml
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.services.ec2_checks import internet_gateways

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Answer]]

_VERSION = "2012-06-01"
"""The API version of Classic Load Balancers (botocore elb: apiVersion)."""
_NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"
_ZONE = "Z35SXDOTRQ7X7K"
_ATTRIBUTES = (
    ("AccessLoggingPolicy", "AccessLog"),
    ("ConnectionDrainingPolicy", "ConnectionDraining"),
    ("ConnectionSettings", "ConnectionSettings"),
)
_STICKINESS = (
    ("AppCookieStickinessPolicy", "AppCookieStickinessPolicies"),
    ("LBCookieStickinessPolicy", "LBCookieStickinessPolicies"),
)
_HEALTH_CHECK = {"Interval": 30, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 10}

balancers: dict[str, dict[str, Any]] = AccountRegionScopedDict()
"""The Classic Load Balancers of each account and region, by name."""


class LoadBalancer(Resource):
    """A Classic Load Balancer in the VPC of its subnets, or in the default VPC."""

    type = "AWS::ElasticLoadBalancing::LoadBalancer"

    def create(self, properties: Properties, name: str) -> Made:
        name = str(properties.get("LoadBalancerName", shortened(name, 32)))
        if name in balancers:
            raise RefusedError(
                "DuplicateLoadBalancerName: the specified load balancer name already exists for this account"
            )
        vpc = self._check(properties)
        label = f"internal-{name}" if properties.get("Scheme") == "internal" else name
        balancers[name] = {
            "LoadBalancerName": name,
            "DNSName": f"{label}-{new_uuid()[:10]}.{get_region()}.elb.amazonaws.com",
            "CanonicalHostedZoneNameID": _ZONE,
            "VPCId": vpc,
            "CreatedTime": now_iso(),
            "Scheme": properties.get("Scheme", "internet-facing"),
        }
        return self._put(name, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new)
        return self._put(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        balancers.pop(physical_id, None)

    def _check(self, properties: Properties) -> str:
        """Check a load balancer as the API does (botocore elb: errors of CreateLoadBalancer), and return the VPC."""
        ec2.ensure_defaults_initialized()
        subnets = properties.get("Subnets") or ()
        for subnet in subnets:
            if subnet not in ec2.subnets:
                raise RefusedError(f"SubnetNotFound: The requested configuration is not valid: no subnet {subnet}")
        vpcs = sorted({ec2.subnets[subnet]["VpcId"] for subnet in subnets}) or [ec2.DEFAULT_VPC_ID]
        if len(vpcs) > 1:
            raise RefusedError("InvalidSubnet: the subnets are in several VPCs")
        if subnets and properties.get("Scheme") != "internal" and not internet_gateways(vpcs[0]):
            raise RefusedError(f"InvalidSubnet: VPC {vpcs[0]} has no internet gateway")
        for group in properties.get("SecurityGroups") or ():
            if ec2.security_groups.get(group, {}).get("VpcId") != vpcs[0]:
                raise RefusedError(
                    f"InvalidSecurityGroup: One or more of the specified security groups do not exist: {group}"
                )
        return str(vpcs[0])

    def _put(self, name: str, properties: Properties) -> Made:
        record = balancers[name]
        stated = request("elb", "CreateLoadBalancer", {"LoadBalancerName": name, **self._listened(properties)})
        policies = {kind: list(properties.get(each) or ()) for each, kind in _STICKINESS}
        policies["OtherPolicies"] = [each["PolicyName"] for each in properties.get("Policies") or ()]
        zones = [ec2.subnets[subnet]["AvailabilityZone"] for subnet in properties.get("Subnets") or ()]
        record |= {
            "ListenerDescriptions": [
                {"Listener": listener, "PolicyNames": source.get("PolicyNames") or []}
                for listener, source in zip(stated["Listeners"], properties["Listeners"], strict=True)
            ],
            "Policies": policies,
            "Subnets": list(properties.get("Subnets") or ()),
            "AvailabilityZones": sorted(set(zones or properties.get("AvailabilityZones") or ())),
            "SecurityGroups": list(properties.get("SecurityGroups") or ()),
            "HealthCheck": {
                "Target": f"TCP:{stated['Listeners'][0]['InstancePort']}",
                **_HEALTH_CHECK,
                **(properties.get("HealthCheck") or {}),
            },
            "SourceSecurityGroup": {"OwnerAlias": get_account_id(), "GroupName": "default"},
            "_instances": list(properties.get("Instances") or ()),
            "_tags": list(properties.get("Tags") or ()),
            "_attributes": {
                "CrossZoneLoadBalancing": {"Enabled": properties.get("CrossZone", False)},
                **{kind: properties[each] for each, kind in _ATTRIBUTES if each in properties},
            },
        }
        return Made(
            name,
            {
                "DNSName": record["DNSName"],
                "CanonicalHostedZoneName": record["DNSName"],
                "CanonicalHostedZoneNameID": record["CanonicalHostedZoneNameID"],
                "SourceSecurityGroup.GroupName": "default",
                "SourceSecurityGroup.OwnerAlias": get_account_id(),
            },
        )

    def _listened(self, properties: Properties) -> dict[str, Any]:
        listeners = [
            {key: value for key, value in each.items() if key != "PolicyNames"} for each in properties["Listeners"]
        ]
        return {"Listeners": listeners}


def _instances(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the instances that the template registers, and those of attached Auto Scaling groups."""
    attached = [
        instance["InstanceId"]
        for group in autoscaling.asgs.values()
        if record["LoadBalancerName"] in (group.get("LoadBalancerNames") or ())
        for instance in group["Instances"]
    ]
    return [{"InstanceId": each} for each in dict.fromkeys([*record["_instances"], *attached])]


def _chosen(parameters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    named = [value[0] for key, value in parameters.items() if key.startswith("LoadBalancerName")]
    for name in named:
        if name not in balancers:
            raise RefusedError(f"LoadBalancerNotFound: There is no ACTIVE Load Balancer named '{name}'")
    return [balancers[name] for name in named or list(balancers)]


def _described(parameters: Mapping[str, list[str]]) -> dict[str, Any]:
    shown = [{**record, "Instances": _instances(record)} for record in _chosen(parameters)]
    return {"LoadBalancerDescriptions": shown}


def _health(parameters: Mapping[str, list[str]]) -> dict[str, Any]:
    states = [
        {**each, "State": "InService", "ReasonCode": "N/A", "Description": "N/A"}
        for record in _chosen(parameters)
        for each in _instances(record)
    ]
    return {"InstanceStates": states}


def _tagged(parameters: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "TagDescriptions": [
            {"LoadBalancerName": record["LoadBalancerName"], "Tags": record["_tags"]} for record in _chosen(parameters)
        ]
    }


_OPERATIONS: Mapping[str, tuple[str, Callable[[Mapping[str, list[str]]], dict[str, Any]]]] = {
    "DescribeInstanceHealth": ("DescribeEndPointStateOutput", _health),
    "DescribeLoadBalancerAttributes": (
        "DescribeLoadBalancerAttributesOutput",
        lambda parameters: {"LoadBalancerAttributes": _chosen(parameters)[0]["_attributes"]},
    ),
    "DescribeLoadBalancers": ("DescribeAccessPointsOutput", _described),
    "DescribeTags": ("DescribeTagsOutput", _tagged),
}


def _answer(parameters: Mapping[str, list[str]]) -> Answer:
    action = parameters.get("Action", [""])[0]
    kind = {"Content-Type": "text/xml"}
    try:
        if action not in _OPERATIONS:
            raise RefusedError(f"InvalidAction: {action} of Classic Load Balancers is not implemented by the local AWS")
        shape, operation = _OPERATIONS[action]
        result = f"<{action}Result>{xml('elb', shape, operation(parameters))}</{action}Result>"
        return 200, kind, f'<{action}Response xmlns="{_NAMESPACE}">{result}</{action}Response>'.encode()
    except RefusedError as error:
        code, _, message = str(error).partition(": ")
        body = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return 400, kind, f'<ErrorResponse xmlns="{_NAMESPACE}">{body}</ErrorResponse>'.encode()


def install() -> None:
    """Handle the requests with the API version of Classic Load Balancers."""
    newer: Handler = app.SERVICE_HANDLERS["elasticloadbalancing"]

    async def answer(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        parameters = {**query, **parse_qs(body.decode("utf-8", errors="replace"))}
        if parameters.get("Version") == [_VERSION]:
            return _answer(parameters)
        return await newer(method, path, headers, body, query)

    app.SERVICE_HANDLERS["elasticloadbalancing"] = answer
