"""A service that sends traces to X-Ray and logs to Firehose, and calls SQS."""

import aws_cdk as cdk
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_s3 as s3

from moorage import Cluster, Container, Network, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Orders")
unused = "CDK adds a table of Firehose's addresses, from which this stack accepts no connections"
cdk.Validations.of(stack).acknowledge(cdk.Acknowledgment(id="CloudFormation-Validate::W7001", reason=unused))
logs = firehose.DeliveryStream(stack, "Logs", destination=firehose.S3Bucket(s3.Bucket(stack, "Archive")))
router = {"Name": "kinesis_firehose", "region": stack.region, "delivery_stream": logs.delivery_stream_name}
image = "public.ecr.aws/aws-containers/retail-store-sample-orders:1.6.2"
orders = Container(image, port=8080, memory_mib=712, depends_on="otel", writable=["/tmp"])
task = Task(
    orders,
    Container.otel_collector(),
    Container.log_router(router),
    cpu=None,  # the smallest sufficient size: 256 CPU units
    memory_mib=None,  # and 1,024 MiB, since the containers need 968
    called_services="sqs",
)
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
logs.grant_put_records(Service(stack, "Orders", cluster=cluster, task=task))
app.synth()
