"""An ECS service in a template: its copies, its Availability Zones and the estimate of a deployment."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack, mapping
from moorage.assembly.values import Place
from moorage.review.template.side import Scope, Side
from moorage.workload.estimate import NO_HEALTH_CHECK_SECONDS, Estimate, Pace, replacement

SERVICE = "AWS::ECS::Service"
SCALABLE_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
SCALING_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
STARTS_DEPLOYMENT = {
    "ForceNewDeployment",
    "LoadBalancers",
    "NetworkConfiguration",
    "PlatformVersion",
    "ServiceConnectConfiguration",
    "ServiceRegistries",
    "TaskDefinition",
    "VolumeConfigurations",
    "VpcLatticeConfigurations",
}
"""The properties whose change starts a deployment (ECS API reference, UpdateService; a test reads botocore's copy)."""
_STRATEGIES = {"BLUE_GREEN": "blue/green", "LINEAR": "linear", "CANARY": "canary"}
_ALL = 100
_TARGET_INTERVAL = 30
_DRAIN = 300
"""Elastic Load Balancing's defaults of `HealthCheckIntervalSeconds` and `deregistration_delay.timeout_seconds` (API
reference, CreateTargetGroup and TargetGroupAttribute)."""
_CHECK_INTERVAL = 30
"""The default interval of a container's health check, in seconds (ECS API reference, HealthCheck)."""


_ENTRANCES = ("LoadBalancers", "ServiceRegistries", "VpcLatticeConfigurations")
"""The properties through which clients reach a service."""


@attrs.frozen(eq=False)
class Service:
    """An ECS service of a template.

    Args:
        app: The stacks of the assembly that contains the service.
        stack: The stack of the service.
        resource: The `AWS::ECS::Service` resource.
    """

    app: Side
    stack: Stack
    resource: Resource

    @functools.cached_property
    def copies(self) -> int | None:
        """The smallest number of copies: the minimum capacity of the scaling, or else the desired count.

        None if the service is a daemon service, or if the number is not known. A service without a desired count starts
        with one copy (CloudFormation template reference, `DesiredCount`).
        """
        if self.target:
            return _number(self.target.properties.get("MinCapacity"))
        if self.resource.properties.get("SchedulingStrategy") == "DAEMON":
            return None
        return _number(self.resource.properties.get("DesiredCount", 1))

    @property
    def most_copies(self) -> int | None:
        """The largest number of copies: the maximum capacity of the scaling, or else `copies`."""
        return _number(self.target.properties.get("MaxCapacity")) if self.target else self.copies

    @property
    def has_clients(self) -> bool:
        """True if the service is behind a load balancer, VPC Lattice or a name, so that others can call it."""
        connect = mapping(self.resource.properties.get("ServiceConnectConfiguration"))
        return bool(connect.get("Services")) or any(self.resource.properties.get(name) for name in _ENTRANCES)

    @functools.cached_property
    def target(self) -> Resource | None:
        """The scalable target of the service; None if the stack has none."""
        return next(self._referring(SCALABLE_TARGET, self.resource), None)

    @functools.cached_property
    def has_scaling_rules(self) -> bool:
        """True if a scaling policy or a scheduled action of the stack changes the number of copies."""
        if self.target is None:
            return False
        has_policy = next(self._referring(SCALING_POLICY, self.target, self.resource), None) is not None
        return has_policy or bool(self.target.properties.get("ScheduledActions"))

    @functools.cached_property
    def zones(self) -> int | None:
        """The number of Availability Zones of the tasks; None if the template does not list the subnets.

        A subnet whose zone is not known counts as another zone.
        """
        network = mapping(mapping(self.resource.properties.get("NetworkConfiguration")).get("AwsvpcConfiguration"))
        subnets = network.get("Subnets")
        if not isinstance(subnets, list) or not subnets:
            return None
        zones = set()
        for value in subnets:
            subnet = self._scope.resource(value)
            zone = subnet[1].properties.get("AvailabilityZone") if subnet else None
            zones.add(subnet[0].text(zone) if subnet and zone is not None else self._scope.text(value))
        return len(zones)

    @property
    def task(self) -> Resource | None:
        """The task definition; None if it is not in the same assembly."""
        return self._referred(self.resource.properties.get("TaskDefinition"))

    @property
    def controller(self) -> str:
        """The deployment controller: ECS (the default), CODE_DEPLOY or EXTERNAL."""
        return str(mapping(self.resource.properties.get("DeploymentController")).get("Type", "ECS"))

    @property
    def kind(self) -> str:
        """The deployment strategy in words, such as `blue/green`."""
        return _STRATEGIES.get(str(self._deployment.get("Strategy")), "rolling")

    @property
    def left_without_a_zone(self) -> int | None:
        """The number of copies that remain if the zone with the most copies is lost; None if it is not known."""
        if self.copies is None or not self.zones:
            return None
        return self.copies - math.ceil(self.copies / self.zones)

    @property
    def keeps_all(self) -> bool:
        """True if a deployment stops no task before a new one runs, whatever the number of copies is."""
        by_default = 0 if self.resource.properties.get("SchedulingStrategy") == "DAEMON" else _ALL
        return self._percent("MinimumHealthyPercent", by_default) >= _ALL

    def estimate(self) -> Estimate | None:
        """Return the estimate of a deployment of `copies` tasks; None if the deployment cannot make progress."""
        return replacement(
            self.copies or 0,
            zones=self.zones or 1,
            pace=self._pace,
            minimum_healthy_percent=self._percent("MinimumHealthyPercent", 100),
            maximum_percent=self._percent("MaximumPercent", 200),
            shift_seconds=self._shift_seconds,
            final_bake=60 * (_number(self._deployment.get("BakeTimeInMinutes")) or 0),
        )

    @functools.cached_property
    def _scope(self) -> Scope:
        return self.app.scope(self.stack)

    def _referring(self, type_: str, *resources: Resource) -> Iterator[Resource]:
        """Yield the resources of a type in the stack that refer to one of some resources of the stack."""
        places = {Place(self._scope.place, each.logical_id) for each in resources}
        for each in self.stack.resources:
            if each.type == type_ and not places.isdisjoint(self._scope.referenced(each.properties)):
                yield each

    def _referred(self, value: Any) -> Resource | None:
        found = self._scope.resource(value)
        return found[1] if found else None

    @property
    def _deployment(self) -> Mapping[str, Any]:
        return mapping(self.resource.properties.get("DeploymentConfiguration"))

    def _percent(self, name: str, by_default: int) -> int:
        found = _number(self._deployment.get(name, by_default))
        return by_default if found is None else found

    @property
    def _shift_seconds(self) -> int | None:
        """The seconds in which the strategy shifts traffic; 0 for blue/green, None for a rolling deployment.

        Source: ECS API reference, LinearConfiguration and CanaryConfiguration.
        """
        strategy = self._deployment.get("Strategy")
        canary, linear = (mapping(self._deployment.get(f"{name}Configuration")) for name in ("Canary", "Linear"))
        if strategy == "CANARY":
            return 60 * (_number(canary.get("CanaryBakeTimeInMinutes")) or 0)
        if strategy == "LINEAR":
            steps = math.ceil(100 / (_number(linear.get("StepPercent")) or 100))
            return 60 * (steps - 1) * (_number(linear.get("StepBakeTimeInMinutes")) or 0)
        return 0 if strategy == "BLUE_GREEN" else None

    @property
    def _pace(self) -> Pace:
        groups = list(self._target_groups())
        intervals = [_number(group.properties.get("HealthCheckIntervalSeconds", _TARGET_INTERVAL)) for group in groups]
        known = [interval for interval in intervals or self._container_intervals() if interval is not None]
        return Pace(
            check_interval=max(known, default=NO_HEALTH_CHECK_SECONDS),
            drain=max((_drain(group) for group in groups), default=0),
        )

    def _target_groups(self) -> Iterator[Resource]:
        balancers = self.resource.properties.get("LoadBalancers")
        for balancer in balancers if isinstance(balancers, list) else ():
            group = self._referred(mapping(balancer).get("TargetGroupArn"))
            if group:
                yield group

    def _container_intervals(self) -> Sequence[int | None]:
        containers = self.task.properties.get("ContainerDefinitions") if self.task else None
        checks = [
            mapping(container).get("HealthCheck") for container in containers or [] if isinstance(containers, list)
        ]
        return [_number(check.get("Interval", _CHECK_INTERVAL)) for check in checks if isinstance(check, Mapping)]


def _drain(group: Resource) -> int:
    attributes = group.properties.get("TargetGroupAttributes")
    for attribute in attributes if isinstance(attributes, list) else ():
        if mapping(attribute).get("Key") == "deregistration_delay.timeout_seconds":
            found = _number(attribute.get("Value"))
            return _DRAIN if found is None else found
    return _DRAIN


def _number(value: Any) -> int | None:
    """Return a number or a text with an integer as an integer; None for any other value."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
