"""The page about the defaults that cost money has all of them, with the price and the argument that changes it.

An app with one of each construct is estimated twice: with the defaults, and with the argument of a row.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

import moorage
from moorage import Container, Route, Scaling, Severity, Task
from moorage.assembly.cloud_assembly import stacks_of
from moorage.cost.amounts import ZERO, Range
from moorage.cost.estimate import Row, estimate
from moorage.cost.money import money
from moorage.cost.parts import Kind
from moorage.cost.terminal import plain
from moorage.prices.book import PriceBook
from tests.docs.prepared import Prepared, names_for
from tools.docs.pages import ROOT

pytestmark = pytest.mark.slow
GUIDE = ROOT / "docs" / "guides" / "cost.md"
SECTION = GUIDE.read_text().partition("\n## What the defaults cost\n")[2].partition("\n## ")[0]
SHARED = {"EventKey": "Cluster", "Custom::VpcRestrictDefaultSGCustomResourceProvider": "Network"}
"""The construct that defines what is beside it in the stack."""
MILLION = 1_000_000
LEAST_PRICE = Decimal("0.0001")
"""The price below which the page states the price of a million."""

Rows = Mapping[tuple[str, str], Sequence[Row]]
"""A mapping from construct and component to the rows of the estimate."""


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table whose heading begins with a text."""
    (found,) = re.findall(rf"^\| {re.escape(heading)} \|.*\n\|[-| ]+\n((?:\|.*\n?)+)", SECTION, re.MULTILINE)
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in found.splitlines()]


def calls(cell: str) -> list[tuple[str, str]]:
    """Return the constructs and arguments in a cell, such as `Network(flow_logs=False)`."""
    return re.findall(r"`(\w+)\((.+?=.+?)\)`", cell)


FIXED, BY_USE, ASKED = table("construct"), table("component"), table("argument")


def define(scope: cdk.Stack, **given: Mapping[str, Any]) -> None:
    """Define one of each construct, under the name of its class, with the required arguments and the given ones."""

    def one(construct: str, /, **required: Any) -> Any:
        return getattr(moorage, construct)(scope, construct, **{**required, **given.get(construct, {})})

    image = "public.ecr.aws/nginx/nginx-unprivileged:1.29"
    web, batch = Task(Container(image, port=8080)), Task(Container(image))
    arn = "arn:aws:acm:us-east-1:111111111111:certificate/1a2b"
    vpc = one("Network").vpc
    cluster = one("Cluster", vpc=vpc)
    certificate = acm.Certificate.from_certificate_arn(scope, "Certificate", arn)
    edge = one("LoadBalancer", vpc=vpc, public=True, certificate=certificate)
    one("NetworkLoadBalancer", vpc=vpc)
    one("Gateway", clusters=cluster)
    service = one("Service", cluster=cluster, task=web, route=Route(edge))
    worker = one("Worker", cluster=cluster, task=batch, scaling=Scaling(1))
    one("Job", cluster=cluster, task=batch, schedule=scheduler.ScheduleExpression.cron(hour="3", minute="0"))
    one("Repository")
    one("PublicRepository", name="shop")
    one("Registry")
    one("ScanGate", severity=Severity.CRITICAL)
    one("ServiceAlarms", service=service, topic=sns.Topic(scope, "Topic"))
    one("Dashboard", services=[service, worker])


@functools.cache
def rows_of(construct: str = "", code: str = "") -> Rows:
    """Return the rows of the app that are not free, with the arguments of one construct."""
    given = {construct: dict(keywords(code))} if construct else {}
    app = cdk.App(analytics_reporting=False)
    define(cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="us-east-1")), **given)
    found: dict[tuple[str, str], list[Row]] = {}
    for row in estimate(stacks_of(Path(app.synth().directory)), PriceBook.load()).rows:
        name = row.construct.partition("/")[2]
        if row.kind is not Kind.FREE and name != "Topic":
            found.setdefault((SHARED.get(name, name), row.component), []).append(row)
    return found


def keywords(code: str) -> Iterator[tuple[str, Any]]:
    """Yield the arguments in code with their values."""
    call = ast.parse(f"f({code})", mode="eval").body
    assert isinstance(call, ast.Call)
    for keyword in call.keywords:
        names = names_for([keyword.value], Prepared)
        yield str(keyword.arg), eval(ast.unparse(keyword.value), names)  # noqa: S307  # from this repository's own page


def total(rows: Sequence[Row]) -> Range:
    """Return what rows cost without traffic."""
    return sum((row.month for row in rows if row.kind is Kind.FIXED and row.month), ZERO)


def unit_price(row: Row) -> str:
    """Return the price of a unit, as the page states it."""
    assert row.price is not None
    number, unit = (row.price * MILLION, f"million {row.unit}s") if row.price < LEAST_PRICE else (row.price, row.unit)
    text = plain(number)
    return f"${text if len(text.partition('.')[2]) > 1 else f'{number:.2f}'} per {unit}"


def test_every_default_that_costs_without_traffic_has_a_row_with_its_price() -> None:
    found = {key: f"${money(total(rows))}" for key, rows in rows_of().items() if total(rows).most}
    assert {(construct.strip("`"), component): price for construct, component, price, *_ in FIXED} == found


@pytest.mark.parametrize("line", [line for line in FIXED if "=" in line[3]], ids=lambda line: f"{line[0]} {line[1]}")
def test_the_argument_of_a_row_changes_the_price(line: list[str]) -> None:
    construct, component, price, argument, changed = line
    ((code,),) = [re.findall("^`(.+)`$", argument)]
    rows = rows_of(construct.strip("`"), code).get((construct.strip("`"), component), ())
    assert changed == f"${money(total(rows))}" != price


def test_every_default_that_costs_by_use_has_a_row_with_its_price() -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for (construct, component), rows in rows_of().items():
        for price in {unit_price(row) for row in rows if row.kind is Kind.USE}:
            found.setdefault((component, price), []).append(construct)
    page = {(component, price): re.findall(r"`(\w+)`", constructs) for component, price, constructs, _ in BY_USE}
    assert page == {key: sorted(constructs) for key, constructs in found.items()}


@pytest.mark.parametrize(
    ("component", "construct", "code"), [(line[0], *call) for line in BY_USE for call in calls(line[3])]
)
def test_the_argument_of_a_row_removes_what_costs_by_use(component: str, construct: str, code: str) -> None:
    assert (construct, component) in rows_of()
    assert (construct, component) not in rows_of(construct, code)


@pytest.mark.parametrize(("argument", "price"), ASKED)
def test_an_argument_costs_what_the_page_says(argument: str, price: str) -> None:
    ((construct, code),) = calls(argument)
    before, after = (
        total([row for rows in each.values() for row in rows]) for each in (rows_of(), rows_of(construct, code))
    )
    assert price == f"${money(Range.of(after.least - before.least))}"


def test_the_section_names_every_construct() -> None:
    constructs = {name for name in moorage.__all__ if issubclass(getattr(moorage, name), Construct)}
    assert constructs <= set(re.findall(r"`(\w+)`", SECTION))
