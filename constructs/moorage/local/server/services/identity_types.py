"""AWS IAM: the CloudFormation types that ministack lacks, such as groups, identity providers and inline policies."""

from __future__ import annotations

from typing import Any

from moorage.local.server.core.adapter import iam
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.core.service_api import REF, ApiResource, call
from moorage.local.server.services import identities
from moorage.local.server.services.guards import plain


class Group(Resource):
    """A group; `Ref` returns its name."""

    type = "AWS::IAM::Group"

    def create(self, properties: Properties, name: str) -> Made:
        group = str(properties.get("GroupName") or shortened(name, 128))
        identities.check_group(plain(properties))
        call("iam", "CreateGroup", {"GroupName": group, "Path": properties.get("Path", "/")})
        return self._attach(group, {}, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        identities.check_group(plain(new))
        return self._attach(physical_id, old, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in iam.groups:
            self._attach(physical_id, properties, {})
            call("iam", "DeleteGroup", {"GroupName": physical_id})

    def _attach(self, group: str, old: Properties, new: Properties) -> Made:
        attached = iam.groups[group]["AttachedPolicies"]
        before, after = old.get("ManagedPolicyArns") or [], new.get("ManagedPolicyArns") or []
        for arn in before:
            if arn in attached:
                call("iam", "DetachGroupPolicy", {"GroupName": group, "PolicyArn": arn})
        for arn in after:
            call("iam", "AttachGroupPolicy", {"GroupName": group, "PolicyArn": arn})
        for policy in old.get("Policies") or []:
            call("iam", "DeleteGroupPolicy", {"GroupName": group, "PolicyName": policy["PolicyName"]})
        for policy in new.get("Policies") or []:
            call("iam", "PutGroupPolicy", {"GroupName": group, **_text(policy)})
        return Made(group, {"Arn": iam.groups[group]["Arn"]})


class UserToGroupAddition(Resource):
    """The users that a stack adds to a group."""

    type = "AWS::IAM::UserToGroupAddition"

    def create(self, properties: Properties, name: str) -> Made:
        self._change(properties["GroupName"], [], properties["Users"])
        return Made(name, {"Id": name})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._change(old["GroupName"], old["Users"], [])
        self._change(new["GroupName"], [], new["Users"])
        return Made(physical_id, {"Id": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if properties["GroupName"] in iam.groups:
            self._change(properties["GroupName"], properties["Users"], [])

    def _change(self, group: str, gone: list[str], added: list[str]) -> None:
        for user in gone:
            if user in iam.users:
                call("iam", "RemoveUserFromGroup", {"GroupName": group, "UserName": user})
        for user in added:
            call("iam", "AddUserToGroup", {"GroupName": group, "UserName": user})


class OIDCProvider(ApiResource):
    """An OpenID Connect provider; `Ref` returns its ARN."""

    type = "AWS::IAM::OIDCProvider"
    service = "iam"
    creation = "CreateOpenIDConnectProvider"
    deletion = ("DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": REF})
    identity = "OpenIDConnectProviderArn"
    attributes = (("Arn", REF),)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        thumbprints = new.get("ThumbprintList")
        named = {"OpenIDConnectProviderArn": physical_id}
        if thumbprints and thumbprints != old.get("ThumbprintList"):
            call("iam", "UpdateOpenIDConnectProviderThumbprint", {**named, "ThumbprintList": thumbprints})
        provider = iam.oidc_providers[physical_id]
        provider["ClientIDList"] = list(new.get("ClientIdList") or ())
        provider["Tags"] = [dict(tag) for tag in new.get("Tags") or ()]
        return Made(physical_id, {"Arn": physical_id})


class SAMLProvider(ApiResource):
    """A SAML provider; `Ref` returns its ARN."""

    type = "AWS::IAM::SAMLProvider"
    service = "iam"
    creation = "CreateSAMLProvider"
    change = ("UpdateSAMLProvider", {"SAMLProviderArn": REF})
    deletion = ("DeleteSAMLProvider", {"SAMLProviderArn": REF})
    identity = "SAMLProviderArn"
    named = ("Name", 128)
    attributes = (("Arn", REF),)


class ServiceLinkedRole(ApiResource):
    """A service-linked role; `Ref` returns its name."""

    type = "AWS::IAM::ServiceLinkedRole"
    service = "iam"
    creation = "CreateServiceLinkedRole"
    change = ("UpdateRole", {"RoleName": REF})
    deletion = ("DeleteServiceLinkedRole", {"RoleName": REF})
    identity = "Role.RoleName"
    attributes = (("RoleName", REF),)


class AccessKey(ApiResource):
    """A user's access key; `Ref` returns its ID."""

    type = "AWS::IAM::AccessKey"
    service = "iam"
    creation = "CreateAccessKey"
    deletion = ("DeleteAccessKey", {"AccessKeyId": REF, "UserName": "UserName"})
    identity = "AccessKey.AccessKeyId"
    attributes = (("SecretAccessKey", "AccessKey.SecretAccessKey"),)
    without = ("Serial", "Status")

    def create(self, properties: Properties, name: str) -> Made:
        made = super().create(properties, name)
        self._set_status(made.physical_id, properties)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._set_status(physical_id, new)
        return Made(physical_id)

    def _set_status(self, key: str, properties: Properties) -> None:
        stated = {"UserName": properties["UserName"], "AccessKeyId": key}
        call("iam", "UpdateAccessKey", {**stated, "Status": properties.get("Status", "Active")})


class _InlinePolicy(Resource):
    """An inline policy of a role, a user or a group."""

    kind: str

    def create(self, properties: Properties, name: str) -> Made:
        holder = f"{self.kind}Name"
        stated = {holder: properties[holder], **_text(properties)}
        call("iam", f"Put{self.kind}Policy", stated)
        return Made(f"{properties['PolicyName']}|{properties[holder]}")

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        holder = f"{self.kind}Name"
        try:
            named = {holder: properties[holder], "PolicyName": properties["PolicyName"]}
            call("iam", f"Delete{self.kind}Policy", named)
        except RefusedError as error:
            if "NoSuchEntity" not in str(error):
                raise


class RolePolicy(_InlinePolicy):
    """An inline policy of a role."""

    type = "AWS::IAM::RolePolicy"
    kind = "Role"


class UserPolicy(_InlinePolicy):
    """An inline policy of a user."""

    type = "AWS::IAM::UserPolicy"
    kind = "User"


class GroupPolicy(_InlinePolicy):
    """An inline policy of a group."""

    type = "AWS::IAM::GroupPolicy"
    kind = "Group"


def _text(policy: Properties) -> dict[str, Any]:
    document = policy["PolicyDocument"]
    return {"PolicyName": policy["PolicyName"], "PolicyDocument": identities.text(document)}
