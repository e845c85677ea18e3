"""A service whose image CI chooses: its tag is in an SSM parameter, and `none` until the first one was pushed."""

import aws_cdk as cdk

from moorage import Cluster, Container, Image, Network, Repository, Service, Task

# needs first: aws ssm put-parameter --name /shop/web/tag --type String --value none
# CI writes the tag of an image into it that listens on port 8080, once it is pushed, and deploys Shop
app = cdk.App()
repository = Repository(cdk.Stack(app, "Images"), "Web")

shop = cdk.Stack(app, "Shop")
image = Image.from_repository(
    repository, parameter="/shop/web/tag", placeholder="public.ecr.aws/nginx/nginx-unprivileged:1.29"
)
Service(
    shop,
    "Web",
    cluster=Cluster(shop, "Cluster", vpc=Network(shop, "Network").vpc),
    task=Task(Container(image, port=8080, writable=["/tmp"])),
)
app.synth()
