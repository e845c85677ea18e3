"""The checks that need a complete stage, reported together before its templates are written."""

from __future__ import annotations

from collections.abc import Callable

import aws_cdk as cdk
import jsii
from constructs import Construct, IValidation

from moorage.scope.per_construct import PerConstruct


@jsii.implements(IValidation)
class _StageValidation:
    """The single validation of a stage, which CDK calls after everything is defined."""

    def __init__(self) -> None:
        self.checks: list[Callable[[], list[str]]] = []

    def validate(self) -> list[str]:
        return [problem for check in self.checks for problem in check()]


_validations: PerConstruct[cdk.Stage, _StageValidation] = PerConstruct()


def add_stage_check(construct: Construct, check: Callable[[], list[str]]) -> None:
    """Add a check, which runs after the complete stage of `construct` is defined and returns errors.

    Do nothing if `construct` is not in a stage or app.
    """
    validation = _validation_of(construct)
    if validation:
        validation.checks.append(check)


def _validation_of(construct: Construct) -> _StageValidation | None:
    stage = cdk.Stage.of(construct)
    if stage is None:
        return None
    validation = _validations.get(stage)
    if validation is None:
        validation = _StageValidation()
        _validations.set(stage, validation)
        stage.node.add_validation(validation)
    return validation
