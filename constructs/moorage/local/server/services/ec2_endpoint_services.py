"""Amazon EC2: endpoint services, which other accounts reach through an endpoint in their VPC."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_region, new_uuid

from moorage.local.server.core.adapter import alb, ec2
from moorage.local.server.core.calls import RefusedError, xml
from moorage.local.server.core.resource import Made, Properties, Resource

_offered: dict[str, dict[str, Any]] = AccountRegionScopedDict()


class VpcEndpointService(Resource):
    """An endpoint service of Network or Gateway Load Balancers."""

    type = "AWS::EC2::VPCEndpointService"

    def create(self, properties: Properties, name: str) -> Made:
        service = f"vpce-svc-{new_uuid().replace('-', '')[:17]}"
        return self._put(service, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        _offered.pop(physical_id, None)

    def _put(self, service: str, properties: Properties) -> Made:
        stated = {name: properties[name] for name in properties}
        for balancer in stated.get("NetworkLoadBalancerArns") or ():
            if balancer not in alb.lbs:  # botocore ec2: CreateVpcEndpointServiceConfiguration
                raise RefusedError(f"InvalidLoadBalancerArn.NotFound: The load balancer {balancer} does not exist")
        name = f"com.amazonaws.vpce.{get_region()}.{service}"
        _offered[service] = {
            **stated,
            "ServiceId": service,
            "ServiceName": name,
            "ServiceState": "Available",
            "ServiceType": [{"ServiceType": "Interface"}],
            "AcceptanceRequired": str(stated.get("AcceptanceRequired", False)).lower() == "true",
            "_principals": _offered.get(service, {}).get("_principals", []),
        }
        return Made(service, {"ServiceId": service, "ServiceName": name})


class VpcEndpointServicePermissions(Resource):
    """The principals that may create an endpoint of an endpoint service."""

    type = "AWS::EC2::VPCEndpointServicePermissions"

    def create(self, properties: Properties, name: str) -> Made:
        return self._put(properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if properties["ServiceId"] in _offered:
            _offered[properties["ServiceId"]]["_principals"] = []

    def _put(self, properties: Properties) -> Made:
        service = properties["ServiceId"]
        if service not in _offered:
            raise RefusedError(
                f"InvalidVpcEndpointServiceId.NotFound: The VpcEndpointServiceId '{service}' does not exist"
            )
        _offered[service]["_principals"] = list(properties.get("AllowedPrincipals") or ())
        return Made(service)


def _described(_: dict[str, Any]) -> Any:
    return ec2.xml(
        200,
        "DescribeVpcEndpointServiceConfigurationsResponse",
        xml(
            "ec2",
            "DescribeVpcEndpointServiceConfigurationsResult",
            {"ServiceConfigurations": list(_offered.values())},
        ),
    )


def _permitted(parameters: dict[str, Any]) -> Any:
    service = _offered.get(ec2.p(parameters, "ServiceId"), {})
    allowed = [{"Principal": each} for each in service.get("_principals", ())]
    return ec2.xml(
        200,
        "DescribeVpcEndpointServicePermissionsResponse",
        xml("ec2", "DescribeVpcEndpointServicePermissionsResult", {"AllowedPrincipals": allowed}),
    )


def install() -> None:
    """Make the EC2 API describe endpoint services and their permissions."""
    ec2.ACTION_MAP["DescribeVpcEndpointServiceConfigurations"] = _described
    ec2.ACTION_MAP["DescribeVpcEndpointServicePermissions"] = _permitted
