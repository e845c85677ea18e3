"""The subcommands of `moorage`, and those of `python -m moorage.local`. Each command only passes its arguments on."""

from __future__ import annotations

import contextlib
import functools
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from moorage.assembly.cloud_assembly import AssemblyError
from moorage.assembly.diagram import BEGIN, END, show
from moorage.assembly.named import require_folder
from moorage.cli.number import Number
from moorage.cli.output import end_quietly
from moorage.installation.commands import scripts, shell_path
from moorage.review.command import page_options, policy_command, require_policy, review_command, wanted_forms
from moorage.review.cost import CostOptions
from moorage.review.extras import load
from moorage.review.finding import Kind
from moorage.review.sides.revisions import ReviewError
from moorage.starter.command import init_command

_SECTIONS = {
    "Start": ("init",),
    "Deploy to a local AWS on this machine": ("up", "diff", "status", "down", "diagram"),
    "Check a change": ("review", "policy", "cost", "advise", "prices"),
    "Release": ("promote",),
}
"""The commands in the order in which a new user needs them."""


class _Sectioned(click.Group):
    """A group whose help lists the commands in sections, and whose errors begin with the command."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would exit with 1
            end_quietly()
        except click.ClickException as error:
            if type(error) is not click.ClickException:  # the usage, or a missing library: its sentence is complete
                raise
            sys.stderr.write(f"moorage {ctx.invoked_subcommand}: {error.format_message()}\n")
            raise SystemExit(error.exit_code) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        named = {name for names in _SECTIONS.values() for name in names}
        others = tuple(name for name in self.list_commands(ctx) if name not in named)
        for title, names in {**_SECTIONS, "Other": others}.items():
            found = [(name, self.commands[name]) for name in names if name in self.commands]
            width = formatter.width - 6 - max(map(len, self.commands))
            if found:
                with formatter.section(title):
                    formatter.write_dl([(name, each.get_short_help_str(width)) for name, each in found])


@click.group(cls=_Sectioned)
@click.version_option(package_name="moorage")
def moorage() -> None:
    """Make a CDK app, deploy it into a local AWS on this machine, review its changes, and promote its images."""


@click.group(cls=_Sectioned)
def local_aws() -> None:
    """Deploy any CDK app to a local AWS that runs on this machine."""


moorage.add_command(init_command)
moorage.add_command(review_command)
moorage.add_command(policy_command)

_stacks = click.argument("stacks", nargs=-1)
_app = click.option(
    "--app", help="The command that synthesizes the app, or the folder of a cloud assembly. Default: app in cdk.json."
)
_HOME = Path(".moorage")
_home = click.option(
    "--home", type=Path, default=_HOME, show_default=True, help="The folder for the state of the local AWS."
)


@moorage.command()
@_stacks
@_app
@click.option("--port", type=int, help="The port on 127.0.0.1 to listen on. Default: a free port.")
@_home
def up(stacks: tuple[str, ...], app: str | None, port: int | None, home: Path) -> None:
    """Deploy STACKS of an app into the local AWS.

    STACKS are construct paths of stacks, such as 'Prod/Web'; '*' is a wildcard. By default, all stacks are deployed.
    """
    load("moorage up", "moorage.local.prerequisites", "local").require(app, port, home)
    costs = load("moorage up", "moorage.cost.summary", "local")
    summary = functools.partial(costs.summary, program=_program_of_costs())
    _run_local("up", stacks, home, app=app, port=port, cost=summary)


@moorage.command()
@_stacks
@_app
@_home
@page_options
def diff(
    stacks: tuple[str, ...],
    app: str | None,
    home: Path,
    *,
    fail_on: frozenset[Kind],
    policy: bool,
    acknowledged: Path | None,
    cost: CostOptions,
    **files: Path | None,
) -> None:
    """Review what `up` would change in the local AWS.

    The page is that of `moorage review`, from the deployed stacks to the app as it is now. Nothing is deployed.

    STACKS are construct paths of stacks, such as 'Prod/Web'; '*' is a wildcard. By default, all stacks are compared.

    The exit code is 1 for a finding of a kind in --fail-on, for a cost over a limit, if nothing is deployed, or if the
    app does not synthesize; 2 if the page cannot be made or an option is wrong; and 0 otherwise.
    """
    require_policy(fail_on, policy=policy)
    wanted = wanted_forms("moorage diff", files)
    try:
        load("moorage diff", "moorage.review.pages", "review").require_writable(wanted)
    except ReviewError as error:
        raise click.UsageError(str(error)) from error
    shown = functools.partial(_show, options=(wanted, fail_on, policy, acknowledged, cost))
    _run_local("diff", stacks, home, app=app, show=shown)


@moorage.command(short_help="Delete STACKS from the local AWS.")
@_stacks
@click.option("--discard", is_flag=True, help="Stop the local AWS without deleting its stacks first.")
@_home
def down(stacks: tuple[str, ...], home: Path, *, discard: bool) -> None:
    """Delete STACKS, and the stacks that depend on them, from the local AWS.

    STACKS are construct paths of stacks, such as 'Prod/Web'; '*' is a wildcard. By default, all stacks are deleted. The
    local AWS stops when its last stack is deleted.
    """
    _run_local("down", stacks, home, discard=discard)


@moorage.command()
@_stacks
@_home
def status(stacks: tuple[str, ...], home: Path) -> None:
    """Show what is deployed in the local AWS.

    STACKS are construct paths of stacks, such as 'Prod/Web'; '*' is a wildcard. By default, all stacks are shown.
    """
    _run_local("status", stacks, home)


@moorage.command(short_help="Write the image digests of SOURCE to the parameters of TARGET.")
@click.argument("services", nargs=-1, required=True, metavar="SERVICE...")
@click.argument("source")
@click.argument("target")
@_app
@click.option("--profile", metavar="NAME", help="The AWS profile for TARGET. Default: the credentials of boto3.")
@click.option("--source-profile", metavar="NAME", help="The AWS profile for SOURCE. Default: that for TARGET.")
@click.option("--yes", is_flag=True, help="Promote without a question, for example in CI.")
@click.option("--dry-run", is_flag=True, help="Check and show the promotion, and write nothing.")
@click.option("--local", is_flag=True, help="Promote in the local AWS.")
@_home
def promote(
    services: tuple[str, ...],
    source: str,
    target: str,
    *,
    app: str | None,
    profile: str | None,
    source_profile: str | None,
    yes: bool,
    dry_run: bool,
    local: bool,
    home: Path,
) -> None:
    """Write the image digests of SOURCE to the SSM parameters of TARGET.

    SERVICE is the path of a service, worker or job below its stage, such as 'Services/Ui', or its last part in any
    case, such as 'ui'; '*' is a wildcard. The digest of its image is in an SSM parameter:
    Image.from_repository(digest_parameter=).

    SOURCE is a stage, a digest such as sha256:..., or a tag with a colon before it, such as :1.7.0. TARGET is a stage,
    or a stack such as 'production/Services'. The next deployment of TARGET runs the images.

    All services are checked before anything is written. The exit code is 1 if the promotion is refused or declined, 2
    if an argument is wrong or the app cannot be read, and 0 otherwise.
    """
    if local and (profile or source_profile):
        raise click.UsageError("--local uses no AWS profile; leave out --profile and --source-profile.")
    promotion = load("moorage promote", "moorage.promotion.command", "promotion")
    given = f" --app {shlex.quote(app)}" if app else ""
    if local:
        reading = load("moorage promote --local", "moorage.local.clients", "local")
        opened = _opened(promotion, reading, home, app)
        own = "" if home == _HOME else f" --home {shlex.quote(str(home))}"
        deploy = f"{_program()} up{given}{own}"
    else:
        opened, deploy = promotion.on_aws(app, profile, source_profile), f"cdk deploy{given}"
    request = promotion.Request(services, source, target)
    raise SystemExit(promotion.run(request, opened, promotion.Options(deploy, yes=yes, dry_run=dry_run)))


@moorage.group()
def prices() -> None:
    """Maintain the list prices of AWS that moorage calculates with."""


@prices.command(short_help="Write a price book with the prices that AWS lists now.")
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="A region; can be repeated. Default: those of the book.",
)
@click.option(
    "--into", type=Path, metavar="FILE", help="The file to write. Default: prices-DATE.json in the current folder."
)
@click.option("--profile", metavar="NAME", help="The AWS profile. Default: the credentials of boto3.")
def refresh(regions: tuple[str, ...], into: Path | None, profile: str | None) -> None:
    """Write a price book with the prices that AWS lists now, and show which prices differ.

    The prices come from AWS's Price List, which needs the permission pricing:GetProducts. If FILE exists, its prices
    are the old ones, and what was not read is kept. Otherwise, the old prices are those that moorage contains.

    The exit code is 1 if AWS cannot be asked or a new price cannot be right, in which case nothing is written, 2 if an
    argument is wrong, and 0 otherwise.
    """
    refreshing = load("moorage prices refresh", "moorage.prices.refresh.command", "prices")
    raise SystemExit(refreshing.run(refreshing.Request(regions, into, profile)))


@contextlib.contextmanager
def _opened(promotion: Any, reading: Any, home: Path, app: str | None) -> Iterator[Any]:
    """Yield an app and the access to the local AWS, as the promotion takes them."""
    try:
        with reading.opened(home, app) as (stacks, clients):
            yield promotion.Opened(stacks, clients, clients)
    except reading.LocalError as error:
        raise promotion.PromotionError(str(error)) from error


@moorage.command(short_help="Draw the stacks of an ASSEMBLY as a Mermaid diagram.")
@click.argument("assembly", type=Path, default="cdk.out")
@_stacks
@click.option("--into", type=Path, metavar="FILE", help=f"Write the diagram into FILE, between {BEGIN} and {END}.")
def diagram(assembly: Path, stacks: tuple[str, ...], into: Path | None) -> None:
    """Draw the stacks of an ASSEMBLY as a Mermaid diagram for Markdown, which GitHub renders.

    ASSEMBLY is a cloud assembly, the folder that `cdk synth` writes. The default is cdk.out. STACKS are construct paths
    of stacks, such as 'Prod/Web'; '*' is a wildcard. By default, all stacks are drawn.
    """
    try:
        require_folder(assembly, f"{_program()} diagram")
        show(assembly, stacks, into)
    except BrokenPipeError:  # click ends the command quietly
        raise
    except (AssemblyError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


@moorage.command(short_help="Estimate what the stacks of an ASSEMBLY cost a month.")
@click.argument("assembly", type=Path, default="cdk.out")
@_stacks
@click.option("--usage", type=Path, metavar="FILE", help="A TOML file with the use that templates do not state.")
@click.option("--region", metavar="NAME", help="The region of stacks without a region. Default: us-east-1.")
@click.option("--prices", type=Path, metavar="FILE", help="A price book of `moorage prices refresh`.")
@click.option("--budget", metavar="USD", help="Exit with 1 if the least cost of a month is over this amount.")
@click.option("--json", type=Path, metavar="FILE", help="Write JSON to FILE; '-' prints it instead of the tables.")
def cost(assembly: Path, stacks: tuple[str, ...], **given: Any) -> None:
    """Estimate what the stacks of an ASSEMBLY cost a month, without credentials.

    ASSEMBLY is a cloud assembly, the folder that `cdk synth` writes. The default is cdk.out. STACKS are construct paths
    of stacks, such as 'Prod/Web'; '*' is a wildcard. By default, all stacks are estimated.

    The exit code is 1 if the cost at the least number of copies, with what --usage states, is over --budget; 2 if
    ASSEMBLY or FILE cannot be read; and 0 otherwise.
    """
    running = load("moorage cost", "moorage.cost.command", "review")
    raise SystemExit(running.run(running.Request(assembly=assembly, stacks=stacks, **given)))


_percent = functools.partial(click.option, type=Number("a percentage", "20"), metavar="PERCENT")


@moorage.command(short_help="Advise on the launch type of each workload of an ASSEMBLY.")
@click.argument("assembly", type=Path, default="cdk.out")
@click.argument("pattern", required=False)
@click.option("--region", metavar="NAME", help="The region of stacks without a region. Default: us-east-1.")
@click.option("--usage", type=Path, metavar="FILE", help="A TOML file with the runs and durations of jobs.")
@click.option("--prices", type=Path, metavar="FILE", help="A price book of `moorage prices refresh`.")
@_percent("--savings-plan-percent", help="The discount of a Compute Savings Plan on Fargate and EC2. Default: 0.")
@_percent("--ec2-savings-plan-percent", help="The discount on EC2, if it differs. Default: the same.")
@_percent("--fargate-spot-percent", help="The discount of Fargate Spot. Default: unknown.")
@_percent("--ec2-spot-percent", help="The discount of EC2 Spot. Default: unknown.")
@_percent("--managed-instances-fee-percent", help="The fee of ECS Managed Instances. Default: unknown.")
@click.option("--interruptible/--not-interruptible", default=None, help="Whether copies tolerate Spot.")
@click.option(
    "--upkeep-hours",
    type=Number("a number of hours", "2"),
    metavar="N",
    help="The hours a month for hosts. Default: 2.",
)
@click.option(
    "--hourly-rate", type=Number("an amount in USD", "50"), metavar="USD", help="The cost of such an hour. Default: 50."
)
@click.option("--trunking", is_flag=True, default=None, help="The account setting awsvpcTrunking is on.")
@click.option("--json", type=Path, metavar="FILE", help="Write JSON to FILE; '-' prints it instead of the tables.")
def advise(
    assembly: Path,
    pattern: str | None,
    region: str | None,
    usage: Path | None,
    prices: Path | None,
    json: Path | None,
    **assumptions: Any,
) -> None:
    """Advise on the launch type of each service, worker and job of an ASSEMBLY, with what each costs a month.

    ASSEMBLY is a cloud assembly, the folder that `cdk synth` writes. The default is cdk.out. PATTERN is the construct
    path of workloads, such as 'Prod/Shop/Web'; '*' is a wildcard. Workloads that share a cluster are also compared
    together.

    The exit code is 2 if an input cannot be read or is wrong, and 0 otherwise.
    """
    running = load("moorage advise", "moorage.advice.assembly.command", "review")
    request = running.Request(
        assembly=assembly,
        pattern=pattern,
        usage=usage,
        region=region,
        prices=prices,
        json=json,
        assumptions=assumptions,
    )
    raise SystemExit(running.run(request))


for _command in (up, diff, status, down, diagram):
    local_aws.add_command(_command)


def _run_local(command: str, stacks: tuple[str, ...], home: Path, **given: Any) -> None:
    local = load(f"moorage {command}", "moorage.local.commands", "local")
    request = local.Request(command, stacks=stacks, home=home, program=_program(), **given)
    raise SystemExit(local.run(request))


def _show(difference: Any, options: tuple[Any, ...]) -> int:
    """Show the difference between the local AWS and an app, and return the exit code."""
    running = load("moorage diff", "moorage.review.run", "review")
    code: int = running.show(
        difference.standing,
        difference.defined,
        running.Options(*options),
        command="moorage diff",
        names=("the local AWS", "the app"),
        notes=difference.notes,
    )
    return code


def _program_of_costs() -> str:
    """Return the beginning of `moorage cost`, which the commands of the local AWS do not have."""
    is_module = click.get_current_context().find_root().command is local_aws
    return shell_path(scripts() / "moorage") if is_module else _program()


def _program() -> str:
    """Return the beginning of the command that the user typed, so that suggested commands can be copied."""
    if click.get_current_context().find_root().command is local_aws:
        return f"{shell_path(sys.executable)} -m moorage.local"
    typed, found = Path(sys.argv[0]), shutil.which("moorage")
    is_found = found is not None and Path(found).resolve() == typed.resolve()
    return "moorage" if typed.name != "moorage" or is_found else shell_path(typed)
