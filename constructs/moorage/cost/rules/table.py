"""The rule of each resource type that AWS bills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from moorage.cost.parts import Part
from moorage.cost.resources import Item
from moorage.cost.rules import (
    instances,
    integration,
    jobs,
    monitoring,
    networks,
    services,
    stores,
    volumes,
)
from moorage.cost.usage import Use

Rule = Callable[[Item, Use], Iterator[Part]]
"""A function that yields the components of a resource."""

RULES: Mapping[str, Rule] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": monitoring.scaling_policy,
    "AWS::AutoScaling::AutoScalingGroup": instances.group,
    "AWS::AutoScaling::ScalingPolicy": monitoring.scaling_policy,
    "AWS::CertificateManager::Certificate": integration.certificate,
    "AWS::CloudFormation::Stack": integration.nested_stack,
    "AWS::CloudTrail::Trail": monitoring.trail,
    "AWS::CloudWatch::Alarm": monitoring.alarm,
    "AWS::CloudWatch::CompositeAlarm": monitoring.composite_alarm,
    "AWS::CloudWatch::Dashboard": monitoring.dashboard,
    "AWS::Config::ConfigRule": monitoring.configuration_rule,
    "AWS::Config::ConfigurationRecorder": monitoring.configuration_recorder,
    "AWS::DynamoDB::GlobalTable": stores.global_table,
    "AWS::DynamoDB::Table": stores.table,
    "AWS::EC2::EIP": networks.elastic_ip,
    "AWS::EC2::FlowLog": networks.flow_log,
    "AWS::EC2::Instance": instances.instance,
    "AWS::EC2::NatGateway": networks.nat_gateway,
    "AWS::EC2::TransitGatewayAttachment": networks.transit_gateway_attachment,
    "AWS::EC2::TransitGatewayVpcAttachment": networks.transit_gateway_attachment,
    "AWS::EC2::VPCEndpoint": networks.endpoint,
    "AWS::EC2::Volume": volumes.ec2_volume,
    "AWS::ECR::PublicRepository": stores.public_repository,
    "AWS::ECR::RegistryScanningConfiguration": stores.scanning,
    "AWS::ECR::ReplicationConfiguration": stores.replication,
    "AWS::ECR::Repository": stores.repository,
    "AWS::ECS::CapacityProvider": services.capacity_provider,
    "AWS::ECS::Cluster": services.cluster,
    "AWS::ECS::Gateway": networks.gateway,
    "AWS::ECS::Service": services.service,
    "AWS::EFS::FileSystem": volumes.file_system,
    "AWS::EKS::Cluster": integration.kubernetes_cluster,
    "AWS::ElastiCache::CacheCluster": stores.cache_cluster,
    "AWS::ElastiCache::ReplicationGroup": stores.cache_group,
    "AWS::ElastiCache::ServerlessCache": stores.serverless_cache,
    "AWS::ElasticLoadBalancing::LoadBalancer": networks.classic_load_balancer,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": networks.load_balancer,
    "AWS::ElasticLoadBalancingV2::TrustStore": networks.trust_store,
    "AWS::Events::EventBus": integration.event_bus,
    "AWS::Events::Rule": jobs.rule,
    "AWS::KMS::Key": integration.key,
    "AWS::KMS::ReplicaKey": integration.replica_key,
    "AWS::KinesisFirehose::DeliveryStream": integration.delivery_stream,
    "AWS::Lambda::Alias": integration.function_version,
    "AWS::Lambda::Function": integration.function,
    "AWS::Lambda::Version": integration.function_version,
    "AWS::Logs::LogGroup": monitoring.log_group,
    "AWS::Logs::MetricFilter": monitoring.metric_filter,
    "AWS::RDS::DBCluster": stores.database_cluster,
    "AWS::RDS::DBInstance": stores.database_instance,
    "AWS::Route53::HealthCheck": networks.health_check,
    "AWS::Route53::HostedZone": networks.hosted_zone,
    "AWS::S3::Bucket": stores.bucket,
    "AWS::SNS::Topic": integration.topic,
    "AWS::SQS::Queue": integration.queue,
    "AWS::SSM::Parameter": integration.parameter,
    "AWS::Scheduler::Schedule": jobs.schedule,
    "AWS::SecretsManager::Secret": integration.secret,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": networks.hosted_zone,
    "AWS::ServiceDiscovery::PublicDnsNamespace": networks.hosted_zone,
    "AWS::StepFunctions::StateMachine": jobs.state_machine,
    "AWS::VpcLattice::Service": networks.lattice_service,
    "AWS::WAFv2::WebACL": integration.web_acl,
}
