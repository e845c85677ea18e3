"""The checks that need all of a stage, reported together before its templates are written."""

from __future__ import annotations

from collections.abc import Callable

import aws_cdk as cdk
import jsii
from constructs import Construct, IValidation

from moorage.scope.per_construct import PerConstruct
from moorage.workload.problems import is_token


@jsii.implements(IValidation)
class _StageValidation:
    """The one validation of a stage; CDK asks it after everything is defined."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, str, str], list[str]] = {}
        self.checks: list[Callable[[], list[str]]] = []

    def validate(self) -> list[str]:
        return self._name_conflicts() + [problem for check in self.checks for problem in check()]

    def _name_conflicts(self) -> list[str]:
        """Return the errors of names that two constructs take."""
        return [
            f"{' and '.join(paths)} are both the {kind} {name!r} of one account and region, "
            "and AWS keeps it for the first; "
            "give one of them another name, or leave the name out"
            for (_, kind, name), paths in self.names.items()
            if len(paths) > 1
        ]


_validations: PerConstruct[cdk.Stage, _StageValidation] = PerConstruct()


def claim_name(construct: Construct, kind: str, name: str) -> None:
    """Record that `construct` takes a name that its account and region have once; two of a stage are an error.

    Args:
        construct: The construct that takes the name.
        kind: The CloudFormation type that the name is of.
        name: The name; one that CloudFormation chooses, or a token, is not recorded.
    """
    validation = _validation_of(construct)
    if validation and not is_token(name):
        environment = cdk.Stack.of(construct).environment
        validation.names.setdefault((environment, kind, name), []).append(construct.node.path)


def add_stage_check(construct: Construct, check: Callable[[], list[str]]) -> None:
    """Add a check that returns errors once all of the stage of `construct` is defined."""
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
