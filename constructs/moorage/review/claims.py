"""Names, priorities and ports that only one resource can have at a time.

CloudFormation creates the new resources of an update before it deletes the old ones. So a new resource cannot take over
a name, priority or port that an old resource still has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import Place
from moorage.review.template.side import Scope


@attrs.frozen
class Claim:
    """A name, priority or port that only one resource can have at a time.

    Args:
        key: The resource type, account, region, scope and value, as texts that can be compared.
        what: The noun phrase for the claim in a sentence, such as `priority 10 of its listener`.
        references: The resources that the key refers to. If the update replaces such a resource, nobody has the claim
            yet.
        properties: The properties in the key. If such a property changes, the key changes too.
    """

    key: tuple[str, ...]
    what: str = attrs.field(eq=False)
    references: frozenset[Place] = attrs.field(eq=False, default=frozenset())
    properties: tuple[str, ...] = attrs.field(eq=False, default=())


NAMES: Mapping[str, str] = {
    "AWS::AutoScaling::AutoScalingGroup": "AutoScalingGroupName",
    "AWS::Backup::BackupVault": "BackupVaultName",
    "AWS::CloudTrail::Trail": "TrailName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::DocDB::DBCluster": "DBClusterIdentifier",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateName",
    "AWS::ECR::PublicRepository": "RepositoryName",
    "AWS::ECR::PullThroughCacheRule": "EcrRepositoryPrefix",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::ECR::RepositoryCreationTemplate": "Prefix",
    "AWS::ECS::CapacityProvider": "Name",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ElastiCache::CacheCluster": "ClusterName",
    "AWS::ElastiCache::ReplicationGroup": "ReplicationGroupId",
    "AWS::ElastiCache::ServerlessCache": "ServerlessCacheName",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "Name",
    "AWS::Events::EventBus": "Name",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::MSK::Cluster": "ClusterName",
    "AWS::MemoryDB::Cluster": "ClusterName",
    "AWS::Neptune::DBCluster": "DBClusterIdentifier",
    "AWS::OpenSearchService::Domain": "DomainName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::RDS::DBSubnetGroup": "DBSubnetGroupName",
    "AWS::Redshift::Cluster": "ClusterIdentifier",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::ServiceDiscovery::HttpNamespace": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""The property with the custom name of each type. The name is unique in an account and region; that of a type in
`_GLOBAL` is unique in more than one region. The property is create-only, as a test checks with CloudFormation's
schemas. CloudFormation cannot replace a resource that keeps its custom name ("CloudFormation resource custom naming").
"""
_SCOPED: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "AWS::EC2::Route": ("RouteTableId", ("DestinationCidrBlock", "DestinationIpv6CidrBlock"), "route {}"),
    "AWS::EC2::SecurityGroup": ("VpcId", ("GroupName",), "group name {}"),
    "AWS::EC2::Subnet": ("VpcId", ("CidrBlock",), "address range {}"),
    "AWS::ECS::Service": ("Cluster", ("ServiceName",), "service name {}"),
    "AWS::EFS::MountTarget": ("FileSystemId", ("SubnetId",), "mount target in {}"),
    "AWS::ElasticLoadBalancingV2::Listener": ("LoadBalancerArn", ("Port",), "port {} of its load balancer"),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("ListenerArn", ("Priority",), "priority {} of its listener"),
    "AWS::Events::Rule": ("EventBusName", ("Name",), "rule name {}"),
    "AWS::Route53::RecordSet": ("HostedZoneId", ("Name", "Type"), "the {1} record {0}"),
    "AWS::Scheduler::Schedule": ("GroupName", ("Name",), "schedule name {}"),
    "AWS::ServiceDiscovery::PrivateDnsNamespace": ("Vpc", ("Name",), "private domain {}"),
    "AWS::ServiceDiscovery::Service": ("NamespaceId", ("Name",), "Cloud Map name {}"),
}
"""For each type: the property that names the scope, the properties that are unique in that scope, and a phrase for
these properties.

Sources: EC2 API reference, CreateRoute (RouteAlreadyExists), CreateSecurityGroup (InvalidGroup.Duplicate), CreateSubnet
(InvalidSubnet.Conflict); ECS API reference, CreateService; EFS API reference, CreateMountTarget (MountTargetConflict);
Elastic Load Balancing API reference, CreateListener (DuplicateListener) and CreateRule (PriorityInUse); EventBridge API
reference, PutRule; Route 53 API reference, ChangeResourceRecordSets; EventBridge Scheduler API reference,
CreateSchedule; Cloud Map API reference, CreatePrivateDnsNamespace (NamespaceAlreadyExists) and CreateService
(ServiceAlreadyExists)."""
_HELD: Mapping[str, tuple[str, str]] = {
    "AWS::EC2::NatGateway": ("AllocationId", "its Elastic IP address"),
    "AWS::EC2::VPCGatewayAttachment": ("InternetGatewayId", "its internet gateway"),
}
"""For each type: the property with a resource that only one other resource can use, and a phrase for it (EC2 API
reference, CreateNatGateway and AttachInternetGateway: Resource.AlreadyAssociated)."""
_GLOBAL = ("AWS::IAM::", "AWS::S3::Bucket", "AWS::Route53::")
"""The types whose names are unique beyond a region (IAM User Guide, "IAM identifiers"; S3 User Guide, "General purpose
bucket naming rules"; Route 53 is a global service)."""
_PEERS = ("CidrIp", "CidrIpv6", "SourceSecurityGroupId", "SourcePrefixListId", "DestinationSecurityGroupId")
_OF_RULE = ("GroupId", "IpProtocol", "FromPort", "ToPort", *_PEERS)
_RULES = {"AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}


def claims(scope: Scope, resource: Resource) -> Iterator[Claim]:
    """Yield the claims of a resource.

    Args:
        scope: The stack of the resource.
        resource: The resource.
    """
    properties = resource.properties
    make = _Maker(scope, resource.type)
    if resource.type in NAMES and scope.value(name := properties.get(NAMES[resource.type])) is not None:
        yield make([name], f"name {_shown(name)}", of=(NAMES[resource.type],))
    if resource.type in _SCOPED:
        within, unique, phrase = _SCOPED[resource.type]
        values = [properties[name] for name in unique if scope.value(properties.get(name)) is not None]
        if values:
            shown = [_shown(value).removesuffix(".") for value in values]
            what = phrase.format(*shown, *("" for _ in unique[len(shown) :]))
            yield make([properties.get(within), *values], what, of=(within, *unique))
    if resource.type in _HELD:
        name, phrase = _HELD[resource.type]
        if scope.value(properties.get(name)) is not None:
            yield make([properties[name]], phrase, of=(name,))
    if resource.type in _RULES:
        yield make([properties.get(name) for name in _OF_RULE], "rule of its security group", of=_OF_RULE)
    if resource.type == "AWS::ECS::Service":
        yield from _service_connect_names(properties, make)


def _service_connect_names(properties: Mapping[str, Any], make: _Maker) -> Iterator[Claim]:
    """Yield a claim for each discovery name of a service.

    Such a name is unique in a namespace (ECS API reference, ServiceConnectService).
    """
    connect = mapping(properties.get("ServiceConnectConfiguration"))
    services = connect.get("Services")
    for service in map(mapping, services) if isinstance(services, list) else ():
        if name := service.get("DiscoveryName") or service.get("PortName"):
            what = f"Service Connect name {_shown(name)}"
            yield make([connect.get("Namespace"), name], what, kind="AWS::ECS::Service/connect")


@attrs.frozen
class _Maker:
    """A factory of claims for resources of one type in one stack."""

    scope: Scope
    type: str

    def __call__(self, values: Sequence[Any], what: str, *, kind: str = "", of: tuple[str, ...] = ()) -> Claim:
        key = (
            kind or self.type,
            str(self.scope.account),
            "" if self.type.startswith(_GLOBAL) else str(self.scope.region),
            *map(repr, map(self.scope.value, values)),
        )
        return Claim(key, what, frozenset(self.scope.referenced(list(values))), of)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else "that the template computes"
