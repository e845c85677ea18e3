"""The findings about resources that the internet or another account can reach, except by security groups and policies.

An exposure is a fact of one side, for example that a database is publicly accessible or a method has no authorizer. An
exposure of the head that the base does not have is an opening.

Sources: CloudFormation's provider schemas for the names of the properties; the reference of Elastic Load Balancing,
`CreateLoadBalancer` (internet-facing by default); EC2 API reference, CreateTransitGatewayVpcAttachment,
CreateTransitGatewayRoute, EnableTransitGatewayRouteTablePropagation and CreateRoute; IAM Identity Center API reference,
CreateAccountAssignment; API Gateway's `Method` and `Route` (`NONE` is open access); Lambda
developer guide, "Control access to Lambda function URLs" (`NONE` is no authentication).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.finding import Finding
from moorage.review.nouns import listed
from moorage.review.opened.iam_policies import POWERFUL
from moorage.review.opened.iam_statements import own_account
from moorage.review.opened.security_groups import EVERYWHERE, rules_of
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Scope, Side, root

_PUBLIC_SETTINGS = {
    "AllowUnauthenticatedIdentities": ("true", "anyone can now get credentials from {} without signing in"),
    "AssignPublicIp": ("ENABLED", "tasks of {} now get public IP addresses"),
    "AssociatePublicIpAddress": ("true", "instances of {} now get public IP addresses"),
    "EndpointPublicAccess": ("true", "the internet can now reach the Kubernetes API of {}"),
    "IsPubliclyAccessible": ("true", "the internet can now reach {}"),
    "PubliclyAccessible": ("true", "the internet can now reach {}, if its subnets and security groups allow it"),
}
"""For each property, the value that makes a resource public, and the sentence about it."""
_PATHS = ("TransitGatewayId", "VpcPeeringConnectionId", "CoreNetworkArn")
_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_ACCOUNT_PART = 4
"""The position of the account in an ARN."""
_BROADENED = "opened/iam-broadened"
_LOAD_BALANCERS = ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer")
_PUBLIC_ACLS = ("PublicRead", "PublicReadWrite")


@attrs.frozen
class Exposure:
    """A resource that the internet or another account can reach.

    Args:
        rule: The ID of the rule.
        sentence: The sentence with `{}` for the subject, and `{items}` for the parts of the subject.
        subject: The canonical text of the resource.
        item: The part of the resource that is reachable. Default: all of it.
        about: The resource whose properties make the subject reachable. Default: None; `exposures` adds it.
        existing: True if the exposure is an opening only for a subject that the base also has. Default: False.
    """

    rule: str
    sentence: str
    subject: str
    item: str = ""
    about: tuple[Scope, Resource] | None = attrs.field(default=None, eq=False)
    existing: bool = attrs.field(default=False, eq=False)


@attrs.frozen(eq=False)
class _Read:
    """A resource and its stack, to read the properties as canonical texts."""

    scope: Scope
    resource: Resource

    @property
    def token(self) -> str:
        return self.scope.token(self.resource.logical_id)

    def text(self, name: str, default: Any = None) -> str:
        """Return the canonical text of a property.

        Args:
            name: The name of the property.
            default: The value if the resource does not have the property. Default: None.
        """
        return self.scope.text(self.resource.properties.get(name, default))

    def texts(self, name: str) -> frozenset[str]:
        """Return the canonical texts of the items of a property that is a list or a single value."""
        return self.scope.texts(self.resource.properties.get(name))

    def found(self, name: str) -> tuple[Scope, Resource] | None:
        """Return the resource that a property refers to; None if there is no such resource."""
        return self.scope.side.found(self.text(name))


def reachable(sides: Sides) -> Iterator[Finding]:
    """Yield a finding for each exposure that the change adds.

    Args:
        sides: The two sides of the comparison.
    """
    let_in = _let_in(sides.base)
    before = set(exposures(sides.base, let_in))
    removed = {
        (each.sentence, found[0].place, found[1].type)
        for each in before
        for found in [sides.base.found(each.subject)]
        if found and not sides.exists(each.subject)
    }
    grouped: dict[tuple[str, str, str], list[Exposure]] = defaultdict(list)
    for exposure in dict.fromkeys(exposures(sides.head, let_in)):
        found, added = sides.head.found(exposure.subject), sides.added(exposure.subject)
        moved = found and added and (exposure.sentence, found[0].place, found[1].type) in removed
        if exposure not in before and not moved and not (exposure.existing and added):
            grouped[exposure.rule, exposure.sentence, exposure.subject if exposure.item else ""].append(exposure)
    for (rule, sentence, _), group in grouped.items():
        names = [sides.named(each.subject) for each in {each.subject: each for each in group}.values()]
        items = sorted({sides.readable(each.item) for each in group if each.item})
        said = sentence.replace("{items}", listed(items, 3)).replace("{}", listed(names, 3))
        details = [", ".join(each) for each in (names, items) if len(each) > len(each[:3])]
        about = next(each.about for each in group if each.about)
        yield sides.finding(rule, about, said, details)


def exposures(side: Side, let_in: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[Exposure]:
    """Yield the exposures of one side.

    Args:
        side: The stacks before or after the change.
        let_in: The port ranges that each security group opened to the internet before the change. A security group rule
            that the change adds has a finding of its own.
    """
    for scope, resource in side.resources():
        subject = scope.token(resource.logical_id)
        properties = resource.properties
        for name, text in _leaves(scope, properties):
            public, sentence = _PUBLIC_SETTINGS.get(name, ("", ""))
            if sentence and text == public:
                yield Exposure("opened/internet", sentence, subject, about=(scope, resource))
        if resource.type in _READERS:
            for exposure in _READERS[resource.type](_Read(scope, resource)):
                yield attrs.evolve(exposure, about=(scope, resource))
    yield from _listeners(side, let_in)


def _leaves(scope: Scope, value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each public setting in a value, at any depth and in any branch of a condition."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(scope, each, name if str(key) == "Fn::If" else str(key))
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(scope, each, name)
    elif name in _PUBLIC_SETTINGS:
        yield name, scope.text(value)


def _subnet(read: _Read) -> Iterator[Exposure]:
    if read.text("MapPublicIpOnLaunch") == "true":
        sentence = "network interfaces in {} now get public IP addresses"
        yield Exposure("opened/internet", sentence, read.token, existing=True)


def _load_balancer(read: _Read) -> Iterator[Exposure]:
    if is_public(read.scope, read.resource):
        sentence = "clients on the internet can now reach {}"
        yield Exposure("opened/internet", sentence, read.token)


def is_public(scope: Scope, resource: Resource) -> bool:
    """Return whether a load balancer is internet-facing, which is the default. A Gateway Load Balancer never is.

    Args:
        scope: The stack of the load balancer.
        resource: The load balancer.
    """
    properties = resource.properties
    schemes = scope.texts(properties.get("Scheme")) or {"internet-facing"}
    return "internet-facing" in schemes and scope.text(properties.get("Type", "")) != "gateway"


def _function_url(read: _Read) -> Iterator[Exposure]:
    if read.text("AuthType") == "NONE":
        sentence = "anyone can now call {} by its URL, which has no authentication"
        function = root(read.text("TargetFunctionArn"))
        yield Exposure("opened/internet", sentence, function)


def _method(read: _Read) -> Iterator[Exposure]:
    verb = read.text("HttpMethod")
    key = read.text("ApiKeyRequired", "false") != "false"
    api = read.found("RestApiId")
    private = api is not None and (
        "PRIVATE" in str(api[1].properties.get("EndpointConfiguration")) or "Policy" in api[1].properties
    )
    if read.text("AuthorizationType", "NONE") == "NONE" and not (key or private or verb == "OPTIONS"):
        place = read.found("ResourceId")
        path = place[1].properties.get("PathPart", "") if place else ""
        yield _call(root(read.text("RestApiId")), f"{verb} /{read.scope.text(path)}")


def _route_of_api(read: _Read) -> Iterator[Exposure]:
    key = read.text("RouteKey")
    if read.text("AuthorizationType", "NONE") == "NONE" and not key.startswith("OPTIONS "):
        yield _call(root(read.text("ApiId")), key)


def _call(api: str, item: str) -> Exposure:
    return Exposure("opened/internet", "anyone can now call {items} of {}, which has no authorizer", api, item)


def _route(read: _Read) -> Iterator[Exposure]:
    destinations = {read.text(name) for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock")}
    gateway = read.found("GatewayId")
    if destinations & set(EVERYWHERE) and gateway and gateway[1].type == "AWS::EC2::InternetGateway":
        sentence = "subnets with {} now have a route to the internet gateway"
        yield Exposure("opened/internet", sentence, root(read.text("RouteTableId")), existing=True)
    for name in _PATHS:
        if name in read.resource.properties:
            places = (read.text(each) for each in _DESTINATIONS if each in read.resource.properties)
            item = f"{' '.join(places)} through {read.text(name)}"
            sentence = "subnets with {} now have a route to {items}"
            yield Exposure("opened/network", sentence, root(read.text("RouteTableId")), item, existing=True)


def _attachment(read: _Read) -> Iterator[Exposure]:
    sentence = "{} is now attached to the transit gateway {items}"
    vpc = root(read.text("VpcId"))
    yield Exposure("opened/network", sentence, vpc, root(read.text("TransitGatewayId")), existing=True)


def _peer_gateway(read: _Read) -> Iterator[Exposure]:
    owner, peer = read.text("PeerAccountId", own_account(read.scope)), read.text("PeerTransitGatewayId")
    outside = owner != own_account(read.scope)
    rule, of = ("opened/other-account", f" of the account {owner}") if outside else ("opened/network", "")
    sentence = "{} is now peered with the transit gateway {items}"
    yield Exposure(rule, sentence, root(read.text("TransitGatewayId")), f"{peer}{of}")


def _gateway_route(read: _Read) -> Iterator[Exposure]:
    if read.text("Blackhole", "false") == "false":
        sentence = "a transit gateway now routes {items} to {}"
        attachment = root(read.text("TransitGatewayAttachmentId"))
        yield Exposure("opened/network", sentence, attachment, read.text("DestinationCidrBlock"), existing=True)


def _propagation(read: _Read) -> Iterator[Exposure]:
    sentence = "the transit gateway route table {items} now routes to {}"
    yield _to_attachment(read, sentence)


def _association(read: _Read) -> Iterator[Exposure]:
    sentence = "{} may now reach other networks, which the transit gateway route table {items} routes to"
    yield _to_attachment(read, sentence)


def _to_attachment(read: _Read, sentence: str) -> Exposure:
    attachment, table = (root(read.text(f"TransitGateway{name}Id")) for name in ("Attachment", "RouteTable"))
    return Exposure("opened/network", sentence, attachment, table, existing=True)


def _assignment(read: _Read) -> Iterator[Exposure]:
    permissions = read.found("PermissionSetArn")
    policies = permissions[0].texts(permissions[1].properties.get("ManagedPolicies")) if permissions else ()
    rule = "opened/iam-admin" if any(each.rpartition("/")[2] in POWERFUL for each in policies) else _BROADENED
    account = read.text("TargetId")
    where = "the stack's own account" if account == own_account(read.scope) else f"the account {account}"
    who = f"the {read.text('PrincipalType').lower()} {read.text('PrincipalId')}"
    yield Exposure(rule, f"{{items}} may now use {{}} in {where}", root(read.text("PermissionSetArn")), who)


def _peering(read: _Read) -> Iterator[Exposure]:
    vpc, peer = (read.text(name) for name in ("VpcId", "PeerVpcId"))
    owner = read.text("PeerOwnerId", own_account(read.scope))
    if owner != own_account(read.scope):
        sentence = "{} is now peered with {items}"
        yield Exposure("opened/other-account", sentence, vpc, f"{peer} of the account {owner}")
    else:
        yield Exposure("opened/security-group", "{} is now peered with the VPC {items}", vpc, peer)


def _share(read: _Read) -> Iterator[Exposure]:
    for name in read.texts("Principals"):
        yield Exposure("opened/other-account", "{items} may now use what {} shares", read.token, name)


def _endpoint_service(read: _Read) -> Iterator[Exposure]:
    service = read.text("ServiceId")
    for name in read.texts("AllowedPrincipals"):
        yield Exposure("opened/other-account", "{items} may now connect to the endpoint service {}", service, name)


def _bucket(read: _Read) -> Iterator[Exposure]:
    if read.text("AccessControl") in _PUBLIC_ACLS:
        sentence = "anyone can now read the objects of {}, whose ACL is public"
        yield Exposure("opened/internet", sentence, read.token)

    for _, rule in read.scope.items(mapping(read.resource.properties.get("ReplicationConfiguration")).get("Rules")):
        account = read.scope.text(mapping(mapping(rule).get("Destination")).get("Account", own_account(read.scope)))
        if account != own_account(read.scope):
            sentence = "the objects of {} are now copied to a bucket of the account {items}"
            yield Exposure("opened/other-account", sentence, read.token, account)


def _subscription(read: _Read) -> Iterator[Exposure]:
    parts = read.text("DestinationArn").split(":")
    account = parts[4] if len(parts) > _ACCOUNT_PART else own_account(read.scope)
    if account.isdecimal() and account != own_account(read.scope):
        sentence = "the log events of {} are now sent to the account {items}"
        yield Exposure("opened/other-account", sentence, root(read.text("LogGroupName")), account)


def _prefix_list(read: _Read) -> Iterator[Exposure]:
    for _, entry in read.scope.items(read.resource.properties.get("Entries")):
        cidr = read.scope.text(mapping(entry).get("Cidr"))
        sentence = "{} now contains {items}, which the rules that use it allow"
        yield Exposure("opened/network", sentence, read.token, cidr, existing=True)


def _api(read: _Read) -> Iterator[Exposure]:
    types = read.scope.texts(mapping(read.resource.properties.get("EndpointConfiguration")).get("Types"))
    if not any(each == "PRIVATE" or "$" in each for each in types):
        yield Exposure("opened/internet", "clients on the internet can now reach {}", read.token, existing=True)


def _public_repository(read: _Read) -> Iterator[Exposure]:
    sentence = "anyone can now pull the images of {}"
    yield Exposure("opened/internet", sentence, read.token)


_READERS: Mapping[str, Callable[[_Read], Iterator[Exposure]]] = {
    "AWS::ApiGateway::Method": _method,
    "AWS::ApiGateway::RestApi": _api,
    "AWS::ApiGatewayV2::Route": _route_of_api,
    "AWS::EC2::PrefixList": _prefix_list,
    "AWS::EC2::Route": _route,
    "AWS::EC2::Subnet": _subnet,
    "AWS::EC2::TransitGatewayAttachment": _attachment,
    "AWS::EC2::TransitGatewayPeeringAttachment": _peer_gateway,
    "AWS::EC2::TransitGatewayRoute": _gateway_route,
    "AWS::EC2::TransitGatewayRouteTableAssociation": _association,
    "AWS::EC2::TransitGatewayRouteTablePropagation": _propagation,
    "AWS::EC2::TransitGatewayVpcAttachment": _attachment,
    "AWS::EC2::VPCEndpointServicePermissions": _endpoint_service,
    "AWS::EC2::VPCPeeringConnection": _peering,
    "AWS::ECR::PublicRepository": _public_repository,
    "AWS::Lambda::Url": _function_url,
    "AWS::Logs::SubscriptionFilter": _subscription,
    "AWS::RAM::ResourceShare": _share,
    "AWS::S3::Bucket": _bucket,
    "AWS::SSO::Assignment": _assignment,
    **dict.fromkeys(_LOAD_BALANCERS, _load_balancer),
}


def _let_in(side: Side) -> dict[str, list[tuple[int, int]]]:
    """Return the port ranges that each security group opens to the internet."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for rule in rules_of(side, defaults=False):
        if rule.ingress and rule.peer.is_internet and not isinstance(rule.ports, str):
            found[rule.group].append(rule.ports)
    return found


def _listeners(side: Side, let_in: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[Exposure]:
    """Yield the ports of internet-facing load balancers that the security groups, if any, open to the internet."""
    for scope, listener in side.resources("AWS::ElasticLoadBalancingV2::Listener"):
        properties = listener.properties
        port = scope.text(properties.get("Port"))
        balancer = side.found(scope.text(properties.get("LoadBalancerArn")))
        if balancer is None or not is_public(*balancer):
            continue
        groups = {root(text) for text in balancer[0].texts(balancer[1].properties.get("SecurityGroups"))}
        ranges = [ports for group in groups for ports in let_in.get(group, ())]
        known = all(side.found(group) for group in groups)
        if not known or not groups or any(low <= int(port) <= high for low, high in ranges if port.isdecimal()):
            suffix = "" if known else ", if its security groups allow it"
            sentence = f"the internet can now reach port {{items}} of {{}}{suffix}"
            subject = balancer[0].token(balancer[1].logical_id)
            yield Exposure("opened/internet", sentence, subject, port, (scope, listener), existing=True)
