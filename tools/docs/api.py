"""The API pages of the reference: each public name with the type, the default and the meaning of every argument."""

from __future__ import annotations

import ast
import datetime as dt
import enum
import functools
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import attrs

import moorage


class Group(NamedTuple):
    """The public names on one page."""

    title: str
    introduction: str
    names: tuple[str, ...]


def _group(title: str, introduction: str, names: str) -> Group:
    return Group(title, introduction, tuple(names.split()))


GROUPS: Mapping[str, Group] = {
    "services": _group(
        "Services",
        "A task that is kept running, how other services, VPCs and accounts reach it, and a task on each instance.",
        "Service ServiceConnect ServiceConnectTls Lattice Daemon",
    ),
    "jobs-and-workers": _group(
        "Jobs and workers",
        "Tasks that run on a schedule, on an event or on request, and tasks that drain a queue.",
        "Job Schedule EventRule Worker WorkQueue",
    ),
    "tasks": _group(
        "Tasks",
        "The containers that run together, with their size, volumes, network and permissions.",
        "Task Architecture OperatingSystemFamily NetworkMode Volume Mount",
    ),
    "containers": _group(
        "Containers",
        "A container image, and how it is started, checked, configured and stopped.",
        "Image Container HealthCheck RestartPolicy ContainerCondition EnvironmentFile LinuxParameters LogMode",
    ),
    "scaling": _group(
        "Auto scaling",
        "The number of tasks, and what changes it.",
        "Scaling MetricTarget ScheduledAction PredictiveScaling",
    ),
    "deployments": _group(
        "Deployments",
        "How a new version replaces the old one, and what rolls it back.",
        "Rollout CircuitBreaker EarlySuccess RollbackAlarms LifecycleHook LifecycleStage ScanGate",
    ),
    "clusters": _group(
        "Clusters",
        "An ECS cluster, its sessions in containers and the record of its failures.",
        "Cluster ExecSessions FailureEvents",
    ),
    "capacity": _group(
        "Capacities",
        "What tasks run on: Fargate, Auto Scaling groups and ECS Managed Instances.",
        "Capacity Strategy Placement ContainerInstance Ami InstanceRequirements ManagedScaling WarmPool "
        "CapacityReservations",
    ),
    "networking": _group("Networking", "A VPC for containers, and its VPC endpoints.", "Network Endpoints"),
    "load-balancing": _group(
        "Load balancing",
        "Load balancers and gateways that services share, and the place of a service on them.",
        "LoadBalancer Route TargetHealth NetworkLoadBalancer Listener Gateway GatewayConnector",
    ),
    "monitoring": _group("Monitoring", "Alarms and a dashboard for services.", "ServiceAlarms Dashboard"),
    "repositories": _group(
        "Repositories",
        "Private and public repositories, and which of their images are kept.",
        "Repository PublicRepository RepositorySettings Encryption LifecyclePolicy LifecycleRule PushedImage",
    ),
    "registry": _group(
        "Registry settings",
        "The settings that an account has once in each region: scanning, replication, caches, signing and events.",
        "Registry Scanning ScanningRule Severity PullThrough SigningRule RepositoryTemplate ApiCall AuditTrail "
        "Replication ReplicationDestination ReplicationSource",
    ),
    "errors": _group(
        "Errors",
        "The errors that moorage raises, with all problems of a value, a construct or a call.",
        "ValidationError ArgumentTypeError",
    ),
}
MODULES = {
    "policy": "Policy findings of your own app. [Check policy](../../guides/policy.md) shows how to use it.",
    "testing": "Tests of your own app. [Test your own app](../../guides/testing.md) shows how to use it. Install "
    "`moorage[testing]`.",
}
"""The public modules beside `moorage`, each with the introduction of its page."""
PAGE_OF = {name: page for page, group in GROUPS.items() for name in group.names}
"""The page of each public name."""
_PUBLIC_NAMES = {
    "CapacityChoice": "Capacity | Mapping[Capacity, int] | Strategy",
    "ConnectionLoadBalancer": "NetworkLoadBalancer",
    "Images": "Iterable[PushedImage | tuple[str | Sequence[str], date]]",
    "Origin": "Registry | ReplicationSource",
    "RequestLoadBalancer": "LoadBalancer",
    "cdk.Duration | dt.timedelta": "Duration",
    "dt.": "",
}
"""The internal names of types in annotations, and their public names."""
_SECTION = re.compile(r"^(Args|Returns|Raises|Yields):$", re.MULTILINE)
_ENTRY = re.compile(r"^    (\*{0,2}\w+): ?", re.MULTILINE)
_NOTES = {
    r"\bDuration\b": "`Duration` is `cdk.Duration` or `datetime.timedelta`.",
    r" = \.\.\.`": "The default `...` is a value that the text describes.",
}
"""The notes of a page, each for a pattern of its text."""


class Doc(NamedTuple):
    """A docstring in its parts."""

    text: str
    sections: Mapping[str, str]

    @property
    def arguments(self) -> dict[str, str]:
        """Each documented argument and its meaning."""
        _, *parts = _ENTRY.split(self.sections.get("Args", ""))
        return {name.lstrip("*"): _joined(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def doc_of(subject: Any) -> Doc:
    """Return the docstring of a class, a method or a property in its parts."""
    text, *sections = _SECTION.split(inspect.cleandoc(subject.__doc__ or ""))
    return Doc(text.strip(), dict(zip(sections[::2], sections[1::2], strict=True)))


def arguments_of(word: type) -> dict[str, str]:
    """Return each argument that the docstrings of a class document, and its meaning."""
    return doc_of(word).arguments | doc_of(vars(word).get("__init__")).arguments


def page(name: str) -> str:
    """Return the text of an API page."""
    group = GROUPS[name]
    described = [part for each in group.names for part in _describe(getattr(moorage, each), page=name)]
    text = "\n\n".join(described)
    notes = [note for sign, note in _NOTES.items() if re.search(sign, text)]
    return "\n\n".join([f"# {group.title}", group.introduction, *notes, text]) + "\n"


def module_page(module: str) -> str:
    """Return the text of the page of a public module, whose names are functions and fixtures.

    Args:
        module: The name of the module in `moorage`.
    """
    names = importlib.import_module(f"moorage.{module}").__all__
    described = [part for name in names for part in _describe_function(module, name)]
    return "\n\n".join([f"# moorage.{module}", _prose(MODULES[module]), *described]) + "\n"


def _describe_function(module: str, name: str) -> Iterator[str]:
    word: Any = getattr(importlib.import_module(f"moorage.{module}"), name)
    doc = doc_of(word)
    yield f"## {name}"
    if inspect.isfunction(word):
        yield f"`from moorage.{module} import {name}`"
        yield _prose(doc.text)
        yield from _arguments(inspect.signature(word), doc.arguments, page=module)
    else:
        yield "A fixture of pytest."
        yield _prose(doc.text)
    yield from _raises(doc.sections.get("Raises"))


def _describe(word: type, *, page: str) -> Iterator[str]:
    doc = doc_of(word)
    yield f"## {word.__name__}"
    yield _prose(doc.text)
    yield from _bases(word)
    if issubclass(word, enum.Enum):
        notes = _notes_of(word)
        yield "\n".join(f"- `{member.name}`{_told(notes.get(member.name))}" for member in word)
        return
    yield from _arguments(inspect.signature(word), arguments_of(word), page=page)
    yield from _raises(doc.sections.get("Raises") or doc_of(vars(word).get("__init__")).sections.get("Raises"))
    attributes = _attributes(word)
    if attributes:
        yield "**Attributes**"
        yield "\n".join(f"- `{name}`{_told(note)}" for name, note in attributes.items())
    for name, owner in members(word).items():
        yield from _member(word, name, owner, page=page)


def _bases(word: type) -> Iterator[str]:
    """Yield a sentence that names the CDK class that a class extends, if there is one."""
    for base in word.__mro__[1:]:
        module = base.__module__.removeprefix("aws_cdk.aws_")
        if base.__module__.startswith("aws_cdk.aws_"):
            yield f"Extends `{module}.{base.__name__}`, so everything of it works here too."
            return


def members(word: type) -> dict[str, type]:
    """Return the public methods and properties that moorage defines, each with the class that defines it."""
    fields = {field.name for field in attrs.fields(word)} if attrs.has(word) else set()
    found: dict[str, type] = {}
    for owner in word.__mro__:
        if owner.__module__.startswith("moorage."):
            for name, member in vars(owner).items():
                kinds = (classmethod, staticmethod, property, functools.cached_property)
                if (
                    name.startswith("_")
                    or name in fields
                    or not (inspect.isfunction(member) or isinstance(member, kinds))
                ):
                    continue
                if getattr(member, "__annotations__", {}).get("return") != "NoReturn":  # CDK's, which is refused
                    found.setdefault(name, owner)
    return found


def _member(word: type, name: str, owner: type, *, page: str) -> Iterator[str]:
    member = vars(owner)[name]
    yield f"### {word.__name__}.{name}"
    if isinstance(member, property | functools.cached_property):
        getter = member.fget if isinstance(member, property) else member.func
        yield f"`{name}: {_type(inspect.signature(getter).return_annotation)}`, a property"  # type: ignore[arg-type]  # a property here has a getter
        yield _prose(doc_of(member).text)
        return
    function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
    signature = inspect.signature(function)
    if not isinstance(member, staticmethod):
        _self, *parameters = signature.parameters.values()
        signature = signature.replace(parameters=parameters)
    given = ", ".join(_named(each) for each in signature.parameters.values() if each.default is each.empty)
    rest = ", ..." if given and len(signature.parameters) > given.count(",") + 1 else ""
    subject = word.__name__ if isinstance(member, classmethod | staticmethod) else _variable(word)
    doc = doc_of(function)
    returned = (
        "" if signature.return_annotation in {"None", signature.empty} else f" → `{_type(signature.return_annotation)}`"
    )
    yield f"`{subject}.{name}({given}{rest or ('...' if not given and signature.parameters else '')})`{returned}"
    yield _prose(doc.text)
    yield from _arguments(signature, doc.arguments, page=page)
    if "Returns" in doc.sections:
        yield f"**Returns**: {_prose(_joined(doc.sections['Returns']))}"
    yield from _raises(doc.sections.get("Raises"))


def _variable(word: type) -> str:
    """Return the usual name of a variable that holds an object of a class."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", word.__name__).lower()


def _named(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    return f"{parameter.name}=" if parameter.kind is parameter.KEYWORD_ONLY else parameter.name


def _arguments(signature: inspect.Signature, meanings: Mapping[str, str], *, page: str) -> Iterator[str]:
    parameters = list(signature.parameters.values())
    for title, by_keyword in (("Arguments", False), ("Keyword arguments", True)):
        listed = [each for each in parameters if (each.kind is each.KEYWORD_ONLY) is by_keyword]
        if listed:
            yield f"**{title}**"
            yield "\n".join(_argument(each, meanings.get(each.name), page=page) for each in listed)


def _argument(parameter: inspect.Parameter, meaning: str | None, *, page: str) -> str:
    """Return the entry of an argument: its declaration in Python, its meaning, and links to its types."""
    declared = f"{'*' * (parameter.kind is parameter.VAR_POSITIONAL)}{parameter.name}"
    annotation = "" if parameter.annotation is parameter.empty else _type(parameter.annotation)
    declared += f": {annotation}" if annotation else ""
    declared += "" if parameter.default is parameter.empty else f" = {_default(parameter.default, annotation)}"
    links = [
        f"[{name}]({_address(name, page)})" for name in dict.fromkeys(re.findall(r"\w+", annotation)) if name in PAGE_OF
    ]
    return f"- `{declared}`{_told(meaning)}{' See ' + ', '.join(links) + '.' if links else ''}"


def _address(name: str, page: str) -> str:
    return f"#{name.lower()}" if PAGE_OF[name] == page else f"{PAGE_OF[name]}.md#{name.lower()}"


def _type(annotation: str) -> str:
    """Return an annotation with the public names of types."""
    found = inspect.formatannotation(annotation) if not isinstance(annotation, str) else annotation
    found = found.strip("'")
    for internal, public in _PUBLIC_NAMES.items():
        found = (
            re.sub(rf"(?<![\w.]){re.escape(internal)}(?!\w)", public, found)
            if internal != "dt."
            else found.replace(internal, public)
        )
    return found


def _default(value: Any, annotation: str) -> str:
    """Return the source text of a default; `...` if the default is not a literal."""
    if isinstance(value, enum.Enum) and value is not attrs.NOTHING:
        qualified = re.search(rf"[\w.]*\b{type(value).__name__}\b", annotation)
        return f"{qualified[0] if qualified else type(value).__name__}.{value.name}"
    if isinstance(value, dt.timedelta):
        return repr(value).removeprefix("datetime.")
    return repr(value) if isinstance(value, str | int | float | tuple | None) and _is_literal(value) else "..."


def _is_literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


def _raises(text: str | None) -> Iterator[str]:
    if text:
        _, *parts = _ENTRY.split(text)
        yield "**Raises**"
        yield "\n".join(
            f"- `{name}`: {_prose(_joined(why))}" for name, why in zip(parts[::2], parts[1::2], strict=True)
        )


def _attributes(word: type) -> dict[str, str | None]:
    """Return the public attributes that a constructor sets, each with the text below it, if there is one."""
    found: dict[str, str | None] = {}
    for owner in word.__mro__:
        if owner.__module__.startswith("moorage.") and "__init__" in vars(owner):
            (constructor,) = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(vars(owner)["__init__"])))).body
            for name, note in _assigned(constructor.body, ast.Attribute):  # type: ignore[attr-defined]  # it is a function
                found.setdefault(name, note)
    return {} if attrs.has(word) else found


def _notes_of(word: type) -> dict[str, str | None]:
    """Return the members of an enumeration, each with the text below it."""
    (defined,) = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[word.__module__])))
        if isinstance(node, ast.ClassDef) and node.name == word.__name__
    )
    return dict(_assigned(defined.body, ast.Name))


def _assigned(body: list[ast.stmt], kind: type[ast.Attribute | ast.Name]) -> Iterator[tuple[str, str | None]]:
    """Yield each name, or attribute, that statements assign, with the text below it, if there is one."""
    for index, statement in enumerate(body):
        following = body[index + 1] if index + 1 < len(body) else None
        value = following.value if isinstance(following, ast.Expr) else None
        note = _joined(value.value) if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            if isinstance(target, kind):
                name = target.attr if isinstance(target, ast.Attribute) else target.id
                if not name.startswith("_"):
                    yield name, note


def _joined(text: str) -> str:
    return " ".join(text.split())


def _told(text: str | None) -> str:
    return f": {_prose(text)}" if text else ""


def _prose(text: str) -> str:
    """Return a docstring's text as Markdown, with tags outside of code escaped."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"<(?=\w)", "&lt;", part) for part in parts)
