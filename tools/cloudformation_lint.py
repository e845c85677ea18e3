"""cfn-lint over one template after another: its own `lint` loads the rules anew for each, which takes as long again."""

from __future__ import annotations

import functools
from typing import Any

from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.decode import decode_str
from cfnlint.runner import Runner


def matches(template: str, region: str, *, include: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[Any]:
    """What cfn-lint finds in a template.

    Args:
        template: Its text.
        region: Whose schemas it is held to.
        include: Checks that are off by default, by the beginning of their ids.
        ignore: Checks to leave out, likewise.
    """
    decoded, problems = decode_str(template)
    return list(problems or _runner(region, include, ignore).validate_template(decoded))


@functools.cache
def _runner(region: str, include: tuple[str, ...], ignore: tuple[str, ...]) -> Any:
    given = ManualArgs(regions=[region], include_checks=list(include), ignore_checks=list(ignore))
    return Runner(ConfigMixIn(**given))
