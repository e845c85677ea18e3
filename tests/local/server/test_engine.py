"""Every error of a resource names the resource."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from moorage.local.server.core import engine
from moorage.local.server.core.calls import RefusedError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RefusedError("TopicLimitExceeded: no more"), "AWS::SNS::Topic News: TopicLimitExceeded: no more"),
        (ValueError("no such topic"), "AWS::SNS::Topic News: no such topic"),
        (KeyError("Arn"), r"AWS::SNS::Topic News: the local AWS failed; the template may be correct \(KeyError"),
        (TypeError("none"), r"AWS::SNS::Topic News: the local AWS failed; the template may be correct \(TypeError"),
    ],
)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_an_error_of_a_handler_names_the_resource(error: Exception, said: str, operation: str) -> None:
    def fail(*_: Any) -> NoReturn:
        raise error

    handler: dict[str, Any] = {"create": fail, "update": fail}
    engine._Checked("AWS::SNS::Topic", handler)
    arguments: tuple[Any, ...] = ("News", {}, "Shop") if operation == "create" else ("arn", {}, {}, "Shop", "News")
    with pytest.raises(RefusedError, match=said):
        handler[operation](*arguments)
