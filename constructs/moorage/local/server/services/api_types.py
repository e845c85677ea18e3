"""CloudFormation types whose properties are the parameters of API operations that ministack has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_region, new_uuid

from moorage.local.server.core.calls import RefusedError, request
from moorage.local.server.core.resource import Made, Properties
from moorage.local.server.core.service_api import REF, ApiResource, call

_FOR_GOOD = ("MeasureLatency", "RequestInterval", "RoutingControlArn", "Type")
"""The properties of a health check that UpdateHealthCheck does not have."""


class Activity(ApiResource):
    """A Step Functions activity; `Ref` returns its ARN."""

    type = "AWS::StepFunctions::Activity"
    service = "stepfunctions"
    creation = "CreateActivity"
    deletion = ("DeleteActivity", {"activityArn": REF})
    identity = "activityArn"
    named = ("Name", 80)
    attributes = (
        ("Arn", REF),
        ("Name", "Name"),
    )


class BackupSelection(ApiResource):
    """The resources that a backup plan backs up; `Ref` returns the ID of the selection."""

    type = "AWS::Backup::BackupSelection"
    service = "backup"
    creation = "CreateBackupSelection"
    deletion = ("DeleteBackupSelection", {"BackupPlanId": "BackupPlanId", "SelectionId": REF})
    identity = "SelectionId"
    attributes = (
        ("BackupPlanId", "BackupPlanId"),
        ("Id", REF),
        ("SelectionId", REF),
    )


class ConfigRule(ApiResource):
    """An AWS Config rule; `Ref` returns its name."""

    type = "AWS::Config::ConfigRule"
    service = "config"
    creation = "PutConfigRule"
    deletion = ("DeleteConfigRule", {"ConfigRuleName": REF})
    identity = "ConfigRule.ConfigRuleName"
    without = ("Compliance",)

    def create(self, properties: Properties, name: str) -> Made:
        rule = {"ConfigRuleName": name[:128], **super().stated(properties)}
        call("config", "PutConfigRule", request("config", "PutConfigRule", {"ConfigRule": rule}))
        found = call("config", "DescribeConfigRules", {"ConfigRuleNames": [rule["ConfigRuleName"]]})["ConfigRules"][0]
        return Made(rule["ConfigRuleName"], {"Arn": found["ConfigRuleArn"], "ConfigRuleId": found["ConfigRuleId"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new | {"ConfigRuleName": physical_id}, physical_id)


class SecurityConfiguration(ApiResource):
    """An AWS Glue security configuration; `Ref` returns its name."""

    type = "AWS::Glue::SecurityConfiguration"
    service = "glue"
    creation = "CreateSecurityConfiguration"
    deletion = ("DeleteSecurityConfiguration", {"Name": REF})
    identity = "Name"
    renamed = (("S3Encryptions", "S3Encryption"),)


class Workflow(ApiResource):
    """An AWS Glue workflow; `Ref` returns its name."""

    type = "AWS::Glue::Workflow"
    service = "glue"
    creation = "CreateWorkflow"
    change = ("UpdateWorkflow", {"Name": REF})
    deletion = ("DeleteWorkflow", {"Name": REF})
    identity = "Name"
    named = ("Name", 255)


class NamedQuery(ApiResource):
    """An Athena named query; `Ref` returns its ID."""

    type = "AWS::Athena::NamedQuery"
    service = "athena"
    creation = "CreateNamedQuery"
    deletion = ("DeleteNamedQuery", {"NamedQueryId": REF})
    identity = "NamedQueryId"
    named = ("Name", 128)
    attributes = (("NamedQueryId", REF),)


class SearchCollection(ApiResource):
    """An OpenSearch Serverless collection; `Ref` returns its ID."""

    type = "AWS::OpenSearchServerless::Collection"
    service = "opensearchserverless"
    creation = "CreateCollection"
    change = ("UpdateCollection", {"id": REF})
    deletion = ("DeleteCollection", {"id": REF})
    identity = "createCollectionDetail.id"
    attributes = (("Arn", "createCollectionDetail.arn"), ("Id", REF))

    def made(self, known: Mapping[str, Any], physical_id: str | None = None) -> Made:
        made = super().made(known, physical_id)
        host = f"https://{made.physical_id}.{get_region()}.aoss.amazonaws.com"
        return Made(made.physical_id, {
            **made.attributes, "CollectionEndpoint": host, "DashboardEndpoint": f"{host}/_dashboards",
        })  # fmt: skip


class SearchAccessPolicy(ApiResource):
    """An OpenSearch Serverless data access policy; `Ref` returns its name."""

    type = "AWS::OpenSearchServerless::AccessPolicy"
    service = "opensearchserverless"
    creation = "CreateAccessPolicy"
    deletion = ("DeleteAccessPolicy", {"name": "Name", "type": "Type"})
    identity = "Name"


class SearchSecurityPolicy(ApiResource):
    """An OpenSearch Serverless encryption or network policy; `Ref` returns its name."""

    type = "AWS::OpenSearchServerless::SecurityPolicy"
    service = "opensearchserverless"
    creation = "CreateSecurityPolicy"
    deletion = ("DeleteSecurityPolicy", {"name": "Name", "type": "Type"})
    identity = "Name"


class HealthCheck(ApiResource):
    """A Route 53 health check; `Ref` returns its ID."""

    type = "AWS::Route53::HealthCheck"
    service = "route53"
    creation = "CreateHealthCheck"
    change = ("UpdateHealthCheck", {"HealthCheckId": REF})
    deletion = ("DeleteHealthCheck", {"HealthCheckId": REF})
    identity = "HealthCheck.Id"
    attributes = (("HealthCheckId", REF),)
    without = ("HealthCheckTags",)

    def create(self, properties: Properties, name: str) -> Made:
        made = super().create(properties | {"CallerReference": new_uuid()}, name)
        tags = properties.get("HealthCheckTags")
        if tags:
            stated = {"ResourceType": "healthcheck", "ResourceId": made.physical_id, "AddTags": tags}
            call("route53", "ChangeTagsForResource", stated)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        settings = {name: value for name, value in new["HealthCheckConfig"].items() if name not in _FOR_GOOD}
        stated = {"HealthCheckId": physical_id, **settings}
        call("route53", "UpdateHealthCheck", request("route53", "UpdateHealthCheck", stated))
        return Made(physical_id, {"HealthCheckId": physical_id})


class StreamPolicy(ApiResource):
    """The policy of a Kinesis stream or of a stream consumer; `Ref` returns the ARN of the stream or consumer."""

    type = "AWS::Kinesis::ResourcePolicy"
    service = "kinesis"
    creation = "PutResourcePolicy"
    change = ("PutResourcePolicy", {"ResourceARN": REF})
    deletion = ("DeleteResourcePolicy", {"ResourceARN": REF})
    identity = "ResourceArn"
    renamed = (("ResourcePolicy", "Policy"),)


class SecretPolicy(ApiResource):
    """The policy of a secret; `Ref` returns the secret's ARN."""

    type = "AWS::SecretsManager::ResourcePolicy"
    service = "secretsmanager"
    creation = "PutResourcePolicy"
    change = ("PutResourcePolicy", {"SecretId": REF})
    deletion = ("DeleteResourcePolicy", {"SecretId": REF})
    identity = "SecretId"
    attributes = (("Id", REF),)


class IdentityProvider(ApiResource):
    """An identity provider of a user pool; `Ref` returns its name."""

    type = "AWS::Cognito::UserPoolIdentityProvider"
    service = "cognito-idp"
    creation = "CreateIdentityProvider"
    change = ("UpdateIdentityProvider", {"UserPoolId": "UserPoolId", "ProviderName": REF})
    deletion = ("DeleteIdentityProvider", {"UserPoolId": "UserPoolId", "ProviderName": REF})
    identity = "ProviderName"


class PoolUser(ApiResource):
    """A user of a user pool; `Ref` returns the user's name."""

    type = "AWS::Cognito::UserPoolUser"
    service = "cognito-idp"
    creation = "AdminCreateUser"
    deletion = ("AdminDeleteUser", {"UserPoolId": "UserPoolId", "Username": REF})
    identity = "User.Username"
    named = ("Username", 128)


class PoolUserToGroup(ApiResource):
    """A user's membership in a group of a user pool."""

    type = "AWS::Cognito::UserPoolUserToGroupAttachment"
    service = "cognito-idp"
    creation = "AdminAddUserToGroup"
    deletion = (
        "AdminRemoveUserFromGroup",
        {"UserPoolId": "UserPoolId", "Username": "Username", "GroupName": "GroupName"},
    )
    identity = "GroupName"


class IpSet(ApiResource):
    """An AWS WAF IP set; `Ref` returns its name, ID and scope."""

    type = "AWS::WAFv2::IPSet"
    service = "wafv2"
    creation = "CreateIPSet"
    identity = "Summary.Id"
    named = ("Name", 128)
    kind = "IPSet"

    def create(self, properties: Properties, name: str) -> Made:
        made = super().create(properties, name)
        found = self._found(made.physical_id, properties)
        key = f"{found['Name']}|{found['Id']}|{properties['Scope']}"
        return Made(key, {"Arn": found["ARN"], "Id": found["Id"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        named = self._named(physical_id)
        stated = {key: value for key, value in self.stated(new).items() if key not in ("Name", "Scope", "Tags")}
        answer = call("wafv2", f"Get{self.kind}", named)
        kept = {key: value for key, value in stated.items() if key not in ("Capacity", "IPAddressVersion")}
        change = request("wafv2", f"Update{self.kind}", {**kept, "LockToken": answer["LockToken"]})
        call("wafv2", f"Update{self.kind}", {**named, **change})
        return Made(physical_id, {"Arn": answer[self.kind]["ARN"], "Id": named["Id"]})

    def delete(self, physical_id: str, properties: Properties) -> None:
        named = self._named(physical_id)
        try:
            token = call("wafv2", f"Get{self.kind}", named)["LockToken"]
        except RefusedError:
            return
        call("wafv2", f"Delete{self.kind}", {**named, "LockToken": token})

    def _found(self, identity: str, properties: Properties) -> dict[str, Any]:
        listed = call("wafv2", f"List{self.kind}s", {"Scope": properties["Scope"]})
        return next(each for each in listed[f"{self.kind}s"] if each["Id"] == identity)

    def _named(self, physical_id: str) -> dict[str, str]:
        return dict(zip(("Name", "Id", "Scope"), physical_id.split("|"), strict=True))


class RegexPatternSet(IpSet):
    """An AWS WAF regex pattern set; `Ref` returns its name, ID and scope."""

    type = "AWS::WAFv2::RegexPatternSet"
    creation = "CreateRegexPatternSet"
    kind = "RegexPatternSet"

    def stated(self, properties: Properties) -> Properties:
        patterns = [{"RegexString": each} for each in properties["RegularExpressionList"]]
        return {**properties, "RegularExpressionList": patterns}


class RuleGroup(IpSet):
    """An AWS WAF rule group; `Ref` returns its name, ID and scope."""

    type = "AWS::WAFv2::RuleGroup"
    creation = "CreateRuleGroup"
    kind = "RuleGroup"
    without = ("AvailableLabels", "ConsumedLabels")


class WebAclAssociation(ApiResource):
    """The association of a web ACL with a load balancer, an API or a user pool."""

    type = "AWS::WAFv2::WebACLAssociation"
    service = "wafv2"
    creation = "AssociateWebACL"
    deletion = ("DisassociateWebACL", {"ResourceArn": "ResourceArn"})
    identity = "ResourceArn"
