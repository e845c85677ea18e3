"""A public repository with its page in the gallery."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage import PublicRepository

app = cdk.App()
stack = cdk.Stack(app, "Images", env=cdk.Environment(region="us-east-1"))
cli = PublicRepository(
    stack,
    "Cli",
    name="shop-cli",
    description="the shop's command line",
    about="# Shop\nOrders from a terminal.",
    usage="`docker run public.ecr.aws/shop/shop-cli`",
    architectures=["ARM 64", "x86-64"],
    operating_systems=["Linux"],
)
cli.grant_push(iam.Role(stack, "Ci", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com")))
app.synth()
