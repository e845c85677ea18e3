"""The entrance of an environment: its load balancer, its certificate and its domain."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_ssm as ssm

from moorage import LoadBalancer
from stacks.settings import EnvironmentSettings


def define_entrance(stack: cdk.Stack, vpc: ec2.IVpc, settings: EnvironmentSettings) -> LoadBalancer:
    """Define and return the public load balancer of an environment. Its address is an output of the stack.

    Args:
        stack: The stack.
        vpc: The VPC.
        settings: The settings of the environment.
    """
    entrance = settings.entrance
    previews = f"*.{settings.previews.domain}" if settings.previews else None
    zone = None
    certificate: acm.ICertificate | None = None
    if entrance.hosted_zone and entrance.hosted_zone_id and entrance.domain:
        zone = route53.HostedZone.from_hosted_zone_attributes(
            stack, "Zone", hosted_zone_id=entrance.hosted_zone_id, zone_name=entrance.hosted_zone
        )
        certificate = acm.Certificate(
            stack,
            "DomainCertificate",
            domain_name=entrance.domain,
            subject_alternative_names=[previews] if previews else None,
            validation=acm.CertificateValidation.from_dns(zone),
        )
    elif entrance.certificate_parameter:
        arn = ssm.StringParameter.value_for_string_parameter(stack, entrance.certificate_parameter)
        certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    balancer = LoadBalancer(
        stack,
        "Entrance",
        vpc=vpc,
        public=True,
        certificate=certificate,
        plain_http=None if certificate else "an environment to try things in, without a domain or real data",
        zone=zone if entrance.dns_record else None,
        web_acl=entrance.web_acl,
        access_logs=not settings.removable,
        deletion_protection=not settings.removable,
        removal_policy=settings.removal_policy,
    )
    if zone and previews:
        target = route53.RecordTarget.from_alias(targets.LoadBalancerTarget(balancer.load_balancer))
        route53.ARecord(stack, "PreviewsAlias", zone=zone, record_name=f"{previews}.", target=target)
    host = entrance.domain or balancer.load_balancer.load_balancer_dns_name
    cdk.CfnOutput(stack, "Address", value=f"{'https' if certificate else 'http'}://{host}")
    return balancer
