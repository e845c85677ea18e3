"""AWS Secrets Manager: secrets, whose `Ref` is their ARN."""

from __future__ import annotations

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from moorage.local.server.core.resource import Made, Properties, Resource


class Secret(Resource):
    """A secret; `Ref` returns its ARN (AWS CloudFormation user guide, `AWS::SecretsManager::Secret`)."""

    type = "AWS::SecretsManager::Secret"

    def create(self, properties: Properties, name: str) -> Made:
        return self._made(provisioners._sm_secret_create(name, {"Name": name} | properties, name)[1])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        name, _ = secretsmanager._resolve(physical_id)
        return self._made(provisioners._sm_secret_update(name, old, new | {"Name": name}, "", name)[1])

    def delete(self, physical_id: str, properties: Properties) -> None:
        name, _ = secretsmanager._resolve(physical_id)
        provisioners._sm_secret_delete(name, properties)

    def _made(self, attributes: Properties) -> Made:
        return Made(attributes["Arn"], attributes)
