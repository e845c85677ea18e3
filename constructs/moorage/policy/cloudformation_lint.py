"""A cfn-lint runner that loads the rules once for each region. cfn-lint's `lint` loads them for each template."""

from __future__ import annotations

import functools
import os
from typing import Any

from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.decode import decode_str
from cfnlint.runner import Runner


def matches(template: str, region: str, *, include: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[Any]:
    """Return cfn-lint's findings in a template, or the parse errors of a template that cannot be parsed.

    Args:
        template: The text of the template.
        region: The region whose resource schemas apply.
        include: Prefixes of the IDs of rules to run in addition to the default rules.
        ignore: Prefixes of the IDs of rules to leave out.
    """
    decoded, problems = decode_str(template)
    return list(problems or _runner(region, include, ignore).validate_template(decoded))


@functools.cache
def _runner(region: str, include: tuple[str, ...], ignore: tuple[str, ...]) -> Any:
    # no .cfnlintrc of the current folder: it would hide findings in one place, and results are cached for all
    given = ManualArgs(
        regions=[region], include_checks=list(include), ignore_checks=list(ignore), config_file=os.devnull
    )
    return Runner(ConfigMixIn(**given))


@functools.cache
def rules() -> frozenset[str]:
    """Return the IDs of cfn-lint's rules, which are the same in each region."""
    return frozenset(_runner("us-east-1", ("I", "W", "E"), ()).rules)
