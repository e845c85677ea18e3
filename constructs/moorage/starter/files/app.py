"""The CDK app: which stacks exist."""

import aws_cdk as cdk

from moorage import policy
from web_stack import WebStack

app = cdk.App()
WebStack(app, "Starter", certificate_arn=app.node.try_get_context("certificate_arn"))
policy.acknowledge(app)  # accepts the policy findings in moorage's own constructs, each with its reason
app.synth()
