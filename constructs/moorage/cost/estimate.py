"""The estimate of the monthly cost of stacks: a row for each component, and their sums."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.cost.amounts import NOTHING, ZERO, Range
from moorage.cost.free_types import free_reason
from moorage.cost.parts import Kind, NotInTemplateError, Part, free, unknown
from moorage.cost.resources import Item, Resources, is_conditional
from moorage.cost.rules.table import RULES
from moorage.cost.usage import Usage, Use, matches
from moorage.prices.book import PriceBook
from moorage.prices.price import Price, UnknownPrice

DEFAULT_REGION = "us-east-1"
"""The region of stacks without a region, if no other is given."""
SPOT_DISCOUNT_PERCENT = Decimal(50)
"""The assumed discount of Spot. AWS gives no price in advance, and up to 70 percent for Fargate Spot."""
_EXTENSIONS = "AWS::LanguageExtensions"
"""The transform that makes resources only by `Fn::ForEach`."""
_DISCOUNT = "spot_discount_percent"


@attrs.frozen(kw_only=True)
class Row:
    """A component of a resource with its price.

    Args:
        stack: The construct path of the stack; of a nested stack, that of its top-level stack.
        construct: The construct path of the part of the stack that contains the resource.
        path: The construct path of the resource.
        template: The construct path of the stack whose template has the resource: `stack`, or a stack nested in it.
        logical_id: The logical ID of the resource in its template.
        type: The type of the resource in CloudFormation.
        component: The name of the component.
        kind: The way in which the component is billed.
        region: The region of the stack.
        item: The item of the price book; empty for a component without one.
        quantity: The monthly quantity; None if it depends on use, or is not known.
        unit: The unit of the quantity; empty if there is no price.
        price: The price of one unit in USD; None if there is no price.
        month: The monthly cost in USD; None if it depends on use, or is not known.
        assumptions: The assumptions, one sentence each.
        source: The document that states the price; empty if there is no price.
        price_region: The region of the price, which is not `region` if the book has no price there; empty if there is
            no price.
        assumed: True if no source states the price, so that moorage assumes it.
    """

    stack: str
    construct: str
    path: str
    template: str
    logical_id: str
    type: str
    component: str
    kind: Kind
    region: str
    item: str = ""
    quantity: Range | None = None
    unit: str = ""
    price: Decimal | None = None
    month: Range | None = None
    assumptions: tuple[str, ...] = ()
    source: str = ""
    price_region: str = ""
    assumed: bool = False

    @property
    def amount(self) -> Range:
        """The monthly cost as it is in a sum: 0 if it is not known, and the most of what is billed by use."""
        if self.month is None:
            return ZERO
        return Range.of(self.month.most) if self.kind is Kind.USE else self.month


@attrs.frozen
class Sum:
    """A monthly sum in USD.

    Args:
        fixed: The cost without traffic, from the least to the most copies.
        use: The cost that a usage file adds.
        assumed: The part of both that rests on prices that no source states.
    """

    fixed: Range = ZERO
    use: Decimal = NOTHING
    assumed: Range = ZERO

    def __add__(self, row: Row) -> Sum:
        assumed = self.assumed + row.amount if row.assumed else self.assumed
        if row.kind is Kind.USE:
            return Sum(self.fixed, self.use + row.amount.most, assumed)
        return Sum(self.fixed + row.amount, self.use, assumed)

    @property
    def total(self) -> Range:
        """Both parts together."""
        return self.fixed + Range.of(self.use)


@attrs.frozen
class DefaultRegion:
    """The region of stacks without a region.

    Args:
        name: The code of the region.
        is_stated: True if the user states it.
    """

    name: str
    is_stated: bool = attrs.field(kw_only=True)


@attrs.frozen
class Estimate:
    """The monthly cost of stacks.

    Args:
        rows: The components of all resources, in the order of the stacks and templates.
        notes: The sentences that apply to all rows, and those in `unused`.
        unused: A sentence for each value of the usage file that no component uses.
        default_region: The region of stacks without a region; None if each stack has one.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    default_region: DefaultRegion | None = None

    @property
    def total(self) -> Sum:
        return _sum(self.rows)

    @property
    def stacks(self) -> Mapping[str, Sum]:
        """A mapping from the path of each stack to its sum."""
        return {stack: _sum(rows) for stack, rows in self.rows_of_stacks.items()}

    @property
    def constructs(self) -> Mapping[tuple[str, str], Sum]:
        """A mapping from the paths of each stack and construct to the sum."""
        found: dict[tuple[str, str], Sum] = {}
        for row in self.rows:
            key = row.stack, row.construct
            found[key] = found.get(key, Sum()) + row
        return found

    @property
    def rows_of_stacks(self) -> Mapping[str, Sequence[Row]]:
        """A mapping from the path of each stack to its rows."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.stack, []).append(row)
        return found

    @property
    def unknown_types(self) -> Mapping[str, int]:
        """A mapping from each resource type without a rule to the number of its resources."""
        types = ((row.path, row.type) for row in self.rows if row.type not in RULES and free_reason(row.type) is None)
        return dict(sorted(Counter(type_ for _, type_ in dict.fromkeys(types)).items()))

    @property
    def free_resources(self) -> int:
        """The number of resources without a component that is billed."""
        billed = {row.path for row in self.rows if row.kind is not Kind.FREE}
        return len({(row.stack, row.path) for row in self.rows if row.path not in billed})

    def of(self, patterns: Collection[str]) -> Estimate:
        """Return the estimate of the stacks whose paths match one of the patterns; of all stacks without patterns.

        Args:
            patterns: The construct paths of stacks, in which `*` is any text.
        """
        if not patterns:
            return self
        kept = {stack for stack in self.stacks if any(fnmatch.fnmatchcase(stack, pattern) for pattern in patterns)}
        rows = tuple(row for row in self.rows if row.stack in kept)
        others = set(_region_notes(self.rows, self.default_region))
        kept_notes = (note for note in self.notes if note not in others)
        return attrs.evolve(self, rows=rows, notes=(*kept_notes, *_region_notes(rows, self.default_region)))


def estimate(
    stacks: Sequence[Stack], book: PriceBook, usage: Usage | None = None, region: str | None = None
) -> Estimate:
    """Estimate the monthly cost of the stacks of an assembly.

    The same arguments give an equal estimate: neither files nor the current time are read.

    Args:
        stacks: The stacks, as `stacks_of` returns them.
        book: The prices.
        usage: The use that templates do not state. Default: none.
        region: The region of stacks without a region. Default: `us-east-1`.
    """
    default = DefaultRegion(region or DEFAULT_REGION, is_stated=region is not None)
    is_used = any(stack.region is None for stack in stacks)
    placed = [in_region(stack, default.name) for stack in stacks]
    resources = Resources(placed)
    roots = {id(each): stack.path for stack in placed for each in stack.walk()}
    stated = usage or Usage()
    rows: list[Row] = []
    asked: dict[str, set[str]] = {}
    for item in resources.items.values():
        stack = resources.all_stacks[item.place.stack]
        of_item = stated.of(item.path)
        priced = _Priced(item, stack.path, roots[id(stack)], stack.region or DEFAULT_REGION, book, of_item)
        rows.extend(priced.row(part) for part in _parts(item, of_item))
        asked.setdefault(item.path, set()).update(of_item.asked)
    unused = _unused(stated, asked)
    at_deployment = (note for stack in resources.all_stacks for note in _made_at_deployment(stack))
    default_region = default if is_used else None
    notes = (*at_deployment, *_region_notes(rows, default_region), *unused)
    return Estimate(tuple(rows), notes, unused, default_region)


def _sum(rows: Sequence[Row]) -> Sum:
    total = Sum()
    for row in rows:
        total += row
    return total


def in_region(stack: Stack, region: str) -> Stack:
    """Return a stack with a region, also in its nested stacks. A stack that has a region keeps it.

    Args:
        stack: The stack.
        region: The region.
    """
    if stack.region is not None:
        return stack
    nested = {logical_id: in_region(inner, region) for logical_id, inner in stack.nested.items()}
    return attrs.evolve(stack, region=region, nested=nested)


def _parts(item: Item, use: Use) -> Iterator[Part]:
    rule = RULES.get(item.type)
    if rule is None:
        reason = free_reason(item.type)
        yield free("Resource", reason) if reason else unknown("Resource", f"moorage has no rule for {item.type}")
        return
    try:
        for part in rule(item, use):
            yield _conditional(part) if is_conditional(item) else part
    except NotInTemplateError as error:
        yield unknown(item.type.rpartition("::")[2], str(error))


def _conditional(part: Part) -> Part:
    """Return a component of a resource that exists only under a condition that no template decides."""
    said = (*part.assumptions, "the resource exists only under a condition")
    quantity = part.quantity and Range(NOTHING, part.quantity.most)
    return attrs.evolve(part, quantity=quantity, assumptions=said)


@attrs.frozen
class _Priced:
    """A resource whose components get prices.

    Args:
        item: The resource.
        template: The path of its stack.
        stack: The path of its top-level stack.
        region: The region of its stack.
        book: The prices.
        use: The use of the resource.
    """

    item: Item
    template: str
    stack: str
    region: str
    book: PriceBook
    use: Use

    def row(self, part: Part) -> Row:
        """Return the row of a component."""
        row = Row(
            stack=self.stack,
            construct=self._construct,
            path=self.item.path,
            template=self.template,
            logical_id=self.item.resource.logical_id,
            type=self.item.type,
            component=part.component,
            kind=part.kind,
            region=self.region,
            item=part.item,
            quantity=part.quantity,
            unit=part.unit,
            assumptions=part.assumptions,
        )
        if not part.item:
            return row
        found = self.book.price(part.item, self.region, part.architecture)
        if isinstance(found, UnknownPrice) and part.on_demand:
            found, part = self._with_discount(found, part)
            row = attrs.evolve(row, assumed=isinstance(found, Price) and self.use.get(_DISCOUNT) is None)
        if isinstance(found, UnknownPrice):
            return attrs.evolve(row, kind=Kind.UNKNOWN, assumptions=(*part.assumptions, found.assumption))
        return _with_price(attrs.evolve(row, assumptions=part.assumptions), part, found)

    def _with_discount(self, unknown: UnknownPrice, part: Part) -> tuple[Price | UnknownPrice, Part]:
        """Return the price of Spot as a share of that of On-Demand, with the assumption."""
        price = self.book.price(part.on_demand, self.region, part.architecture)
        if isinstance(price, UnknownPrice):
            return unknown, part
        stated = self.use.get(_DISCOUNT)
        percent = SPOT_DISCOUNT_PERCENT if stated is None else stated
        reason = f"Spot costs {percent} percent less than On-Demand, "
        if stated is None:
            reason += f"as an assumption: AWS changes the price; {_DISCOUNT} in a usage file states it"
        else:
            reason += f"as {_DISCOUNT} of the usage file states"
        discounted = attrs.evolve(price, usd=price.usd * (100 - percent) / 100)
        return discounted, attrs.evolve(part, assumptions=(*part.assumptions, reason))

    @property
    def _construct(self) -> str:
        """The path of the part of the stack that contains the resource."""
        inside = self.item.path.removeprefix(f"{self.stack}/")
        return self.stack if inside == self.item.path else f"{self.stack}/{inside.partition('/')[0]}"


def _with_price(row: Row, part: Part, price: Price) -> Row:
    usd = price.usd * part.scale
    month = part.quantity * usd if part.quantity is not None else None
    return attrs.evolve(
        row, unit=part.unit or price.unit, price=usd, month=month, source=price.source, price_region=price.region
    )


def _region_notes(rows: Sequence[Row], default: DefaultRegion | None) -> Iterator[str]:
    """Yield a sentence about stacks without a region, and one for each region that the book has no prices for."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row.price_region not in {"", row.region}:
            found.setdefault((row.region, row.price_region), set()).add(row.item)
    is_shown = default is not None and any(row.region == default.name for row in rows)
    if default and is_shown and not any(region == default.name for region, _ in found):
        way_out = "" if default.is_stated else "; --region changes it"
        yield f"stacks without a region have the prices of {default.name}{way_out}"
    for (region, other), items in sorted(found.items()):
        names = sorted(items)
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")  # noqa: PLR2004  # shown
        of_stacks = default is not None and region == default.name
        begin = f"stacks without a region are estimated in {region}, but " if of_stacks else ""
        yield f"{begin}the price book has no price in {region} for {shown}: those of {other} are used"


def _made_at_deployment(stack: Stack) -> Iterator[str]:
    """Yield a sentence for each part of a template from which CloudFormation makes resources at deployment."""
    resources = stack.template.get("Resources")
    for name in resources if isinstance(resources, Mapping) else ():
        if name.startswith("Fn::"):
            yield f"{stack.path} has {name}, whose resources CloudFormation makes at deployment: they are in no sum"
    stated = stack.template.get("Transform") or []
    for each in stated if isinstance(stated, list) else [stated]:
        macro = each.get("Name") if isinstance(each, Mapping) else each
        if macro != _EXTENSIONS:
            yield f"the transform {macro} changes the template of {stack.path} at deployment: its changes are in no sum"


def _unused(usage: Usage, asked: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Return a sentence for each value of a usage file that no component uses."""
    return tuple(_unused_values(usage, asked))


def _unused_values(usage: Usage, asked: Mapping[str, set[str]]) -> Iterator[str]:
    used = set().union(*asked.values())
    for key in usage.defaults:
        if key not in used:
            yield f"{key} in [defaults] of the usage file is used by no component"
    for pattern, values in usage.constructs.items():
        paths = [path for path in asked if matches(path, pattern)]
        keys = {key for path in paths for key in asked[path]}
        for key in values if paths else ():
            if key not in keys:
                yield f'{key} in [constructs."{pattern}"] of the usage file is used by no component'
    yield from usage.unmatched(asked)
