"""The effects of an update of stacks in CloudFormation, from both templates and the resource schemas.

CloudFormation creates and updates first, and deletes removed resources at the end. So a new resource must not need a
priority, port or name that an old resource still has. A kept resource must not lose its targets.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

Template: TypeAlias = Mapping[str, Any]
Stacks: TypeAlias = Mapping[str, Template]
"""The templates of an app, by stack in deployment order."""

_REGION = "eu-west-1"
_BALANCING = "AWS::ElasticLoadBalancingV2::"
_IN_TEXT = re.compile(r"\$\{(?!!)([\w:]+)(?:\.[\w.]+)?\}")
_SCOPED_NAMES = {
    "AWS::ECS::Service": ("Cluster", "ServiceName"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("ResourceId", "ScalingTargetId", "PolicyName"),
    "AWS::IAM::Policy": (),  # its name is that of an inline policy of a role
}
"""The types whose names are unique only within another resource: the properties of that resource and of the name."""
_UNIQUE = {
    f"{_BALANCING}ListenerRule": ("priority", ("ListenerArn", "Priority")),
    f"{_BALANCING}Listener": ("port", ("LoadBalancerArn", "Port")),
}
_OWN = re.compile(r"<[^<>]+@\d+>")
"""A reference to a resource of one of the stacks."""
_SECURITY_GROUP_RULES = ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")


@attrs.frozen
class Physical:
    """A physical resource, as opposed to its logical ID.

    Args:
        stack: The stack.
        logical_id: The logical ID in the template.
        generation: The number of earlier replacements.
    """

    stack: str
    logical_id: str
    generation: int

    @property
    def reference(self) -> str:
        """The value of a resolved `Ref` to the resource."""
        return f"<{self.stack}.{self.logical_id}@{self.generation}>"

    def __str__(self) -> str:
        return f"{self.stack}/{self.logical_id}{' (its replacement)' * bool(self.generation)}"


Resources: TypeAlias = Mapping[Physical, tuple[str, dict[str, Any]]]
"""The resources that exist at one time, with their types and resolved properties."""


@attrs.frozen
class Deployed:
    """A deployed stack, with every reference resolved at the time of the deployment.

    Args:
        template: The template.
        resources: The resources, with their types and properties.
        exports: The values of the exports.
        outputs: The values of the outputs.
        imports: The names of the imported exports.
    """

    template: Template
    resources: dict[Physical, tuple[str, dict[str, Any]]]
    exports: dict[str, Any]
    outputs: dict[str, Any]
    imports: set[str]


@attrs.define
class World:
    """The stacks of an app, which are deployed one after another."""

    stacks: dict[str, Deployed] = attrs.field(factory=dict)

    def update(self, stack: str, template: Template) -> list[str]:
        """Deploy a stack, and return the errors of CloudFormation and the interruptions of services."""
        old, before = self.stacks.get(stack), self.resources
        new = self.stacks[stack] = self._deployed(stack, template, old)
        if old is None:
            return list(_taken_over(before, self.resources))
        return [
            *_changed_types(stack, old.template, template),
            *_exports(stack, old, new, {name: of for name, of in self.stacks.items() if name != stack}),
            *_taken_over(before, self.resources),
            *_shared_target_groups(before, self.resources),
            *_emptied_rules(before, self.resources),
        ]

    @property
    def resources(self) -> Resources:
        """All deployed resources."""
        return {physical: of for deployed in self.stacks.values() for physical, of in deployed.resources.items()}

    def _deployed(self, stack: str, template: Template, old: Deployed | None) -> Deployed:
        """Return a deployed stack: increment the generations of replaced resources until nothing else is replaced."""
        previous = {each.logical_id: (each, *of) for each, of in old.resources.items()} if old else {}
        generations = {logical_id: physical.generation for logical_id, (physical, *_) in previous.items()}
        while True:
            resolver = _Resolver(stack, template, generations, self.stacks)
            resources = {
                Physical(stack, logical_id, generations.get(logical_id, 0)): (
                    str(resource["Type"]),
                    resolver.resolve(resource.get("Properties", {})),
                )
                for logical_id, resource in template.get("Resources", {}).items()
            }
            replaced = [
                physical
                for physical, (resource_type, properties) in resources.items()
                if physical.logical_id in previous
                and previous[physical.logical_id][0] == physical
                and _create_only(resource_type, properties)
                != _create_only(resource_type, previous[physical.logical_id][2])
            ]
            if not replaced:
                break
            generations |= {physical.logical_id: physical.generation + 1 for physical in replaced}
        outputs = template.get("Outputs", {})
        return Deployed(
            template,
            resources,
            {
                json.dumps(of["Export"]["Name"]): resolver.resolve(of["Value"])
                for of in outputs.values()
                if "Export" in of
            },
            {name: resolver.resolve(of["Value"]) for name, of in outputs.items()},
            set(_imports(template)),
        )


def update_problems(before: Stacks, after: Stacks) -> list[str]:
    """Return the failures of an update of an app, and the rules that temporarily have no targets.

    Args:
        before: The deployed stacks.
        after: The new stacks, in deployment order.
    """
    world = World()
    for stack, template in before.items():
        world.update(stack, template)
    problems = [problem for stack, template in after.items() for problem in world.update(stack, template)]
    for stack in before.keys() - after.keys():
        del world.stacks[stack]
    return list(dict.fromkeys([*problems, *_held_twice(world.resources)]))


@attrs.frozen
class _Resolver:
    """A resolver that replaces each reference by the resource that it refers to."""

    stack: str
    template: Template
    generations: Mapping[str, int]
    others: Mapping[str, Deployed]

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._named,
            "Fn::GetAtt": self._attribute,
            "Fn::ImportValue": self._imported,
            "Fn::GetStackOutput": self._output,
            "Fn::Sub": self._filled,
        }
        (function, of), *more = value.items() or [("", None)]
        if function in functions and not more:
            return functions[function](of)
        return {name: self.resolve(each) for name, each in value.items()}

    def _attribute(self, of: Any) -> str:
        resource, attribute = of.split(".", 1) if isinstance(of, str) else of
        return f"{self._named(resource)}.{attribute}"

    def _imported(self, of: Any) -> Any:
        name = json.dumps(of)
        return next((each.exports[name] for each in self.others.values() if name in each.exports), f"<import {name}>")

    def _output(self, of: Mapping[str, Any]) -> Any:
        producer = self.others.get(str(of.get("StackName")))
        outputs = producer.outputs if producer else {}
        return outputs.get(str(of.get("OutputName")), f"<output {json.dumps(of)}>")

    def _filled(self, of: Any) -> Any:
        return _IN_TEXT.sub(lambda match: self._named(match[1]), of) if isinstance(of, str) else self.resolve(of)

    def _named(self, name: str) -> str:
        if name in self.template.get("Resources", {}):
            return Physical(self.stack, name, self.generations.get(name, 0)).reference
        return f"<{name}>"


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "Fn::ImportValue":
                yield json.dumps(each)
            yield from _imports(each)
    elif isinstance(value, list):
        for each in value:
            yield from _imports(each)


@functools.cache
def _schema(resource_type: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, resource_type).schema
    except ResourceNotFoundError:  # a custom type, such as Custom::
        return {}
    return found


def _create_only(resource_type: str, properties: Mapping[str, Any]) -> list[Any]:
    """Return the values of the properties whose change replaces the resource."""
    paths = _schema(resource_type).get("createOnlyProperties", [])
    return [list(_at(properties, path.split("/")[2:])) for path in paths]


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == "*" and isinstance(value, list):
        for each in value:
            yield from _at(each, path[1:])
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _changed_types(stack: str, old: Template, new: Template) -> Iterator[str]:
    for logical_id, resource in old.get("Resources", {}).items():
        now = new["Resources"].get(logical_id)
        if now and now["Type"] != resource["Type"]:
            yield f"{stack}/{logical_id}: type {resource['Type']} becomes {now['Type']}"


def _exports(stack: str, old: Deployed, new: Deployed, others: Mapping[str, Deployed]) -> Iterator[str]:
    """Yield exports that are removed or changed while another stack uses them."""
    for name, value in old.exports.items():
        users = [other for other, deployed in others.items() if name in deployed.imports]
        if users and new.exports.get(name) != value:
            what = "changes" if name in new.exports else "is removed"
            yield f"{stack}: export {name} {what} while {', '.join(users)} uses it"


def _keys(resource_type: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the kinds and values that must be unique among all resources."""
    if resource_type in _UNIQUE:
        kind, names = _UNIQUE[resource_type]
        yield kind, json.dumps([resource_type, *(properties.get(name) for name in names)])
    elif resource_type in _SECURITY_GROUP_RULES:
        said = {name: value for name, value in properties.items() if name != "Description"}
        yield "security group rule", json.dumps([resource_type, said], sort_keys=True)
    if name := _name(resource_type, properties):
        yield "name", json.dumps([resource_type, *name])
    if resource_type == "AWS::ECS::Service":
        connect = properties.get("ServiceConnectConfiguration") or {}
        for service in connect.get("Services", []):
            name_there = service.get("DiscoveryName", service.get("PortName"))
            yield "Service Connect name", json.dumps([connect.get("Namespace"), name_there])


def _name(resource_type: str, properties: Mapping[str, Any]) -> list[Any] | None:
    """Return the physical name in a template, and the resource within which it must be unique."""
    schema = _schema(resource_type)
    if resource_type in _SCOPED_NAMES:
        scoped = _SCOPED_NAMES[resource_type]
        return [properties.get(each) for each in scoped] if scoped and scoped[-1] in properties else None
    fixed = [path.split("/")[2] for path in schema.get("createOnlyProperties", [])]
    identifier = [path.split("/")[2] for path in schema.get("primaryIdentifier", [])]
    read_only = {path.split("/")[2] for path in schema.get("readOnlyProperties", [])}
    if identifier and all(each in properties and each not in read_only for each in identifier):
        return [properties[each] for each in identifier]
    own = resource_type.rpartition("::")[2]
    return next(([properties[each]] for each in ("Name", f"{own}Name") if each in fixed and each in properties), None)


def _taken_over(before: Resources, after: Resources) -> Iterator[str]:
    """Yield priorities, ports and names of new resources that another resource still has."""
    holders: dict[tuple[str, str], set[Physical]] = {}
    for physical, (resource_type, properties) in before.items():
        for key in _keys(resource_type, properties):
            holders.setdefault(key, set()).add(physical)
    for physical, (resource_type, properties) in after.items():
        for key in _keys(resource_type, properties):
            others = holders.get(key, set())
            if others and physical not in others:
                yield f"{physical}: {key[0]} {key[1]} is still that of {', '.join(sorted(map(str, others)))}"


def _held_twice(resources: Resources) -> Iterator[str]:
    """Yield priorities, ports and names that two resources have after the update."""
    first: dict[tuple[str, str], Physical] = {}
    for physical, (resource_type, properties) in resources.items():
        for key in _keys(resource_type, properties):
            if first.setdefault(key, physical) != physical:
                yield f"{physical}: {key[0]} {key[1]} is also that of {first[key]}"


def _forwarded(properties: Any) -> set[str]:
    """Return the target groups that a listener or a rule forwards to."""
    if isinstance(properties, list):
        return {group for each in properties for group in _forwarded(each)}
    if not isinstance(properties, Mapping):
        return set()
    own = {str(properties["TargetGroupArn"])} if "TargetGroupArn" in properties else set()
    return own | {group for each in properties.values() for group in _forwarded(each)}


def _leads(resources: Resources) -> Iterator[tuple[Physical, str, set[str]]]:
    """Yield each listener and rule with its load balancer and target groups, without rules of deleted listeners."""
    exist = {physical.reference for physical in resources}
    listeners = {}
    for physical, (resource_type, properties) in resources.items():
        if resource_type == f"{_BALANCING}Listener":
            balancer = _whose(properties.get("LoadBalancerArn"))
            listeners[physical.reference] = balancer
            if balancer in exist or not _OWN.match(balancer):
                yield physical, balancer, _forwarded(properties.get("DefaultActions"))
    for physical, (resource_type, properties) in resources.items():
        if resource_type == f"{_BALANCING}ListenerRule":
            listener = _whose(properties.get("ListenerArn"))
            if listener in exist or not _OWN.match(listener):
                yield physical, listeners.get(listener, listener), _forwarded(properties.get("Actions"))


def _whose(reference: Any) -> str:
    """Return the resource that a reference to a resource or to an attribute names."""
    return str(reference).partition(">")[0] + ">" * (">" in str(reference))


def _shared_target_groups(before: Resources, after: Resources) -> Iterator[str]:
    """Yield target groups that two load balancers forward to until the old one is deleted."""
    balancers: dict[str, set[str]] = {}
    for resources in (before, after):
        for _, balancer, groups in _leads(resources):
            for group in groups:
                balancers.setdefault(group, set()).add(balancer)
    for group, of_group in balancers.items():
        if len(of_group) > 1:
            yield f"target group {group} is behind more than one load balancer: {', '.join(sorted(of_group))}"


def _emptied_rules(before: Resources, after: Resources) -> Iterator[str]:
    """Yield kept listeners and rules that change to target groups without targets."""
    led = {physical: groups for physical, _, groups in _leads(before)}
    for physical, _, groups in _leads(after):
        if groups and led.get(physical) and not groups & led[physical]:
            yield f"{physical} stays and leads only to new target groups: {', '.join(sorted(groups))}"
