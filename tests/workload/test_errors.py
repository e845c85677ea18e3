"""moorage's errors are Python's own kinds, under a public name."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest

import moorage
from moorage import ArgumentTypeError, Container, Scaling, ValidationError


def error_of(kind: type[Exception], *args: Any, **kwargs: Any) -> Exception:
    with pytest.raises(kind) as raised:
        (Container if args else Scaling)(*args, **kwargs)
    return raised.value


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        (error_of(ValueError, "redis:8", port=70000), ValueError, "ValidationError"),
        (error_of(TypeError, "redis:8", port="80"), TypeError, "ArgumentTypeError"),
        (error_of(TypeError), TypeError, "ArgumentTypeError"),
    ],
)
def test_an_error_has_its_public_name_and_can_be_copied(error: Exception, kind: type[Exception], name: str) -> None:
    assert type(error) is getattr(moorage, name)
    assert isinstance(error, kind)
    assert traceback.format_exception_only(error) == [f"moorage.{name}: {error}\n"]
    for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301  # pickled in the same line
        assert (type(other), other.args) == (type(error), error.args)


def test_values_and_calls_have_different_errors() -> None:
    assert not issubclass(ValidationError, TypeError)
    assert not issubclass(ArgumentTypeError, ValueError)
