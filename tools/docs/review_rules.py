"""The page of the reference about the output of `moorage review`: the rules of findings, and the JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.policy.issues import issues
from moorage.review.finding import Kind
from moorage.review.forms.page import HEADINGS
from moorage.review.review import RULES
from tools.docs.tables import PACKAGE, table

_SCHEMA = PACKAGE / "review" / "forms" / "review.schema.json"
_INTRODUCTION = """# Review rules

Each finding of [`moorage review`](../guides/review.md) has the id of a rule, such as `lost/replaced`. The part before
the slash is the kind, which `--fail-on` takes. The forms for programs (SARIF, JUnit and JSON) contain the id; the pages
show the sentence. Kinds and rules are listed with the most serious first.
"""
_KINDS: Mapping[Kind, str] = {
    Kind.LOST: "Data that the change deletes, or that leaves the stack and stays behind.",
    Kind.REFUSED: "Updates that CloudFormation or AWS refuses, so that the deployment fails and is rolled back.",
    Kind.INTERRUPTED: "Changes that clients notice: replaced or restarted resources, and services with fewer tasks.",
    Kind.OPENED: "Access that exists after the change and did not exist before it.",
    Kind.DEPLOYED: "Deployments of ECS services that keep all copies running.",
    Kind.RENAMED: "Resources that are the same in both assemblies except for their ids.",
}
_POLICY = f"""## Policy

Violations that the head has and the base does not have. Rules of several engines can be about one issue: the finding
then has the name of the issue, such as `policy/ecr-kms`. {len(issues())} issues are known. Otherwise it has the
name of the engine and the rule, such as `policy/cfn-lint:E3012`. The engines are `cfn-lint`, `guard` (the rules of AWS
Control Tower), `checkov`, `nag` (cdk-nag), and other validation plugins under their names.

The issues, each with the advice in the finding:
"""
_ACKNOWLEDGEMENTS = """
`moorage policy` also reports entries of
[the file of acknowledgements](../guides/policy.md#acknowledge-your-own-findings) that are of no use:
"""
_JSON = """## JSON

`--json FILE` writes a review as JSON. The schema is
[review.schema.json](../../constructs/moorage/review/forms/review.schema.json). The number `version` changes if a member
is removed or gets another meaning. Ignore members that you do not know: a version of moorage can add some.
"""


def review_rules_page() -> str:
    """Return the page of the rules and of the JSON form."""
    parts = [_INTRODUCTION]
    for kind, meaning in _KINDS.items():
        rows = [(f"`{rule}`", text) for rule, text in RULES.items() if rule.startswith(f"{kind.value}/")]
        parts.append(f"## {HEADINGS[kind]}\n\n{meaning}\n\n{table(('rule', 'meaning'), rows)}")
    schema = json.loads(_SCHEMA.read_text("utf-8"))
    own = [(f"`{rule}`", text) for rule, text in RULES.items() if rule.startswith("policy/")]
    advice = [(f"`policy/{name}`", issue.advice, ", ".join(issue.controls)) for name, issue in issues().items()]
    listed = table(("rule", "advice", "AWS Security Hub"), advice)
    parts += [_POLICY, listed, _ACKNOWLEDGEMENTS, table(("rule", "meaning"), own), _JSON, _members("Review", schema)]
    parts += [_members(f"A {name}", each) for name, each in schema["definitions"].items()]
    return "\n".join(parts)


def _members(title: str, schema: Mapping[str, Any]) -> str:
    rows = [(f"`{name}`", _type(each), each["description"]) for name, each in _flat(schema)]
    return f"### {title}\n\n{table(('member', 'type', 'meaning'), rows)}"


def _flat(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each member of an object with its name, and those of the objects in its lists."""
    for name, each in schema["properties"].items():
        yield f"{prefix}{name}", each
        items = each.get("items", {})
        if "properties" in items:
            yield from _flat(items, f"{prefix}{name}[].")


def _type(schema: Mapping[str, Any]) -> str:
    """Return the type of a member in words."""
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    named = schema.get("type", "any")
    names = named if isinstance(named, list) else [named]
    if names == ["array"]:
        return f"list of {_type(schema['items'])}s"
    return " or ".join(names)
