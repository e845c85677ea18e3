"""A service that runs only images which ECR scanned, and whose deployment a critical finding stops."""

import aws_cdk as cdk

from moorage import Cluster, Container, Image, Network, Registry, Repository, Rollout, ScanGate, Service, Severity, Task

# prerequisite: aws ssm put-parameter --name /shop/web/digest --type String --value none
app = cdk.App()
images = cdk.Stack(app, "Images")
Registry(images, "Registry")  # basic scanning on push
repository = Repository(images, "Web")

shop = cdk.Stack(app, "Shop")
placeholder = "public.ecr.aws/nginx/nginx-unprivileged:1.29"
gate = ScanGate(shop, "ScanGate", severity=Severity.CRITICAL, unscanned_images=placeholder)
image = Image.from_repository(repository, digest_parameter="/shop/web/digest", placeholder=placeholder)
Service(
    shop,
    "Web",
    cluster=Cluster(shop, "Cluster", vpc=Network(shop, "Network").vpc),
    task=Task(Container(image, port=8080, writable=["/tmp"])),
    rollout=Rollout.rolling(hooks=[gate.hook]),
)
app.synth()
