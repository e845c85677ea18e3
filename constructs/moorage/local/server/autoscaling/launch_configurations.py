"""Launch configurations, from which groups of older accounts launch their instances.

AWS accepts no launch configurations from accounts created on or after October 1, 2024 (Amazon EC2 Auto Scaling user
guide, "Auto Scaling launch configurations").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso

from moorage.local.server.core.adapter import autoscaling
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource

_SAME = ("BlockDeviceMappings", "ImageId", "InstanceType", "KeyName", "MetadataOptions", "UserData")
"""The properties that have the same name in a launch template."""
_IGNORED = ("AssociatePublicIpAddress", "EbsOptimized", "KernelId", "PlacementTenancy", "RamDiskId")


class LaunchConfiguration(Resource):
    """A launch configuration; every change replaces it."""

    type = "AWS::AutoScaling::LaunchConfiguration"

    def create(self, properties: Properties, name: str) -> Made:
        name = str(properties.get("LaunchConfigurationName", name))
        if name in autoscaling.launch_configs:
            raise RefusedError(f"AlreadyExists: Launch Configuration by this name already exists - {name}")
        kind = f"autoscaling:{get_region()}:{get_account_id()}:launchConfiguration"
        autoscaling.launch_configs[name] = {
            **{each: properties[each] for each in (*_SAME, *_IGNORED) if each in properties},
            "LaunchConfigurationName": name,
            "LaunchConfigurationARN": f"arn:aws:{kind}:{new_uuid()}:launchConfigurationName/{name}",
            "SecurityGroups": list(properties.get("SecurityGroups", ())),
            "CreatedTime": now_iso(),
            "_data": _as_template(properties),
        }
        return Made(name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        users = [
            name for name, group in autoscaling.asgs.items() if group.get("LaunchConfigurationName") == physical_id
        ]
        if users:
            raise RefusedError(
                f"ResourceInUse: Cannot delete launch configuration {physical_id} because it is attached to "
                f"AutoScalingGroup {users[0]}"
            )
        autoscaling.launch_configs.pop(physical_id, None)


def _as_template(properties: Properties) -> dict[str, Any]:
    """Return the properties of a launch configuration as data of a launch template."""
    profile = properties.get("IamInstanceProfile")
    monitored = str(properties.get("InstanceMonitoring", True)).lower() == "true"
    return {
        **{name: properties[name] for name in _SAME if name in properties},
        "SecurityGroupIds": list(properties.get("SecurityGroups", ())),
        "Monitoring": {"Enabled": monitored},
        **({"IamInstanceProfile": {"Arn" if profile.startswith("arn:") else "Name": profile}} if profile else {}),
        **({"InstanceMarketOptions": {"MarketType": "spot"}} if properties.get("SpotPrice") else {}),
    }


def data_of(name: str) -> Mapping[str, Any]:
    """Return the settings of a launch configuration as data of a launch template, or refuse an unknown name."""
    if name not in autoscaling.launch_configs:
        raise RefusedError(f"ValidationError: Launch configuration name not found - {name}")
    data: Mapping[str, Any] = autoscaling.launch_configs[name]["_data"]
    return data
