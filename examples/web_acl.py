"""A public load balancer for IPv4 and IPv6, protected by AWS WAF, in a VPC of your own."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_wafv2 as wafv2

from moorage import Cluster, Container, LoadBalancer, Route, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
# prerequisite: a certificate in this account and region; replace this ARN
certificate = acm.Certificate.from_certificate_arn(
    stack, "Certificate", "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
)
seen = wafv2.CfnWebACL.VisibilityConfigProperty(
    cloud_watch_metrics_enabled=True, metric_name="shop", sampled_requests_enabled=True
)
known_bad = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
    vendor_name="AWS", name="AWSManagedRulesKnownBadInputsRuleSet"
)
web_acl = wafv2.CfnWebACL(
    stack,
    "WebAcl",
    scope="REGIONAL",
    default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
    visibility_config=seen,
    rules=[
        wafv2.CfnWebACL.RuleProperty(
            name="KnownBadInputs",
            priority=0,
            statement=wafv2.CfnWebACL.StatementProperty(managed_rule_group_statement=known_bad),
            override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
            visibility_config=seen,
        )
    ],
)
vpc = ec2.Vpc(stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
edge = LoadBalancer(
    stack,
    "Edge",
    vpc=vpc,
    public=True,
    certificate=certificate,
    web_acl=web_acl,  # or the ARN of an existing web ACL
    ip_address_type=elbv2.IpAddressType.DUAL_STACK,
)

Service(
    stack,
    "Web",
    cluster=Cluster(stack, "Cluster", vpc=vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"])),
    route=Route(edge),
)
app.synth()
