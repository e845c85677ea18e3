"""A Mermaid diagram of a synthesized app, which GitHub renders. `moorage diagram` draws it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack, stacks_of

SHAPES = {
    "AWS::DynamoDB::GlobalTable": ("[(", ")]", "table"),
    "AWS::DynamoDB::Table": ("[(", ")]", "table"),
    "AWS::EC2::VPC": ("[/", "/]", "VPC"),
    "AWS::ECR::Repository": ("[(", ")]", "repository"),
    "AWS::ECS::Cluster": ("[[", "]]", "cluster"),
    "AWS::ECS::Service": ("(", ")", "service"),
    "AWS::ElastiCache::ReplicationGroup": ("[(", ")]", "cache"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("{{", "}}", "load balancer"),
    "AWS::RDS::DBCluster": ("[(", ")]", "database"),
    "AWS::RDS::DBInstance": ("[(", ")]", "database"),
}
"""The resource types in the diagram, each with its Mermaid brackets and its label."""

TABLES = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
SERVERS = (
    "AWS::ECS::Service",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
)
"""The types of resources to which services connect, and which are in security groups."""

BEGIN, END = "<!-- diagram: begin -->", "<!-- diagram: end -->"


@attrs.frozen(order=True)
class Edge:
    """An arrow between two nodes of the diagram, with a label."""

    source: str
    target: str
    says: str


def draw(stacks: Sequence[Stack]) -> str:
    """Return the diagram: a box for each stack with its resources, and arrows between connected resources.

    Only resources of the types in `SHAPES` are drawn, and only stacks that have such resources.
    """
    graph = _Graph(stacks)
    lines = ["flowchart LR"]
    for stack in stacks:
        drawn = [resource for resource in stack.resources if _is_drawn(resource)]
        if not drawn:
            continue
        lines.append(f'  subgraph {_word(stack.name)}["{stack.path}"]')
        for resource in drawn:
            opening, closing, word = SHAPES[resource.type]
            lines.append(f'    {graph.node(resource)}{opening}"{resource.name}<br/>{word}"{closing}')
        lines.append("  end")
    sources: dict[tuple[str, str], list[str]] = {}
    for edge in sorted(set(graph.edges())):
        sources.setdefault((edge.says, edge.target), []).append(edge.source)
    if any("internet" in each for each in sources.values()):
        lines.insert(1, '  internet(("internet"))')
    lines += [f"  {' & '.join(each)} -->|{says}| {target}" for (says, target), each in sources.items()]
    return "\n".join(lines) + "\n"


def _is_drawn(resource: Resource) -> bool:
    """Return whether a resource is in the diagram. The instances of a database cluster are left out."""
    return resource.type in SHAPES and "DBClusterIdentifier" not in resource.properties


class _Graph:
    """The references between resources, within and across stacks."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._resources = {(each.stack, each.logical_id): each for stack in stacks for each in stack.resources}
        self._exports = {
            output["Export"]["Name"]: (stack.name, output["Value"])
            for stack in stacks
            for output in stack.template.get("Outputs", {}).values()
            if isinstance(output.get("Export", {}).get("Name"), str)
        }

    def node(self, resource: Resource) -> str:
        return _word(f"{resource.stack}-{resource.logical_id}")

    def edges(self) -> Iterator[Edge]:
        for resource in self._resources.values():
            if resource.type == "AWS::ECS::Service":
                yield from self._of_service(resource)
            elif resource.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
                if resource.properties.get("Scheme") == "internet-facing":
                    yield Edge("internet", self.node(resource), self._protocol(resource))
            elif resource.type == "AWS::ElasticLoadBalancingV2::ListenerRule":
                values = [value for each in resource.properties["Conditions"] for value in _condition_values(each)]
                yield from self._to_services(resource, " ".join(map(str, values)))
            elif resource.type == "AWS::ElasticLoadBalancingV2::Listener":
                yield from self._to_services(
                    resource, f"{resource.properties['Protocol']} {resource.properties['Port']}"
                )
            elif resource.type == "AWS::EC2::SecurityGroupIngress":
                yield from self._of_ingress(resource)

    def _of_service(self, service: Resource) -> Iterator[Edge]:
        for cluster in self._reached(service, "AWS::ECS::Cluster"):
            yield Edge(self.node(service), self.node(cluster), "runs in")
        for network in self._reached(service, "AWS::EC2::VPC"):
            yield Edge(self.node(service), self.node(network), "in")
        for repository in self._reached(service, "AWS::ECR::Repository"):
            yield Edge(self.node(service), self.node(repository), "image")
        for table in (each for kind in TABLES for each in self._reached(service, kind)):
            yield Edge(self.node(service), self.node(table), "data")

    def _to_services(self, rule: Resource, label: str) -> Iterator[Edge]:
        """Yield an edge from the load balancer of a listener or listener rule to each service that gets requests."""
        groups = set(self._reached(rule, "AWS::ElasticLoadBalancingV2::TargetGroup"))
        for service in self._resources.values():
            if service.type != "AWS::ECS::Service":
                continue
            if groups & set(self._reached(service, "AWS::ElasticLoadBalancingV2::TargetGroup")):
                for balancer in self._reached(rule, "AWS::ElasticLoadBalancingV2::LoadBalancer"):
                    yield Edge(self.node(balancer), self.node(service), label)

    def _of_ingress(self, ingress: Resource) -> Iterator[Edge]:
        """Yield an edge from a service to a service, database or cache for the port that an ingress rule opens."""
        properties = ingress.properties
        port = properties.get("FromPort", "all")
        for source in self._in_group(ingress.stack, properties.get("SourceSecurityGroupId"), ["AWS::ECS::Service"]):
            for target in self._in_group(ingress.stack, properties["GroupId"], SERVERS):
                label = "data" if isinstance(port, dict) else str(port)  # the port of a database, which AWS assigns
                yield Edge(self.node(source), self.node(target), label)

    def _in_group(self, stack: str, group: Any, kinds: Sequence[str]) -> list[Resource]:
        """Return the resources of some types that are in a security group."""
        wanted = {self._resources.get(found) for found in self._references(stack, group)}
        members = [each for each in self._resources.values() if each.type in kinds and _is_drawn(each)]
        return [each for each in members if wanted & set(self._referred(each)) - {None}]

    def _protocol(self, balancer: Resource) -> str:
        listeners = [each for each in self._resources.values() if each.type == "AWS::ElasticLoadBalancingV2::Listener"]
        protocols = {each.properties["Protocol"] for each in listeners if balancer in self._referred(each)}
        return "HTTPS" if "HTTPS" in protocols else " ".join(sorted(protocols)) or "nothing"

    def _reached(self, start: Resource, kind: str) -> list[Resource]:
        """Return the resources of a type that `start` refers to, directly or through resources of other types."""
        seen, found, waiting = {start}, [], [start]
        while waiting:
            for other in self._referred(waiting.pop()):
                if other in seen:
                    continue
                seen.add(other)
                if other.type == kind:
                    found.append(other)
                else:
                    waiting.append(other)
        return found

    def _referred(self, resource: Resource) -> Iterator[Resource]:
        for stack, logical_id in self._references(resource.stack, resource.properties):
            if (stack, logical_id) in self._resources:
                yield self._resources[stack, logical_id]

    def _references(self, stack: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            if isinstance(value.get("Ref"), str):
                yield stack, value["Ref"]
            if "Fn::GetAtt" in value:
                yield stack, str(value["Fn::GetAtt"][0])
            imported = value.get("Fn::ImportValue")
            if isinstance(imported, str) and imported in self._exports:
                yield from self._references(*self._exports[imported])
            for inner in value.values():
                yield from self._references(stack, inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self._references(stack, inner)


def _condition_values(condition: dict[str, Any]) -> list[str]:
    for config in ("HostHeaderConfig", "PathPatternConfig"):
        if config in condition:
            return list(condition[config]["Values"])
    return list(condition.get("Values", []))


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)


def show(assembly: Path, stage: str, into: Path | None) -> None:
    """Print the diagram of an assembly, or write it into a file, between `BEGIN` and `END`.

    Args:
        assembly: The folder that `cdk synth` wrote.
        stage: The prefix of the paths of the stacks to draw; empty to draw all stacks.
        into: The file, which contains `BEGIN` and `END`; None to print the diagram.

    Raises:
        AssemblyError: The assembly cannot be read.
        ValueError: The file does not contain `BEGIN` and `END`.
        OSError: The file cannot be read or written.
    """
    text = draw([stack for stack in stacks_of(assembly) if stack.path.startswith(stage)])
    if into is None:
        sys.stdout.write(text)
        return
    before, begin, rest = into.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"{into} must contain {BEGIN} and {END}, between which the diagram is written; add both to the file"
        )
    into.write_text(f"{before}{BEGIN}\n```mermaid\n{text}```\n{END}{after}", "utf-8")
