"""Synthesize the app of this repository with the rule packs of cdk-nag, for `make policy`.

The app itself does not run them, since they take seconds. Findings do not fail the synthesis: they are in the
validation report of the assembly, which `moorage policy` reads. CDK_OUTDIR names the folder of the assembly.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any
from unittest import mock

import aws_cdk as cdk
import cdk_nag

ROOT = Path(__file__).resolve().parents[1]
PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.NIST80053R4Checks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.ServerlessChecks,
)


def main() -> None:
    """Synthesize the app with all packs."""
    synthesize = cdk.App.synth

    def synthesize_checked(app: cdk.App, **_: Any) -> None:
        checked(app, synthesize)

    with mock.patch.object(cdk.App, "synth", synthesize_checked):
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")


def checked(app: cdk.App, synthesize: Any = cdk.App.synth) -> Path:
    """Synthesize an app with all packs, and return the folder of its assembly.

    Args:
        app: The app.
        synthesize: The function that synthesizes the app. Default: `cdk.App.synth`.
    """
    for pack in PACKS:
        cdk.Validations.of(app).add_plugins(pack(app))
    try:
        synthesize(app)
    except RuntimeError as error:  # of a failed validation; the report has the findings
        if "ValidationFailed:" not in str(error):
            raise
    return Path(app.outdir)


if __name__ == "__main__":
    main()
