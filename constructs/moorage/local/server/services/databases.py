"""Amazon RDS: the properties of databases and clusters that ministack drops, including managed passwords."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import new_uuid

from moorage.local.server.core.adapter import rds, secretsmanager
from moorage.local.server.core.calls import members, perform, structure
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import complete, guard, plain

_OF_THE_REQUEST = (
    "AllowMajorVersionUpgrade", "ApplyImmediately", "CertificateRotationRestart", "DBInstanceParameterGroupName",
    "DeleteAutomatedBackups", "Domain", "DomainAuthSecretArn", "DomainDnsIps", "DomainFqdn", "DomainIAMRoleName",
    "DomainOu", "EnableLocalWriteForwarding", "TdeCredentialPassword", "UseDefaultProcessorFeatures",
)  # fmt: skip
"""The properties that control how a change is made, and the properties of directories, which do not exist here."""
_LISTS = ("associatedroles", "dbparametergroups", "dbsecuritygroups", "masterusersecret", "vpcsecuritygroups")
"""The properties that RDS's API returns in another form."""
_OF_THE_CLUSTER = (
    "BackupRetentionPeriod", "CopyTagsToSnapshot", "DeletionProtection", "IAMDatabaseAuthenticationEnabled", "KmsKeyId",
    "PerformanceInsightsEnabled", "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod",
    "StorageEncrypted",
)  # fmt: skip
_OWN = "properties that this module keeps"
_RENAMED = {
    "CustomIAMInstanceProfile": "CustomIamInstanceProfile",
    "DBClusterParameterGroupName": "DBClusterParameterGroup",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableGlobalWriteForwarding": "GlobalWriteForwardingRequested",
    "ScalingConfiguration": "ScalingConfigurationInfo",
}


def install() -> None:
    """Make the handlers of databases and clusters store the properties that ministack drops."""
    for kind, kept in (("DBCluster", rds.clusters), ("DBInstance", rds.instances)):
        complete(f"AWS::RDS::{kind}", _completion(kind, kept))
        guard(f"AWS::RDS::{kind}", deletion=_clearing(kept))


def _completion(kind: str, records: Any) -> Any:
    taken = {name.lower() for name in members("rds", kind)}

    def completed(name: str, _old: Properties, new: Properties) -> Properties:
        record = records[name]
        for each in _OF_THE_REQUEST:
            new.get(each)
        for each in record.pop(_OWN, ()):
            record.pop(each, None)
        stated = {each: value for each, value in plain(new).items() if _RENAMED.get(each, each).lower() in taken}
        described = structure(
            "rds", kind, {each: new[each] for each in stated if each.lower() not in _LISTS}, renamed=_RENAMED
        )
        own = {each: value for each, value in described.items() if each not in record}
        record |= {**own, _OWN: tuple(own)}
        if "AssociatedRoles" in new:
            record["AssociatedRoles"] = [{"Status": "ACTIVE", **each} for each in new["AssociatedRoles"]]
        rds.tags[record[f"{kind}Arn"]] = [dict(tag) for tag in new.get("Tags") or ()]
        _follow(record, rds.clusters.get(record.get("DBClusterIdentifier")))
        return _manage_password(record, new)

    return completed


def _follow(instance: dict[str, Any], cluster: Mapping[str, Any] | None) -> None:
    """Give an instance its cluster's settings (RDS API reference, CreateDBInstance: "doesn't apply to Aurora")."""
    if cluster is not None and "DBInstanceIdentifier" in instance:
        instance |= {name: cluster[name] for name in _OF_THE_CLUSTER if name in cluster}


def _manage_password(record: dict[str, Any], new: Properties) -> Properties:
    """Store a managed password in a secret, or delete the secret if the password is no longer managed.

    Return the attributes for `Fn::GetAtt` (Amazon RDS user guide, "Password management with AWS Secrets Manager").
    """
    if str(new.get("ManageMasterUserPassword", False)).lower() != "true":
        _forget_password(record)
        return {}
    if "MasterUserSecret" not in record:
        value = {"username": record["MasterUsername"], "password": new_uuid()}
        kind = "cluster" if "DBClusterMembers" in record else "db"
        stated = {"Name": f"rds!{kind}-{new_uuid()}", "SecretString": json.dumps(value)}
        key = (new.get("MasterUserSecret") or {}).get("KmsKeyId")
        arn = perform(secretsmanager.create_secret, stated | ({"KmsKeyId": key} if key else {}))["ARN"]
        # Amazon Aurora user guide, "Password management with Amazon Aurora and AWS Secrets Manager"
        rotation = {"RotationEnabled": True, "RotationRules": {"AutomaticallyAfterDays": 7}}
        secretsmanager.resolve(arn)[1].update(OwningService="rds", **rotation)
        record["MasterUserSecret"] = {"SecretArn": arn, "SecretStatus": "active", **({"KmsKeyId": key} if key else {})}
    new.get("MasterUserSecret")
    return {"MasterUserSecret.SecretArn": record["MasterUserSecret"]["SecretArn"]}


def _forget_password(record: dict[str, Any]) -> None:
    secret = record.pop("MasterUserSecret", None)
    if secret:
        perform(secretsmanager.delete_secret, {"SecretId": secret["SecretArn"], "ForceDeleteWithoutRecovery": True})


def _clearing(records: Mapping[str, Any]) -> Any:
    def cleared(name: str, _properties: Properties) -> None:
        if name in records:
            _forget_password(records[name])

    return cleared
