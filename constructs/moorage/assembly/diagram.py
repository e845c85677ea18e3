"""A Mermaid diagram of a synthesized app, which GitHub renders. `moorage diagram` draws it."""

from __future__ import annotations

import fnmatch
import itertools
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack, mapping, stacks_of
from moorage.assembly.named import named_stacks

SHAPES = {
    "AWS::DynamoDB::GlobalTable": ("[(", ")]", "table"),
    "AWS::DynamoDB::Table": ("[(", ")]", "table"),
    "AWS::EC2::VPC": ("[/", "/]", "VPC"),
    "AWS::ECR::Repository": ("[(", ")]", "repository"),
    "AWS::ECS::Cluster": ("[[", "]]", "cluster"),
    "AWS::ECS::Service": ("(", ")", "service"),
    "AWS::ECS::TaskDefinition": ("[/", "\\]", "job"),
    "AWS::ElastiCache::CacheCluster": ("[(", ")]", "cache"),
    "AWS::ElastiCache::ReplicationGroup": ("[(", ")]", "cache"),
    "AWS::ElastiCache::ServerlessCache": ("[(", ")]", "cache"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("{{", "}}", "load balancer"),
    "AWS::RDS::DBCluster": ("[(", ")]", "database"),
    "AWS::RDS::DBInstance": ("[(", ")]", "database"),
    "AWS::Events::Rule": (">", "]", "rule"),
    "AWS::SQS::Queue": ("([", "])", "queue"),
    "AWS::Scheduler::Schedule": (">", "]", "schedule"),
}
"""The resource types in the diagram, each with its Mermaid brackets and its label.

A task definition is drawn if a schedule, a rule or a state machine runs it, and a queue if a task receives or sends its
messages. A schedule or a rule is drawn if it starts a job.
"""

TABLES = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
SERVERS = (
    "AWS::ECS::Service",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
)
"""The types of resources to which services connect, and which are in security groups."""

_DEFINITION, _MACHINE, _QUEUE = "AWS::ECS::TaskDefinition", "AWS::StepFunctions::StateMachine", "AWS::SQS::Queue"
_TRIGGERS = ("AWS::Events::Rule", "AWS::Scheduler::Schedule")
_TASKS = (_DEFINITION, _MACHINE, *_TRIGGERS)
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
        drawn = [resource for resource in stack.resources if graph.is_drawn(resource)]
        if not drawn:
            continue
        lines.append(f'  subgraph {_word(stack.name)}["{stack.path}"]')
        for resource in drawn:
            opening, closing, word = SHAPES[resource.type]
            lines.append(f'    {graph.node(resource)}{opening}"{_name(resource)}<br/>{word}"{closing}')
        lines.append("  end")
    sources: dict[tuple[str, str], list[str]] = {}
    for edge in sorted(set(graph.edges())):
        sources.setdefault((edge.says, edge.target), []).append(edge.source)
    if any("internet" in each for each in sources.values()):
        lines.insert(1, '  internet(("internet"))')
    lines += [f"  {' & '.join(each)} -->|{says}| {target}" for (says, target), each in sources.items()]
    return "\n".join(lines) + "\n"


def _name(resource: Resource) -> str:
    """Return the name of a node: of a job, that of the construct that defines the task definition and its start."""
    if resource.type != _DEFINITION:
        return resource.name
    path = resource.path.removesuffix("/Resource").removesuffix("/TaskDefinition")
    return attrs.evolve(resource, path=path).name


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
        self._starters = self._found_starters()
        self._messages = tuple(self._found_messages())
        self._queues = {queue for _, queue, _ in self._messages}

    def is_drawn(self, resource: Resource) -> bool:
        """Return whether a resource is in the diagram. The instances of a database cluster are left out."""
        if resource.type == _QUEUE:
            return resource in self._queues
        if resource.type == _DEFINITION:
            return resource in self._starters
        if resource.type in _TRIGGERS:
            return any(resource in starters for starters in self._starters.values())
        return resource.type in SHAPES and "DBClusterIdentifier" not in resource.properties

    def _found_starters(self) -> dict[Resource, list[Resource]]:
        """Return the task definitions that are jobs, each with the schedules, rules and state machines that run it."""
        found: dict[Resource, list[Resource]] = {}
        for resource in self._resources.values():
            if resource.type in (*_TRIGGERS, _MACHINE):
                for definition in self._run_by(resource, {resource}):
                    found.setdefault(definition, []).append(resource)
        return found

    def _run_by(self, starter: Resource, seen: set[Resource]) -> Iterator[Resource]:
        """Yield the task definitions that a schedule, a rule or a state machine runs, directly or with a machine."""
        for other in self._referred_by(starter.stack, _run(starter)):
            if other.type == _DEFINITION:
                yield other
            elif other.type == _MACHINE and other not in seen:
                yield from self._run_by(other, seen | {other})

    def _found_messages(self) -> Iterator[tuple[Resource, Resource, bool]]:
        """Yield each service or job with a queue, and True if its task role may receive messages, False if send."""
        for policy in self._resources.values():
            if policy.type not in ("AWS::IAM::Policy", "AWS::IAM::Role"):
                continue
            roles = set(self._referred_by(policy.stack, policy.properties.get("Roles"))) | {policy}
            for statement in _statements(policy):
                receives, sends = (_allows(statement, action) for action in ("ReceiveMessage", "SendMessage"))
                queues = [
                    each
                    for each in self._referred_by(policy.stack, statement.get("Resource"))
                    if each.type == _QUEUE and (receives or sends)
                ]
                for queue, task in itertools.product(queues, self._tasks_of(roles) if queues else ()):
                    yield from ((task, queue, each) for each in (True, False) if (receives if each else sends))

    def _tasks_of(self, roles: set[Resource]) -> Iterator[Resource]:
        """Yield the services and jobs whose containers have one of the roles."""
        for definition in self._resources.values():
            if definition.type != _DEFINITION:
                continue
            if roles & set(self._referred_by(definition.stack, definition.properties.get("TaskRoleArn"))):
                if definition in self._starters:
                    yield definition
                for service in self._resources.values():
                    if service.type == "AWS::ECS::Service" and definition in self._referred(service):
                        yield service

    def node(self, resource: Resource) -> str:
        return _word(f"{resource.stack}-{resource.logical_id}")

    def edges(self) -> Iterator[Edge]:
        for definition, starters in self._starters.items():
            yield from self._of_job(definition, starters)
        for task, queue, receives in self._messages:
            source, target = (queue, task) if receives else (task, queue)
            yield Edge(self.node(source), self.node(target), "messages")
        for resource in self._resources.values():
            if resource.type == "AWS::ECS::Service":
                yield from self._of_task(resource, [resource])
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

    def _of_job(self, definition: Resource, starters: Sequence[Resource]) -> Iterator[Edge]:
        for starter in starters:
            if starter.type in _TRIGGERS:
                schedule = starter.properties.get("ScheduleExpression")
                label = schedule if isinstance(schedule, str) else "event"
                yield Edge(self.node(starter), self.node(definition), f'"{label}"')
        direct = {each for starter in starters for each in self._referred_by(starter.stack, _run(starter))}
        yield from self._of_task(definition, [definition, *(each for each in direct if each.type not in _TASKS)])

    def _of_task(self, task: Resource, parts: Sequence[Resource]) -> Iterator[Edge]:
        """Yield the edges of a service or a job to what it runs in and to what it uses.

        Args:
            task: The service, or the task definition of the job.
            parts: The resources whose references are followed.
        """

        def reached(kind: str) -> set[Resource]:
            return {each for part in parts for each in ([part] if part.type == kind else self._reached(part, kind))}

        labels = {"AWS::ECS::Cluster": "runs in", "AWS::EC2::VPC": "in", "AWS::ECR::Repository": "image"}
        for kind, label in {**labels, **dict.fromkeys(TABLES, "data")}.items():
            for other in reached(kind):
                yield Edge(self.node(task), self.node(other), label)

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
        """Yield an edge from a service or job to a service, database or cache for a port that an ingress rule opens."""
        properties = ingress.properties
        port = properties.get("FromPort", "all")
        group = properties.get("SourceSecurityGroupId")
        jobs = self._jobs_in_group(ingress.stack, group)
        for source in [*self._in_group(ingress.stack, group, ["AWS::ECS::Service"]), *jobs]:
            for target in self._in_group(ingress.stack, properties["GroupId"], SERVERS):
                label = "data" if isinstance(port, dict) else str(port)  # the port of a database, which AWS assigns
                yield Edge(self.node(source), self.node(target), label)

    def _in_group(self, stack: str, group: Any, kinds: Sequence[str]) -> list[Resource]:
        """Return the resources of some types that are in a security group."""
        wanted = {self._resources.get(found) for found in self._references(stack, group)}
        members = [each for each in self._resources.values() if each.type in kinds and self.is_drawn(each)]
        return [each for each in members if wanted & set(self._referred(each)) - {None}]

    def _jobs_in_group(self, stack: str, group: Any) -> list[Resource]:
        """Return the jobs whose tasks are started in a security group."""
        wanted = set(self._referred_by(stack, group))
        return [
            definition
            for definition, starters in self._starters.items()
            if any(wanted & set(self._referred_by(each.stack, _run(each))) for each in starters)
        ]

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
        yield from self._referred_by(resource.stack, resource.properties)

    def _referred_by(self, stack: str, value: Any) -> Iterator[Resource]:
        for found in self._references(stack, value):
            if found in self._resources:
                yield self._resources[found]

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


def _run(starter: Resource) -> Any:
    """Return the properties of a schedule, a rule or a state machine that state what it runs."""
    properties = starter.properties
    if starter.type == _MACHINE:
        return [value for name, value in properties.items() if name.startswith("Definition")]
    targets = properties.get("Targets") or [properties.get("Target")]
    aside = ("DeadLetterConfig", "RoleArn")
    return [{name: value for name, value in mapping(each).items() if name not in aside} for each in targets]


def _statements(policy: Resource) -> Iterator[Mapping[str, Any]]:
    """Yield the statements of a policy, or of the inline policies of a role, that allow something."""
    for each in policy.properties.get("Policies") or [policy.properties]:
        found = mapping(mapping(each).get("PolicyDocument")).get("Statement")
        statements = map(mapping, found if isinstance(found, list) else [found])
        yield from (statement for statement in statements if statement.get("Effect") == "Allow")


def _allows(statement: Mapping[str, Any], operation: str) -> bool:
    stated = statement.get("Action")
    actions = stated if isinstance(stated, list) else [stated]
    return any(fnmatch.fnmatchcase(f"sqs:{operation}", str(action)) for action in actions)


def _condition_values(condition: dict[str, Any]) -> list[str]:
    for config in ("HostHeaderConfig", "PathPatternConfig"):
        if config in condition:
            return list(condition[config]["Values"])
    return list(condition.get("Values", []))


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)


def show(assembly: Path, patterns: Sequence[str], into: Path | None) -> None:
    """Print the diagram of an assembly for Markdown, or write it into a file, between `BEGIN` and `END`.

    Args:
        assembly: The folder that `cdk synth` wrote.
        patterns: The construct paths of the stacks to draw, in which `*` is any text; empty to draw all stacks.
        into: The file, which contains `BEGIN` and `END`; None to print the diagram.

    Raises:
        AssemblyError: The assembly cannot be read, or a pattern matches no stack.
        ValueError: The file does not contain `BEGIN` and `END`.
        OSError: The file cannot be read or written.
    """
    text = f"```mermaid\n{draw(named_stacks(stacks_of(assembly), patterns))}```\n"
    if into is None:
        sys.stdout.write(text)
        return
    before, begin, rest = into.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"{into} must contain {BEGIN} and {END}, between which the diagram is written; add both to the file"
        )
    into.write_text(f"{before}{BEGIN}\n{text}{END}{after}", "utf-8")
