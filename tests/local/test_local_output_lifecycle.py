"""Updates that change no resource, and the warnings of the app, with the real cdk CLI."""

from __future__ import annotations

import pytest

from moorage.local.account import Account
from tests.local.test_local_lifecycle import Project

APP = """
import json, pathlib
import aws_cdk as cdk
from aws_cdk import aws_sns as sns

said = json.loads(pathlib.Path("said.json").read_text())
app = cdk.App(analytics_reporting=False)
for name in ("Shop", "Other"):
    stack = cdk.Stack(app, name, description=said.get("description"), termination_protection=said.get("protected"))
    topic = sns.Topic(stack, "News")
    cdk.Annotations.of(topic).add_warning_v2("shop:news", f"nobody reads the news of {name}")
    cdk.CfnOutput(stack, "Version", value=said["version"])
app.synth()
"""


@pytest.mark.slow
def test_an_output_is_updated_once_and_each_warning_is_shown_once(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    project.say(version="1")
    created = project.up()
    assert created.returncode == 0, created.stderr
    for name in ("Shop", "Other"):
        assert (created.stdout + created.stderr).count(f"nobody reads the news of {name}") == 1
    assert "program.js" not in created.stderr

    project.say(version="2")
    updated = project.up()
    ends = [line for line in updated.stderr.splitlines() if line.endswith("_COMPLETE")]
    assert sorted(ends) == ["Other: UPDATE_COMPLETE", "Shop: UPDATE_COMPLETE"]
    cloudformation = Account(project.server.access, None, None).client("cloudformation")
    outputs = cloudformation.describe_stacks(StackName="Shop")["Stacks"][0]["Outputs"]
    assert [each["OutputValue"] for each in outputs] == ["2"]
    assert "Nothing to do" in project.up().stdout

    project.say(version="2", protected=True, description="a shop")
    protected = project.up()
    assert protected.returncode == 0, protected.stderr
    assert "UPDATE_COMPLETE" not in protected.stderr
    found = cloudformation.describe_stacks(StackName="Shop")["Stacks"][0]
    assert (found["EnableTerminationProtection"], found.get("Description", "")) == (True, "")
