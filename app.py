"""The environments of this repository, each a stage of stacks."""

from __future__ import annotations

import aws_cdk as cdk

from stacks.environment import Environment

app = cdk.App()
Environment(app, "dev", removable=True)
Environment(app, "production", zones=3, certificate_parameter="/moorage/production/certificate-arn")
app.synth()
