"""Replication of images to another region and another account, with the settings of the repositories there."""

import aws_cdk as cdk
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs

from moorage import Registry, Replication, ReplicationDestination, Repository, RepositorySettings

OURS, THEIRS = "111111111111", "222222222222"
IRELAND = cdk.Environment(account=OURS, region="eu-west-1")
FRANKFURT = cdk.Environment(account=OURS, region="eu-central-1")
VIRGINIA = cdk.Environment(account=THEIRS, region="us-east-1")

app = cdk.App()
images = cdk.Stack(app, "Images", env=IRELAND)
replication = Replication(
    prefix="prod/",
    to=["eu-central-1", ReplicationDestination("us-east-1", account=THEIRS)],
    settings=RepositorySettings(mutable_tags=["latest"]),
)
source = Registry(images, "Registry", replication=[replication])
Repository(images, "Web", name="prod/web", mutable_tags=["latest"])

Registry(cdk.Stack(app, "Frankfurt", env=FRANKFURT), "Registry", replicates_from=[source])
virginia = cdk.Stack(app, "Virginia", env=VIRGINIA)
there = Registry(virginia, "Registry", replicates_from=[source])
arrived = sqs.Queue(virginia, "Arrived", enforce_ssl=True)
there.on_replicated("Copies", target=targets.SqsQueue(arrived))
app.synth()
