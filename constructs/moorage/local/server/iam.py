"""AWS IAM: the profile through which an instance has its role."""

from __future__ import annotations

from ministack.services import iam

from .calls import RefusedError, query
from .resource import Made, Properties, Resource, shortened


class InstanceProfile(Resource):
    """An instance profile, which holds one role; `Ref` returns its name."""

    type = "AWS::IAM::InstanceProfile"

    def create(self, properties: Properties, name: str) -> Made:
        profile = str(properties.get("InstanceProfileName", shortened(name, 128)))
        self._check(properties)
        query(iam._create_instance_profile, InstanceProfileName=profile, Path=properties.get("Path", "/"))
        return self._made(profile, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new)
        return self._made(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        iam._instance_profiles.pop(physical_id, None)

    def _check(self, properties: Properties) -> None:
        roles = properties["Roles"]
        if len(roles) > 1:
            raise RefusedError("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1 (LimitExceeded)")
        for role in roles:
            if role not in iam._roles:
                raise RefusedError(f"The role with name {role} cannot be found. (NoSuchEntity)")

    def _made(self, name: str, properties: Properties) -> Made:
        profile = iam._instance_profiles[name]
        profile["Roles"] = list(properties["Roles"])
        return Made(name, {"Arn": profile["Arn"]})
