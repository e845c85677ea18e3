"""A registry with scanning by Inspector, caches, signing, an audit trail, events and an alarm."""

import aws_cdk as cdk
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_signer as signer
from aws_cdk import aws_sns as sns

from moorage import (
    ApiCall,
    AuditTrail,
    PullThrough,
    Registry,
    Repository,
    RepositoryTemplate,
    Scanning,
    Severity,
    SigningRule,
)

app = cdk.App()
stack = cdk.Stack(app, "Images", env=cdk.Environment(account="111111111111", region="eu-west-1"))
# prerequisites: the secret for Docker Hub, and the role of the scanner
hub = secretsmanager.Secret.from_secret_name_v2(stack, "Hub", "ecr-pullthroughcache/docker-hub")
profile = signer.SigningProfile(stack, "Profile", platform=signer.Platform.of("Notation-OCI-SHA384-ECDSA"))
scanner = iam.Role.from_role_arn(stack, "Scanner", "arn:aws:iam::111111111111:role/scanner")

registry = Registry(
    stack,
    "Registry",
    scanning=Scanning.enhanced(continuous=["prod/*"], on_push=["*"]),
    pull_through=[PullThrough.ecr_public(), PullThrough.docker_hub(hub)],
    templates=[RepositoryTemplate("team")],  # a push to team/... creates the repository
    signing=[SigningRule(profile.signing_profile_arn, "prod/*")],
    pull_time_exclusions=[scanner],
    audit=AuditTrail.own(),  # records management events for a year; on_api_call below needs it
)
images = Repository(stack, "Web", name="prod/web", keep_releases=30)

topic = sns.Topic(stack, "Alarms", master_key=registry.event_key, enforce_ssl=True)
registry.on_scan_finding("Critical", severity=Severity.CRITICAL, target=targets.SnsTopic(topic))
registry.on_api_call("Deleted", calls=["DeleteRepository"], target=targets.SnsTopic(topic))
registry.alarm_near_quota("Pushes", call=ApiCall.PUT_IMAGE, topic=topic)
registry.add_dashboard("Dashboard", repositories=[images])
app.synth()
