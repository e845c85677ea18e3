"""The CloudFormation types of an ECR registry, which call the registry's own API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from ministack.core.responses import get_account_id

from moorage.local.server.core.calls import RefusedError, check, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.ecr import registry
from moorage.local.server.ecr.api import RENAMED, call

_TIMES = ("createdAt", "updatedAt")


def _call(operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Call an operation of the registry with properties of a template, and return its output."""
    return call(operation, request("ecr", operation, properties, renamed=RENAMED))


class _Single(Resource):
    """A setting that a registry has once. A second resource for it is refused, and deletion restores the default."""

    setting: ClassVar[str]
    operation: ClassVar[str]

    def create(self, properties: Properties, name: str) -> Made:
        if registry.is_set(self.setting):
            identifier = f'{{"/properties/RegistryId":"{get_account_id()}"}}'
            raise RefusedError(
                f"Resource of type '{self.type}' with identifier '{identifier}' already exists. (AlreadyExists)"
            )
        return self.update(get_account_id(), {}, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        _call(self.operation, self.stated(new))
        return Made(physical_id, {"RegistryId": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        registry.reset(self.setting)

    def stated(self, properties: Properties) -> Properties:
        """Return the operation's input under the names that a template uses."""
        return dict(properties)


class RegistryPolicy(_Single):
    """The policy of a registry."""

    type = "AWS::ECR::RegistryPolicy"
    setting = "policy"
    operation = "PutRegistryPolicy"

    def stated(self, properties: Properties) -> Properties:
        text = properties["PolicyText"]
        return {"PolicyText": text if isinstance(text, str) else json.dumps(text)}


class RegistryScanningConfiguration(_Single):
    """The scanning configuration of a registry."""

    type = "AWS::ECR::RegistryScanningConfiguration"
    setting = "scanning"
    operation = "PutRegistryScanningConfiguration"


class ReplicationConfiguration(_Single):
    """The replication configuration of a registry."""

    type = "AWS::ECR::ReplicationConfiguration"
    setting = "replication"
    operation = "PutReplicationConfiguration"


class SigningConfiguration(_Single):
    """The signing configuration of a registry."""

    type = "AWS::ECR::SigningConfiguration"
    setting = "signing"
    operation = "PutSigningConfiguration"

    def stated(self, properties: Properties) -> Properties:
        return {"SigningConfiguration": dict(properties)}


class PullThroughCacheRule(Resource):
    """A pull-through cache rule; every change replaces it."""

    type = "AWS::ECR::PullThroughCacheRule"

    def create(self, properties: Properties, name: str) -> Made:
        return Made(_call("CreatePullThroughCacheRule", dict(properties))["ecrRepositoryPrefix"])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return Made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if registry.is_cached(physical_id):
            _call("DeletePullThroughCacheRule", {"EcrRepositoryPrefix": physical_id})


class RepositoryCreationTemplate(Resource):
    """A repository creation template: the settings of repositories that ECR creates on your behalf."""

    type = "AWS::ECR::RepositoryCreationTemplate"

    def create(self, properties: Properties, name: str) -> Made:
        return self._made(_call("CreateRepositoryCreationTemplate", dict(properties)))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        wanted = request("ecr", "UpdateRepositoryCreationTemplate", new, renamed=RENAMED)
        check("ecr", "UpdateRepositoryCreationTemplate", wanted)
        return self._made(registry.replace_template(wanted))

    def delete(self, physical_id: str, properties: Properties) -> None:
        if _call("DescribeRepositoryCreationTemplates", {"Prefixes": [physical_id]})["repositoryCreationTemplates"]:
            _call("DeleteRepositoryCreationTemplate", {"Prefix": physical_id})

    def _made(self, answer: dict[str, Any]) -> Made:
        made = answer["repositoryCreationTemplate"]
        return Made(made["prefix"], {f"{name[0].upper()}{name[1:]}": registry.iso(made[name]) for name in _TIMES})


class PullTimeUpdateExclusion(Resource):
    """A principal whose pulls do not change the time of an image's last pull."""

    type = "AWS::ECR::PullTimeUpdateExclusion"

    def create(self, properties: Properties, name: str) -> Made:
        return Made(_call("RegisterPullTimeUpdateExclusion", dict(properties))["principalArn"])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return Made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if registry.is_excluded(physical_id):
            _call("DeregisterPullTimeUpdateExclusion", {"PrincipalArn": physical_id})
