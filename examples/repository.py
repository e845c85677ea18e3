"""A repository that keeps 30 releases, with permissions to pull and push."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage import Repository

app = cdk.App()
stack = cdk.Stack(app, "Images")
images = Repository(
    stack, "Web", name="shop/web", mutable_tags=["latest"], keep_releases=30, expire_untagged=cdk.Duration.days(7)
)
images.grant_pull(iam.OrganizationPrincipal("o-1234567890"))
images.grant_push(iam.AccountPrincipal("222222222222"))
app.synth()
