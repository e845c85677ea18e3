"""Things that become reachable from the internet or another account, besides security groups and policies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.opened.openings import findings, sentences


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def balancer(**properties: Any) -> dict[str, Any]:
    return resource("AWS::ElasticLoadBalancingV2::LoadBalancer", **properties)


def listener(port: Any, **properties: Any) -> dict[str, Any]:
    return resource("AWS::ElasticLoadBalancingV2::Listener", Port=port, LoadBalancerArn={"Ref": "Front"}, **properties)


def service(public: Any) -> dict[str, Any]:
    return resource("AWS::ECS::Service", NetworkConfiguration={"AwsvpcConfiguration": {"AssignPublicIp": public}})


@pytest.mark.parametrize(
    ("closed", "opened", "said"),
    [
        (balancer(Scheme="internal"), balancer(), "Clients on the internet can now reach the load balancer Shop/It."),
        (
            balancer(Scheme="internal"),
            balancer(Scheme="internet-facing"),
            "Clients on the internet can now reach the load balancer Shop/It.",
        ),
        (service("DISABLED"), service("ENABLED"), "Tasks of the ECS service Shop/It now get public IP addresses."),
        (
            service("DISABLED"),
            service({"Fn::If": ["Public", "ENABLED", "DISABLED"]}),
            "Tasks of the ECS service Shop/It now get public IP addresses.",
        ),
        (
            resource("AWS::RDS::DBInstance", PubliclyAccessible=False),
            resource("AWS::RDS::DBInstance", PubliclyAccessible="true"),
            "The internet can now reach the RDS DB instance Shop/It, if its subnets and security groups allow it.",
        ),
        (
            resource("AWS::EC2::Subnet", MapPublicIpOnLaunch=False),
            resource("AWS::EC2::Subnet", MapPublicIpOnLaunch=True),
            "Network interfaces in the EC2 subnet Shop/It now get public IP addresses.",
        ),
        (
            resource("AWS::S3::Bucket", AccessControl="Private"),
            resource("AWS::S3::Bucket", AccessControl="PublicRead"),
            "Anyone can now read the objects of the S3 bucket Shop/It, whose ACL is public.",
        ),
    ],
)
def test_a_setting_that_makes_something_public_is_an_opening(closed: Any, opened: Any, said: str) -> None:
    assert sentences({"It": closed}, {"It": opened}) == [("internet", said)]
    assert sentences({"It": opened}, {"It": closed}) == []
    assert sentences({"It": opened}, {"Other": opened}) == [], "the same under another id"


@pytest.mark.parametrize(
    "unknown",
    [service({"Ref": "Public"}), service(None), resource("AWS::ECS::Service", NetworkConfiguration={"Ref": "P"})],
)
def test_a_setting_that_is_not_known_is_no_opening(unknown: Any) -> None:
    assert sentences({"It": service("DISABLED")}, {"It": unknown}) == []


def test_five_services_with_public_addresses_are_one_finding() -> None:
    base = {f"Web{number}": service("DISABLED") for number in range(5)}
    head = {f"Web{number}": service("ENABLED") for number in range(5)}
    (found,) = findings(base, head)
    assert found.sentence == (
        "Tasks of the ECS service Shop/Web0, the ECS service Shop/Web1 and 3 more now get public IP addresses."
    )
    assert found.details[0].count("Shop/Web") == 5


def test_a_new_app_with_a_public_load_balancer_is_public_and_its_public_subnets_are_expected() -> None:
    head = {"Front": balancer(), "Subnet": resource("AWS::EC2::Subnet", MapPublicIpOnLaunch=True)}
    assert sentences(None, head) == [
        ("internet", "Clients on the internet can now reach the load balancer Shop/Front.")
    ]
    assert sentences(None, {"Front": balancer(Type="gateway")}) == []


def test_a_port_of_a_public_load_balancer_is_an_opening_if_its_groups_let_it_in() -> None:
    def front(*listeners: Any, ports: tuple[int, int]) -> dict[str, Any]:
        rules = (
            [{"IpProtocol": "tcp", "FromPort": ports[0], "ToPort": ports[1], "CidrIp": "0.0.0.0/0"}] if ports else []
        )
        group = resource("AWS::EC2::SecurityGroup", SecurityGroupIngress=rules)
        made = {f"Listener{number}": each for number, each in enumerate(listeners)}
        return {"Group": group, "Front": balancer(SecurityGroups=[{"Ref": "Group"}]), **made}

    said = ("internet", "The internet can now reach port 8080 of the load balancer Shop/Front.")
    assert sentences(front(listener(80), ports=(0, 65535)), front(listener(8080), ports=(0, 65535))) == [said]
    assert sentences(front(listener(80), ports=(80, 80)), front(listener(80), listener(8080), ports=(80, 80))) == []
    (once,) = sentences(front(listener(80), ports=(80, 80)), front(listener(80), listener(8080), ports=(80, 8080)))
    assert once == ("internet", "The internet can now reach ports 81-8080 of the EC2 security group Shop/Group.")


def test_a_port_of_a_load_balancer_without_groups_is_an_opening_and_of_an_internal_one_is_not() -> None:
    base = {"Front": balancer(Type="network")}
    said = ("internet", "The internet can now reach port 443 of the load balancer Shop/Front.")
    assert sentences(base, {**base, "Listener": listener(443)}) == [said]
    internal = {"Front": balancer(Scheme="internal")}
    assert sentences(internal, {**internal, "Listener": listener(443)}) == []
    foreign = {"Front": balancer(SecurityGroups=["sg-1"])}
    (found,) = findings(foreign, {**foreign, "Listener": listener(443)})
    assert found.sentence.endswith("of the load balancer Shop/Front, if its security groups allow it.")


def test_a_function_url_without_authentication_is_said_once() -> None:
    function = {"F": resource("AWS::Lambda::Function")}
    name = {"Fn::GetAtt": ["F", "Arn"]}
    url = {"Url": resource("AWS::Lambda::Url", AuthType="NONE", TargetFunctionArn=name)}
    permission = resource(
        "AWS::Lambda::Permission",
        Action="lambda:InvokeFunctionUrl",
        FunctionName=name,
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    said = "Anyone can now call the Lambda function Shop/F by its URL, which has no authentication."
    assert sentences(function, {**function, **url, "P": permission}) == [("internet", said)]
    signed = {"Url": resource("AWS::Lambda::Url", AuthType="AWS_IAM", TargetFunctionArn=name)}
    assert sentences(function, {**function, **signed}) == []
    assert sentences({**function, **signed}, {**function, **url}) == [("internet", said)]


def test_methods_without_an_authorizer_are_one_finding_of_their_api() -> None:
    def method(verb: str, kind: str, **more: Any) -> dict[str, Any]:
        return resource(
            "AWS::ApiGateway::Method", HttpMethod=verb, AuthorizationType=kind, RestApiId={"Ref": "Api"}, **more
        )

    api = {"Api": resource("AWS::ApiGateway::RestApi")}
    head = {**api, "A": method("GET", "NONE"), "B": method("PUT", "NONE"), "C": method("OPTIONS", "NONE")}
    said = "Anyone can now call GET / and PUT / of the REST API Shop/Api, which has no authorizer."
    assert sentences(api, head) == [("internet", said)]
    assert sentences({**api, "A": method("GET", "AWS_IAM")}, {**api, "A": method("GET", "NONE")})
    assert sentences(api, {**api, "A": method("GET", "NONE", ApiKeyRequired=True)}) == []
    assert sentences(api, {**api, "A": method("GET", "CUSTOM")}) == []
    private = {"Api": resource("AWS::ApiGateway::RestApi", EndpointConfiguration={"Types": ["PRIVATE"]})}
    assert sentences(private, {**private, "A": method("GET", "NONE")}) == []
    route = resource("AWS::ApiGatewayV2::Route", ApiId={"Ref": "Api"}, RouteKey="GET /carts")
    assert "GET /carts" in sentences(api, {**api, "R": route})[0][1]


def test_a_route_to_an_internet_gateway_is_an_opening_for_an_existing_route_table() -> None:
    base = {"Table": resource("AWS::EC2::RouteTable"), "Gateway": resource("AWS::EC2::InternetGateway")}
    to = {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0"}
    head = {**base, "Route": resource("AWS::EC2::Route", GatewayId={"Ref": "Gateway"}, **to)}
    said = "Subnets with the EC2 route table Shop/Table now have a route to the internet gateway."
    assert sentences(base, head) == [("internet", said)]
    assert sentences({}, head) == []
    assert sentences(base, {**base, "Route": resource("AWS::EC2::Route", NatGatewayId="nat-1", **to)}) == []


@pytest.mark.parametrize(("owner", "rule"), [("222222222222", "other-account"), ("111111111111", "security-group")])
def test_a_peered_vpc_is_an_opening_and_names_another_account(owner: str, rule: str) -> None:
    base = {"Vpc": resource("AWS::EC2::VPC")}
    peering = resource("AWS::EC2::VPCPeeringConnection", VpcId={"Ref": "Vpc"}, PeerVpcId="vpc-1", PeerOwnerId=owner)
    ((found, sentence),) = sentences(base, {**base, "Peering": peering})
    assert found == rule
    assert sentence.startswith("The VPC Shop/Vpc is now peered with ")
    assert ("222222222222" in sentence) == (rule == "other-account")


def test_what_is_shared_with_another_account_is_an_opening() -> None:
    share = resource("AWS::RAM::ResourceShare", Principals=["222222222222"])
    assert sentences({"S": resource("AWS::RAM::ResourceShare")}, {"S": share}) == [
        ("other-account", "222222222222 may now use what the RAM resource share Shop/S shares.")
    ]
    allowed = resource("AWS::EC2::VPCEndpointServicePermissions", ServiceId="vpce-svc-1", AllowedPrincipals=["*"])
    assert sentences({}, {"P": allowed}) == [("other-account", "* may now connect to the endpoint service vpce-svc-1.")]


def test_a_public_repository_is_public() -> None:
    head = {"Repository": resource("AWS::ECR::PublicRepository")}
    said = "Anyone can now pull the images of the ECR public repository Shop/Repository."
    assert sentences({}, head) == sentences(None, head) == [("internet", said)]


def test_a_private_api_that_becomes_public_is_an_opening() -> None:
    private, public = (
        {"It": resource("AWS::ApiGateway::RestApi", EndpointConfiguration={"Types": [kind]})}
        for kind in ("PRIVATE", "REGIONAL")
    )
    said = ("internet", "Clients on the internet can now reach the REST API Shop/It.")
    assert sentences(private, public) == [said]
    assert sentences(public, private) == []
    assert sentences({}, public) == [], "its methods say who may call it"


@pytest.mark.parametrize(("account", "opens"), [("222222222222", True), ("111111111111", False), (None, False)])
def test_copies_in_another_account_are_an_opening(account: Any, opens: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    destination = {"Bucket": "b", **({"Account": account} if account else {})}
    rules = {"Role": "r", "Rules": [{"Status": "Enabled", "Destination": destination}]}
    base, head = ({"It": resource("AWS::S3::Bucket", **each)} for each in ({}, {"ReplicationConfiguration": rules}))
    said = "The objects of the S3 bucket Shop/It are now copied to a bucket of the account 222222222222."
    assert sentences(base, head) == [("other-account", said)] * opens
    arn = f"arn:aws:logs:eu-west-1:{account or '111111111111'}:destination:d"
    logs = {"It": resource("AWS::Logs::SubscriptionFilter", LogGroupName="g", DestinationArn=arn)}
    said = "The log events of g are now sent to the account 222222222222."
    assert sentences({}, logs) == [("other-account", said)] * opens


def test_an_address_in_a_prefix_list_is_an_opening() -> None:
    def addresses(*ranges: str) -> dict[str, Any]:
        return {"It": resource("AWS::EC2::PrefixList", Entries=[{"Cidr": each} for each in ranges])}

    said = "The EC2 prefix list Shop/It now contains 0.0.0.0/0, which the rules that use it allow."
    assert sentences(addresses("10.0.0.0/8"), addresses("10.0.0.0/8", "0.0.0.0/0")) == [("network", said)]
    assert sentences(addresses("10.0.0.0/8", "0.0.0.0/0"), addresses("10.0.0.0/8")) == []
    assert sentences({}, addresses("0.0.0.0/0")) == []
