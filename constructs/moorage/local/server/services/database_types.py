"""Amazon RDS: option groups, and proxies with target groups. ministack has their API but no CloudFormation types."""

from __future__ import annotations

from moorage.local.server.core.adapter import rds
from moorage.local.server.core.calls import request
from moorage.local.server.core.resource import Made, Properties
from moorage.local.server.core.service_api import REF, ApiResource, call

_TARGETS = ("DBClusterIdentifiers", "DBInstanceIdentifiers")


class OptionGroup(ApiResource):
    """An RDS option group; `Ref` returns its name."""

    type = "AWS::RDS::OptionGroup"
    service = "rds"
    creation = "CreateOptionGroup"
    deletion = ("DeleteOptionGroup", {"OptionGroupName": REF})
    identity = "OptionGroupName"
    named = ("OptionGroupName", 255)
    without = ("OptionConfigurations",)

    def create(self, properties: Properties, name: str) -> Made:
        made = super().create(properties | {"OptionGroupName": properties.get("OptionGroupName", name).lower()}, name)
        self._include(made.physical_id, properties)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._include(physical_id, new)
        return Made(physical_id)

    def _include(self, group: str, properties: Properties) -> None:
        """Store the options of an option group, so that DescribeOptionGroups returns them.

        In the RDS API, ModifyOptionGroup sets options, not CreateOptionGroup.
        """
        options = properties.get("OptionConfigurations") or []
        rds.option_groups[group]["Options"] = [
            {key: value for key, value in each.items() if key != "OptionSettings"} for each in options
        ]


class Proxy(ApiResource):
    """A proxy, which accepts no connections here; `Ref` returns its name."""

    type = "AWS::RDS::DBProxy"
    service = "rds"
    creation = "CreateDBProxy"
    change = ("ModifyDBProxy", {"DBProxyName": REF})
    deletion = ("DeleteDBProxy", {"DBProxyName": REF})
    identity = "DBProxyName"
    attributes = (
        ("DBProxyArn", "DBProxy.DBProxyArn"),
        ("Endpoint", "DBProxy.Endpoint"),
        ("VpcId", "DBProxy.VpcId"),
    )


class ProxyTargets(ApiResource):
    """The target group of a proxy; `Ref` returns its ARN."""

    type = "AWS::RDS::DBProxyTargetGroup"
    service = "rds"
    creation = "RegisterDBProxyTargets"
    deletion = ("DeregisterDBProxyTargets", {"DBProxyName": "DBProxyName", "TargetGroupName": "TargetGroupName"})
    identity = "TargetGroupArn"
    attributes = (("TargetGroupArn", REF),)

    def create(self, properties: Properties, name: str) -> Made:
        group: Properties = {key: properties[key] for key in ("DBProxyName", "TargetGroupName")}
        targets = self._targets(properties)
        properties.get("Tags")
        if any(targets.values()):
            call("rds", "RegisterDBProxyTargets", request("rds", "RegisterDBProxyTargets", {**group, **targets}))
        pool = properties.get("ConnectionPoolConfigurationInfo")
        if pool:
            stated = request("rds", "ModifyDBProxyTargetGroup", {**group, "ConnectionPoolConfig": pool})
            call("rds", "ModifyDBProxyTargetGroup", stated)
        arn = call("rds", "DescribeDBProxyTargetGroups", group)["TargetGroups"][0]["TargetGroupArn"]
        return Made(arn, {"TargetGroupArn": arn})

    def delete(self, physical_id: str, properties: Properties) -> None:
        targets = self._targets(properties)
        if any(targets.values()) and properties["DBProxyName"] in rds.db_proxies:
            group: Properties = {key: properties[key] for key in ("DBProxyName", "TargetGroupName")}
            call("rds", "DeregisterDBProxyTargets", request("rds", "DeregisterDBProxyTargets", {**group, **targets}))

    def _targets(self, properties: Properties) -> Properties:
        return {name: properties[name] for name in _TARGETS if name in properties}
