"""A service that other VPCs and accounts reach through VPC Lattice, one of them with signed requests."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_vpclattice as vpclattice

from moorage import Cluster, Container, Lattice, Network, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
orders = Service(
    stack,
    "Orders",
    cluster=Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"])),
    lattice=Lattice("pl-0a1b2c3d", health="/"),  # replace by the ID of com.amazonaws.<region>.vpc-lattice
)

(group,) = orders.lattice_target_groups
network = vpclattice.CfnServiceNetwork(stack, "Lattice", auth_type="NONE")
published = vpclattice.CfnService(stack, "Published", auth_type="AWS_IAM")
shop_front = iam.PolicyStatement(
    principals=[iam.AccountPrincipal("222222222222")], actions=["vpc-lattice-svcs:Invoke"], resources=["*"]
)
allowed = iam.PolicyDocument(statements=[shop_front])
vpclattice.CfnAuthPolicy(stack, "Allowed", resource_identifier=published.attr_id, policy=allowed)
to_orders = vpclattice.CfnListener.ForwardProperty(
    target_groups=[vpclattice.CfnListener.WeightedTargetGroupProperty(target_group_identifier=group.attr_id)]
)
vpclattice.CfnListener(
    stack,
    "Https",
    service_identifier=published.attr_id,
    protocol="HTTPS",
    default_action=vpclattice.CfnListener.DefaultActionProperty(forward=to_orders),
)
vpclattice.CfnServiceNetworkServiceAssociation(
    stack, "Association", service_identifier=published.attr_id, service_network_identifier=network.attr_id
)
app.synth()
