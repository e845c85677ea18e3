"""The questions to the Price List: which service and which usage type has the price of an item.

A usage type is matched exactly. A part of it also matches other prices: `GB-Hours` is a part of those of Windows, ARM,
ephemeral storage and Spot.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from moorage.prices.price import FALLBACK_REGION

PREFIXES: Mapping[str, str] = {
    "af-south-1": "AFS1",
    "ap-east-1": "APE1",
    "ap-east-2": "APE2",
    "ap-northeast-1": "APN1",
    "ap-northeast-2": "APN2",
    "ap-northeast-3": "APN3",
    "ap-south-1": "APS3",
    "ap-south-2": "APS5",
    "ap-southeast-1": "APS1",
    "ap-southeast-2": "APS2",
    "ap-southeast-3": "APS4",
    "ap-southeast-4": "APS6",
    "ap-southeast-5": "APS7",
    "ap-southeast-6": "APS8",
    "ap-southeast-7": "APS9",
    "ca-central-1": "CAN1",
    "ca-west-1": "CAN2",
    "eu-central-1": "EUC1",
    "eu-central-2": "EUC2",
    "eu-north-1": "EUN1",
    "eu-south-1": "EUS1",
    "eu-south-2": "EUS2",
    "eu-west-1": "EU",
    "eu-west-2": "EUW2",
    "eu-west-3": "EUW3",
    "il-central-1": "ILC1",
    "me-central-1": "MEC1",
    "me-south-1": "MES1",
    "mx-central-1": "MXC1",
    "sa-east-1": "SAE1",
    "us-east-1": "USE1",
    "us-east-2": "USE2",
    "us-west-1": "USW1",
    "us-west-2": "USW2",
}
"""The prefix of each region in usage types (AWS Regions and Availability Zones, "AWS Region billing codes").

The regions of GovCloud and China are left out, since their prices are outside the bounds or not in USD.
"""
_OTHER_PREFIXES = {"eu-west-1": ("EUW1-",), FALLBACK_REGION: ("",)}
"""The prefixes that some services use in place of the one above: us-east-1 often has none."""


@attrs.frozen
class Query:
    """A question to the Price List.

    Args:
        item: The item, with its architecture if it has one.
        unit: The unit of the price.
        service: The service code of the Price List.
        usage_type: The usage type, without the prefix of the region.
        attributes: The other attributes of the product. Default: none.
        everywhere: True if AWS has one price for all regions, which is kept in us-east-1. Default: False.
        own: A mapping from region to a usage type that only this region has. Default: none.
    """

    item: str
    unit: str
    service: str
    usage_type: str
    attributes: Mapping[str, str] = attrs.field(factory=dict)
    everywhere: bool = False
    own: Mapping[str, str] = attrs.field(factory=dict)

    def usage_types(self, region: str) -> tuple[str, ...]:
        """Return the usage types that a region can have, the most common first.

        Args:
            region: The region.
        """
        if self.everywhere:
            return (self.usage_type,)
        prefixes = (f"{PREFIXES[region]}-", *_OTHER_PREFIXES.get(region, ()), f"{region}-")
        return tuple(f"{prefix}{self.own.get(region, self.usage_type)}" for prefix in prefixes)


def _queries(service: str, unit: str, **usage_types: str) -> tuple[Query, ...]:
    """Return the queries of items that have a service and a unit in common. A double underscore stands for a dot."""
    return tuple(Query(item.replace("__", "."), unit, service, type_) for item, type_ in usage_types.items())


_APPLICATION = {"operation": "LoadBalancing:Application"}
_NETWORK = {"operation": "LoadBalancing:Network"}
_GATEWAY = {"operation": "LoadBalancing:Gateway"}
_STANDARD_QUEUE = {"queueType": "Standard"}
_POSTGRESQL = {"databaseEngine": "Aurora PostgreSQL"}

QUERIES: tuple[Query, ...] = (
    *_queries(
        "AmazonECS",
        "vCPU-hour",
        fargate__vcpu_hour__x86_64="Fargate-vCPU-Hours:perCPU",
        fargate__vcpu_hour__arm64="Fargate-ARM-vCPU-Hours:perCPU",
        fargate__windows_vcpu_hour="Fargate-Windows-vCPU-Hours:perCPU",
        fargate__windows_license_vcpu_hour="Fargate-Windows-OS-Hours:perCPU",
    ),
    *_queries(
        "AmazonECS",
        "GB-hour",
        fargate__gb_hour__x86_64="Fargate-GB-Hours",
        fargate__gb_hour__arm64="Fargate-ARM-GB-Hours",
        fargate__windows_gb_hour="Fargate-Windows-GB-Hours",
        fargate__storage_gb_hour="Fargate-EphemeralStorage-GB-Hours",
    ),
    Query("alb.hour", "hour", "AWSELB", "LoadBalancerUsage", _APPLICATION),
    Query("alb.trust_store_hour", "hour", "AWSELB", "TS-LoadBalancerUsage", _APPLICATION),
    Query("alb.lcu_hour", "LCU-hour", "AWSELB", "LCUUsage", _APPLICATION),
    Query("nlb.hour", "hour", "AWSELB", "LoadBalancerUsage", _NETWORK),
    Query("nlb.lcu_hour", "LCU-hour", "AWSELB", "LCUUsage", _NETWORK),
    Query("gwlb.hour", "hour", "AWSELB", "LoadBalancerUsage", _GATEWAY),
    Query("gwlb.lcu_hour", "LCU-hour", "AWSELB", "LCUUsage", _GATEWAY),
    *_queries("AmazonEC2", "hour", nat__hour="NatGateway-Hours"),
    *_queries("AmazonEC2", "GB", nat__gb="NatGateway-Bytes"),
    *_queries(
        "AmazonVPC",
        "hour",
        endpoint__hour="VpcEndpoint-Hours",
        ipv4__hour="PublicIPv4:InUseAddress",
        ipv4__idle_hour="PublicIPv4:IdleAddress",
    ),
    *_queries("AmazonVPC", "GB", endpoint__gb="VpcEndpoint-Bytes"),
    *_queries("AmazonCloudWatch", "GB", logs__ingested_gb="DataProcessing-Bytes", logs__queried_gb="DataScanned-Bytes"),
    *_queries("AmazonCloudWatch", "GB-month", logs__stored_gb_month="TimedStorage-ByteHrs"),
    *_queries("AmazonCloudWatch", "metric-month", cloudwatch__metric_month="CW:MetricMonitorUsage"),
    *_queries(
        "AmazonCloudWatch",
        "alarm-month",
        cloudwatch__standard_alarm_month="CW:AlarmMonitorUsage",
        cloudwatch__high_resolution_alarm_month="CW:HighResAlarmMonitorUsage",
        cloudwatch__composite_alarm_month="CW:CompositeAlarmMonitorUsage",
    ),
    Query("cloudwatch.dashboard_month", "dashboard-month", "AmazonCloudWatch", "DashboardsUsageHour", everywhere=True),
    *_queries("awskms", "key-month", kms__key_month="KMS-Keys"),
    *_queries("awskms", "request", kms__request="KMS-Requests"),
    Query("secrets.secret_month", "secret-month", "AWSSecretsManager", "AWSSecretsManager-Secrets"),
    Query(
        "secrets.request",
        "request",
        "AWSSecretsManager",
        "AWSSecretsManagerAPIRequest",
        own={"eu-west-1": "AWSSecretsManager-APIRequests"},
    ),
    *_queries("AmazonECR", "GB-month", ecr__gb_month="TimedStorage-ByteHrs"),
    *_queries(
        "AWSLambda",
        "GB-second",
        lambda__gb_second__x86_64="Lambda-GB-Second",
        lambda__gb_second__arm64="Lambda-GB-Second-ARM",
    ),
    *_queries("AWSLambda", "request", lambda__request__x86_64="Request", lambda__request__arm64="Request-ARM"),
    *_queries("AmazonStates", "transition", step_functions__transition="StateTransition"),
    *_queries("AmazonStates", "request", step_functions__express_request="StepFunctions-Request"),
    Query("events.event", "event", "AWSEvents", "Event-64K-Chunks", {"eventType": "Custom Event"}),
    Query("sqs.request", "request", "AWSQueueService", "Requests-Tier1", _STANDARD_QUEUE),
    *_queries("AmazonSNS", "request", sns__request="Requests-Tier1"),
    *_queries(
        "AmazonDynamoDB",
        "request",
        dynamodb__read_request="ReadRequestUnits",
        dynamodb__write_request="WriteRequestUnits",
    ),
    *_queries("AmazonDynamoDB", "GB-month", dynamodb__gb_month="TimedStorage-ByteHrs"),
    *_queries("AmazonS3", "GB-month", s3__gb_month="TimedStorage-ByteHrs"),
    *_queries("AmazonS3", "request", s3__put_request="Requests-Tier1", s3__get_request="Requests-Tier2"),
    *_queries("AmazonEFS", "GB-month", efs__gb_month="TimedStorage-ByteHrs"),
    *_queries(
        "AmazonEC2",
        "GB-month",
        ebs__gp2_gb_month="EBS:VolumeUsage.gp2",
        ebs__gp3_gb_month="EBS:VolumeUsage.gp3",
        ebs__io1_gb_month="EBS:VolumeUsage.piops",
        ebs__io2_gb_month="EBS:VolumeUsage.io2",
        ebs__st1_gb_month="EBS:VolumeUsage.st1",
        ebs__sc1_gb_month="EBS:VolumeUsage.sc1",
        ebs__snapshot_gb_month="EBS:SnapshotUsage",
    ),
    *_queries(
        "AmazonEC2",
        "IOPS-month",
        ebs__gp3_iops_month="EBS:VolumeP-IOPS.gp3",
        ebs__io1_iops_month="EBS:VolumeP-IOPS.piops",
        ebs__io2_iops_month="EBS:VolumeP-IOPS.io2",
    ),
    Query("aurora.acu_hour", "ACU-hour", "AmazonRDS", "Aurora:ServerlessV2Usage", _POSTGRESQL),
    *_queries("awswaf", "month", waf__acl_month="WebACLV2"),
    *_queries("awswaf", "rule-month", waf__rule_month="RuleV2"),
    *_queries("awswaf", "request", waf__request="RequestV2-Tier1"),
    Query("route53.zone_month", "zone-month", "AmazonRoute53", "HostedZone", everywhere=True),
)
"""The queries of all items that one product of the Price List prices in the unit of the book."""

INSTANCES = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
    "marketoption": "OnDemand",
}
"""The attributes of On-Demand Instances with Linux. `capacitystatus` leaves out reserved capacity."""
INSTANCE_USAGE = "BoxUsage"
