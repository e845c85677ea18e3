"""A service whose image is pinned by the digest that CI sets in an SSM parameter, `none` before the first push."""

import aws_cdk as cdk

from moorage import Cluster, Container, Image, Network, Repository, Service, Task

# prerequisite: aws ssm put-parameter --name /shop/web/digest --type String --value none
# after CI pushes an image that listens on port 8080, it writes the digest into the parameter and deploys Shop
app = cdk.App()
repository = Repository(cdk.Stack(app, "Images"), "Web")

shop = cdk.Stack(app, "Shop")
image = Image.from_repository(
    repository, digest_parameter="/shop/web/digest", placeholder="public.ecr.aws/nginx/nginx-unprivileged:1.29"
)
Service(
    shop,
    "Web",
    cluster=Cluster(shop, "Cluster", vpc=Network(shop, "Network").vpc),
    task=Task(Container(image, port=8080, writable=["/tmp"])),
)
app.synth()
