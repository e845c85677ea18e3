"""The sides of a review that are apps of CDK: their lines, their violations and their lookups."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from moorage.assembly.synthesis import SynthesisError
from moorage.review.comparison import compare
from moorage.review.sides.sides import read
from tests.review.apps import App

PROGRAM = """
import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks


class Shop(cdk.Stack):
    def __init__(self, scope, construct_id):
        super().__init__(scope, construct_id)
        sns.Topic(self, "Orders", topic_name={name!r})


app = cdk.App()
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
Shop(app, "Shop")
app.synth()
"""
LOOKUP = """
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

app = cdk.App()
stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
ec2.Vpc.from_lookup(stack, "Vpc", is_default=True)
app.synth()
"""
MISTAKE = """
import aws_cdk as cdk
from aws_cdk import aws_sns as sns

app = cdk.App()
sns.Topic(cdk.Stack(app, "Shop"), "Orders", fifo=False, content_based_deduplication=True)
app.synth()
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    made = App(tmp_path / "shop")
    monkeypatch.chdir(made.folder)
    return made


def test_a_change_of_an_app_is_found_on_the_users_line_though_policies_are_violated(app: App) -> None:
    (app.folder / "app.py").write_text(PROGRAM.format(name="old"))
    app.commit()
    (app.folder / "app.py").write_text(PROGRAM.format(name="new"))
    state = app.state
    with read("HEAD", ".") as (before, after):
        assert before is not None
        assert after.stacks is not None
        (change,) = compare(before.stacks, after.stacks).changes
        assert (change.resource.path, str(change.resource.line)) == ("Shop/Orders/Resource", "app.py:10")
        assert [(each.path, each.before, each.after) for each in change.properties] == [(("TopicName",), "old", "new")]
        file = after.stacks[0].template_file
        assert file is not None
        report = json.loads((file.parent / "validation-report.json").read_text())
        names = [plugin["pluginName"] for plugin in report["pluginReports"]]
        assert names == ["AwsSolutions"], "the rules of CDK itself take half of a synthesis"
    assert app.state == state


def test_an_app_that_looks_something_up_needs_the_value_in_its_context(app: App) -> None:
    (app.folder / "app.py").write_text(LOOKUP)
    key = "vpc-provider:account=111111111111:filter.isDefault=true:region=eu-west-1:returnAsymmetricSubnets=true"
    with (
        pytest.raises(SynthesisError, match=f"cdk.context.json has no value for {key}, and the app gets no"),
        read(None, "."),
    ):
        pass
    subnets = {"vpcId": "vpc-1", "vpcCidrBlock": "10.0.0.0/16", "availabilityZones": [], "subnetGroups": []}
    (app.folder / "cdk.context.json").write_text(json.dumps({key: subnets}))
    with read(None, ".") as (_, after):
        assert [stack.name for stack in after.stacks or ()] == ["Shop"]


def test_the_error_of_a_construct_is_shown(app: App) -> None:
    (app.folder / "app.py").write_text(MISTAKE)
    with (
        pytest.raises(SynthesisError, match=f"`{sys.executable} app.py` ended with exit code 1") as error,
        read(None, "."),
    ):
        pass
    assert "Content based deduplication can only be enabled for FIFO SNS topics" in error.value.output


def test_the_python_of_moorage_runs_an_app_if_no_environment_is_active(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who did not activate the virtual environment needs no more than its path to `moorage`, as with `up`."""
    bare = tmp_path / "bin" / "python3"
    bare.parent.mkdir()
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # without the installed packages
    bare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bare.parent}:/usr/bin:/bin")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    (app.folder / "app.py").write_text(
        "import aws_cdk as cdk\n\napp = cdk.App()\ncdk.Stack(app, 'Shop')\napp.synth()\n"
    )
    app.commit()
    with read("HEAD", ".", app="python3 app.py") as (before, after):
        assert before is not None
        assert [stack.name for stack in (*(before.stacks or ()), *(after.stacks or ()))] == ["Shop", "Shop"]
