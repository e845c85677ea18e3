"""The Auto Scaling group of a capacity, with its launch template and capacity provider."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.ecs.capacity.instance_specification import InstanceGroupSpecification
from moorage.ecs.capacity.instances import Instances, define_instance_role
from moorage.ecs.capacity.user_data import user_data_for
from moorage.scope.acknowledgements import AWS_MANAGED_POLICY, acknowledge
from moorage.workload import capacity_limits
from moorage.workload.problems import is_token
from moorage.workload.task import Architecture

if TYPE_CHECKING:
    from moorage.workload.ec2_instances import InstanceRequirements

_BOTTLEROCKET_SYSTEM_GIB = 4
_SSM_POLICY = "AmazonSSMManagedInstanceCore"

_DELETION_INSTRUCTIONS = (
    "keep this text, then deploy with termination_protection=False and run: aws autoscaling "
    "describe-auto-scaling-groups --auto-scaling-group-names {group} "
    "--query 'AutoScalingGroups[].Instances[].InstanceId' --output text | xargs -n 50 aws autoscaling "
    "set-instance-protection --no-protected-from-scale-in --auto-scaling-group-name {group} --instance-ids; "
    "then cdk destroy"
)


class InstanceGroup(Instances):
    """The Auto Scaling group and the capacity provider of a `Capacity.ec2`, returned by `Cluster.capacity(...)`.

    Instances require IMDSv2 with a hop limit of 1, and most tasks cannot reach the instance metadata. ECS blocks the
    metadata for tasks with their own network interface. In bridge mode, a firewall rule of the instance blocks the
    metadata. On Bottlerocket, the hop limit blocks the metadata. Nothing blocks the metadata for tasks in host mode,
    which therefore have the permissions of the instance.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, specification: InstanceGroupSpecification, cluster: ecs.Cluster
    ) -> None:
        """Define an instance group.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of the construct in its scope.
            specification: The instances to define.
            cluster: The cluster that the instances join.
        """
        vpc = cluster.vpc
        super().__init__(
            scope,
            construct_id,
            vpc=vpc,
            egress=specification.instance.egress,
            vpc_subnets=specification.vpc_subnets,
        )
        self.specification = specification
        self.role = define_instance_role(self, cluster)
        if specification.instance.ssm_access:
            self.role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name(_SSM_POLICY))
            acknowledge(self.role, *AWS_MANAGED_POLICY, policies=[_SSM_POLICY])
        self.launch_template = self._define_launch_template(cluster)
        self.auto_scaling_group = self._define_group(vpc)
        self._acknowledge()
        if specification.warm_pool:
            autoscaling.WarmPool(
                self,
                "WarmPool",
                auto_scaling_group=self.auto_scaling_group,
                pool_state=autoscaling.PoolState.STOPPED,
                min_size=specification.warm_pool.min_instances,
                max_group_prepared_capacity=specification.warm_pool.max_prepared_instances,
            )
        self.provider = self._define_provider()
        self.provider_name = self.provider.ref
        if specification.termination_protection:
            cdk.CfnOutput(
                self,
                "BeforeDeletion",
                value=_DELETION_INSTRUCTIONS.format(group=self.auto_scaling_group.auto_scaling_group_name),
                description=f"capacity {specification.name}: how to delete a group with protected instances",
            )

    def _define_group(self, vpc: ec2.IVpc) -> autoscaling.AutoScalingGroup:
        specification = self.specification
        mixed = specification.spot or specification.requirements or len(specification.instance_types) > 1
        return autoscaling.AutoScalingGroup(
            self,
            "Group",
            vpc=vpc,
            vpc_subnets=specification.vpc_subnets,
            min_capacity=specification.min_instances,
            max_capacity=specification.max_instances,
            launch_template=None if mixed else self.launch_template,
            mixed_instances_policy=_mixed_instances_policy(specification, self.launch_template) if mixed else None,
            capacity_rebalance=True if specification.spot else None,
            new_instances_protected_from_scale_in=specification.termination_protection,
            group_metrics=[autoscaling.GroupMetrics.all()],
            notifications=(
                [autoscaling.NotificationConfiguration(topic=specification.notifications)]
                if specification.notifications
                else None
            ),
            update_policy=autoscaling.UpdatePolicy.instance_refresh(
                strategy=autoscaling.InstanceRefreshStrategy.ROLLING,
                min_healthy_percentage=100,
                max_healthy_percentage=110,
                # CloudFormation would wait an hour for the protection to end, then fail. ECS drains the instances.
                scale_in_protected_instances=autoscaling.ScaleInProtectedInstances.REFRESH,
            ),
        )

    def _acknowledge(self) -> None:
        """Acknowledge the issues that policy rules report wrongly, and missing notifications if no topic is given."""
        group = self.auto_scaling_group
        for issue, reason in (
            (
                "imdsv2",
                "the launch template requires IMDSv2, but the policy rule does not read it in a mixed instances policy",
            ),
            (
                "ebs-encryption",
                "the launch template encrypts each volume, but the policy rule does not read it in a mixed instances "
                "policy",
            ),
            ("asg-az-literal", "the group has subnets in several zones, but the policy rule reads only literal zones"),
            ("asg-nitro", "the policy rule has a list of instance types that ends before the current generation"),
        ):
            acknowledge(group, issue, reason)
        if self.specification.notifications is None:
            acknowledge(group, "asg-notifications", "notifications= requires a topic, which only the user can define")

    def _define_launch_template(self, cluster: ecs.Cluster) -> ec2.LaunchTemplate:
        instance = self.specification.instance
        devices = {"/dev/sda1" if instance.ami._on_windows else "/dev/xvda": instance.volume_gib}
        if instance.ami.is_bottlerocket:
            devices = {"/dev/xvda": _BOTTLEROCKET_SYSTEM_GIB, "/dev/xvdb": instance.volume_gib}
        instance_types = self.specification.instance_types
        return ec2.LaunchTemplate(
            self,
            "LaunchTemplate",
            machine_image=ec2.MachineImage.from_ssm_parameter(
                instance.ami._parameter_for(self.specification.architecture, gpus=self.specification.has_gpus)
            ),
            instance_type=_instance_type(instance_types[0]) if instance_types else None,
            role=self.role,
            security_group=self.security_group,
            associate_public_ip_address=self.specification.assign_public_ip,
            user_data=ec2.UserData.custom(user_data_for(self.specification, cluster.cluster_name)),
            block_devices=[
                ec2.BlockDevice(
                    device_name=device,
                    volume=ec2.BlockDeviceVolume.ebs(size, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3),
                )
                for device, size in devices.items()
            ],
            http_tokens=ec2.LaunchTemplateHttpTokens.REQUIRED,
            http_put_response_hop_limit=1,
            detailed_monitoring=instance.detailed_monitoring,
        )

    def _define_provider(self) -> ecs.CfnCapacityProvider:
        scaling = self.specification.scaling
        protection = "ENABLED" if self.specification.termination_protection else "DISABLED"
        return ecs.CfnCapacityProvider(
            self,
            "Provider",
            name=_provider_name(self),
            auto_scaling_group_provider=ecs.CfnCapacityProvider.AutoScalingGroupProviderProperty(
                auto_scaling_group_arn=self.auto_scaling_group.auto_scaling_group_name,
                managed_scaling=ecs.CfnCapacityProvider.ManagedScalingProperty(
                    status="ENABLED",
                    target_capacity=scaling.target_percent,
                    maximum_scaling_step_size=scaling.maximum_scaling_step_size,
                    instance_warmup_period=scaling.instance_warmup,
                ),
                managed_draining="ENABLED",
                managed_termination_protection=protection,
            ),
        )


def _mixed_instances_policy(
    specification: InstanceGroupSpecification, template: ec2.LaunchTemplate
) -> autoscaling.MixedInstancesPolicy:
    prioritized = not specification.requirements
    return autoscaling.MixedInstancesPolicy(
        launch_template=template,
        launch_template_overrides=(
            [
                autoscaling.LaunchTemplateOverrides(
                    instance_requirements=_instance_requirements(specification.requirements)
                )
            ]
            if specification.requirements
            else [
                autoscaling.LaunchTemplateOverrides(instance_type=_instance_type(name))
                for name in specification.instance_types
            ]
        ),
        instances_distribution=autoscaling.InstancesDistribution(
            on_demand_base_capacity=specification.on_demand_base,
            on_demand_percentage_above_base_capacity=0 if specification.spot else 100,
            on_demand_allocation_strategy=(
                autoscaling.OnDemandAllocationStrategy.PRIORITIZED
                if prioritized
                else autoscaling.OnDemandAllocationStrategy.LOWEST_PRICE
            ),
            spot_allocation_strategy=autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
        ),
    )


def _instance_requirements(
    requirements: InstanceRequirements,
) -> autoscaling.CfnAutoScalingGroup.InstanceRequirementsProperty:
    properties = autoscaling.CfnAutoScalingGroup
    return properties.InstanceRequirementsProperty(
        v_cpu_count=properties.VCpuCountRequestProperty(min=requirements.vcpus[0], max=requirements.vcpus[1]),
        memory_mib=properties.MemoryMiBRequestProperty(min=requirements.memory_mib[0], max=requirements.memory_mib[1]),
        cpu_manufacturers=(
            ["amazon-web-services"] if requirements.architecture is Architecture.ARM64 else ["intel", "amd"]
        ),
        burstable_performance="included" if requirements.burstable else "excluded",
        bare_metal="excluded",
        instance_generations=["current"],
        accelerator_types=["gpu"] if requirements.gpus else None,
        accelerator_manufacturers=["nvidia"] if requirements.gpus else None,
        accelerator_count=properties.AcceleratorCountRequestProperty(
            min=requirements.gpus, max=None if requirements.gpus else 0
        ),
    )


def _provider_name(scope: Construct) -> str | None:
    """Return a provider name if the name from CloudFormation would begin with a reserved word, otherwise None."""
    stack_name = cdk.Stack.of(scope).stack_name
    if is_token(stack_name) or capacity_limits.PROVIDER_NAME.accepts(stack_name):
        return None
    return f"cp-{cdk.Names.unique_resource_name(scope, max_length=252, allowed_special_characters='-_')}"


@functools.cache
def _instance_type(name: str) -> ec2.InstanceType:
    return ec2.InstanceType(name)
