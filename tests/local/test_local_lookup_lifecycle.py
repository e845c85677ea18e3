"""Context lookups of an app with its own account and region are answered by the local AWS."""

from __future__ import annotations

import pytest

from moorage.local.account import Account
from tests.local.test_local_lifecycle import Project

APP = """
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2, aws_sqs as sqs, aws_ssm as ssm

app = cdk.App()
place = cdk.Environment(account="111111111111", region="eu-west-1")
shop = cdk.Stack(app, "Shop", env=place, synthesizer=cdk.DefaultStackSynthesizer(qualifier="shop"))
vpc = ec2.Vpc.from_lookup(shop, "Vpc", is_default=True)
ec2.SecurityGroup(shop, "Group", vpc=vpc)
size = ssm.StringParameter.value_from_lookup(shop, "/shop/size")
sqs.CfnQueue(shop, "Queue", queue_name=f"jobs-{size}")
old = cdk.Stack(app, "Old", env=place, synthesizer=cdk.LegacyStackSynthesizer())
sqs.CfnQueue(old, "Queue")
app.synth()
"""


@pytest.mark.oracle
@pytest.mark.slow
def test_an_app_deploys_once_the_resources_that_it_looks_up_exist(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    missing = project.run("up")
    assert missing.returncode == 1
    assert 'the local AWS: ssm in 111111111111 eu-west-1 with {"parameterName": "/shop/size"}. ' in missing.stderr
    assert "export AWS_ACCESS_KEY_ID=111111111111 " in missing.stdout

    account = Account(project.server.access, "111111111111", "eu-west-1")
    account.client("ssm").put_parameter(Name="/shop/size", Value="large", Type="String")
    done = project.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert account.client("sqs").get_queue_url(QueueName="jobs-large")
    assert account.stack("CDKToolkit-shop")
    assert account.stack("Old")
    assert not (project.folder / "cdk.context.json").exists()
    assert project.run("down").returncode == 0
