"""AWS Secrets Manager: secrets and their rotation schedules."""

from __future__ import annotations

import json

from moorage.local.server.core.adapter import provisioners, secretsmanager
from moorage.local.server.core.calls import RefusedError, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.core.service_api import call

_OF_THE_VALUE = ("SecretStringTemplate", "GenerateStringKey")
_OF_THE_ROTATION = (
    "ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn", "HostedRotationLambda",
    "RotateImmediatelyOnUpdate",
)  # fmt: skip


class Secret(Resource):
    """A secret; `Ref` returns its ARN (AWS CloudFormation user guide, `AWS::SecretsManager::Secret`)."""

    type = "AWS::SecretsManager::Secret"

    def create(self, properties: Properties, name: str) -> Made:
        stated = {"Name": name} | properties | _generated(properties)
        return self._made(provisioners.sm_secret_create(name, stated, name)[1])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        name, _ = secretsmanager.resolve(physical_id)
        stated = new | {"Name": name}
        if new.get("GenerateSecretString") != old.get("GenerateSecretString"):
            stated |= _generated(new)
        return self._made(provisioners.sm_secret_update(name, old, stated, "", name)[1])

    def delete(self, physical_id: str, properties: Properties) -> None:
        name, _ = secretsmanager.resolve(physical_id)
        provisioners.sm_secret_delete(name, properties)

    def _made(self, attributes: Properties) -> Made:
        return Made(attributes["Arn"], attributes)


def _generated(properties: Properties) -> Properties:
    """Return the value that a secret gets from GetRandomPassword; ministack ignores all options but two of them."""
    options = properties.get("GenerateSecretString")
    if not options:
        return {}
    stated = {name: value for name, value in options.items() if name not in _OF_THE_VALUE}
    password = call("secretsmanager", "GetRandomPassword", request("secretsmanager", "GetRandomPassword", stated))
    template, key = (options.get(name) for name in _OF_THE_VALUE)
    value = json.dumps({**json.loads(template), str(key): password["RandomPassword"]}) if template else None
    return {"SecretString": value or password["RandomPassword"]}


class RotationSchedule(Resource):
    """The rotation schedule of a secret, which is never rotated here; `Ref` returns the secret's ARN."""

    type = "AWS::SecretsManager::RotationSchedule"

    def create(self, properties: Properties, name: str) -> Made:
        _, secret = secretsmanager.resolve(properties["SecretId"])
        if not secret:
            raise RefusedError(
                "ResourceNotFoundException: Secrets Manager can't find the specified secret. "
                f"({properties['SecretId']})"
            )
        for key in _OF_THE_ROTATION:
            properties.get(key)
        secret |= {"RotationEnabled": True, "RotationRules": properties.get("RotationRules")}
        secret["RotationLambdaARN"] = properties.get("RotationLambdaARN")
        return Made(secret["ARN"], {"Id": secret["ARN"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        _, secret = secretsmanager.resolve(physical_id)
        if secret:
            secret["RotationEnabled"] = False
            for key in ("RotationRules", "RotationLambdaARN"):
                secret.pop(key, None)
