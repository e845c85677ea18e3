"""A gateway, with which ECS manages load balancers, certificates and host names for the services of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.ecs.cdk_values import define_security_group, ecs_principal, select_subnet_ids, stack_of, tcp
from moorage.ecs.identity import Identity
from moorage.ecs.load_balancing.access_logs import APPLICATION_LOG_WRITER, define_log_bucket
from moorage.ecs.load_balancing.load_balancer_plan import LoadBalancerPlan
from moorage.ecs.load_balancing.shared_load_balancer import IPV4
from moorage.ecs.network.network import keep_vpc_exported
from moorage.scope.acknowledgements import AWS_MANAGED_POLICY, acknowledge
from moorage.scope.claimed_names import exists
from moorage.scope.exports import keep_exported
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import are_different_vpcs, check_place, place_of, stage_path
from moorage.workload import load_balancing_limits
from moorage.workload.door import door
from moorage.workload.errors import ValidationError

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_wafv2 as wafv2

    from moorage.workload.problems import Problems

_POLICY = "AmazonECSInfrastructureRoleForGatewayHostSharedALB"
"""The managed policy for the role of a gateway (ECS developer guide, "Create and manage an Amazon ECS Gateway")."""
_PORT = 443
"""The only port of a gateway, with HTTPS (ECS API reference, HostSharedAlbConfiguration)."""
_MAX_NAME_LENGTH = 255

_gateways: PerConstruct[ecs.ICluster, list[Gateway]] = PerConstruct()
"""The gateways of each cluster."""


@attrs.frozen(kw_only=True, eq=False)
class _Plan(LoadBalancerPlan):
    """The arguments of a gateway, which are checked together."""

    subnet_limit = load_balancing_limits.GATEWAY_SUBNETS
    clusters: tuple[ecs.ICluster, ...]
    web_acl: str | wafv2.CfnWebACL | None
    infrastructure_role: iam.IRole | None

    def check(self, problems: Problems) -> None:
        """Check all arguments."""
        super().check(problems)
        problems.check(load_balancing_limits.GATEWAY_REGION, "the region of the stack", place_of(self.scope)[1])
        check_place(problems, "infrastructure_role", self.infrastructure_role, self.scope, across_regions=True)
        for index, cluster in enumerate(self.clusters):
            check_place(problems, "clusters", cluster, self.scope)
            if cluster in self.clusters[:index]:
                problems.add(
                    f"clusters must be unique (got {cluster.node.path} more than once); pass each cluster once"
                )
            if are_different_vpcs(cluster.vpc, self.vpc):
                problems.add(
                    f"clusters must be in one VPC (got {cluster.node.path} in another VPC than "
                    f"{self.clusters[0].node.path}), since a gateway serves only services in its own VPC; define a "
                    "Gateway for each VPC"
                )
            others = [each for each in _gateways.get(cluster) or () if exists(each)]
            argument = f"the number of gateways of cluster {cluster.node.path}"
            problems.check(load_balancing_limits.GATEWAYS, argument, len(others) + 1)
        if self.web_acl is not None:
            from moorage.ecs.load_balancing.web_acl import check_web_acl  # noqa: PLC0415  # loads aws_cdk.aws_wafv2

            check_web_acl(self.web_acl, self.scope, problems)


@door
@jsii.implements(ec2.IConnectable)
class Gateway(Construct):
    """An Amazon ECS Gateway: HTTPS for the services of clusters, with load balancers that ECS defines and manages.

    ECS creates the first load balancer when the first service connects, and gives each service a host name with a
    certificate. The template contains no load balancer. CloudFormation does not return the host names: `aws ecs
    list-gateway-routes` and the console of ECS show them.

    A change of `public`, `vpc_subnets` or `ip_address_type` would replace the gateway, and CloudFormation refuses this,
    since the name is in use. Define a second gateway, move the services, then remove the first.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        clusters: ecs.ICluster | Sequence[ecs.ICluster],
        public: bool = False,
        ingress: Sequence[ec2.IPeer] | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        web_acl: str | wafv2.CfnWebACL | None = None,
        ip_address_type: elbv2.IpAddressType = IPV4,
        infrastructure_role: iam.IRole | None = None,
        access_logs: bool = True,
        deletion_protection: bool = True,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        auto_delete_objects: bool = False,
    ) -> None:
        """Define an ECS Gateway: HTTPS for the services of clusters, with load balancers that ECS manages.

        By default, only clients in the VPC can connect, access is logged, and deletion protection is on.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            clusters: The clusters whose services may connect, all in one VPC. A cluster can have 5 gateways.
            public: Whether to make the gateway reachable from the internet. Default: False, for clients in the VPC.
            ingress: The peers that may connect to port 443. An empty list allows nobody. Default: everyone if
                `public`, otherwise the addresses of the VPC.
            vpc_subnets: The subnets of the load balancers, at least two, in all zones of the services. Default: the
                public subnets if `public`, otherwise the private subnets.
            web_acl: A web ACL of AWS WAF with the scope REGIONAL in the region of the gateway, by its ARN or as a
                `CfnWebACL`. AWS charges for web ACLs. Default: none.
            ip_address_type: The IP address type of the load balancers. Every type but `IPV4` needs subnets with IPv6,
                as in `Network(ipv6=True)`. Default: `IPV4`.
            infrastructure_role: The role with which ECS manages load balancers, security groups and certificates.
                Default: a new role with the managed policy `AmazonECSInfrastructureRoleForGatewayHostSharedALB`.
            access_logs: Whether to keep access logs for a year in a separate bucket. Default: True.
            deletion_protection: Whether to protect the gateway from deletion, even when a first deployment fails and is
                rolled back. To delete it, deploy `deletion_protection=False` first, or turn the protection off with
                `aws ecs update-gateway --no-deletion-protection`. Default: True.
            removal_policy: The removal policy of the log bucket. Default: `RETAIN`.
            auto_delete_objects: Whether to empty the log bucket when the bucket is deleted. CDK adds a custom resource.
                `RemovalPolicy.DESTROY` requires True. Default: False.

        Raises:
            ValueError: If there is no cluster, or an argument is outside its limits. The error lists all problems.
        """
        given = tuple(clusters) if isinstance(clusters, Sequence) else (clusters,)
        if not given:
            raise ValidationError(
                f"{scope.node.path}/{construct_id}: clusters must not be empty (got []); pass a Cluster"
            )
        plan = _Plan(
            scope=scope,
            vpc=given[0].vpc,
            clusters=given,
            public=public,
            certificate=None,
            ingress=ingress,
            vpc_subnets=vpc_subnets,
            web_acl=web_acl,
            ip_address_type=ip_address_type,
            infrastructure_role=infrastructure_role,
            zonal_shift=False,
            deletion_protection=deletion_protection,
            access_logs=access_logs,
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        plan.raise_problems(construct_id)

        super().__init__(scope, construct_id)
        self.vpc = plan.vpc
        self._public = public
        self._subnets = plan.known_subnets
        identity = Identity.in_scope(scope, construct_id)
        self.security_group = define_security_group(self, self.vpc, identity.path)
        self._allow_clients(plan)
        self.infrastructure_role = infrastructure_role or self._define_role()
        self.log_bucket: s3.Bucket | None = None
        self.gateway_name = _name(self, identity)
        self.gateway = self._define_gateway(plan)
        self.gateway_arn = self.gateway.get_att("Arn").to_string()
        self._associations = {cluster: self._associate(cluster) for cluster in plan.clusters}
        keep_exported(self, [self.security_group.security_group_id])
        keep_vpc_exported(self.vpc, stack_of(scope))

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the load balancers, to allow traffic to them."""
        return self.security_group.connections

    def _association_with(self, cluster: ecs.ICluster) -> cdk.CfnResource | None:
        """Return the association with a cluster, or None. Two imports of a cluster have the same name."""
        if cluster in self._associations:
            return self._associations[cluster]
        name = cluster.cluster_name
        return next((found for each, found in self._associations.items() if each.cluster_name == name), None)

    @property
    def _access_type(self) -> str:
        """The access type by which a connector selects the gateway."""
        return "PUBLIC" if self._public else "PRIVATE"

    def _define_role(self) -> iam.Role:
        policy = iam.ManagedPolicy.from_aws_managed_policy_name(_POLICY)
        role = iam.Role(self, "InfrastructureRole", assumed_by=ecs_principal(), managed_policies=[policy])
        acknowledge(role, *AWS_MANAGED_POLICY, policies=[_POLICY])
        return role

    def _allow_clients(self, plan: _Plan) -> None:
        for client in plan.clients:
            self.security_group.add_ingress_rule(client, tcp(_PORT), f"Clients on port {_PORT}")
        rules = [(client, "tcp", _PORT) for client in plan.clients]
        reason = "the user chooses the clients of the gateway with public= and ingress="
        acknowledge(self.security_group, "alb-public", reason, rules=rules)
        reason = (
            "only the port of the gateway is open; the policy rule cannot evaluate the CIDR block of a VPC that is not "
            "yet deployed"
        )
        acknowledge(self.security_group, "open-ports", reason, rules=rules)

    def _define_gateway(self, plan: _Plan) -> cdk.CfnResource:
        configuration: dict[str, Any] = {
            "Scheme": "internet-facing" if plan.public else "internal",
            "HttpDesync": "defensive",
            "NetworkConfiguration": {
                "Subnets": select_subnet_ids(plan.vpc, plan.known_subnets),
                "InboundSecurityGroup": self.security_group.security_group_id,
                "IpAddressType": _ADDRESS_TYPES[plan.ip_address_type],
            },
        }
        if plan.web_acl is not None:
            arn = plan.web_acl if isinstance(plan.web_acl, str) else plan.web_acl.attr_arn
            configuration["WebACLArn"] = arn
        first = None
        if plan.access_logs:
            self.log_bucket, policy = define_log_bucket(
                self, APPLICATION_LOG_WRITER, plan.removal_policy, auto_delete_objects=plan.auto_delete_objects
            )
            configuration["AccessLogs"] = {"Destination": {"S3": {"Bucket": self.log_bucket.bucket_name}}}
            first = self.log_bucket if plan.auto_delete_objects else policy  # as for a LoadBalancer
        gateway = cdk.CfnResource(
            self,
            "Default",
            type="AWS::ECS::Gateway",
            properties={
                "GatewayName": self.gateway_name,
                "InfrastructureRoleArn": self.infrastructure_role.role_arn,
                "Configuration": {"HostSharedAlb": configuration},
                "DeletionProtection": plan.deletion_protection,
                "PropagateTags": "GATEWAY",
            },
        )
        gateway.node.add_dependency(*filter(None, (first, self.infrastructure_role)))
        acknowledge_new_type(gateway)
        return gateway

    def _associate(self, cluster: ecs.ICluster) -> cdk.CfnResource:
        _gateways.get_or_make(cluster, list).append(self)
        path = cluster.node.path.removeprefix(f"{stage_path(self)}/").replace("/", "--")
        association = cdk.CfnResource(
            self,
            f"Cluster {path}",
            type="AWS::ECS::GatewayClusterAssociations",
            properties={"Gateway": self.gateway_arn, "Cluster": cluster.cluster_arn},
        )
        acknowledge_new_type(association)
        return association


_ADDRESS_TYPES = {
    elbv2.IpAddressType.IPV4: "ipv4",
    elbv2.IpAddressType.DUAL_STACK: "dualstack",
    elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4: "dualstack-without-public-ipv4",
}
"""The names of address types (CFN AWS::ECS::Gateway `IpAddressType`)."""


def acknowledge_new_type(resource: cdk.CfnResource, rule: str = "F3006") -> None:
    """Acknowledge what CDK's validation does not know yet, which `cdk init` makes an error (aws-cdk-lib 2.275).

    Args:
        resource: The resource.
        rule: The rule of the validation: F3006 for an unknown type, F3002 for an unknown property. Default: F3006.
    """
    cdk.Validations.of(resource).acknowledge(
        cdk.Acknowledgment(
            id=f"CloudFormation-Validate::{rule}",
            reason="Amazon ECS Gateway is newer than the schemas in this release of aws-cdk-lib",
        )
    )


def _name(gateway: Gateway, identity: Identity) -> str:
    """Return the name, which is required: letters, digits and hyphens, with the name of the stack."""
    name = identity.unique_name(_MAX_NAME_LENGTH)
    if name is not None:
        return name.replace("_", "-")
    return cdk.Names.unique_resource_name(gateway, max_length=_MAX_NAME_LENGTH, separator="-")
