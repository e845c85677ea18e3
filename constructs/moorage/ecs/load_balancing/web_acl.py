"""The web ACL of a load balancer (AWS WAF)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_wafv2 as wafv2

from moorage.ecs.cdk_values import stack_of
from moorage.scope.place import check_place
from moorage.workload import load_balancing_limits
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from constructs import Construct


def check_web_acl(web_acl: str | wafv2.CfnWebACL, scope: Construct, problems: Problems) -> None:
    """Check that a load balancer in `scope` can use a web ACL: in the same region, and not for CloudFront."""
    stack = stack_of(scope)
    check_place(problems, "web_acl", web_acl, scope, across_regions=True)  # the message below explains regions
    if isinstance(web_acl, wafv2.CfnWebACL):
        if not is_token(web_acl.scope) and web_acl.scope != "REGIONAL":
            problems.add(
                f"web_acl must have the scope REGIONAL (got {web_acl.node.path} with the scope {web_acl.scope!r}); "
                "define the web ACL with scope='REGIONAL'"
            )
        region = web_acl.stack.region
    else:
        before = len(problems.messages)
        problems.check(load_balancing_limits.WEB_ACL_ARN, "web_acl", web_acl)
        if is_token(web_acl) or len(problems.messages) > before:
            return
        region = web_acl.split(":")[3]
    if not is_token((region, stack.region)) and region != stack.region:
        problems.add(
            f"web_acl must be in the load balancer's region {stack.region} (got {region}), since a regional web ACL "
            f"protects only its own region; use a web ACL in {stack.region}"
        )


def associate_web_acl(scope: Construct, web_acl: str | wafv2.CfnWebACL, load_balancer_arn: str) -> None:
    """Associate a web ACL with a load balancer."""
    arn = web_acl if isinstance(web_acl, str) else web_acl.attr_arn
    wafv2.CfnWebACLAssociation(scope, "WebAcl", resource_arn=load_balancer_arn, web_acl_arn=arn)
