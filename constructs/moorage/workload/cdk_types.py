"""The names of the CDK classes and interfaces of a value.

CDK classes are compared by name, since `isinstance` raises an error for a jsii interface. Names also need neither an
import of `aws_cdk` nor a round trip to Node.js.
"""

from __future__ import annotations

import functools
import keyword
from typing import Any

_GENERAL = ("cdk.Resource", "constructs.Construct")
"""The classes that jsii names for a resource that is not defined in the app, beside the interface of the resource."""
_MODULES = {
    "acm": "aws_certificatemanager",
    "cdk": "aws-cdk-lib",
    "constructs": "constructs",
    "elbv2": "aws_elasticloadbalancingv2",
}
"""The modules of annotations whose name in jsii is not `aws_` followed by the same name, with their names in jsii."""


@functools.cache
def full_name(name: str) -> str:
    """Return the name of a type with its module in jsii, such as `aws_ec2.IVpc`. A bare name is a Python class."""
    module, dot, kind = name.rpartition(".")
    module = module.rstrip("_")
    return f"{_MODULES.get(module, f'aws_{module}')}{dot}{kind}" if dot else kind


def public_name(value: Any) -> str:
    """Return the name of the type of a value. A CDK class has the name that programs use, such as `events.Schedule`.

    jsii returns objects of classes of its own, such as `_ScheduleProxy`, if the class of the object is not public.
    """
    kinds = [type(each) for each in _delegates(value)] or [type(value)]
    names = list(map(_public_name, kinds))
    return next((name for name in names if name not in _GENERAL), names[0])


def _public_name(kind: type[Any]) -> str:
    jsii_type = next((found for each in kind.__mro__ if (found := vars(each).get("__jsii_type__"))), None)
    if jsii_type is None or not _is_generated(kind):
        return kind.__name__
    module, name = jsii_type.split(".")[-2:]
    short = next((short for short, long in _MODULES.items() if long == module), module.removeprefix("aws_"))
    return f"{short}{'_' * keyword.iskeyword(short)}.{name}"


def _is_generated(kind: type[Any]) -> bool:
    return kind.__module__.startswith(("aws_cdk", "constructs")) or kind.__name__.endswith("Proxy")


def _delegates(value: Any) -> tuple[Any, ...]:
    """Return the objects behind jsii's proxy of an interface. Return an empty tuple for any other value."""
    found = vars(value).get("_delegates") if type(value).__name__ == "InterfaceDynamicProxy" else None
    return tuple(found or ())


def names_of(value: Any) -> frozenset[str]:
    """Return the names of the classes and interfaces of a value. Only the names of CDK classes include the module."""
    return frozenset().union(*map(_names_of_type, map(type, _delegates(value) or (value,))))


@functools.cache
def _names_of_type(kind: Any) -> frozenset[str]:
    names = set()
    for each in kind.__mro__:
        if not each.__module__.startswith(("aws_cdk", "constructs")):
            names.add(each.__name__)  # ec2.Volume is not moorage's Volume
        full_name = vars(each).get("__jsii_type__")  # such as aws-cdk-lib.aws_ec2.IVpc
        if full_name:
            names.add(".".join(full_name.split(".")[-2:]))
        for interface in vars(each).get("__jsii_ifaces__", ()):
            names |= _names_of_type(interface)
    return frozenset(names)
