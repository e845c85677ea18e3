"""The app of this repository, with one stage of stacks for each environment of `environments.toml`."""

from __future__ import annotations

import aws_cdk as cdk

from moorage import policy
from stacks.environment import define_environments
from stacks.settings import Description

app = cdk.App()
define_environments(app, Description.read("environments.toml"))
policy.acknowledge(app)
app.synth()
