"""Interruptions that a client sees: deployments of ECS services, fewer copies, and resources that are replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import Place, is_function
from moorage.review.capacity import less_capacity
from moorage.review.comparison import KEPT, Comparison, Replacement, ResourceChange, StackChange
from moorage.review.data import is_member
from moorage.review.ecs_services import SERVICE, STARTS_DEPLOYMENT, Service
from moorage.review.finding import Finding, Kind
from moorage.review.instances import replaced_instances
from moorage.review.nouns import changing, named, shortened
from moorage.review.removed import removed
from moorage.review.renamed import moved, renames
from moorage.review.rerouted import rerouted
from moorage.review.scaling import changed_copies, copies_text, zone_clause
from moorage.review.template.side import Side
from moorage.workload.estimate import duration_text

RULES: Mapping[str, str] = {
    "interrupted/service-removed": "An ECS service is removed.",
    "interrupted/service-replaced": "An ECS service is replaced by a new one.",
    "interrupted/no-copies": "An ECS service may run no copies.",
    "interrupted/stuck": "A deployment of an ECS service can make no progress.",
    "interrupted/removed": "A resource that clients or tasks use is removed.",
    "interrupted/replaced": "A resource that clients or tasks use is replaced.",
    "interrupted/moved": "A resource that clients or tasks use gets another logical ID, so that a new one replaces it.",
    "interrupted/address": "A port, a protocol or a DNS name that clients use changes.",
    "interrupted/rerouted": "A listener sends requests to other targets, or answers them itself.",
    "interrupted/disabled": "A resource that clients or tasks use is turned off.",
    "interrupted/secret": "A secret gets another generated value.",
    "interrupted/instances": "An Auto Scaling group replaces its instances in batches.",
    "interrupted/scaling": "An ECS service no longer scales, and may run fewer copies than its former maximum.",
    "interrupted/maximum": "A lower maximum can stop tasks or instances.",
    "interrupted/spot": "A service runs only on Fargate Spot.",
    "interrupted/restarted": "A resource is restarted in place.",
    "interrupted/fewer-copies": "An ECS service keeps fewer copies.",
    "interrupted/deployment": "An ECS service replaces its tasks, and fewer of them run meanwhile.",
    "deployed/service": "An ECS service replaces its tasks, and all copies keep running.",
    "deployed/scaling": "An ECS service scales now, has other limits, or always keeps its former maximum.",
}
_SEEN: Mapping[str, str] = {
    "AWS::ApiGateway::RestApi": "its URL changes, and clients of the old URL fail",
    "AWS::ApiGatewayV2::Api": "its URL changes, and clients of the old URL fail",
    "AWS::AutoScaling::AutoScalingGroup": "the instances of the old one are terminated with the tasks on them",
    "AWS::CloudFront::Distribution": "its domain name changes, and clients of the old name fail",
    "AWS::EC2::EIP": "traffic leaves from another public address, which allow lists do not know",
    "AWS::EC2::Instance": "the old instance is terminated, by default with its root volume",
    "AWS::EC2::NatGateway": "connections through the old one are cut",
    "AWS::EC2::SecurityGroup": "its ID changes, and resources outside of the app that refer to the old ID lose access",
    "AWS::EC2::Subnet": "the resources in the old subnet have to move",
    "AWS::EC2::VPC": "all resources in the old VPC have to move",
    "AWS::ECS::CapacityProvider": "programs that start tasks with the old one have to use the new one",
    "AWS::ECS::Cluster": "its services and tasks have to move",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "its DNS name changes, and clients of the old name fail",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "the new one is empty until its targets are healthy",
    "AWS::Lambda::Url": "its URL changes, and clients of the old URL fail",
    "AWS::Route53::HostedZone": "its name servers change, and the names in the old one are no longer found",
    "AWS::SNS::Topic": "its ARN changes, and publishers and subscribers outside of the app have to use the new one",
    "AWS::StepFunctions::StateMachine": "its ARN changes, and clients outside of the app have to use the new one",
    "AWS::ServiceDiscovery::HttpNamespace": "its names are not found until the services are in the new one",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "its names are not found until the services are in the new one",
}
"""The consequence of a replacement for a client, by type."""
_INSIDE = {"AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::ElasticLoadBalancingV2::TargetGroup"}
"""The types that usually move with the construct that they belong to, whose consequences are enough."""
_SUBSCRIPTION, _CONFIRMED = "AWS::SNS::Subscription", {"email", "email-json"}
"""A subscription, and the protocols for which a person must confirm it (SNS API reference, Subscribe)."""
_RESTARTS: Mapping[str, frozenset[str]] = {
    "AWS::EC2::Instance": frozenset({"InstanceType", "EbsOptimized"}),
    "AWS::RDS::DBCluster": frozenset({"EngineVersion"}),
    "AWS::RDS::DBInstance": frozenset({"DBInstanceClass", "EngineVersion"}),
}
"""The properties whose update in place interrupts a resource (CloudFormation template reference, "Update requires: Some
interruptions"; RDS API reference, ModifyDBCluster: another `EngineVersion` "results in an outage")."""
_OFF: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "AWS::ApiGateway::RestApi": (
        ("DisableExecuteApiEndpoint",),
        "true",
        "turns off its default endpoint: clients of its URL fail",
    ),
    "AWS::ApiGatewayV2::Api": (
        ("DisableExecuteApiEndpoint",),
        "true",
        "turns off its default endpoint: clients of its URL fail",
    ),
    "AWS::CloudFront::Distribution": (("DistributionConfig", "Enabled"), "false", "is turned off: its clients fail"),
    "AWS::Events::Rule": (("State",), "DISABLED", "is turned off: its targets get no more events"),
    "AWS::KMS::Key": (("Enabled",), "false", "is turned off: what it encrypts can be neither read nor written"),
    "AWS::Lambda::EventSourceMapping": (("Enabled",), "false", "is turned off: its function gets no more events"),
    "AWS::Lambda::Function": (
        ("ReservedConcurrentExecutions",),
        "0",
        "is turned off: Lambda refuses all its invocations",
    ),
    "AWS::Scheduler::Schedule": (("State",), "DISABLED", "is turned off: its target is no longer called"),
}
"""The property that turns a type off, the value, and the consequence (CloudFormation template reference)."""
_SECRET, _GENERATED = "AWS::SecretsManager::Secret", "GenerateSecretString"
"""A secret, and its property for which a change creates a version with a new value (CloudFormation template
reference)."""
_MANY_DETAILS = 4


def interrupted(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each interruption, the most serious first.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    order = list(RULES)
    found = [
        *_Interruptions(comparison).all(),
        *removed(comparison),
        *rerouted(comparison),
        *less_capacity(comparison),
        *replaced_instances(comparison),
    ]
    yield from sorted(found, key=lambda finding: order.index(finding.rule))


@attrs.define(eq=False)
class _Interruptions:
    comparison: Comparison
    base: Side = attrs.field(init=False)
    head: Side = attrs.field(init=False)
    renamed: set[int] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.base, self.head = (Side.of(self.comparison, base=base) for base in (True, False))
        self.renamed = moved(self.comparison)

    def all(self) -> Iterator[Finding]:
        for change in self.comparison.changes:
            if change.before and change.after and change.type == change.before.type != SERVICE:
                yield from self._other(change)
        for stack in self.comparison.stacks:
            for change in _services(stack):
                yield from self._service(change)
        for rename in renames(self.comparison):
            for change, _ in rename.pairs:
                yield from self._moved(change)

    def _moved(self, change: ResourceChange) -> Iterator[Finding]:
        """Yield the finding for a resource that gets another logical ID, unless the old resource is kept."""
        resource = change.resource
        if resource.definition.get("DeletionPolicy") in KEPT:
            return
        consequence = None if resource.type in _INSIDE else _consequence(resource)
        if consequence:
            sentence = f"The {named(resource)} is replaced because it gets another logical ID: {consequence}."
            yield self._finding("moved", change, sentence)

    def _service(self, change: ResourceChange) -> Iterator[Finding]:
        before, after = self._sides(change)
        if before is None or id(change) in self.renamed:
            return
        if after is None:
            lost = "its clients get no more responses" if before.has_clients else "nothing does its work any more"
            sentence = f"The {named(before.resource)} is removed{_with_copies(before)}: {lost}."
            yield self._finding("service-removed", change, sentence)
            return
        if change.replacement is not Replacement.NO:
            sentence = (
                f"The {named(after.resource)} {change.replaced}: a second service starts, and the old one stops "
                "with its tasks."
            )
            yield self._finding("service-replaced", change, sentence)
        else:
            yield from self._deployed(change, before, after)
        yield from changed_copies(change, before, after)

    def _deployed(self, change: ResourceChange, before: Service, after: Service) -> Iterator[Finding]:
        """Yield the finding for a deployment that the update starts, including one that cannot make progress."""
        causes = sorted(_changed(change) & STARTS_DEPLOYMENT)
        causes = causes or sorted(set(self._replaced_references(change)) & STARTS_DEPLOYMENT)
        if after.copies == 0:
            return
        if not causes:
            yield from self._next_deployment(change, before, after)
            return
        subject = f"The {named(after.resource)} replaces its tasks in a {after.kind} deployment"
        if after.controller != "ECS":  # it shifts traffic to new tasks
            sentence = f"{subject} of the controller {after.controller}, since {changing(causes)}."
            yield self._deployment(change, sentence, self._task_changes(change, after), keeps=True)
            return
        if after.copies is None:
            keeps = after.keeps_all
            yield self._deployment(change, f"{subject}.", self._task_changes(change, after), keeps=keeps)
            return
        estimate = after.estimate()
        if estimate is None:
            yield self._stuck(change, after, "The deployment")
            return
        zones = zone_clause(before, after) if before.zones != after.zones else ""
        sentence = (
            f"{subject}: {copies_text(estimate.copies)} in an estimated {duration_text(estimate.seconds)}, with at "
            f"least {estimate.least_healthy} healthy{zones}."
        )
        details = (
            *self._task_changes(change, after),
            "The estimate assumes 60 s from the start of a task to its response.",
        )
        yield self._deployment(change, sentence, details, keeps=estimate.least_healthy >= estimate.copies)

    def _deployment(self, change: ResourceChange, sentence: str, details: tuple[str, ...], *, keeps: bool) -> Finding:
        kind, rule = (Kind.DEPLOYED, "deployed/service") if keeps else (Kind.INTERRUPTED, "interrupted/deployment")
        return Finding(kind, rule, change.stack.path, change.resource, sentence, details)

    def _next_deployment(self, change: ResourceChange, before: Service, after: Service) -> Iterator[Finding]:
        """Yield the finding for a configuration with which later deployments keep fewer copies, or are stuck."""
        if _can_deploy(before) and not _can_deploy(after):
            yield self._stuck(change, after, "The next deployment")
        if before.copies is None or before.copies != after.copies or {before.controller, after.controller} != {"ECS"}:
            return
        old, new = before.estimate(), after.estimate()
        if old and new and new.least_healthy < old.least_healthy:
            sentence = (
                f"The next deployment of the {named(after.resource)} keeps at least {new.least_healthy} of "
                f"{copies_text(new.copies)} healthy (before: {old.least_healthy})."
            )
            yield self._finding("fewer-copies", change, sentence)

    def _stuck(self, change: ResourceChange, after: Service, which: str) -> Finding:
        sentence = (
            f"{which} of the {named(after.resource)} cannot make progress: with its {copies_text(after.copies or 0)}, "
            "ECS may neither start a new one nor stop an old one."
        )
        return self._finding("stuck", change, sentence, ("Increase MaximumPercent, or lower MinimumHealthyPercent.",))

    def _replaced_references(self, change: ResourceChange) -> Iterator[str]:
        """Yield the properties of a service that refer to resources that the update replaces."""
        if change.after is None or change.stack.after is None:
            return
        scope = self.head.scope(change.stack.after)
        replaced = {
            Place(scope.place, each.logical_id)
            for each in change.stack.changes
            if each.replacement is Replacement.YES and each.before and each.after
        }
        for name, value in change.after.properties.items():
            if replaced.intersection(scope.referenced(value)):
                yield name

    def _task_changes(self, change: ResourceChange, after: Service) -> tuple[str, ...]:
        """Return a line with the properties of the task definition that change; empty if nothing changes."""
        task = after.task
        changed = next(
            (each for each in change.stack.changes if task and each.logical_id == task.logical_id and each.before), None
        )
        if changed is None:
            return ()
        parts = [".".join(part for part in each.path if not part.isdigit()) for each in changed.properties]
        listed = list(dict.fromkeys(parts))
        return (f"Its task definition changes: {shortened(listed, _MANY_DETAILS)}.",) if listed else ()

    def _other(self, change: ResourceChange) -> Iterator[Finding]:
        resource = change.resource
        restarted = sorted(_changed(change) & _RESTARTS.get(resource.type, frozenset()))
        consequence = _consequence(resource)
        if change.replacement is not Replacement.NO and consequence:
            in_place = "" if change.replacement is Replacement.YES or not restarted else ", or else it is restarted"
            sentence = f"The {named(resource)} {change.replaced}: {consequence}{in_place}."
            yield self._finding("replaced", change, sentence)
        elif change.replacement is Replacement.NO and restarted:
            sentence = f"The {named(resource)} is restarted, since {changing(restarted)}."
            yield self._finding("restarted", change, sentence)
        generated = [side and side.properties.get(_GENERATED) for side in (change.before, change.after)]
        if resource.type == _SECRET and all(generated) and _GENERATED in _changed(change):
            sentence = f"The {named(resource)} gets another generated value, since {_GENERATED} changes"
            end = "programs and databases that have the old one may refuse it"
            yield self._finding("secret", change, f"{sentence}: {end}.")
        if resource.type in _OFF:
            path, off, consequence = _OFF[resource.type]
            old, new = (_at(side, path) for side in (change.before, change.after))
            if old is not None and new == off.lower() != old:
                yield self._finding("disabled", change, f"The {named(resource)} {consequence}.")

    def _sides(self, change: ResourceChange) -> tuple[Service | None, Service | None]:
        before = (
            Service(self.base, change.stack.before, change.before) if change.stack.before and change.before else None
        )
        after = Service(self.head, change.stack.after, change.after) if change.stack.after and change.after else None
        return before, after

    @staticmethod
    def _finding(rule: str, change: ResourceChange, sentence: str, details: tuple[str, ...] = ()) -> Finding:
        return Finding(
            Kind.INTERRUPTED, f"interrupted/{rule}", change.stack.path, change.resource, sentence, tuple(details)
        )


def _consequence(resource: Resource) -> str | None:
    """Return the consequence of the replacement of a resource for its clients; None if clients do not notice it."""
    if resource.type == SERVICE:
        return "a second service starts, and the old one stops with its tasks"
    if resource.type == _SUBSCRIPTION and resource.properties.get("Protocol") in _CONFIRMED:
        return "its recipient gets no more messages until the new subscription is confirmed"
    if is_member(resource):
        return "connections to the old one are cut; its data is in the cluster"
    return _SEEN.get(resource.type)


def _services(stack: StackChange) -> Iterator[ResourceChange]:
    """Yield the change of each service in the base of a stack.

    Services without differences are included, since their scaling and their task definitions are separate resources.
    """
    if stack.before is None or stack.after is None:
        return
    changes = {change.logical_id: change for change in stack.changes}
    after = {resource.logical_id: resource for resource in stack.after.resources if resource.type == SERVICE}
    for before in stack.before.resources:
        if before.type == SERVICE:
            unchanged = ResourceChange(stack, before, after.get(before.logical_id))
            yield changes.get(before.logical_id, unchanged)


def _at(resource: Resource | None, path: tuple[str, ...]) -> str | None:
    """Return the text of a property in lower case: empty if the property is missing, None if its value is not known."""
    value: Any = resource.properties if resource else {}
    for name in path:
        value = mapping(value).get(name) if isinstance(value, Mapping) and not is_function(value) else value
    if isinstance(value, Mapping | list):
        return None
    return "" if value is None else str(value).lower()


def _changed(change: ResourceChange) -> set[str]:
    """Return the names of the properties that differ; none if `Properties` itself is an intrinsic function."""
    return {name for each in change.properties for name in each.path[:1]}


def _can_deploy(service: Service) -> bool:
    """Return whether a deployment of a service can make progress; True if the template does not show that."""
    return service.controller != "ECS" or not service.copies or service.estimate() is not None


def _with_copies(service: Service) -> str:
    """Return the clause about the copies of a service that is removed; empty if their number is not known."""
    least, most = service.copies, service.most_copies
    if least is None or most is None:
        return ""
    return f" with its {copies_text(least) if least == most else f'{least} to {copies_text(most)}'}"
