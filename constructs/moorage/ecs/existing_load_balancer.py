"""An application load balancer that exists already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2

from moorage.ecs.load_balancer import RequestEntrance
from moorage.ecs.values import stack_of
from moorage.workload import entrance_limits
from moorage.workload.faults import Faults, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2
    from constructs import Construct


@jsii.implements(ec2.IConnectable)
class ExistingLoadBalancer(RequestEntrance):
    """What `LoadBalancer.from_attributes` returns: a listener with its security group, for routes of services here.

    Rules, target groups and the rules between security groups stand in the stack of each service; nothing is defined
    here, and nothing of the load balancer itself changes.

    Args:
        scope: Where it is known.
        construct_id: Its id there.
        listener_arn: The listener that gets the rules of routes.
        security_group_id: That of the load balancer.
        vpc: Its VPC.
        https: Whether the listener is one of HTTPS.
        test_listener_arn: The listener on which rollouts that shift traffic show a new version first.

    Raises:
        ValueError: an ARN or id is of something else, or of another account or region.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        listener_arn: str,
        security_group_id: str,
        vpc: ec2.IVpc,
        https: bool,
        test_listener_arn: str | None,
    ) -> None:
        faults = Faults(lambda: f"{scope.node.path}/{construct_id}")
        faults.keep(entrance_limits.SECURITY_GROUP_ID, "security_group_id", security_group_id)
        for argument, arn in (("listener_arn", listener_arn), ("test_listener_arn", test_listener_arn)):
            faults.keep(entrance_limits.LISTENER_ARN, argument, arn)
        if not faults.found:
            _check_place(listener_arn, stack_of(scope), faults)
        if test_listener_arn is not None and test_listener_arn == listener_arn:
            faults.add(
                "test_listener_arn is that of listener_arn, so a new version would have all traffic before it is "
                "tested; name another listener of the load balancer, or leave it out"
            )
        faults.raise_found()

        super().__init__(scope, construct_id)
        self.vpc = vpc
        self.https = https
        self.listener_arn = listener_arn
        self.test_listener_arn = test_listener_arn
        self.security_group = ec2.SecurityGroup.from_security_group_id(
            self, "SecurityGroup", security_group_id, allow_all_outbound=False
        )

    @property
    def full_name(self) -> str:
        """What CloudWatch knows it by: `app/name/id`, from the ARN of its listener."""
        if not is_token(self.listener_arn):
            return "/".join(self.listener_arn.split("/")[1:4])
        parts = cdk.Fn.split("/", self.listener_arn)
        return cdk.Fn.join("/", [cdk.Fn.select(index, parts) for index in (1, 2, 3)])

    def listener_in(self, stack: cdk.Stack) -> elbv2.IApplicationListener:
        """The listener as services in `stack` see it."""
        return self._import(stack, "Listener", self.listener_arn)

    def test_listener_in(self, stack: cdk.Stack) -> elbv2.IApplicationListener | None:
        """The test listener as services in `stack` see it; None where there is none."""
        return self._import(stack, "TestListener", self.test_listener_arn) if self.test_listener_arn else None


def _check_place(arn: str, stack: cdk.Stack, faults: Faults) -> None:
    """Note a listener of another account or region: no policy of Elastic Load Balancing's lets another account in."""
    if is_token(arn):
        return
    region, account = arn.split(":")[3:5]
    for what, theirs, ours in (("account", account, stack.account), ("region", region, stack.region)):
        if not is_token(ours) and theirs != ours:
            faults.add(
                f"listener_arn is of {what} {theirs}, but rules and target groups stand where their load balancer "
                f"does, and this stack is of {ours}; use a load balancer of that {what}, or define the service in "
                f"{what} {theirs}"
            )
