"""The policy engines, run over apps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.policy.engines import checkov, violations
from moorage.policy.plugin_reports import reported
from moorage.policy.violation import Violation
from tools.policy import checked

CHECKOV = Path(__file__).resolve().parents[2] / ".venv" / "tools" / "checkov" / "bin" / "checkov"


def findings(apps: Mapping[str, cdk.App]) -> dict[str, tuple[list[Stack], set[Violation]]]:
    """Synthesize apps and run cdk-nag's six packs, cfn-lint, checkov and the Control Tower Guard rules over them.

    All apps are checked at once, since checkov takes four seconds to start.
    """
    stacks = {name: [stack for top in stacks_of(checked(app)) for stack in top.walk()] for name, app in apps.items()}
    found = {name: {*violations(each), *reported(each)} for name, each in stacks.items()}
    by_stack = {id(stack): name for name, each in stacks.items() for stack in each}
    for stack, violation in checkov([stack for each in stacks.values() for stack in each], str(CHECKOV)):
        found[by_stack[id(stack)]].add(violation)
    return {name: (stacks[name], found[name]) for name in apps}
