"""A lifecycle policy that is tested with a list of images before ECR applies it."""

import datetime as dt

import aws_cdk as cdk

from moorage import Encryption, LifecyclePolicy, LifecycleRule, Repository

lifecycle = LifecyclePolicy(
    LifecycleRule(untagged=True, older_than=cdk.Duration.days(14)),
    LifecycleRule(tags="v*", keep=30),
    LifecycleRule(unpulled_for=cdk.Duration.days(90), archive=True),
    LifecycleRule(archived_for=cdk.Duration.days(365)),
)
kept = lifecycle.keeps([("v1.4.2", dt.date(2026, 1, 1)), ("dev-7", dt.date(2026, 1, 1))], at=dt.date(2026, 11, 1))
assert kept == ["v1.4.2"]  # noqa: S101  # as a test would do

app = cdk.App()
Repository(cdk.Stack(app, "Images"), "Web", lifecycle=lifecycle, encryption=Encryption.own_key())
app.synth()
