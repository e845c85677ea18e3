"""AWS KMS: keys with all their properties, and the check of aliases."""

from __future__ import annotations

from moorage.local.server.core.adapter import kms, provisioners
from moorage.local.server.core.calls import RefusedError, perform
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import resource_policies
from moorage.local.server.services.guards import guard

_TRUTHS = ("EnableKeyRotation", "Enabled", "MultiRegion")
_KEPT = ("Description", "KeyPolicy", "KeySpec", "KeyUsage", "Origin", "Tags")
_NOT_KEPT = (
    "BypassPolicyLockoutSafetyCheck",
    "PendingWindowInDays",
)  # for the check of the policy, and for the deletion
_PERIOD = range(90, 2561)


class Key(Resource):
    """A key, whose deletion is scheduled as on AWS: it cannot be used from then on."""

    type = "AWS::KMS::Key"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties)
        return Made(*provisioners.kms_key_create(name, self._stated(properties), ""))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new)
        return Made(*provisioners.kms_key_update(physical_id, self._stated(old), self._stated(new), ""))

    def delete(self, physical_id: str, properties: Properties) -> None:
        if kms.resolve_key(physical_id):
            window = int(properties.get("PendingWindowInDays", 30))
            perform(kms.schedule_key_deletion, {"KeyId": physical_id, "PendingWindowInDays": window})

    def _check(self, properties: Properties) -> None:
        if "KeyPolicy" in properties:
            bypass = str(properties.get("BypassPolicyLockoutSafetyCheck", False)).lower() == "true"
            resource_policies.check_key_policy(properties["KeyPolicy"], bypass=bypass)

    def _stated(self, properties: Properties) -> Properties:
        """Return the properties with booleans and numbers, which a template may contain as strings."""
        for name in _NOT_KEPT:
            properties.get(name)
        stated = {name: properties[name] for name in _KEPT if name in properties}
        stated |= {name: str(properties[name]).lower() == "true" for name in _TRUTHS if name in properties}
        if "RotationPeriodInDays" in properties:
            stated["RotationPeriodInDays"] = int(properties["RotationPeriodInDays"])
            if stated["RotationPeriodInDays"] not in _PERIOD:
                raise RefusedError("ValidationException: RotationPeriodInDays must be between 90 and 2560")
        return stated


def _check_alias(alias: Properties) -> None:
    target = alias.get("TargetKeyId")
    if kms.resolve_key(target) is None:
        raise RefusedError(f"NotFoundException: Key '{target}' does not exist")


def install() -> None:
    """Check aliases as AWS KMS does."""
    guard("AWS::KMS::Alias", _check_alias)
