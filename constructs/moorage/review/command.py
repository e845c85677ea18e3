"""The commands `moorage review` and `moorage policy`: their arguments and options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from moorage.cost.money import number_of_option
from moorage.policy.acknowledgement_file import FILE
from moorage.review.cost import MAX_INCREASE_PERCENT, MAX_MONTHLY, CostOptions
from moorage.review.extras import load
from moorage.review.finding import Kind

FORMS = {
    "markdown": "the Markdown page for a comment",
    "sarif": "SARIF 2.1.0 for code scanning",
    "junit": "JUnit XML",
    "json": "JSON for programs",
    "html": "one self-contained HTML page",
}
"""The forms that can be written to files, each with a noun phrase for the help. The page for the terminal is printed.
"""


class _Kinds(click.ParamType[frozenset[Kind]]):
    """A parameter type of click for kinds of findings, separated by commas."""

    name = "kinds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[Kind]:
        """Return the kinds. For an unknown kind or for no kind, fail with the list of kinds."""
        if isinstance(value, frozenset):
            return value
        known = {kind.value: kind for kind in Kind}
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        if not names:
            way = f"leave out the option, or name some of {', '.join(known)}"
            self.fail(f"{str(value)!r} has no kind of finding; {way}", param, ctx)
        for name in names:
            if name not in known:
                limits = f"; for the cost, use {MAX_MONTHLY} or {MAX_INCREASE_PERCENT}" if name == "cost" else ""
                self.fail(f"{name!r} is not a kind of finding; the kinds are {', '.join(known)}{limits}", param, ctx)
        return frozenset(known[name] for name in names)


class _Number(click.ParamType[Decimal]):
    """A parameter type of click for a number of at least 0.

    Args:
        noun: The kind of number in the error, such as `an amount in USD`.
        example: A number for the way out.
    """

    name = "number"

    def __init__(self, noun: str, example: int) -> None:
        self.noun, self.example = noun, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Return the number. For any other text, fail with a sentence."""
        option = param.opts[0] if param else "the option"
        try:
            return number_of_option(option, str(value), self.noun, self.example)
        except ValueError as error:
            raise click.UsageError(f"{error}.", ctx) from error


def page_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for forms, policy engines, the cost and `--fail-on` to a command, and return the command.

    Args:
        command: A function that takes `fail_on`, `policy`, `acknowledged`, `cost` and the file of each form.
    """
    command = click.option(
        "--policy/--no-policy", default=True, help="Whether to run the policy engines, which take seconds."
    )(command)
    command = click.option(
        "--fail-on",
        type=_Kinds(),
        default=frozenset(),
        metavar="KINDS",
        help=f"Exit with 1 if there is a finding of one of these kinds: {','.join(kind.value for kind in Kind)}.",
    )(command)
    return _form_options(_acknowledged_option(_cost_options(command)))


def _cost_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for the cost. The command gets them as one argument `cost`."""

    @functools.wraps(command)
    def called(
        *arguments: Any,
        usage: Path | None,
        max_monthly: Decimal | None,
        max_increase_percent: Decimal | None,
        prices: Path | None,
        **others: Any,
    ) -> None:
        command(*arguments, cost=CostOptions(usage, max_monthly, max_increase_percent, prices), **others)

    percent = "Exit with 1 if the monthly cost with the least copies rises by more than this percentage."
    limit = "Exit with 1 if the monthly cost with the least copies, and with what --usage states, is over this amount."
    usage = "A TOML file with the use that templates do not state, as for `moorage cost`."
    prices = "A price book of `moorage prices refresh`."
    number = _Number("a percentage, without %,", 10)
    options = click.option(MAX_INCREASE_PERCENT, metavar="N", type=number, help=percent)(called)
    amount = _Number("an amount in USD, without $ and commas,", 125)
    options = click.option(MAX_MONTHLY, metavar="USD", type=amount, help=limit)(options)
    options = click.option("--prices", metavar="FILE", type=Path, help=prices)(options)
    return click.option("--usage", metavar="FILE", type=Path, help=usage)(options)


def _form_options(command: Callable[..., None]) -> Callable[..., None]:
    for form, said in reversed(FORMS.items()):
        command = click.option(
            f"--{form}", metavar="FILE", type=Path, help=f"Write {said} to FILE; '-' prints it instead of the page."
        )(command)
    return command


_acknowledged_option = click.option(
    "--acknowledged",
    metavar="FILE",
    type=Path,
    help=f"The file of acknowledged policy findings. Default: {FILE} if it exists.",
)


def require_policy(fail_on: frozenset[Kind], *, policy: bool) -> None:
    """Refuse to fail on policy findings if the policy engines do not run.

    Args:
        fail_on: The kinds in `--fail-on`.
        policy: False if `--no-policy` is given.

    Raises:
        click.UsageError: The options contradict each other.
    """
    if Kind.POLICY in fail_on and not policy:
        raise click.UsageError("--fail-on policy needs the policy engines; leave out --no-policy.")


def wanted_forms(command: str, files: Mapping[str, Path | None]) -> dict[str, Path]:
    """Return the files to write. Load their forms first, so that a missing library is an error before the synthesis.

    Args:
        command: The name of the command in errors.
        files: A mapping from each form to its file, or to None for a form that is not written.

    Raises:
        click.ClickException: A library is missing.
    """
    wanted = {form: file for form, file in files.items() if file is not None}
    for form in ("terminal", *wanted):
        load(command, f"moorage.review.forms.{form}", "review")
    return wanted


_app_option = click.option(
    "--app", metavar="COMMAND", help="The command that synthesizes the app. Default: app in cdk.json."
)


@click.command(name="review", short_help="Review the change of a CDK app from BASE to HEAD.")
@click.argument("base", required=False)
@click.argument("head", required=False)
@click.option("--new", is_flag=True, help="Review a new app, without a BASE.")
@_app_option
@page_options
def review_command(
    base: str | None,
    head: str | None,
    *,
    new: bool,
    app: str | None,
    fail_on: frozenset[Kind],
    policy: bool,
    acknowledged: Path | None,
    cost: CostOptions,
    **files: Path | None,
) -> None:
    """Review the change of a CDK app from BASE to HEAD, without credentials.

    BASE and HEAD are cloud assemblies (the folders that `cdk synth` writes) or git revisions, which are synthesized.
    The default for HEAD is the working tree, including changes that are not committed.

    The exit code is 1 for a finding of a kind in --fail-on or a cost over a limit, 2 if a side cannot be read or
    synthesized, and 0 otherwise.
    """
    if new and head is not None:
        raise click.UsageError("--new takes only one side, which is HEAD; leave out BASE.")
    if base is None and not new:
        raise click.UsageError("Missing argument 'BASE'; to review a new app, use --new.")
    if new and cost.max_increase_percent is not None:
        raise click.UsageError(f"{MAX_INCREASE_PERCENT} needs a BASE; with --new, use {MAX_MONTHLY}.")
    require_policy(fail_on, policy=policy)
    wanted = wanted_forms("moorage review", files)
    running = load("moorage review", "moorage.review.run", "review")
    sides = (None, base or ".") if new else (base, head or ".")
    raise SystemExit(running.run(*sides, running.Options(wanted, fail_on, policy, acknowledged, cost), app))


@click.command(name="policy", short_help="Check a CDK app with policy engines.")
@click.argument("assembly", default="cdk.out")
@_app_option
@_acknowledged_option
@_form_options
def policy_command(assembly: str, *, app: str | None, acknowledged: Path | None, **files: Path | None) -> None:
    """Check a CDK app with policy engines: cfn-lint, the Control Tower rules, checkov if installed, and cdk-nag.

    ASSEMBLY is a cloud assembly, or a git revision to synthesize; '.' is the working tree. The default is cdk.out.
    Findings of cdk-nag are shown if the app runs it.

    The exit code is 1 for findings that are not acknowledged, 2 if ASSEMBLY or FILE cannot be read, and 0 otherwise.
    """
    wanted = wanted_forms("moorage policy", files)
    running = load("moorage policy", "moorage.review.run", "review")
    raise SystemExit(running.check(assembly, running.Options(wanted, acknowledged=acknowledged), app))
