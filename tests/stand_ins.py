"""Stand-ins for constructs, for tests of values that only hold them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def stand_in(kind: str, **members: Any) -> Any:
    """Return an object that passes for one of CDK's interfaces (`aws_s3.IBucket`) or of moorage's classes."""
    name = kind.rpartition(".")[2]
    return type(name, (SimpleNamespace,), {"__jsii_type__": f"aws-cdk-lib.{kind}"})(**members)
