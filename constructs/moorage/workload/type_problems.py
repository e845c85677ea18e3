"""The problems of arguments of a wrong type: the types that are allowed, the type that was given, and the way out."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from moorage.workload.cdk_types import public_name
from moorage.workload.equivalents import SCHEDULER, equivalent

ALIASES = {
    "Construct": "constructs.Construct",
    "ITopic": "sns.ITopic",
    "SubnetSelection": "ec2.SubnetSelection",
}
"""The aliases that annotations use, with their types."""
_PUBLIC_NAMES = {
    "ConnectionLoadBalancer": "NetworkLoadBalancer",
    "RequestLoadBalancer": "LoadBalancer",
    "dt.": "datetime.",
}
"""The public names of types that have another name in annotations."""
_HINTS = {
    "LoadBalancer": "a LoadBalancer, or Listener(...) for a NetworkLoadBalancer",
    "Mapping": "a dict",
    "NetworkLoadBalancer": "a NetworkLoadBalancer, or Route(...) for a LoadBalancer",
    "Path": "a pathlib.Path",
    "bool": "True or False",
    "constructs.Construct": "a stack or another construct",
    "ecs.ICluster": "a Cluster or Cluster.from_attributes(...)",
    "float": "a finite number",
    "iam.IGrantable": "a role, a function or another construct that has permissions",
    "int": "a whole number",
    "str": "a string",
    "tuple": "a tuple",
}
"""The hints for types whose names do not suggest a way out."""
EXAMPLES = {
    "Ami": "Ami.al2023()",
    "ApiCall": "ApiCall.GET_AUTHORIZATION_TOKEN",
    "Architecture": "Architecture.ARM64",
    "AuditTrail": "AuditTrail.own()",
    "Capacity": "Capacity.fargate()",
    "CircuitBreaker": "CircuitBreaker()",
    "Container": "Container(image)",
    "ContainerCondition": "ContainerCondition.HEALTHY",
    "Encryption": "Encryption.own_key()",
    "EnvironmentFile": "EnvironmentFile.from_bucket(bucket, 'app.env')",
    "ExecSessions": "ExecSessions()",
    "HealthCheck": "HealthCheck('curl -f http://localhost')",
    "Image": "Image.from_repository(..., tag=...)",
    "InstanceRequirements": "InstanceRequirements(vcpus=(2, 4), memory_mib=(4096, None))",
    "LifecycleHook": "LifecycleHook.function(...)",
    "LifecyclePolicy": "LifecyclePolicy.releases()",
    "LifecycleStage": "LifecycleStage.PRE_SCALE_UP",
    "Listener": "Listener(network_load_balancer, 443)",
    "LogMode": "LogMode.non_blocking()",
    "NetworkMode": "NetworkMode.BRIDGE",
    "OperatingSystemFamily": "OperatingSystemFamily.LINUX",
    "PullThrough": "PullThrough.ecr_public()",
    "RestartPolicy": "RestartPolicy()",
    "RollbackAlarms": "RollbackAlarms()",
    "Rollout": "Rollout.blue_green()",
    "Route": "Route(load_balancer)",
    "Scaling": "Scaling(2, 10, cpu_percent=60)",
    "Scanning": "Scanning.basic()",
    "ServiceConnect": "ServiceConnect()",
    "Severity": "Severity.CRITICAL",
    "TargetHealth": "TargetHealth('/health')",
    "Task": "Task(container)",
    "Volume": "Volume.efs(...)",
    "Worker.scaling": "Scaling(0, 10, backlog_per_task=10)",
    "acm.ICertificate": "acm.Certificate.from_certificate_arn(...)",
    "cdk.RemovalPolicy": "cdk.RemovalPolicy.DESTROY",
    "cloudwatch.IAlarmAction": "cloudwatch_actions.SnsAction(topic)",
    "ec2.IPeer": "ec2.Peer.ipv4('10.0.0.0/8')",
    "ec2.SubnetSelection": "ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)",
    "ecs.AppProtocol": "ecs.AppProtocol.http",
    "ecs.ContainerInsights": "ecs.ContainerInsights.ENHANCED",
    "ecs.LogDriver": "ecs.LogDrivers.aws_logs(stream_prefix=...)",
    "ecs.PlacementConstraint": "ecs.PlacementConstraint.distinct_instances()",
    "ecs.PlacementStrategy": "ecs.PlacementStrategy.spread_across_instances()",
    "elbv2.ApplicationProtocol": "elbv2.ApplicationProtocol.HTTPS",
    "elbv2.ApplicationProtocolVersion": "elbv2.ApplicationProtocolVersion.GRPC",
    "elbv2.IpAddressType": "elbv2.IpAddressType.DUAL_STACK",
    "elbv2.ListenerAction": "elbv2.ListenerAction.redirect(...)",
    "elbv2.Protocol": "elbv2.Protocol.UDP",
    "events.IRuleTarget": "targets.LambdaFunction(function)",
    "iam.PolicyStatement": "iam.PolicyStatement(actions=[...], resources=[...])",
    "logs.RetentionDays": "logs.RetentionDays.ONE_MONTH",
    "scheduler.ScheduleExpression": "scheduler.ScheduleExpression.cron(...)",
    "servicediscovery.INamespace": "servicediscovery.PrivateDnsNamespace(...)",
    "ssm.IParameter": "ssm.StringParameter(...)",
}
"""The values to show for a type, or for an argument with its class."""
_UNITS = {
    "LifecycleHook.function.timeout": "minutes",
    "LifecycleHook.pause.timeout": "minutes",
    "ScanGate.timeout": "minutes",
    "archived_for": "days",
    "bake": "minutes",
    "expire_untagged": "days",
    "final_bake": "minutes",
    "flexible_window": "minutes",
    "kept": "days",
    "older_than": "days",
    "retention": "days",
    "unpulled_for": "days",
}
"""The units of durations that are not given in seconds, by the argument, with its class if the argument needs it."""
_DURATION = ("cdk.Duration", "datetime.timedelta")
_INTERFACE = re.compile(r"(?<=\.)I(?=[A-Z])")
_LONGEST_VALUE = 60
_NO_VALUE: Final = object()


def wrong_type(subject: str, name: str, annotation: str, value: Any, entry: str | None = None) -> str:
    """Return the problem of an argument whose type the annotation does not allow.

    Args:
        subject: The class or method, such as `Rollout.canary`.
        name: The argument.
        annotation: The annotation of the argument.
        value: The value that was given.
        entry: A description of the wrong entry of a dict or list. Default: the value is described.
    """
    got = entry or described(value, annotation)
    kinds = _joined(_kinds_of(annotation))
    return f"{name} must be of type {kinds} (got {got}); use {way_out(subject, name, annotation, value)}"


def way_out(subject: str, name: str, annotation: str, value: Any = _NO_VALUE) -> str:
    """Return what to use for an argument. If a value was given, show it in the right type, if it has an equivalent."""
    kinds = [kind for kind in _kinds_of(annotation) if kind != "None"]
    if value is not _NO_VALUE and (instead := equivalent(f"{subject}.{name}", kinds, value)):
        return with_import(instead)
    hints: dict[str, None] = {}
    for kind in kinds:
        if kind in _DURATION:
            unit = _UNITS.get(name) or _UNITS.get(f"{subject}.{name}", "seconds")
            hints[_duration(kind, unit, value)] = None
        elif not _is_list_of(kind, kinds):
            hints[_hint(kind, EXAMPLES.get(f"{subject}.{name}") or EXAMPLES.get(kind))] = None
    return with_import(_joined(list(hints)))


def with_import(text: str) -> str:
    """Return a way out with the import of the module that programs with other schedules do not import."""
    return f"{text} {SCHEDULER}" if "scheduler.ScheduleExpression" in text else text


def wrong_list(name: str, annotation: str, values: list[Any] | tuple[Any, ...], rest: str) -> str:
    """Return the problem of a list or tuple whose items all have the type that the annotation allows for one value.

    Args:
        name: The argument.
        annotation: The annotation of the argument.
        values: The list or tuple, with at least one item.
        rest: A call that takes several items one by one, such as `Task(a, b)`. It is needed only for several items.
    """
    kinds, kind = _joined(_kinds_of(annotation)), type(values).__name__
    if len(values) > 1:
        count = len(values)
        return (
            f"{name} must be of type {kinds} (got a {kind} of {count} such values); pass them one by one, as in {rest}"
        )
    way = f"use the value without the {kind}"
    if isinstance(values, tuple):
        way = "is there a comma at the end of the line that defines it?"
    return f"{name} must be of type {kinds} (got a {kind} of one such value); {way}"


def described(value: Any, annotation: str = "") -> str:
    """Describe a refused value without showing anything that may be secret."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if not _is_plain(value) or "Secret" in annotation:
        return f"a value of type {public_name(value)}"
    text = repr(value)
    cut = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
    return f"{cut} of type {type(value).__name__}"


def _is_plain(value: Any) -> bool:
    """Return whether the text of a value is short and readable, as that of a number, and not that of an object."""
    if isinstance(value, (list, tuple, set)):
        return all(map(_is_plain, value))
    return isinstance(value, (str, bytes, int, float, type(None)))


def members_of(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the members of a union, or only the node if the node is not a union."""
    if isinstance(node, ast.BinOp):
        yield from members_of(node.left)
        yield from members_of(node.right)
    else:
        yield node


def _kinds_of(annotation: str) -> list[str]:
    """Return the types of an annotation as users know them."""
    kinds = []
    for node in members_of(ast.parse(annotation, mode="eval").body):
        text = ast.unparse(node)
        if text in ALIASES:
            kinds += _kinds_of(ALIASES[text])
        else:
            for name, shown in _PUBLIC_NAMES.items():
                text = text.replace(name, shown)
            kinds.append(text)
    return kinds


def _hint(kind: str, example: str | None) -> str:
    name, _, of = kind.partition("[")
    if kind == "Mapping[str, str]":
        return "a dict of strings"
    if name in {"Iterable", "Sequence"}:
        element = of.removesuffix("]")
        return f"a list such as [{EXAMPLES[element]}]" if element in EXAMPLES else f"a list of {_elements(element)}"
    if example is None:
        return _HINTS.get(name) or _with_article(_INTERFACE.sub("", kind))
    return f"{_with_article(kind)} such as {example}" if example.startswith(f"{kind}.") else example


def _is_list_of(kind: str, kinds: list[str]) -> bool:
    """Return whether a type is a list whose elements are also allowed without a list."""
    name, _, of = kind.partition("[")
    return name in {"Iterable", "Sequence"} and set(of.removesuffix("]").split(" | ")) <= set(kinds)


def _elements(element: str) -> str:
    return _INTERFACE.sub("", element).replace(" | ", " or ")


def _with_article(kind: str) -> str:
    vowel = kind[0] in "AEIOaeio" or kind.startswith(("s3.", "sns.", "sqs.", "ssm."))
    return f"{'an' if vowel else 'a'} {kind}"


def _duration(kind: str, unit: str, value: Any) -> str:
    """Return the duration with this number of the unit, or the general form for any other value."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    count = int(value) if number and value >= 0 and value == int(value) else "..."
    return f"{kind}.{unit}({count})" if kind == "cdk.Duration" else f"{kind}({unit}={count})"


def _joined(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
