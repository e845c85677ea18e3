"""The policy engines, run over apps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
import cdk_nag

from moorage.assembly.cloud_assembly import stacks_of
from moorage.policy.engines import checkov, reported, violations
from moorage.policy.violation import Violation

CHECKOV = Path(__file__).resolve().parents[2] / ".venv" / "tools" / "checkov" / "bin" / "checkov"
NAG_PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.NIST80053R4Checks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.ServerlessChecks,
)


def findings(apps: Mapping[str, cdk.App]) -> dict[str, set[Violation]]:
    """Synthesize apps and run cdk-nag's six packs, cfn-lint, checkov and the Control Tower Guard rules over them.

    All apps are checked at once, since checkov takes four seconds to start.
    """
    stacks = {
        name: [stack for top in stacks_of(_synthesized(app)) for stack in top.walk()] for name, app in apps.items()
    }
    found = {name: {*violations(each), *reported(each)} for name, each in stacks.items()}
    by_stack = {id(stack): name for name, each in stacks.items() for stack in each}
    for stack, violation in checkov([stack for each in stacks.values() for stack in each], str(CHECKOV)):
        found[by_stack[id(stack)]].add(violation)
    return found


def _synthesized(app: cdk.App) -> Path:
    for pack in NAG_PACKS:
        cdk.Validations.of(app).add_plugins(pack(app))
    try:
        app.synth()
    except RuntimeError as error:  # of a failed validation, whose report is read below
        if "ValidationFailed" not in str(error):
            raise
    return Path(app.outdir)
