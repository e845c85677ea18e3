"""The limits of clusters, services, networks, VPC Lattice and dashboards; rows of the table in `limits`."""

from __future__ import annotations

import ipaddress

from moorage.workload.limit import (
    BelowOrAbove,
    Botocore,
    Limit,
    at_most,
    in_range,
    matching,
    one_of,
    quota,
    with_commas,
)

_REGIONS_WITHOUT_LATTICE = frozenset(
    (
        *("ap-east-2", "ap-southeast-6", "ap-southeast-7", "cn-north-1", "cn-northwest-1"),
        *("us-gov-east-1", "us-gov-west-1"),
    )
)

CLUSTER_NAME = matching(
    "cluster-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use only the name, such as 'shop', or Cluster.from_attributes(cluster_arn=...) for an ARN",
    source=Botocore("ecs", "CreateClusterRequest", "clusterName", "Up to 255 letters (uppercase and lowercase)"),
)
SERVICE_NAME = matching(
    "service-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use a name such as 'web', or leave service_name= out",
    source=Botocore(
        "ecs",
        "CreateServiceRequest",
        "serviceName",
        "Up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens are allowed.",
    ),
)
CLUSTER_ARN = matching(
    "cluster-arn",
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9_-]{1,255}",
    rule="must have the form arn:aws:ecs:<region>:<account>:cluster/<name>",
    hint="use the ARN of a cluster, or cluster_name=",
    source="ECS service authorization reference (resource types: cluster); botocore CreateCluster.clusterName",
)
SERVICE_ARN = matching(
    "service-arn",
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service/([A-Za-z0-9_-]{1,255}/)?[A-Za-z0-9_-]{1,255}",
    rule="must have the form arn:aws:ecs:<region>:<account>:service/<cluster>/<name>",
    hint="use the ARN of a service, or service_name=",
    source="ECS service authorization reference (resource types: service); ECS developer guide, long ARN format",
)
ZONES = in_range(
    "zones",
    2,
    6,
    hint=BelowOrAbove(
        below="use 2 or more, so that tasks remain if one zone is lost",
        above="use at most the number of zones of the region",
    ),
    source=Botocore(
        "elbv2",
        "CreateLoadBalancerInput",
        "Subnets",
        "You must specify subnets from at least two Availability Zones.",
        also="AWS global infrastructure: no region has more than 6",
    ),
)
NETWORK_CIDR = Limit(
    id="network-cidr",
    accepts=lambda pair: _holds_subnets(*pair),
    rule="must be an IPv4 block, /16 or smaller, with room for a /20 and a /24 in each zone",
    hint="use a larger block, up to a /16 such as '10.0.0.0/16'",
    source="botocore ec2 CreateVpc.CidrBlock",
    format=lambda pair: f"{pair[0]!r} for {pair[1]} zones",
)

VPCS = quota(
    "vpcs-per-region",
    5,
    hint="ask for a higher quota before the deployment, or use one Network for several clusters",
    source="Amazon VPC quotas: VPCs per Region",
)
NAT_ADDRESSES = quota(
    "nat-gateway-addresses",
    5,
    hint="ask for a higher quota before the deployment, or use nat_gateways=1",
    source="Amazon VPC quotas: Elastic IP addresses per Region",
)


def _holds_subnets(cidr: str, zones: int) -> bool:
    try:
        block = ipaddress.IPv4Network(cidr, strict=False)
    except ValueError:
        return False
    # the /24s of all zones come first, and the next /20 starts at a multiple of its size
    return block.prefixlen >= 16 and block.num_addresses >= (zones + 1) * 2**12


SECURITY_GROUPS = in_range(
    "awsvpc-security-groups",
    1,
    5,
    hint=BelowOrAbove(
        below="leave security_groups= out for a new group",
        above="combine the rules of several groups in one",
    ),
    source=Botocore(
        "ecs", "AwsVpcConfiguration", "securityGroups", "There's a limit of 5 security groups that can be specified."
    ),
)
SUBNETS = in_range(
    "awsvpc-subnets",
    1,
    16,
    hint=BelowOrAbove(
        below="select at least one subnet with vpc_subnets=, or leave vpc_subnets= out",
        above="select fewer subnets with vpc_subnets=, such as one in each zone",
    ),
    source=Botocore("ecs", "AwsVpcConfiguration", "subnets", "There's a limit of 16 subnets that can be specified."),
)
NAMESPACE = matching(
    "namespace-name",
    r"(?!arn:)[!#-.0-;=?-~]{1,1024}",
    rule="must be 1 to 1,024 visible ASCII characters without <, >, / and double quotes, and not an ARN",
    hint="use a name such as 'shop', or pass an existing namespace with Cluster.from_attributes(namespace='...')",
    source=Botocore(
        "ecs",
        "ClusterServiceConnectDefaultsRequest",
        "namespace",
        "The namespace name can include up to 1024 characters.",
        also="servicediscovery NamespaceNameHttp: visible ASCII characters",
    ),
)
_DNS_LABEL = "([a-zA-Z0-9_][a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9])"
CLOUD_MAP_NAME = matching(
    "cloud-map-name",
    rf"(?=.{{1,127}}$){_DNS_LABEL}(\.{_DNS_LABEL})*|\.",
    rule="must be 1 to 127 letters, digits, '_', '-' and '.', and each part between dots must have at most 63 "
    "characters and not begin or end with '-'",
    hint="use a name such as 'catalog', or leave name= out",
    source="botocore servicediscovery ServiceName, its pattern",
)
CONNECT_NAME = matching(
    "service-connect-name",
    r"(?=.{1,127}$)(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*",
    rule="must be a host name of 1 to 127 lowercase letters, digits, '_', '-' and '.', and not start with '-'",
    hint="use a name such as ServiceConnect(name='catalog')",
    source=Botocore("ecs", "ServiceConnectClientAlias", "dnsName", "The name can include up to 127 characters."),
)
CONNECT_PROTOCOL = one_of(
    "service-connect-protocol",
    ("http", "http2", "grpc"),
    hint="use a protocol such as ecs.AppProtocol.http2, or leave protocol= out for TCP",
    source=Botocore("ecs", "ApplicationProtocol"),
)
CONNECT_TIMEOUT = in_range(
    "service-connect-timeout",
    0,
    2147483647,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(60), or cdk.Duration.seconds(0) for no limit",
    source=Botocore("ecs", "Duration", also="the shape of TimeoutConfiguration.idleTimeoutSeconds and its sibling"),
)
AUTHORITY_ARN = matching(
    "private-ca-arn",
    r"arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[0-9a-f-]+",
    rule="must be the ARN of a private CA",
    hint="use the ARN of a private CA in the same region",
    source="botocore ServiceConnectTlsCertificateAuthority.awsPcaAuthorityArn; CDK Service Connect",
)
PREFIX_LIST = matching(
    "prefix-list",
    r"pl-[0-9a-f]{8,17}",
    rule="must be the ID of a prefix list",
    hint="use the ID of the prefix list com.amazonaws.<region>.vpc-lattice, such as 'pl-0a1b2c3d'",
    source="EC2 user guide, AWS-managed prefix lists",
)
LATTICE_TARGET_GROUP = matching(
    "lattice-target-group",
    r"arn:[a-z0-9-]+:vpc-lattice:[a-zA-Z0-9-]+:\d{12}:targetgroup/tg-[0-9a-z]{17}",
    rule="must be the ARN of a VPC Lattice target group",
    hint="copy the ARN from the console, or leave target_group_arn= out for a new target group",
    source=Botocore("vpc-lattice", "TargetGroupArn"),
)
LATTICE_TARGET_GROUPS = at_most(
    "lattice-target-groups",
    5,
    hint="use fewer target groups",
    source="ECS developer guide, Create a service that uses VPC Lattice: at least 1 target group and at most 5",
)
LATTICE_REGION = Limit(
    id="lattice-region",
    accepts=lambda region: region not in _REGIONS_WITHOUT_LATTICE,
    rule="should be a region that offered VPC Lattice in November 2026",
    hint="use route=Route(...) instead of lattice=",
    source="CFN schemas of each region: AWS::VpcLattice::TargetGroup",
    confirmed=False,
)
ALARM_ACTIONS = at_most(
    "alarm-actions",
    5,
    hint="use one topic that notifies all receivers",
    source=Botocore("cloudwatch", "ResourceList"),
)
DISCOVERED_TASKS = Limit(
    id="discovered-tasks",
    accepts=lambda count: count <= 1000,
    rule="should be at most 1,000 with Service Connect or a name in Cloud Map",
    hint="use fewer tasks, or two services",
    source="ECS quotas: tasks per service with service discovery (a quota of AWS Cloud Map)",
    format=with_commas,
    confirmed=False,
)
GRACE_PERIOD = in_range(
    "health-check-grace-period",
    0,
    2147483647,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(60)",
    source=Botocore(
        "ecs",
        "UpdateServiceRequest",
        "healthCheckGracePeriodSeconds",
        "you can specify a health check grace period of up to 2,147,483,647 seconds (about 69 years).",
    ),
)
DASHBOARD_NAME = matching(
    "dashboard-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, '-' and '_'",
    hint="use a name such as 'shop', or leave dashboard_name= out",
    source=Botocore(
        "cloudwatch",
        "PutDashboardInput",
        "DashboardName",
        'The maximum length is 255, and valid characters are A-Z, a-z, 0-9, "-", and "_".',
    ),
)
WIDGETS = Limit(
    id="dashboard-widgets",
    accepts=lambda count: count <= 500,
    rule="must have at most 500 widgets in total",
    hint="define a dashboard for each cluster, or for each service",
    source="CloudWatch API, dashboard body structure (up to 500 widgets)",
    format=str,
)
