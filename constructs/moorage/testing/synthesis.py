"""The stacks of an app, a stage or a stack inside a test, and of a cloud assembly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.workload.errors import ArgumentTypeError, ValidationError

if TYPE_CHECKING:
    import aws_cdk as cdk

_SHOWN = 60
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
"""The type of CDK's metadata of acknowledgements."""
_NAMESPACES = ("moorage::", "cfn-lint::", "guard::", "checkov::")
"""The namespaces of rules that only moorage acknowledges. CDK applies acknowledgements of its plugins itself."""
_REPORTED = "ValidationFailed:"
"""The beginning of CDK's error for violations that validation plugins report. The error codes of constructs are longer.
"""


def stacks_in(app: cdk.Stage | cdk.Stack | str | Path, function: str, *, validated: bool = False) -> tuple[Stack, ...]:
    """Synthesize an app as `Template.from_stack` does, and return its stacks. Nested stacks are in their parents.

    Args:
        app: The app, or a stage or stack of it, or the folder of a cloud assembly, which is only read.
        function: The name of the public function that takes `app`, for the error.
        validated: Whether to synthesize the complete app, since CDK does not run validation plugins for a single stage.
            A violation that a plugin reports then does not end the synthesis. Default: False.

    Raises:
        TypeError: `app` is of another type.
        ValueError: `app` is a stack that is not in an app.
        AssemblyError: The folder is not a readable cloud assembly.
        RuntimeError: CDK cannot synthesize the app.
    """
    if isinstance(app, str | Path):
        return stacks_of(Path(app))
    stage = _stage_of(app, function)
    synthesized: Any = app.node.root if validated else stage
    try:
        synthesized.synth()
    except RuntimeError as error:  # the plugins' report is written before
        if not validated or not str(error).startswith(_REPORTED):
            raise
    return _read(app, stage)


def is_complete(app: object) -> bool:
    """Return whether `app` is complete: an app or the folder of a cloud assembly, not a stage or stack.

    Args:
        app: The app, stage or stack, or the folder.
    """
    import aws_cdk as cdk  # noqa: PLC0415  # naming the plugin must load neither aws_cdk nor jsii

    return not isinstance(app, cdk.Stage | cdk.Stack) or isinstance(app, cdk.App)


def acknowledging_stages(app: cdk.Stage | cdk.Stack | str | Path) -> list[str]:
    """Return the names of the app and the stages with acknowledgements for moorage, which CDK does not write.

    Args:
        app: The app, stage or stack; a folder has no constructs.
    """
    import aws_cdk as cdk  # noqa: PLC0415  # naming the plugin must load neither aws_cdk nor jsii

    if isinstance(app, str | Path):
        return []
    found = []
    for construct in (*app.node.scopes[:-1], *app.node.find_all()):
        if isinstance(construct, cdk.Stage):
            entries = [each.data for each in construct.node.metadata if each.type == _ACKNOWLEDGED]
            if any(rule.startswith(_NAMESPACES) for data in entries for rule in data):
                found.append(construct.node.path or "the app")
    return found


def _stage_of(app: cdk.Stage | cdk.Stack, function: str) -> cdk.Stage:
    import aws_cdk as cdk  # noqa: PLC0415  # naming the plugin must load neither aws_cdk nor jsii

    given: object = app
    if not isinstance(given, cdk.Stage | cdk.Stack):
        raise wrong_type(given, function)
    stage = given if isinstance(given, cdk.Stage) else cdk.Stage.of(given)
    if stage is None:
        raise ValidationError(
            f"{function}: {app.node.path} must be in a cdk.App (got none); define the stack in an app"
        )
    return stage


def wrong_type(app: object, function: str) -> TypeError:
    """Return the error for an argument that is neither an app, a stage, a stack nor a path.

    Args:
        app: The argument.
        function: The name of the public function that has the argument.
    """
    shown = repr(app) if len(repr(app)) <= _SHOWN else f"{repr(app)[:_SHOWN]}..."
    return ArgumentTypeError(
        f"{function}: app must be of type cdk.App, cdk.Stage, cdk.Stack or Path (got {shown} of type "
        f"{type(app).__name__}); use an app, one of its stages or stacks, or the folder of a cloud assembly"
    )


def _read(app: cdk.Stage | cdk.Stack, stage: cdk.Stage) -> tuple[Stack, ...]:
    """Return the stacks of a synthesized stage, or only `app` if it is a stack."""
    stacks = stacks_of(Path(stage.outdir))
    file = getattr(app, "template_file", None)  # of a stack
    if file is None:
        return stacks
    return tuple(
        each for top in stacks for each in top.walk() if each.template_file and each.template_file.name == file
    )
