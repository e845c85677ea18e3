"""The assertion that an app has no unacknowledged policy findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.assembly.cloud_assembly import Stack
from moorage.policy.acknowledgement_file import FILE, read
from moorage.policy.acknowledgements import Verdict, judge, of_app
from moorage.policy.issues import by_issue, issues_of
from moorage.policy.violation import APP, Violation
from moorage.testing.synthesis import acknowledging_stages, is_complete, stacks_in
from moorage.workload.errors import ArgumentTypeError

if TYPE_CHECKING:
    import aws_cdk as cdk

_LISTED = 4
"""The maximum number of resources that a line names."""


def assert_no_new_findings(
    app: cdk.Stage | cdk.Stack | str | Path, acknowledged: str | Path = "acknowledged.toml"
) -> None:
    """Fail for policy findings that are not acknowledged, and for acknowledgements that have expired or match nothing.

    The engines are cfn-lint, the Control Tower Guard rules, checkov if it is installed, and the validation plugins of
    the app, such as cdk-nag. A violation that a plugin reports does not end the synthesis.

    Args:
        app: The app, or one of its stages or stacks, or the folder of a cloud assembly.
        acknowledged: The file of acknowledgements, relative to the current folder. Default: `acknowledged.toml` if it
            exists. Entries that have expired or match nothing are an error only if `app` is an app or a folder.

    Raises:
        AssertionError: If a finding is not acknowledged, or an entry has expired or matches nothing. The message has a
            line for each issue and for each such entry.
        PolicyError: If the file cannot be read or has a wrong entry, or checkov fails.
        ModuleNotFoundError: If `moorage[review]` is not installed.
        TypeError: If `app` or `acknowledged` is of another type.
        ValueError: If `app` is a stack that is not in an app.
        AssemblyError: If the folder is not a readable cloud assembly, or the report of a validation plugin is invalid.
        RuntimeError: If CDK cannot synthesize the app.
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    given: object = acknowledged
    if not isinstance(given, str | Path):
        raise ArgumentTypeError(
            f"assert_no_new_findings: acknowledged must be of type str or Path (got {given!r}); "
            "use the path of the file"
        )
    tops = stacks_in(app, "assert_no_new_findings", validated=True)
    stacks = [stack for top in tops for stack in top.walk()]
    try:
        verdict = _judged(stacks, Path(acknowledged))
    except ModuleNotFoundError as error:
        if str(error.name).startswith("moorage"):
            raise
        raise ModuleNotFoundError(
            f'assert_no_new_findings needs moorage[review], which installs {error.name}: pip install "moorage[review]"',
            name=error.name,
        ) from error
    complete = is_complete(app)  # otherwise, the report of the plugins and the file are about more than the stacks
    left = verdict.left if complete else frozenset(each for each in verdict.left if _is_in(each, stacks))
    useless = [f"{given.place}: {sentence}" for given, _, sentence in verdict.useless]
    lines = [*(_message(left, acknowledged) if left else ()), *(useless if complete else ())]
    if left and (without_effect := acknowledging_stages(app)):
        names = " and ".join(without_effect)
        lines.append(
            f"acknowledgements on {names} have no effect, since CDK writes no acknowledgement of "
            "an app or a stage into the assembly; acknowledge them on the stacks"
        )
    if lines:
        raise AssertionError("\n".join(lines))


def _judged(stacks: Sequence[Stack], file: Path) -> Verdict:
    """Judge the findings in stacks with the acknowledgements of the app and of the file."""
    from moorage.policy.engines import all_violations, engines_of  # noqa: PLC0415  # only here are the engines needed

    given = read(None if file == FILE else file)
    return judge(all_violations(stacks), (*of_app(stacks), *given), engines=engines_of(stacks))


def _is_in(violation: Violation, stacks: Iterable[Stack]) -> bool:
    return violation.path == APP or any(f"{violation.path}/".startswith(f"{stack.path}/") for stack in stacks)


def _message(found: Iterable[Violation], acknowledged: str | Path) -> Iterator[str]:
    groups = by_issue(found)
    issues = "1 policy issue is" if len(groups) == 1 else f"{len(groups)} policy issues are"
    yield f"{issues} not acknowledged in {acknowledged}; fix or acknowledge each:"
    for name, violations in groups.items():
        yield _line(name, violations)
    name, violations = next(iter(groups.items()))
    yield f"To acknowledge one, add an entry to {acknowledged}, such as:"
    yield from ("[[acknowledged]]", f'id = "{name}"', f'path = "{violations[0].path}"', 'reason = "..."')


def _line(name: str, violations: Sequence[Violation]) -> str:
    """Return the line of an issue: the engine's message, the advice, the resources and the rules."""
    about = issues_of(violations[0].rule)
    message = next((violation.message for violation in violations if violation.message), name)
    meaning = " ".join([f"{message.rstrip('.')}.", *(each.advice for each in about[:1])])
    paths = list(dict.fromkeys(violation.path for violation in violations))
    shown = ", ".join(paths[:_LISTED]) + (f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else "")
    rules = ", ".join(sorted({violation.rule for violation in violations}))
    return f"{name}: {meaning} Resources: {shown}. Rules: {rules}."
