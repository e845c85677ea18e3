"""The services of `moorage_app` with aws_ecs_patterns, and L2s for the same resources: `patterns_app SERVICES`.

A pattern cannot share a listener, so each service has its own listener instead of a rule. It cannot share a load
balancer either, so each service imports the load balancer.
"""

from __future__ import annotations

import sys
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs

from tools.bench.plain import keep_failures, log_access

SERVICES_A_STACK = 20  # a stack can have at most 500 resources

services = int(sys.argv[1])
app = cdk.App()
stack = cdk.Stack(app, "Shop")
vpc = ec2.Vpc(stack, "Vpc")
cluster = ecs.Cluster(
    stack,
    "Cluster",
    vpc=vpc,
    container_insights_v2=ecs.ContainerInsights.ENHANCED,
    enable_fargate_capacity_providers=True,
)
cluster.add_default_capacity_provider_strategy([ecs.CapacityProviderStrategy(capacity_provider="FARGATE", weight=1)])
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

platform = ecs.RuntimePlatform(
    cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
)
for index in range(services):
    if index % SERVICES_A_STACK == 0:
        stack = cdk.Stack(app, f"Services{index // SERVICES_A_STACK}")
    imported = elbv2.ApplicationLoadBalancer.from_application_load_balancer_attributes(
        stack,
        f"Edge{index}",
        load_balancer_arn=edge.load_balancer_arn,
        security_group_id=edge_group.security_group_id,
        security_group_allows_all_outbound=False,
        load_balancer_dns_name=edge.load_balancer_dns_name,
        vpc=vpc,
    )
    group = ec2.SecurityGroup(stack, f"SecurityGroup{index}", vpc=vpc, allow_all_outbound=False)
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443))
    definition = ecs.FargateTaskDefinition(
        stack, f"TaskDefinition{index}", cpu=1024, memory_limit_mib=2048, runtime_platform=platform
    )
    parameters = ecs.LinuxParameters(stack, f"Linux{index}")
    parameters.add_tmpfs(ecs.Tmpfs(container_path="/tmp", size=64))  # as in moorage_app.py
    definition.add_container(
        "web",
        image=ecs.ContainerImage.from_registry("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2"),
        port_mappings=[ecs.PortMapping(container_port=8080, name="web")],
        memory_limit_mib=2048,
        readonly_root_filesystem=True,
        linux_parameters=parameters,
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix="web",
            log_group=logs.LogGroup(stack, f"Logs{index}", retention=logs.RetentionDays.ONE_YEAR),
        ),
    )
    web = ecs_patterns.ApplicationLoadBalancedFargateService(
        stack,
        f"Web{index}",
        cluster=cluster,
        task_definition=definition,
        load_balancer=imported,
        listener_port=9000 + index,
        protocol=elbv2.ApplicationProtocol.HTTPS,
        certificate=certificate,
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
        security_groups=[group],
        capacity_provider_strategies=[ecs.CapacityProviderStrategy(capacity_provider="FARGATE", weight=1)],
        min_healthy_percent=100,
        max_healthy_percent=200,
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        propagate_tags=ecs.PropagatedTagSource.SERVICE,
        enable_ecs_managed_tags=True,
    )
    inner = cast("cdk.CfnResource", web.service.node.default_child)
    inner.add_property_override("AvailabilityZoneRebalancing", "ENABLED")
    web.target_group.configure_health_check(
        path="/actuator/health",
        port="traffic-port",
        healthy_http_codes="200",
        interval=cdk.Duration.seconds(10),
        timeout=cdk.Duration.seconds(5),
        healthy_threshold_count=2,
        unhealthy_threshold_count=2,
    )
    web.target_group.set_attribute("deregistration_delay.timeout_seconds", "30")
    scaling = web.service.auto_scale_task_count(min_capacity=2, max_capacity=20)
    scaling.scale_on_cpu_utilization(
        "Cpu",
        target_utilization_percent=60,
        scale_in_cooldown=cdk.Duration.seconds(300),
        scale_out_cooldown=cdk.Duration.seconds(60),
    )
app.synth()
