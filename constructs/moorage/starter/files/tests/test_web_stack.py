"""The template that CloudFormation gets, and what policy engines find in it."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from syrupy.assertion import SnapshotAssertion

from moorage import policy
from moorage.testing import assert_no_new_findings, readable_template
from web_stack import WebStack

CDK_JSON = Path(__file__).parent.parent / "cdk.json"


@pytest.fixture
def app() -> cdk.App:
    """Return an app with the feature flags of `cdk.json`, which only the CDK CLI reads."""
    return cdk.App(context=json.loads(CDK_JSON.read_text())["context"])


def test_the_template_is_that_of_the_snapshot(app: cdk.App, template_snapshot: SnapshotAssertion) -> None:
    assert readable_template(WebStack(app, "Starter")) == template_snapshot


def test_there_are_no_new_policy_findings(app: cdk.App) -> None:
    WebStack(app, "Starter")
    policy.acknowledge(app)
    assert_no_new_findings(app)
