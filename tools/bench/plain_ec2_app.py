"""The services of `moorage_app` on instances, with plain L2s and the same resources: `plain_ec2_app SERVICES`."""

from __future__ import annotations

import sys

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from tools.bench.plain import keep_failures, log_access

SERVICES_A_STACK = 20  # a stack can have at most 500 resources
BLOCK_METADATA = "/var/lib/cloud/scripts/per-boot/block-metadata.sh"

services = int(sys.argv[1])
app = cdk.App()
stack = cdk.Stack(app, "Shop")
vpc = ec2.Vpc(stack, "Vpc")
cluster = ecs.Cluster(stack, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENHANCED)
role = iam.Role(stack, "InstanceRole", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
instances = ec2.SecurityGroup(stack, "Instances", vpc=vpc, allow_all_outbound=False)
instances.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443))
user_data = ec2.UserData.for_linux()
user_data.add_commands(
    "echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config",
    "echo ECS_RESERVED_MEMORY=256 >> /etc/ecs/ecs.config",
    f"cat > {BLOCK_METADATA} <<'END'",
    "#!/bin/sh",
    "iptables --new-chain DOCKER-USER 2> /dev/null",
    "iptables --insert DOCKER-USER 1 --in-interface docker+ --destination 169.254.169.254/32 --jump DROP",
    "END",
    f"chmod +x {BLOCK_METADATA} && {BLOCK_METADATA}",
)
launch_template = ec2.LaunchTemplate(
    stack,
    "LaunchTemplate",
    machine_image=ecs.EcsOptimizedImage.amazon_linux2023(ecs.AmiHardwareType.ARM),
    instance_type=ec2.InstanceType("m7g.large"),
    role=role,
    security_group=instances,
    associate_public_ip_address=False,
    user_data=user_data,
    block_devices=[
        ec2.BlockDevice(
            device_name="/dev/xvda",
            volume=ec2.BlockDeviceVolume.ebs(30, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3),
        )
    ],
    http_tokens=ec2.LaunchTemplateHttpTokens.REQUIRED,
    http_put_response_hop_limit=1,
    detailed_monitoring=True,
)
group = autoscaling.AutoScalingGroup(
    stack,
    "Group",
    vpc=vpc,
    min_capacity=0,
    max_capacity=1000,
    mixed_instances_policy=autoscaling.MixedInstancesPolicy(
        launch_template=launch_template,
        launch_template_overrides=[
            autoscaling.LaunchTemplateOverrides(instance_type=ec2.InstanceType("m7g.large")),
            autoscaling.LaunchTemplateOverrides(instance_type=ec2.InstanceType("m6g.large")),
        ],
        instances_distribution=autoscaling.InstancesDistribution(
            on_demand_base_capacity=0,
            on_demand_percentage_above_base_capacity=100,
            on_demand_allocation_strategy=autoscaling.OnDemandAllocationStrategy.PRIORITIZED,
            spot_allocation_strategy=autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
        ),
    ),
    group_metrics=[autoscaling.GroupMetrics.all()],
    update_policy=autoscaling.UpdatePolicy.instance_refresh(
        strategy=autoscaling.InstanceRefreshStrategy.ROLLING,
        min_healthy_percentage=100,
        max_healthy_percentage=110,
        scale_in_protected_instances=autoscaling.ScaleInProtectedInstances.REFRESH,
    ),
)
provider = ecs.AsgCapacityProvider(
    stack,
    "Provider",
    auto_scaling_group=group,
    enable_managed_draining=True,
    enable_managed_termination_protection=False,
    maximum_scaling_step_size=10000,
)
cluster.add_asg_capacity_provider(provider)
cluster.add_default_capacity_provider_strategy(
    [ecs.CapacityProviderStrategy(capacity_provider=provider.capacity_provider_name, weight=1)]
)
keep_failures(stack, cluster)
certificate = acm.Certificate.from_certificate_arn(
    stack, "Certificate", "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
)
edge_group = ec2.SecurityGroup(stack, "EdgeSecurityGroup", vpc=vpc, allow_all_outbound=False)
edge = elbv2.ApplicationLoadBalancer(
    stack,
    "Edge",
    vpc=vpc,
    internet_facing=True,
    security_group=edge_group,
    deletion_protection=True,
    drop_invalid_header_fields=True,
    desync_mitigation_mode=elbv2.DesyncMitigationMode.DEFENSIVE,
    idle_timeout=cdk.Duration.seconds(60),
)
log_access(stack, edge)
edge.add_redirect()
https = edge.add_listener(
    "Https",
    port=443,
    certificates=[certificate],
    ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
    default_action=elbv2.ListenerAction.fixed_response(404, content_type="text/plain", message_body="Not found"),
)
for index in range(services):
    if index % SERVICES_A_STACK == 0:
        stack = cdk.Stack(app, f"Services{index // SERVICES_A_STACK}")
        listener = elbv2.ApplicationListener.from_application_listener_attributes(
            stack,
            "Https",
            listener_arn=https.listener_arn,
            security_group=ec2.SecurityGroup.from_security_group_id(
                stack, "Edge", edge_group.security_group_id, allow_all_outbound=False
            ),
        )
    security_group = ec2.SecurityGroup(stack, f"SecurityGroup{index}", vpc=vpc, allow_all_outbound=False)
    security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443))
    definition = ecs.TaskDefinition(
        stack,
        f"TaskDefinition{index}",
        compatibility=ecs.Compatibility.EC2,
        network_mode=ecs.NetworkMode.AWS_VPC,
        cpu="512",
        memory_mib="1024",
    )
    parameters = ecs.LinuxParameters(stack, f"Linux{index}")
    parameters.add_tmpfs(ecs.Tmpfs(container_path="/tmp", size=64))
    definition.add_container(
        "web",
        image=ecs.ContainerImage.from_registry("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2"),
        port_mappings=[ecs.PortMapping(container_port=8080, name="web")],
        memory_limit_mib=1024,
        readonly_root_filesystem=True,
        linux_parameters=parameters,
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix="web",
            log_group=logs.LogGroup(stack, f"Logs{index}", retention=logs.RetentionDays.ONE_YEAR),
        ),
    )
    web = ecs.Ec2Service(
        stack,
        f"Web{index}",
        cluster=cluster,
        task_definition=definition,
        security_groups=[security_group],
        capacity_provider_strategies=[
            ecs.CapacityProviderStrategy(capacity_provider=provider.capacity_provider_name, weight=1)
        ],
        min_healthy_percent=100,
        max_healthy_percent=200,
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
        placement_strategies=[
            ecs.PlacementStrategy.spread_across(ecs.BuiltInAttributes.AVAILABILITY_ZONE),
            ecs.PlacementStrategy.spread_across_instances(),
        ],
        health_check_grace_period=cdk.Duration.seconds(60),
        propagate_tags=ecs.PropagatedTagSource.SERVICE,
        enable_ecs_managed_tags=True,
    )
    target_group = elbv2.ApplicationTargetGroup(
        stack,
        f"TargetGroup{index}",
        vpc=vpc,
        port=8080,
        protocol=elbv2.ApplicationProtocol.HTTP,
        protocol_version=elbv2.ApplicationProtocolVersion.HTTP1,
        target_type=elbv2.TargetType.IP,
        targets=[web],
        deregistration_delay=cdk.Duration.seconds(30),
        health_check=elbv2.HealthCheck(
            path="/actuator/health",
            port="traffic-port",
            healthy_http_codes="200",
            interval=cdk.Duration.seconds(10),
            timeout=cdk.Duration.seconds(5),
            healthy_threshold_count=2,
            unhealthy_threshold_count=2,
        ),
    )
    elbv2.ApplicationListenerRule(
        stack,
        f"Rule{index}",
        listener=listener,
        priority=index + 1,
        conditions=[elbv2.ListenerCondition.host_headers([f"web{index}.example.com"])],
        target_groups=[target_group],
    )
    count = web.auto_scale_task_count(min_capacity=2, max_capacity=20)
    count.scale_on_cpu_utilization(
        "Cpu",
        target_utilization_percent=60,
        scale_in_cooldown=cdk.Duration.seconds(300),
        scale_out_cooldown=cdk.Duration.seconds(60),
    )
app.synth()
