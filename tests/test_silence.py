"""The app of this repository and the examples print nothing that their users cannot act on.

CDK's validation is on, as for users. The examples run without the feature flags of cdk.json, as in a new folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

MESSAGES = {
    "@aws-cdk/core:crossStackReferencesDefaultStrong": "CDK asks for a feature flag, which a cdk.json of cdk init has",
}
"""The ids of the messages that may be printed, each with the reason."""
TEXTS = {
    "replacing ": "the example prints Service.estimate",
    "4 interface endpoints in 2 zones cost ": "the example prints Endpoints.monthly_price",
    "http://catalog": "the example prints the address that connect_to returns",
}
"""The beginnings of the lines that an example itself may print, each with the reason."""
KINDS = {"aws:cdk:info", "aws:cdk:warning", "aws:cdk:error"}


def messages(assembly: Path) -> Iterator[str]:
    """Yield what the CDK CLI prints about the constructs and templates of an assembly, by id if there is one."""
    report = json.loads((assembly / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        if plugin["pluginName"] != "Construct Annotations":  # the metadata has these with and without a feature flag
            for violation in plugin["violations"]:
                yield f"{violation['ruleName']}: {violation['description']}"
    for manifest in assembly.rglob("manifest.json"):
        for artifact in artifacts(manifest).values():
            beside = manifest.parent / artifact.get("additionalMetadataFile", "none")
            more = json.loads(beside.read_text()) if beside.is_file() else {}
            for entries in (*artifact.get("metadata", {}).values(), *more.values()):
                for text in (str(entry["data"]) for entry in entries if entry["type"] in KINDS):
                    found = re.search(r"\[ack: (.*)\]$", text)
                    yield found[1] if found else text


def flags_not_set(assembly: Path) -> list[str]:
    """Return the feature flags that `cdk synth` counts as not configured."""
    (report,) = (
        each for each in artifacts(assembly / "manifest.json").values() if each["type"].endswith("flag-report")
    )
    return [
        name
        for name, flag in report["properties"]["flags"].items()
        if "userValue" not in flag
        and flag["recommendedValue"] != flag.get("unconfiguredBehavesLike", {}).get("v2", False)
    ]


def artifacts(manifest: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manifest.read_text())["artifacts"]
    return found


@pytest.mark.slow
def test_no_program_has_a_message_without_a_reason(programs: Path) -> None:
    found = {each.name: [*messages(each)] for each in (programs / "out").iterdir()}
    assert {"app", "example service", "example sidecars", "job instances"} <= found.keys()
    assert {name: left for name, of in found.items() if (left := [each for each in of if each not in MESSAGES])} == {}
    assert {each for of in found.values() for each in of} == MESSAGES.keys()


@pytest.mark.slow
def test_nothing_else_is_printed(programs: Path) -> None:
    lines = [*(programs / "stdout").read_text().splitlines(), *(programs / "stderr").read_text().splitlines()]
    assert [line for line in lines if not line.startswith(tuple(TEXTS))] == []
    assert [text for text in TEXTS if not any(line.startswith(text) for line in lines)] == []


@pytest.mark.slow
def test_cdk_json_sets_every_feature_flag(programs: Path) -> None:
    assert flags_not_set(programs / "out" / "app") == []
    assert len(flags_not_set(programs / "out" / "example service")) > 80


def test_the_check_finds_messages_of_constructs_and_of_the_validation(app: cdk.App) -> None:
    stack = cdk.Stack(cdk.Stage(app, "dev"), "Shop")
    cdk.Annotations.of(stack).add_info("protected")
    cdk.Annotations.of(stack).add_warning_v2("@moorage/ecs:latest", "use a tag")
    cdk.Validations.of(app).add_plugins(cdk.CloudFormationValidatePlugin())
    cdk.CfnParameter(stack, "Unused")
    cdk.CfnResource(stack, "Topic", type="AWS::SNS::Topic")
    found = [*messages(Path(app.synth().directory))]
    assert found[0].startswith("W2001: ")
    assert sorted(found[1:]) == ["@moorage/ecs:latest", "protected"]
