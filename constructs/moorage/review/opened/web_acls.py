"""The findings about AWS WAF: resources that no web ACL protects, and web ACLs that block fewer requests.

Sources: AWS WAF API reference, DefaultAction (for requests that match no rule), RuleAction and OverrideAction (`Count`
does not block; a rule group acts if its override is `None`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import is_function
from moorage.review.finding import Finding
from moorage.review.nouns import listed
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Scope, Side, root

_ASSOCIATIONS = ("AWS::WAFv2::WebACLAssociation", "AWS::WAFRegional::WebACLAssociation")
_WEB_ACL = "AWS::WAFv2::WebACL"
_STOPS = {"Block", "Captcha", "Challenge"}


def lost_web_acls(sides: Sides) -> Iterator[Finding]:
    """Yield a finding for each resource that loses its web ACL, and for each web ACL that blocks fewer requests.

    Args:
        sides: The two sides of the comparison.
    """
    after = _protected(sides.head)
    for text in _protected(sides.base):
        resource = sides.head.found(text)
        if text not in after and resource:
            yield sides.finding("opened/firewall", resource, f"no web ACL protects {sides.named(text)} any more")
    for scope, acl in sides.head.resources(_WEB_ACL):
        before = sides.base.found(scope.token(acl.logical_id))
        if before and before[1].type == acl.type and before[1].properties != acl.properties:
            yield from _weaker(sides, before, (scope, acl))


def _protected(side: Side) -> dict[str, None]:
    """Return the tokens of the resources that web ACLs protect."""
    associated = {
        root(text): None
        for scope, resource in side.resources(*_ASSOCIATIONS)
        for text in sorted(scope.texts(resource.properties.get("ResourceArn")))
    }
    distributions = {
        scope.token(resource.logical_id): None
        for scope, resource in side.resources("AWS::CloudFront::Distribution")
        if mapping(resource.properties.get("DistributionConfig")).get("WebACLId")
    }
    return {**associated, **distributions}


def _weaker(sides: Sides, before: tuple[Scope, Resource], after: tuple[Scope, Resource]) -> Iterator[Finding]:
    name = sides.named(after[0].token(after[1].logical_id))
    default = [set(mapping(each[1].properties.get("DefaultAction"))) for each in (before, after)]
    if default == [{"Block"}, {"Allow"}]:
        yield sides.finding("opened/firewall", after, f"{name} now allows the requests that match no rule")
    old, new = (_rules(each) for each in (before, after))
    if old is None or new is None:
        return
    removed = [rule for rule in old if old[rule] and rule not in new]
    counting = [rule for rule in old if old[rule] and new.get(rule) is False]
    for rules, verb in ((removed, "no longer applies"), (counting, "no longer blocks requests by")):
        if rules:
            sentence = f"{name} {verb} the rule{'s' if len(rules) > 1 else ''} {listed(rules)}"
            yield sides.finding("opened/firewall", after, sentence)


def _rules(acl: tuple[Scope, Resource]) -> dict[str, bool | None] | None:
    """Return a mapping from each rule to whether it can stop requests; None in place of what is not known."""
    scope, resource = acl
    stated = resource.properties.get("Rules", [])
    if not isinstance(stated, list) or any(is_function(mapping(each)) for each in stated):
        return None
    return {scope.text(mapping(each).get("Name")): _stops(mapping(each)) for each in stated}


def _stops(rule: Mapping[str, Any]) -> bool | None:
    action = set(mapping(rule.get("Action"))) | set(mapping(rule.get("OverrideAction")))
    if not action or any(name == "Ref" or name.startswith("Fn::") for name in action):
        return None
    return bool(action & {*_STOPS, "None"})
