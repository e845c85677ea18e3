"""Random updates: services behind a load balancer, and a change of one service or of the load balancer."""

from __future__ import annotations

import random
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm

from tools.fuzz.deployment import Template, update_problems
from tools.fuzz.shops import CAPACITIES, ON_FARGATE, ROLLOUTS, SCALINGS, Shop, Sketch, draw_entries, draw_shop
from tools.fuzz.trial import existing_vpc, names_of_programs

_RARE = 20
"""A kind of update is rare if fewer than one in this number of updates is of that kind: 25 of 500 in a full run."""
_REFERENCES = "@aws-cdk/core:defaultCrossStackReferences"


@attrs.frozen
class Update:
    """A change of a shop.

    Args:
        kind: The kind of change.
        before: The deployed shop.
        after: The changed shop.
    """

    kind: str
    before: Shop
    after: Shop


@attrs.frozen
class Finding:
    """An update that CloudFormation would refuse, or that leaves a service without targets."""

    update: Update
    says: tuple[str, ...]

    def __str__(self) -> str:
        said = "\n".join(self.says)
        both = (("before", self.update.before), ("after", self.update.after))
        programs = "\n\n".join(f"# {when}, {shop.stacks} stacks\n{shop.source}" for when, shop in both)
        return f"update of {self.update.kind}: {said}\n\n{programs}"


@attrs.define
class UpdateReport:
    """The results of random updates.

    Args:
        checked: The number of deployed updates of each kind.
        refused: The number of updates that moorage refused.
        findings: The updates that fail.
    """

    checked: Counter[str] = attrs.field(factory=Counter)
    refused: int = 0
    findings: list[Finding] = attrs.field(factory=list)

    @property
    def failures(self) -> list[str]:
        """The reasons why the run failed: findings, and kinds that were rarely drawn."""
        rare = [kind for kind in KINDS if self.checked[kind] < self.checked.total() // _RARE]
        return [*map(str, self.findings), *(f"{kind} was drawn {self.checked[kind]} times" for kind in rare)]

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {self.checked[kind]}" for kind in KINDS)
        return (
            f"{self.checked.total():,} random updates ({kinds}), {self.refused} refused, {len(self.findings)} go wrong"
        )


def run_updates(updates: int, seed: int) -> UpdateReport:
    """Draw this number of updates, evenly among the kinds, check the deployment of each, and return the report."""
    report, drawn = UpdateReport(), random.Random(seed)  # noqa: S311  # nothing secret
    while report.checked.total() < updates:
        before = draw_shop(drawn)
        try:
            templates = synthesized(before)
        except ValueError:  # two of its routes may have the same priority, which moorage refuses
            report.refused += 1
            continue
        rarest = sorted(KINDS, key=lambda kind: report.checked[kind])
        for kind in rarest[: updates - report.checked.total()]:
            after = KINDS[kind](before, drawn)
            if after is None:
                continue
            try:
                changed = synthesized(after)
            except ValueError:
                report.refused += 1
                continue
            report.checked[kind] += 1
            if problems := update_problems(templates, changed):
                report.findings.append(Finding(Update(kind, before, after), tuple(problems)))
    return report


def synthesized(shop: Shop) -> dict[str, Template]:
    """Run the program of a shop, and return the templates in deployment order.

    Args:
        shop: The random shop.

    Raises:
        ValueError: moorage refuses the shop.
    """
    with tempfile.TemporaryDirectory(prefix="moorage-update-") as out:
        app = cdk.App(analytics_reporting=False, outdir=out, context={_REFERENCES: _setting(shop)})
        platform = cdk.Stack(app, "Platform")
        stacks = [platform] if shop.stacks == "one" else [platform, cdk.Stack(app, "Shop")]
        given = {**names_of_programs(), **_given(platform), "platform": platform, "shop": stacks[-1]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(shop.source, given)  # noqa: S102  # a program that this tool wrote
        assembly = app.synth()
        return {stack.stack_name: assembly.get_stack_by_name(stack.stack_name).template for stack in stacks}


def _setting(shop: Shop) -> str:
    return "weak" if shop.stacks == "weak" else "strong"


def _given(stack: cdk.Stack) -> dict[str, Any]:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"
    return {"vpc": existing_vpc(stack), "issued": acm.Certificate.from_certificate_arn(stack, "Certificate", arn)}


Change = Callable[[Shop, random.Random], Shop | None]
"""A function that returns a changed shop; None if the shop cannot be changed this way."""


def _other(values: Sequence[Any], value: Any, drawn: random.Random) -> Any:
    return drawn.choice([each for each in values if each != value])


def _change_one(shop: Shop, drawn: random.Random, least: int, change: Callable[[Sketch], Sketch | None]) -> Shop | None:
    """Return a shop with a change of a service that has at least this number of entries; None if no service has."""
    fit = [index for index, sketch in enumerate(shop.services) if len(sketch.entries) >= least]
    if not fit:
        return None
    index = drawn.choice(fit)
    changed = change(shop.services[index])
    services = [*shop.services[:index], *([changed] if changed else []), *shop.services[index + 1 :]]
    return attrs.evolve(shop, services=tuple(services))


def _reorder(shop: Shop, drawn: random.Random) -> Shop | None:
    def reordered(sketch: Sketch) -> Sketch:
        return attrs.evolve(sketch, entries=(*sketch.entries[1:], sketch.entries[0]))

    return _change_one(shop, drawn, 2, reordered)


def _reroute(shop: Shop, drawn: random.Random) -> Shop | None:
    """Return a shop with an added, removed or changed entry."""
    taken = {entry for sketch in shop.services for entry in sketch.entries}
    places = {(entry.path, entry.host) for entry in taken if not shop.connections}
    fresh = next(
        each for each in draw_entries(drawn, connections=shop.connections) if (each.path, each.host) not in places
    )
    way = drawn.choice(("add", "remove", "move"))

    def rerouted(sketch: Sketch) -> Sketch:
        at = drawn.randrange(len(sketch.entries) or 1)
        kept = sketch.entries if way == "add" else (*sketch.entries[:at], *sketch.entries[at + 1 :])
        return attrs.evolve(sketch, entries=kept if way == "remove" else (*kept[:at], fresh, *kept[at:]))

    return _change_one(shop, drawn, 0 if way == "add" else 1, rerouted)


def _rename(shop: Shop, drawn: random.Random) -> Shop | None:
    """Return a shop with another container name or Service Connect name."""

    def renamed(sketch: Sketch) -> Sketch:
        if drawn.random() < 1 / 2:
            return attrs.evolve(sketch, container=_other(("web", "app", "main"), sketch.container, drawn))
        return attrs.evolve(
            sketch, connect=_other((None, sketch.name.lower(), f"{sketch.name.lower()}-2"), sketch.connect, drawn)
        )

    return _change_one(shop, drawn, 0, renamed)


def _change_port(shop: Shop, drawn: random.Random) -> Shop | None:
    """Return a shop with another port of a container or of a listener."""

    def moved(sketch: Sketch) -> Sketch:
        if shop.connections and sketch.entries and drawn.random() < 1 / 2:
            (first, *rest) = sketch.entries
            return attrs.evolve(sketch, entries=(attrs.evolve(first, port=(first.port or 0) - 1000), *rest))
        return attrs.evolve(sketch, port=_other((80, 3000, 8080), sketch.port, drawn))

    return _change_one(shop, drawn, 0, moved)


def _turn_scheme(shop: Shop, _: random.Random) -> Shop | None:
    """Return a shop with the other scheme, which replaces the load balancer.

    Return None for strong references: CloudFormation does not replace a load balancer that another stack imports.
    """
    return None if shop.stacks == "strong" else attrs.evolve(shop, public=not shop.public)


def _turn_certificate(shop: Shop, _: random.Random) -> Shop | None:
    """Return a shop with HTTPS instead of HTTP, or the reverse, which deletes a listener.

    Return None for a network load balancer, and if CloudFormation would refuse to delete an imported listener.
    """
    if shop.connections or (shop.certificate and shop.stacks == "strong"):
        return None
    return attrs.evolve(shop, certificate=not shop.certificate)


def _change_field(field: str, values: Sequence[str]) -> Change:
    def change(shop: Shop, drawn: random.Random) -> Shop | None:
        return _change_one(
            shop,
            drawn,
            0,
            lambda sketch: attrs.evolve(sketch, **{field: _other(values, getattr(sketch, field), drawn)}),
        )

    return change


def _change_capacity(shop: Shop, drawn: random.Random) -> Shop | None:
    """Return a shop with another capacity; a service with a Service Connect name stays on Fargate or on instances.

    CDK writes a scheduling strategy only for instances, so CloudFormation replaces a service that changes between the
    two. Its name is taken until the old service is deleted.
    """

    def moved(sketch: Sketch) -> Sketch:
        alike = [each for each in CAPACITIES if (each in ON_FARGATE) == (sketch.capacity in ON_FARGATE)]
        return attrs.evolve(sketch, capacity=_other(alike if sketch.connect else CAPACITIES, sketch.capacity, drawn))

    return _change_one(shop, drawn, 0, moved)


KINDS: dict[str, Change] = {
    "route order": _reorder,
    "routes": _reroute,
    "names": _rename,
    "ports": _change_port,
    "scheme": _turn_scheme,
    "certificate": _turn_certificate,
    "rollout": _change_field("rollout", ROLLOUTS),
    "scaling": _change_field("scaling", SCALINGS),
    "capacity": _change_capacity,
}
"""The kinds of changes to draw."""
