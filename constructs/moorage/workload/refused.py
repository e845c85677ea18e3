"""Methods of CDK that a construct of moorage refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never, NoReturn


def refused(method: Callable[..., NoReturn]) -> Callable[[Any, Never], Any]:
    """Decorate a method that always raises an error, so that type checkers report each call.

    No value is of type `Never`, so no call is valid. Without the decorator, type checkers accept the call, and do not
    check the code after it, since it cannot be reached.
    """
    return method
