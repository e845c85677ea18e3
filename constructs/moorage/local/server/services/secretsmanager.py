"""AWS Secrets Manager: secrets, whose `Ref` is their ARN."""

from __future__ import annotations

from moorage.local.server.core.adapter import provisioners, secretsmanager
from moorage.local.server.core.resource import Made, Properties, Resource


class Secret(Resource):
    """A secret; `Ref` returns its ARN (AWS CloudFormation user guide, `AWS::SecretsManager::Secret`)."""

    type = "AWS::SecretsManager::Secret"

    def create(self, properties: Properties, name: str) -> Made:
        return self._made(provisioners.sm_secret_create(name, {"Name": name} | properties, name)[1])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        name, _ = secretsmanager.resolve(physical_id)
        return self._made(provisioners.sm_secret_update(name, old, new | {"Name": name}, "", name)[1])

    def delete(self, physical_id: str, properties: Properties) -> None:
        name, _ = secretsmanager.resolve(physical_id)
        provisioners.sm_secret_delete(name, properties)

    def _made(self, attributes: Properties) -> Made:
        return Made(attributes["Arn"], attributes)
