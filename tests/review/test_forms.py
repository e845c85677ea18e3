"""The forms of a review."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import jsonschema
import pytest

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.assembly.stack_traces import Line
from moorage.review.comparison import Replacement, compare
from moorage.review.finding import Finding, Kind
from moorage.review.forms import html, junit, markdown, sarif, terminal
from moorage.review.forms import json as json_form
from moorage.review.forms.page import order_line, rows, verdict
from moorage.review.review import Review
from tests.docs.browser import browsed
from tests.review.templates import compared

EVIL = "<script>alert(1)</script> | *a* `b` @team \x00"
SARIF = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text())
"""OASIS's schema of SARIF 2.1.0, as published with errata 01."""
SCHEMA = json.loads((Path(json_form.__file__).parent / "review.schema.json").read_text())


def table(name: str, count: int = 1) -> dict[str, Any]:
    return {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name, "Count": count}}


def found(kind: Kind = Kind.LOST, *, line: Line | None = None, sentence: str = "It is gone.") -> Finding:
    resource = Resource("Shop", "Data", table("t"), "Shop/Data/Resource", line)
    return Finding(kind, f"{kind.value}/removed", "Shop", resource, sentence, ("DeletionPolicy: Delete.",))


def review(*findings: Finding, base: Any = None, head: Any = None) -> Review:
    comparison = compared({"Shop": base or {"T": table("t")}}, {"Shop": head or {"T": table("t", 2)}})
    return Review(comparison, findings, "Review of HEAD against main", "main", "HEAD")


FULL = review(*(found(kind, line=Line("app.py", 18)) for kind in Kind), found(sentence=EVIL))


def test_the_first_lines_say_what_is_serious() -> None:
    lines = terminal.render(review(found(line=Line("app.py", 18)))).splitlines()
    assert lines[:4] == [
        "Review of HEAD against main: 1 lost; 1 resource differs",
        "Lost",
        "  It is gone.",
        "    Shop/Data/Resource (app.py:18)",
    ]
    assert markdown.render(review(found())).splitlines()[:4] == [
        "<!-- moorage review -->",
        "## Review of HEAD against main: 1 lost; 1 resource differs",
        "### Lost",
        "- It is gone. `Shop/Data/Resource`",
    ]


def test_a_change_without_findings_has_nothing_to_object_to() -> None:
    assert verdict(review()) == "nothing to object to; 1 resource differs"


@pytest.mark.parametrize(
    "form", [terminal, markdown, html, sarif, junit, json_form], ids=lambda form: form.__name__[15:]
)
def test_every_form_shows_every_finding_and_its_line(form: Any) -> None:
    text = form.render(FULL)
    assert text.count("It is gone.") >= len(Kind) - 1
    assert "app.py" in text
    assert "18" in text


def test_html_and_markdown_escape_what_a_template_contains() -> None:
    assert "<script" not in html.render(FULL)
    comment = markdown.render(FULL)
    assert "<script" not in comment
    assert "@team" not in comment
    assert "\\*a\\*" in comment


def test_the_html_page_needs_no_network() -> None:
    assert not re.findall(r"(?:src|href|url|@import)\s*[=(]", html.render(FULL))


def test_sarif_keeps_its_schema_and_is_on_the_users_line() -> None:
    log = json.loads(sarif.render(FULL))
    jsonschema.Draft4Validator(SARIF).validate(log)
    first, *_ = log["runs"][0]["results"]
    location = first["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "app.py"}, "region": {"startLine": 18}}
    assert first["level"] == "error"
    jsonschema.Draft4Validator(SARIF).validate(json.loads(sarif.render(review())))


def test_sarif_recognizes_a_finding_after_its_line_has_moved() -> None:
    one, other = (json.loads(sarif.render(review(found(line=Line("app.py", line))))) for line in (1, 9))
    fingerprints = [log["runs"][0]["results"][0]["partialFingerprints"] for log in (one, other)]
    assert fingerprints[0] == fingerprints[1]


def test_sarif_recognizes_each_of_several_findings_of_one_path() -> None:
    line = Line("acknowledged.toml", 1)
    useless = [
        Finding(Kind.POLICY, "policy/acknowledgement-stale", "Shop/Web", None, f"{each} matches nothing.", place=line)
        for each in ("log-kms", "sqs-kms")
    ]
    findings = [*useless, found(sentence="One."), found(sentence="Two."), found(sentence="Two.")]
    results = json.loads(sarif.render(review(*findings)))["runs"][0]["results"]
    assert len({each["partialFingerprints"]["moorage/v1"] for each in results}) == 5
    (_, moved) = json.loads(sarif.render(review(*useless[::-1])))["runs"][0]["results"]
    assert moved["partialFingerprints"] == results[0]["partialFingerprints"]


def test_json_keeps_its_schema() -> None:
    validator = jsonschema.Draft7Validator(SCHEMA)
    validator.validate(json.loads(json_form.render(FULL)))
    validator.validate(json.loads(json_form.render(attrs.evolve(review(), base=None))))
    broken = json.loads(json_form.render(FULL))
    del broken["findings"][0]["rule"]
    assert not validator.is_valid(broken)


def test_junit_has_a_case_for_each_finding_and_each_empty_kind() -> None:
    text = junit.render(review(found(), found(Kind.OPENED, sentence=EVIL)))
    suites = ET.fromstring(text)  # noqa: S314  # the text is ours
    failures = {suite.get("name"): suite.get("failures") for suite in suites}
    assert failures == {"Lost": "1", "Refused": "0", "Interrupted": "0", "Opened": "1", "Renamed": "0", "Policy": "0"}
    assert len(list(suites.iter("testcase"))) == 6


@pytest.mark.parametrize("count", [10, 2000])
def test_a_comment_fits_on_github(count: int) -> None:
    findings = [found(sentence=f"Number {number} is gone. {'x' * 60}") for number in range(count)]
    comment = markdown.render(review(*findings))
    assert len(comment) <= markdown.LONGEST
    assert ("The comment is cut" in comment) == (count == 2000)
    assert "Number 0 is gone" in comment


def test_characters_outside_the_basic_plane_count_twice() -> None:
    findings = [found(sentence="\U0001f600" * 50 + f"{number}.") for number in range(700)]
    assert len(markdown.render(review(*findings)).encode("utf-16-le")) // 2 <= markdown.LONGEST


@pytest.mark.parametrize(
    ("path", "span"),
    [
        ("a`b <img src=x> @octocat", "`` a`b <img src=x> @\u200boctocat ``"),
        ("a``b`", "``` a``b` ```"),
        ("a\n/close\nb", "`a /close b`"),
    ],
)
def test_a_path_is_one_code_span_in_one_line(path: str, span: str) -> None:
    resource = Resource("Shop", "A", table("t"), path)
    finding = attrs.evolve(found(sentence=f"{path} is gone."), resource=resource)
    comment = markdown.render(review(finding))
    assert f" {span}\n" in comment
    assert not [line for line in comment.splitlines() if line.startswith("/")]


def test_a_table_that_does_not_fit_is_left_out_before_findings() -> None:
    many = {f"T{number}": table(f"t{number}", number) for number in range(2000)}
    fewer = {name: table("u", number) for number, name in enumerate(many)}
    comment = markdown.render(review(found(), base=many, head=fewer))
    assert "It is gone." in comment
    assert "<details>" not in comment
    assert len(comment) <= markdown.LONGEST


def test_equal_differences_of_several_resources_are_one_row() -> None:
    base, head = ({f"T{number}": table(f"t{number}", count) for number in range(22)} for count in (1, 2))
    (row,) = rows(compared({"Shop": base}, {"Shop": head}))
    assert (row.subject, row.name, row.before, row.after) == ("Shop/T0 and 21 more", "Count", "1", "2")


def test_the_same_finding_of_several_resources_is_one_entry() -> None:
    def fewer(name: str, count: int = 1) -> Finding:
        resource = Resource("Shop", name, table("t"), f"Shop/{name}", Line("app.py", 3))
        return Finding(Kind.LOST, "lost/a", "Shop", resource, f"The DynamoDB table Shop/{name} keeps {count}.")

    page = terminal.render(review(*(fewer(f"T{number}") for number in range(8)), fewer("Other", 2)))
    assert page.startswith("Review of HEAD against main: 9 lost;")
    assert page.count("keeps 1") == 1
    assert page.count("keeps 2") == 1
    assert "The same is true of Shop/T1, Shop/T2, Shop/T3, Shop/T4, Shop/T5 and 2 more." in page


def test_sentences_about_the_sides_are_below_the_title() -> None:
    told = attrs.evolve(review(found(), found(Kind.POLICY)), preface=("Not deployed: Web.",), notes=("A note.",))
    assert terminal.render(told).splitlines()[1] == "Not deployed: Web."
    assert markdown.render(told).splitlines()[2] == "- Not deployed: Web."
    assert html.render(told).index("<p>Not deployed: Web.") < html.render(told).index("<p>Lost: ")
    assert json.loads(json_form.render(told))["notes"] == ["Not deployed: Web.", "A note."]


@pytest.mark.parametrize("color", [False, True])
def test_no_line_ends_with_blanks(*, color: bool) -> None:
    page = terminal.render(review(base={"T": table("a"), "U": table("u" * 90)}), color=color)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", page).splitlines()
    assert any(line.startswith("resource ") for line in lines)
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_hash_of_an_asset_is_shown_with_its_name() -> None:
    def side(letter: str) -> Stack:
        code = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": f"{letter * 64}.zip"}}}
        return Stack("S", "S", None, None, {"Resources": {"F": code}}, (), assets={"F/Code": letter * 64})

    (row,) = rows(compare([side("a")], [side("b")]))
    assert (row.name, row.before, row.after) == ("Code.S3Key", "F/Code aaaaaaaa.zip", "F/Code bbbbbbbb.zip")


def test_the_record_of_cdk_is_no_difference() -> None:
    metadata = {"M": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}}}
    assert rows(compared({"Shop": {}}, {"Shop": metadata})) == []


def test_long_values_are_shown_from_where_they_differ() -> None:
    names = [f"service:Action{number}" for number in range(20)]
    sides = (names, [*names, "s:New"])
    before, after = ({"Type": "AWS::IAM::Policy", "Properties": {"Actions": each}} for each in sides)
    (row,) = rows(compared({"Shop": {"P": before}}, {"Shop": {"P": after}}))
    assert (row.before, row.after) == ('…, "service:Action19"]', '…, "service:Action19", "s:New"]')


def test_long_values_that_differ_at_once_are_shown_from_their_beginnings() -> None:
    before, after = ({"Type": "AWS::SNS::Topic", "Properties": {"TopicName": each * 100}} for each in "ab")
    (row,) = rows(compared({"Shop": {"T": before}}, {"Shop": {"T": after}}))
    assert (row.before, row.after) == ("a" * 79 + "…", "b" * 79 + "…")


def test_the_diagram_is_shown_if_it_changes() -> None:
    repository = {"R": {"Type": "AWS::ECR::Repository"}}
    assert "```mermaid" in markdown.render(review(base={"T": table("t")}, head={"T": table("t"), **repository}))
    assert "```mermaid" not in markdown.render(review())


def waiting(*names: str, **properties: Any) -> dict[str, Any]:
    """Return three resources. The queue waits for others."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": properties, "DependsOn": list(names)}
    paths = {name: {"Metadata": {"aws:cdk:path": f"Shop/{name}/Resource"}} for name in ("One", "Two", "Queue")}
    topic = {"Type": "AWS::SNS::Topic"}
    return {each: {**(queue if each == "Queue" else topic), **paths[each]} for each in paths}


def test_a_change_of_the_order_is_said_in_words() -> None:
    base, head = waiting("One", DelaySeconds=1), waiting("Two", DelaySeconds=2)
    found_ = [(row.name, row.before, row.after) for row in rows(compared({"Shop": base}, {"Shop": head}))]
    assert ("DependsOn", "no longer waits for Shop/One", "also waits for Shop/Two") in found_
    assert ("DelaySeconds", "1", "2") in found_


@pytest.mark.parametrize("names", [("One",), ("One", "Two"), ("Two", "One")])
def test_resources_that_differ_only_in_their_order_are_one_line(names: tuple[str, ...]) -> None:
    comparison = compared({"Shop": waiting(*sorted(names))}, {"Shop": waiting(*names)})
    is_equal = names == tuple(sorted(names))
    said = (
        "1 resource differs only in DependsOn, the order in which CloudFormation deploys and deletes resources: "
        "Shop/Queue."
    )
    assert rows(comparison) == []
    assert order_line(comparison) == ("" if is_equal else said)
    pages = [form.render(review(base=waiting("One"), head=waiting("Two"))) for form in (terminal, markdown, html)]
    assert all(said in page for page in pages)
    assert not any("waits for" in page for page in pages)


def test_the_reason_of_a_replacement_stays_beside_the_order() -> None:
    base, head = waiting("One"), waiting("Two")
    comparison = compared({"Shop": base}, {"Shop": head})
    (stack,) = comparison.stacks
    stack.changes = tuple(attrs.evolve(each, replacement=Replacement.YES, reasons=("why",)) for each in stack.changes)
    assert [(row.name, row.after) for row in rows(comparison)] == [
        ("DependsOn", "also waits for Shop/Two"),
        ("", "why"),
    ]
    assert order_line(comparison) == ""


def test_outputs_that_differ_are_rows() -> None:
    def side(**outputs: Any) -> Stack:
        found = {name: {"Value": value} for name, value in outputs.items()}
        return Stack("Shop", "Shop", None, None, {"Resources": {}, "Outputs": found}, ())

    one, other = side(Same="a", Changed="old", Gone="b"), side(Same="a", Changed="new", New={"Ref": "Topic"})
    assert [
        (row.type, row.subject, row.action, row.name, row.before, row.after) for row in rows(compare([one], [other]))
    ] == [
        ("output", "Shop", "updated", "Changed", "old", "new"),
        ("output", "Shop", "removed", "Gone", "b", "(none)"),
        ("output", "Shop", "added", "New", "(none)", '{"Ref": "Topic"}'),
    ]
    assert rows(compare([], [other])) == [], "of a new stack, the resources are shown"


@pytest.mark.slow
def test_a_browser_shows_the_html_page_and_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "review.html").write_text(html.render(FULL), "utf-8")
    address, seen = browsed(tmp_path / "site", tmp_path / "profile", ["review.html"], [360, 1280])
    assert seen["errors"] == []
    assert [url for url in seen["requests"] if url != f"{address}review.html" and not url.endswith("favicon.ico")] == []
    assert [view["overflow"] <= 0 for view in seen["views"]] == [True, True]
    assert all(view["heading"] == FULL.title for view in seen["views"])
