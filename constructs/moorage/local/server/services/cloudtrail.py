"""AWS CloudTrail: trails, which ministack's CloudFormation lacks, and the permissions that they need.

A trail is kept and shown. No log file is written into its bucket.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from moorage.local.server.core import policies
from moorage.local.server.core.adapter import cloudtrail, provisioners, s3, sns
from moorage.local.server.core.calls import RefusedError, check, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource, shortened

_SERVICE = "cloudtrail.amazonaws.com"
_LONGEST = 128
_ASIDE = (
    "AdvancedEventSelectors", "AggregationConfigurations", "EventSelectors", "InsightSelectors", "IsLogging", "Tags",
    "TrailName",
)  # fmt: skip
_DEFAULTS: Properties = {
    "CloudWatchLogsLogGroupArn": "", "CloudWatchLogsRoleArn": "", "EnableLogFileValidation": False,
    "IncludeGlobalServiceEvents": True, "IsMultiRegionTrail": False, "IsOrganizationTrail": False, "KmsKeyId": "",
    "S3KeyPrefix": "", "SnsTopicName": "",
}  # fmt: skip
_insights = AccountRegionScopedDict()


class Trail(Resource):
    """A trail, whose bucket, topic and key must allow CloudTrail to use them."""

    type = "AWS::CloudTrail::Trail"

    def create(self, properties: Properties, name: str) -> Made:
        trail = str(properties.get("TrailName") or shortened(name, _LONGEST))
        wanted = self._wanted(trail, properties)
        perform(cloudtrail.create_trail, wanted)
        try:
            return self._put(trail, wanted, {}, properties)
        except RefusedError:
            self.delete(trail, properties)
            raise

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, self._wanted(physical_id, new), old, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in cloudtrail.trails:
            perform(cloudtrail.delete_trail, {"Name": physical_id})
        cloudtrail.trail_tags.pop(cloudtrail.trail_arn(physical_id), None)
        _insights.pop(physical_id, None)

    def _wanted(self, trail: str, properties: Properties) -> Properties:
        stated = {name: properties[name] for name in properties if name not in _ASIDE}
        wanted = request("cloudtrail", "CreateTrail", {**stated, "Name": trail})
        check("cloudtrail", "CreateTrail", wanted)
        if ("CloudWatchLogsLogGroupArn" in wanted) != ("CloudWatchLogsRoleArn" in wanted):
            # InvalidCloudWatchLogsRoleArnException, InvalidCloudWatchLogsLogGroupArnException
            missing = "LogGroup" if "CloudWatchLogsRoleArn" in wanted else "Role"
            raise RefusedError(
                f"InvalidCloudWatchLogs{missing}ArnException: CloudWatchLogs{missing}Arn must be specified too."
            )
        if wanted.get("IsMultiRegionTrail") and wanted.get("IncludeGlobalServiceEvents") is False:
            raise RefusedError(  # InvalidParameterCombinationException
                "InvalidParameterCombinationException: Multi-Region trail must include global service events."
            )
        _require(cloudtrail.trail_arn(trail), wanted)
        return wanted

    def _put(self, trail: str, wanted: Properties, old: Properties, new: Properties) -> Made:
        perform(cloudtrail.update_trail, {**_DEFAULTS, **wanted})
        record, arn = cloudtrail.trails[trail], cloudtrail.trail_arn(trail)
        record["SnsTopicARN"] = _topic_arn(wanted["SnsTopicName"]) if "SnsTopicName" in wanted else ""
        logging = str(new["IsLogging"]).lower() == "true"
        perform(cloudtrail.start_logging if logging else cloudtrail.stop_logging, {"Name": trail})
        self._select(trail, new)
        tags = provisioners.tag_map
        gone = [{"Key": key} for key in tags(old.get("Tags")) if key not in tags(new.get("Tags"))]
        perform(cloudtrail.remove_tags, {"ResourceId": arn, "TagsList": gone})
        perform(cloudtrail.add_tags, {"ResourceId": arn, "TagsList": new.get("Tags") or []})
        return Made(trail, {"Arn": arn, **({"SnsTopicArn": record["SnsTopicARN"]} if record["SnsTopicARN"] else {})})

    def _select(self, trail: str, properties: Properties) -> None:
        """Set the event selectors and the Insights selectors of a trail."""
        cloudtrail.event_selectors.pop(trail, None)
        kinds = ("AdvancedEventSelectors", "EventSelectors")
        stated = {kind: properties[kind] for kind in kinds if properties.get(kind)}
        if stated:
            renamed = {"ExcludeManagementEventSources": "ExcludeManagementEventSources"}
            selectors = request("cloudtrail", "PutEventSelectors", {"TrailName": trail, **stated}, renamed=renamed)
            perform(cloudtrail.put_event_selectors, selectors)
        insights = properties.get("InsightSelectors") or []
        _insights[trail] = insights
        cloudtrail.trails[trail]["HasInsightSelectors"] = bool(insights)


def _require(trail_arn: str, trail: Properties) -> None:
    """Check that CloudTrail may use the trail's bucket, topic and key, as AWS does before it creates a trail."""
    bucket, prefix = trail["S3BucketName"], trail.get("S3KeyPrefix")
    if bucket not in s3.buckets:
        raise RefusedError(f"S3BucketDoesNotExistException: The bucket {bucket} does not exist")
    policy, arn = s3.bucket_policies.get(bucket), f"arn:aws:s3:::{bucket}"
    log = f"{arn}/{prefix + '/' if prefix else ''}AWSLogs/{get_account_id()}/CloudTrail/x.json.gz"
    owned = {"s3:x-amz-acl": "bucket-owner-full-control"}
    may_read = policies.allows(policy, _SERVICE, "s3:GetBucketAcl", arn, trail_arn)
    if not may_read or not policies.allows(policy, _SERVICE, "s3:PutObject", log, trail_arn, **owned):
        raise RefusedError(
            f"InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: {bucket}"
        )
    if "SnsTopicName" in trail:
        topic: dict[str, Any] = sns.topics.get(_topic_arn(trail["SnsTopicName"])) or {"attributes": {}}
        if not policies.allows(
            topic["attributes"].get("Policy"), _SERVICE, "sns:Publish", topic.get("arn", ""), trail_arn
        ):
            raise RefusedError(
                "InsufficientSnsTopicPolicyException: SNS Topic does not exist or the topic policy is incorrect"
            )
    fault = _unusable_key(trail, trail_arn)
    if fault:
        raise RefusedError(f"InsufficientEncryptionPolicyException: {fault}")


def _unusable_key(trail: Properties, trail_arn: str) -> str | None:
    """Return the reason why a trail cannot use its key; None if the trail can use it.

    A trail describes its key, encrypts with it and decrypts a bucket key. DescribeKey has no encryption context; a
    bucket key needs kms:Decrypt (AWS CloudTrail user guide, "Configure AWS KMS key policies for CloudTrail").
    """
    context = {"kms:encryptioncontext:aws:cloudtrail:arn": trail_arn}
    encryption = s3.bucket_encryption.get(trail["S3BucketName"]) or ""
    uses = [("kms:DescribeKey", {}), ("kms:GenerateDataKey", context)]
    if "<BucketKeyEnabled>true<" in encryption:
        uses.append(("kms:Decrypt", context))
    faults = (policies.unusable_key(trail.get("KmsKeyId"), _SERVICE, trail_arn, use, **more) for use, more in uses)
    return next(filter(None, faults), None)


def _topic_arn(name_or_arn: str) -> str:
    here = f"arn:aws:sns:{get_region()}:{get_account_id()}:"
    return name_or_arn if name_or_arn.startswith("arn:") else f"{here}{name_or_arn}"


def _insight_selectors(parameters: dict[str, Any]) -> Any:
    name, _, trail = cloudtrail.find_visible_trail(parameters.get("TrailName", ""))
    if trail is None:
        return cloudtrail.err("TrailNotFoundException", f"Unknown trail: {name!r}", 404)
    if not _insights.get(name):
        return cloudtrail.err("InsightNotEnabledException", f"Trail {name} has no Insights selectors", 400)
    return cloudtrail.ok({"TrailARN": trail["TrailARN"], "InsightSelectors": _insights[name]})


def install() -> None:
    """Add the operation that returns the Insights selectors of a trail."""
    cloudtrail.DISPATCH["GetInsightSelectors"] = _insight_selectors
