"""The names of the CDK classes and interfaces of a value.

CDK classes are compared by name, since `isinstance` raises an error for a jsii interface. Names also need neither an
import of `aws_cdk` nor a round trip to Node.js.
"""

from __future__ import annotations

import functools
from typing import Any

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


def names_of(value: Any) -> frozenset[str]:
    """Return the names of the classes and interfaces of a value. Only the names of CDK classes include the module."""
    delegates = vars(value).get("_delegates") if type(value).__name__ == "InterfaceDynamicProxy" else None
    return frozenset().union(*map(_names_of_type, map(type, delegates or (value,))))


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
