"""A service whose image CI chooses: its tag is in an SSM parameter, and `none` until the first one was pushed."""

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm

from moorage import Cluster, Container, Image, Network, Repository, Service, Task

app = cdk.App()
images = cdk.Stack(app, "Images")  # deployed first: the parameter is read when the service is deployed
repository = Repository(images, "Web")
released = ssm.StringParameter(images, "Released", parameter_name="/shop/web/tag", string_value="none")

shop = cdk.Stack(app, "Shop")
image = Image.from_repository(repository, parameter=released, placeholder="public.ecr.aws/nginx/nginx:1.29")
Service(
    shop,
    "Web",
    cluster=Cluster(shop, "Cluster", vpc=Network(shop, "Network").vpc),
    task=Task(Container(image, port=8080, writable=["/tmp"])),
)
app.synth()
