"""The app of this repository, with one stage of stacks for each environment."""

from __future__ import annotations

import aws_cdk as cdk

from moorage import policy
from stacks.environment import Environment

app = cdk.App()
Environment(app, "dev", removable=True)
Environment(app, "production", zones=3, certificate_parameter="/moorage/production/certificate-arn")
policy.acknowledge(app)
app.synth()
