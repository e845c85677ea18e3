"""Values of properties as texts that can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def canonical(value: Any) -> str:
    """Return a text that is the same for equal values, including intrinsic functions.

    Args:
        value: A value of a template.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def is_known(value: Any) -> bool:
    """Return whether a value contains no intrinsic function.

    Args:
        value: A value of a template.
    """
    if isinstance(value, Mapping):
        return not any(name == "Ref" or name.startswith("Fn::") for name in value) and all(
            map(is_known, value.values())
        )
    return all(map(is_known, value)) if isinstance(value, list) else True


def referenced(value: Any) -> Iterator[str]:
    """Yield the logical IDs that `Ref`, `Fn::GetAtt` and `Fn::Sub` name in a value.

    Args:
        value: A value of a template.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"]
        attribute = value.get("Fn::GetAtt")
        if isinstance(attribute, list) and attribute and isinstance(attribute[0], str):
            yield attribute[0]
        elif isinstance(attribute, str):
            yield attribute.partition(".")[0]
        text = value.get("Fn::Sub")
        if isinstance(text, list) and text:
            text = text[0]
        if isinstance(text, str):
            yield from (part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:])
        for inner in value.values():
            yield from referenced(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from referenced(inner)
