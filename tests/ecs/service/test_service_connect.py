"""Services that connect to each other."""

from __future__ import annotations

import datetime as dt
import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Match

from moorage import (
    Capacity,
    Cluster,
    Container,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    NetworkMode,
    OperatingSystemFamily,
    Route,
    Scaling,
    Service,
    ServiceConnect,
    ServiceConnectTls,
    Task,
    Worker,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of
from tests.workload.load_balancing_limit_cases import ARN

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

AWSVPC, BRIDGE = NetworkMode.AWSVPC, NetworkMode.BRIDGE
NAMESPACE = "arn:aws:servicediscovery:eu-west-1:111111111111:namespace"
PLACE = cdk.Environment(account="111111111111", region="eu-west-1")
AUTHORITY = "arn:aws:acm-pca:eu-west-1:111111111111:certificate-authority/1a2b"


def task(name: str, port: int | None = 8080) -> Task:
    return Task(Container("public.ecr.aws/nginx/nginx:1.29", name=name, port=port))


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc, namespace="store")


def service(scope: cdk.Stack, cluster: ecs.ICluster, of: str, port: int | None = 8080, **said: Any) -> Service:
    connect = ServiceConnect(**said)
    return Service(scope, of.title(), cluster=cluster, task=task(of, port), connect=connect)


def rules(stack: cdk.Stack) -> list[tuple[str, int]]:
    found = template(stack).to_json()["Resources"].values()
    separate = [each for each in found if each["Type"].startswith("AWS::EC2::SecurityGroup") and "Properties" in each]
    return [
        (each["Type"].rsplit("SecurityGroup")[-1], each["Properties"]["FromPort"])
        for each in separate
        if "FromPort" in each["Properties"]
    ]


def test_connecting_opens_one_path_and_returns_the_url(stack: cdk.Stack, cluster: Cluster) -> None:
    catalog, ui = service(stack, cluster, "catalog"), service(stack, cluster, "ui")
    assert ui.connect_to(catalog) == "http://catalog"
    assert sorted(rules(stack)) == [("Egress", 8080), ("Ingress", 8080)]
    template(stack).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress",
        {
            "GroupId": stack.resolve(catalog.security_groups[0].security_group_id),
            "SourceSecurityGroupId": stack.resolve(ui.security_groups[0].security_group_id),
            "FromPort": 8080,
            "ToPort": 8080,
            "IpProtocol": "tcp",
        },
    )


def test_a_service_has_its_name_in_the_namespace_of_the_cluster(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, "catalog", name="products", access_logs=True, idle_timeout=dt.timedelta(minutes=5))
    template(stack).has_resource_properties("AWS::ServiceDiscovery::HttpNamespace", {"Name": "store"})
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "ServiceConnectConfiguration": {
                "Enabled": True,
                "AccessLogConfiguration": {"Format": "JSON"},
                "Services": [
                    {
                        "PortName": "catalog",
                        "DiscoveryName": "products",
                        "ClientAliases": [{"DnsName": "products", "Port": 80}],
                        "Timeout": {"IdleTimeoutSeconds": 300},
                    }
                ],
            }
        },
    )


def test_a_service_without_a_port_only_connects_to_others(stack: cdk.Stack, cluster: Cluster) -> None:
    worker, api = service(stack, cluster, "worker", None), service(stack, cluster, "api")
    worker.connect_to(api)
    found = template(stack).find_resources("AWS::ECS::Service")
    (of_worker,) = [each for name, each in found.items() if name.startswith("Worker")]
    assert not of_worker["Properties"]["ServiceConnectConfiguration"].get("Services")


def test_a_service_is_deployed_after_the_one_that_it_connects_to(stack: cdk.Stack, cluster: Cluster) -> None:
    api, ui = service(stack, cluster, "api"), service(stack, cluster, "ui")
    ui.connect_to(api)
    api.connect_to(ui)  # in a cycle within one stack, one starts first
    found = template(stack).find_resources("AWS::ECS::Service")
    after = {name: [each for each in found[name].get("DependsOn", []) if each in found] for name in found}
    assert sorted(map(len, after.values())) == [0, 1]


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_the_first_service_of_a_connection_cycle_warns(stack: cdk.Stack, cluster: Cluster, names: str) -> None:
    services = [service(stack, cluster, name) for name in names]
    for client, server in pairwise(services):
        client.connect_to(server)
    services[-1].connect_to(services[0])
    services[0].connect_to(services[0])
    (warning,) = circle_warnings(services[-1])
    assert warning.startswith(
        "this service connects to Shop/A, which connects back and therefore starts later, so the proxy"
    )
    assert not any(circle_warnings(each) for each in services[:-1])


def circle_warnings(of: Service) -> list[str]:
    return [str(each.data) for each in of.node.metadata if "therefore starts later" in str(each.data)]


def test_proxies_encrypt_with_certificates_of_a_private_authority(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, "api", tls=ServiceConnectTls(authority_arn=AUTHORITY))
    tls = {"IssuerCertificateAuthority": {"AwsPcaAuthorityArn": AUTHORITY}, "RoleArn": Match.any_value()}
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {"ServiceConnectConfiguration": {"Services": [Match.object_like({"Tls": tls})]}},
    )


def test_the_authority_and_key_must_be_in_the_region_and_the_role_in_the_account(app: cdk.App) -> None:
    """AWS Private CA guide, "Regions": authorities are regional, and can be shared with other accounts."""
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), namespace="store")
    elsewhere = "us-east-1:222222222222"
    key = kms.Key.from_key_arn(stack, "Key", f"arn:aws:kms:{elsewhere}:key/1a2b")
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::222222222222:role/tls")
    authority = AUTHORITY.replace("eu-west-1:111111111111", elsewhere)
    with pytest.raises(ValueError, match="Shop/Api: 3 problems") as error:
        service(stack, cluster, "api", tls=ServiceConnectTls(authority_arn=authority, key=key, role=role))
    for argument, what in (("authority_arn", "region"), ("key", "region"), ("role", "account")):
        assert f"{argument} of tls must be in {what} " in str(error.value)
    shared = AUTHORITY.replace("111111111111", "222222222222")
    service(stack, cluster, "api", tls=ServiceConnectTls(authority_arn=shared))


def test_ecs_may_use_the_key_of_the_certificates(app: cdk.App, stack: cdk.Stack, cluster: Cluster) -> None:
    key = kms.Key(stack, "Key")
    apart = cdk.Stack(app, "Apart")
    service(apart, cluster, "api", tls=ServiceConnectTls(authority_arn=AUTHORITY, key=key))
    (role,) = (
        template(apart)
        .find_resources("AWS::IAM::Role", {"Properties": {"ManagedPolicyArns": Match.any_value()}})
        .values()
    )
    (policy,) = role["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair"]
    assert statement["Resource"] == apart.resolve(key.key_arn)
    assert not stack.dependencies


def test_a_service_may_have_only_a_name_in_cloud_map(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    zone = servicediscovery.PrivateDnsNamespace(stack, "Zone", name="store.internal", vpc=vpc)
    options = ecs.CloudMapOptions(name="api", cloud_map_namespace=zone)
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(stack, "Api", cluster=cluster, task=task("api"), cloud_map_options=options)
    template(stack).has_resource_properties("AWS::ServiceDiscovery::Service", {"Name": "api"})


def test_all_rules_of_a_path_between_stacks_are_in_the_stack_that_connects(app: cdk.App, cluster: Cluster) -> None:
    first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
    api, ui = service(first, cluster, "api"), service(second, cluster, "ui")
    ui.connect_to(api)
    assert rules(first) == []
    assert len(rules(second)) == 2


def test_a_cycle_of_stacks_is_refused_with_its_connections(app: cdk.App, cluster: Cluster) -> None:
    first, second, third = (cdk.Stack(app, name) for name in ("First", "Second", "Third"))
    api, ui, log = service(first, cluster, "api"), service(second, cluster, "ui"), service(third, cluster, "log")
    ui.connect_to(api)
    api.connect_to(log)
    with pytest.raises(ValueError, match="Third/Log: this service connects to Second/Ui, but") as raised:
        log.connect_to(ui)
    assert str(raised.value) == (
        "Third/Log: this service connects to Second/Ui, but Second/Ui connects to First/Api, "
        "First/Api connects to Third/Log, so neither stack could be deployed before the other; "
        "define both services in one stack"
    )


def test_services_of_two_stacks_that_connect_to_each_other_are_refused(app: cdk.App, cluster: Cluster) -> None:
    api, ui = (service(cdk.Stack(app, name), cluster, name.lower()) for name in ("One", "Two"))
    ui.connect_to(api)
    with pytest.raises(
        ValueError, match="One/One: this service connects to Two/Two, but Two/Two connects to One/One, so neither"
    ):
        api.connect_to(ui)


def test_a_service_in_the_stack_of_its_cluster_cannot_connect_to_a_later_stack(
    app: cdk.App, stack: cdk.Stack, cluster: Cluster
) -> None:
    later = cdk.Stack(app, "Later")
    web, api = service(stack, cluster, "web"), service(later, cluster, "api")
    with pytest.raises(ValueError, match="Shop/Web: this service connects to Later/Api, but") as raised:
        web.connect_to(api)
    assert str(raised.value) == (
        "Shop/Web: this service connects to Later/Api, but Later/Api needs Shop/Cluster, so neither stack could be "
        "deployed before the other; define both services in one stack"
    )


@pytest.mark.parametrize("of", [LoadBalancer, NetworkLoadBalancer])
def test_a_service_in_the_stack_of_a_load_balancer_cannot_connect_to_services_behind_it(
    app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc, of: Any
) -> None:
    theirs = Cluster.from_attributes(stack, "Theirs", cluster_name="theirs", vpc=vpc, namespace="store")
    edge = of(stack, "Edge", vpc=vpc, access_logs=False)
    route = Route(edge) if of is LoadBalancer else Listener(edge, port=80)
    web, later = service(stack, theirs, "web"), cdk.Stack(app, "Later")
    api = Service(later, "Api", cluster=theirs, task=task("api"), connect=ServiceConnect(), route=route)
    with pytest.raises(
        ValueError, match="Shop/Web: this service connects to Later/Api, but Later/Api needs Shop/Edge, so"
    ):
        web.connect_to(api)


def test_a_service_connects_to_one_of_a_later_stack_behind_an_entrance_that_exists_already(
    app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    theirs = Cluster.from_attributes(stack, "Theirs", cluster_name="theirs", vpc=vpc, namespace="store")
    edge = LoadBalancer.from_attributes(stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc)
    web, later = service(stack, theirs, "web"), cdk.Stack(app, "Later")
    api = Service(later, "Api", cluster=theirs, task=task("api"), connect=ServiceConnect(), route=Route(edge))
    assert web.connect_to(api) == "http://api"


def test_a_service_of_an_imported_cluster_may_connect_to_a_later_stack(
    app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    theirs = Cluster.from_attributes(stack, "Theirs", cluster_name="theirs", vpc=vpc, namespace="store")
    old, new = service(stack, theirs, "old"), service(cdk.Stack(app, "Later"), theirs, "new")
    assert old.connect_to(new) == "http://new"
    app.synth()
    assert [each.stack_name for each in stack.dependencies] == ["Later"]


def test_a_path_is_opened_only_once(stack: cdk.Stack, cluster: Cluster) -> None:
    shared = ec2.SecurityGroup.from_security_group_id(stack, "Shared", "sg-1234")
    ui, ux, api = (
        Service(stack, of, cluster=cluster, task=task(of), connect=ServiceConnect(), security_groups=[shared])
        for of in ("ui", "ux", "api")
    )
    for client in (ui, ui, ux):
        assert client.connect_to(api) == "http://api"
    assert sorted(rules(stack)) == [("Egress", 8080), ("Ingress", 8080)]


def test_a_service_may_connect_to_its_other_copies(stack: cdk.Stack, cluster: Cluster) -> None:
    cache = service(stack, cluster, "cache")
    assert cache.connect_to(cache) == "http://cache"
    assert sorted(rules(stack)) == [("Egress", 8080), ("Ingress", 8080)]


def test_in_bridge_mode_the_ports_of_proxies_are_opened_once(app: cdk.App) -> None:
    """ECS assigns a port of the instance to a proxy (botocore `ingressPortOverride`); EC2 has each rule once."""
    platform, first, second, third = (cdk.Stack(app, name) for name in ("Platform", "First", "Second", "Third"))
    general = Capacity.ec2("general", instance_types=["m7i.xlarge"], max_instances=8)
    theirs = Cluster(platform, "Cluster", vpc=imported_vpc(platform), namespace="store", capacity=[general])

    def at(stack: cdk.Stack, of: str, mode: NetworkMode) -> Service:
        copy = Task(Container("public.ecr.aws/nginx/nginx:1.29", name=of, port=8080), network_mode=mode)
        return Service(stack, of, cluster=theirs, task=copy, scaling=Scaling(1), connect=ServiceConnect())

    api, ui, ux = at(first, "api", BRIDGE), at(first, "ui", BRIDGE), at(second, "ux", BRIDGE)
    log, own = at(third, "log", AWSVPC), at(second, "own", AWSVPC)
    for client in (ui, ux):
        client.connect_to(api)
        client.connect_to(log)
    for server in (api, ui):
        own.connect_to(server)
    assert sorted(rules(platform)) == [("Egress", 32768), ("Ingress", 32768)]  # from instances to instances
    assert rules(first) == []
    assert sorted(rules(second)) == [
        ("Egress", 32768),
        ("Ingress", 32768),
    ]  # of the service with an interface of its own
    assert sorted(rules(third)) == [
        ("Egress", 8080),
        ("Ingress", 8080),
    ]  # of the service that all instances may connect to


def test_a_new_connection_to_instances_does_not_change_the_ids_of_rules() -> None:
    """With another id, CloudFormation would create the rule before it deletes the old one, which EC2 refuses."""
    ids = []
    for order in (("api", "log"), ("log", "api")):
        stack = cdk.Stack(cdk.App(), "Shop")
        general = Capacity.ec2("general", instance_types=["m7i.xlarge"], max_instances=8)
        capacity = [Capacity.fargate(), general]
        theirs = Cluster(stack, "Cluster", vpc=imported_vpc(stack), namespace="store", capacity=capacity)
        ui = service(stack, theirs, "ui")
        bridged = {
            of: Service(
                stack,
                of,
                cluster=theirs,
                task=Task(Container("redis:8", name=of, port=6379), network_mode=BRIDGE),
                scaling=Scaling(1),
                connect=ServiceConnect(),
                capacity=general,
            )
            for of in ("api", "log")
        }
        for of in order:
            ui.connect_to(bridged[of])
        found = template(stack).find_resources("AWS::EC2::SecurityGroupIngress")
        ids.append([name for name, each in found.items() if each["Properties"]["FromPort"] == 32768])
    assert len(ids[0]) == 1
    assert ids[0] == ids[1]


def test_a_connection_to_a_service_without_a_name_or_a_port_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    ui = service(stack, cluster, "ui")
    other = Service(stack, "Other", cluster=cluster, task=task("other", None))
    with pytest.raises(ValueError, match="Shop/Ui: 2 problems") as raised:
        ui.connect_to(other)
    assert "Shop/Other has no name in a namespace" in str(raised.value)
    assert "Shop/Other has no port to connect to; use Container(..., port=...)" in str(raised.value)


def test_a_connection_without_names_says_all_that_is_missing(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    own = Cluster(stack, "Own", vpc=vpc, failure_events=False)
    named = Cluster(stack, "Named", vpc=vpc, namespace="store", failure_events=False)
    imported = Cluster.from_attributes(stack, "Imported", cluster_name="shop", vpc=vpc)
    web, api, old = (
        Service(stack, name, cluster=cluster, task=task("app"))
        for name, cluster in {"Web": own, "Api": named, "Old": imported}.items()
    )
    with pytest.raises(ValueError, match="Shop/Web: 2 problems") as raised:
        web.connect_to(api)
    for_web, for_api = [line.rpartition("; ")[2] for line in str(raised.value).splitlines()[1:]]
    assert for_web == "use Cluster(namespace='...') and Service(connect=ServiceConnect())"
    assert for_api == "use Service(connect=ServiceConnect())"
    with pytest.raises(ValueError, match="Shop/Old: 2 problems") as raised:
        old.connect_to(api)
    assert "; use Cluster.from_attributes(namespace='...') and Service(connect=ServiceConnect())\n" in str(raised.value)


def test_a_name_without_a_namespace_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(
        ValueError, match=r"connect requires a cluster with a namespace; use Cluster\(namespace='...'\)"
    ):
        Service(
            stack,
            "Api",
            cluster=Cluster(stack, "Cluster", vpc=vpc),
            task=task("api"),
            connect=ServiceConnect(),
        )


def test_a_name_without_a_port_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="name of connect requires a port"):
        service(stack, cluster, "api", None, name="api")


def test_the_name_of_a_removed_service_can_be_used_again(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, "api")
    stack.node.try_remove_child("Api")
    service(stack, cluster, "second", name="api")
    with pytest.raises(ValueError, match="but Shop/Second has the name 'api'"):
        service(stack, cluster, "third", name="api")


def test_a_name_that_exists_in_the_namespace_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    """Botocore `ServiceConnectService.discoveryName`: unique within the Cloud Map namespace."""
    service(stack, cluster, "api")
    with pytest.raises(
        ValueError, match="name of connect must be unique in the namespace .got 'api', but Shop/Api has the name 'api'"
    ):
        service(stack, cluster, "second", name="api")
    service(stack, Cluster(stack, "Other", vpc=vpc, namespace="other"), "third", name="api")
    theirs = Cluster.from_attributes(stack, "Theirs", cluster_name="theirs", vpc=vpc, namespace="theirs")
    service(stack, theirs, "fourth", name="api")
    with pytest.raises(ValueError, match="but Shop/Fourth has the name 'api'"):
        service(stack, theirs, "fifth", name="api")


@pytest.mark.parametrize(
    ("name", "found_as"), [("api", "api"), ("api.shop", "api-shop"), (f"{'a' * 60}.shop.com", f"{'a' * 60}-sho")]
)
def test_cloud_map_accepts_the_name_of_a_service(stack: cdk.Stack, cluster: Cluster, name: str, found_as: str) -> None:
    service(stack, cluster, "api", name=name)
    said = {"DiscoveryName": found_as, "ClientAliases": [{"DnsName": name, "Port": 80}]}
    template(stack).has_resource_properties(
        "AWS::ECS::Service", {"ServiceConnectConfiguration": {"Services": [Match.object_like(said)]}}
    )


def test_service_connect_on_windows_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    windows = Task(
        Container("mcr.microsoft.com/windows/servercore/iis:ltsc2022", name="web", port=80, read_only=False),
        cpu=1024,
        memory_mib=2048,
        operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
    )
    with pytest.raises(
        ValueError, match="connect is not supported on WINDOWS_SERVER_2022_CORE, for which ECS has no proxy"
    ):
        Service(stack, "Web", cluster=cluster, task=windows, connect=ServiceConnect())


def test_a_connection_to_another_namespace_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    ui = service(stack, cluster, "ui")
    other = service(stack, Cluster(stack, "Other", vpc=vpc, namespace="other"), "api")
    with pytest.raises(
        ValueError, match="Shop/Ui: Shop/Api must have its name in the namespace of this service, whose"
    ):
        ui.connect_to(other)


def from_store_to(namespace: str, stack: cdk.Stack, vpc: ec2.IVpc) -> str:
    ui, api = (
        service(stack, Cluster.from_attributes(stack, of, cluster_name=of, vpc=vpc, namespace=said), of)
        for of, said in (("ui", "store"), ("api", namespace))
    )
    return ui.connect_to(api)


@pytest.mark.parametrize("namespace", ["store", f"{NAMESPACE}/ns-1"])
def test_namespaces_that_may_be_the_same_are_accepted(stack: cdk.Stack, vpc: ec2.IVpc, namespace: str) -> None:
    assert from_store_to(namespace, stack, vpc) == "http://api"


def test_imported_namespaces_are_compared_by_name(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValueError, match="in the namespace of this service"):
        from_store_to("other", stack, vpc)


def test_whole_template(stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion) -> None:
    catalog, ui = service(stack, cluster, "catalog"), service(stack, cluster, "ui")
    ui.connect_to(catalog)
    assert readable_template(stack) == template_snapshot


def test_a_container_whose_name_is_invalid_for_a_port_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="the name of the container for connect must be .* .got '-web'."):
        Service(stack, "Web", cluster=cluster, task=task("-web"), connect=ServiceConnect(name="web"))


def names(stack: cdk.Stack, of: servicediscovery.DnsRecordType | None = None) -> ecs.CloudMapOptions:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="shop", vpc=imported_vpc(stack))
    return ecs.CloudMapOptions(cloud_map_namespace=namespace, dns_record_type=of)


def test_a_name_in_cloud_map_needs_a_namespace(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(
        ValueError, match="cloud_map_options must have a namespace, since the cluster has no default namespace"
    ):
        Service(stack, "Web", cluster=cluster, task=task("web"), cloud_map_options=ecs.CloudMapOptions())


def test_cloud_map_options_with_service_connect_are_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    options = names(cdk.Stack(stack, "Other"))
    with pytest.raises(ValueError, match="must not have both cloud_map_options and connect"):
        Service(stack, "Web", cluster=cluster, task=task("web"), connect=ServiceConnect(), cloud_map_options=options)


def test_a_record_with_an_address_needs_tasks_with_addresses(stack: cdk.Stack, cluster: Cluster) -> None:
    options = names(cdk.Stack(stack, "Other"), servicediscovery.DnsRecordType.A)
    Service(stack, "Web", cluster=cluster, task=task("web"), cloud_map_options=options)
    template(stack).resource_count_is("AWS::ServiceDiscovery::Service", 1)


def test_the_role_and_key_of_tls_must_be_in_the_place_of_the_service(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=PLACE)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), namespace="store")
    roles = [iam.Role.from_role_arn(stack, each, f"arn:aws:iam::{each * 12}:role/tls") for each in "12"]
    keys = [
        kms.Key.from_key_arn(stack, each, f"arn:aws:kms:{each}:222222222222:key/a")
        for each in ("eu-west-1", "us-east-1")
    ]
    service(stack, cluster, "api", tls=ServiceConnectTls(authority_arn=AUTHORITY, role=roles[0], key=keys[0]))
    with pytest.raises(ValueError, match="2 problems") as raised:
        service(stack, cluster, "web", tls=ServiceConnectTls(authority_arn=AUTHORITY, role=roles[1], key=keys[1]))
    assert "role of tls must be in account 111111111111" in str(raised.value)
    assert "key of tls must be in region eu-west-1" in str(raised.value)


SRV = servicediscovery.DnsRecordType.SRV


@pytest.mark.parametrize(
    ("port", "arguments", "problem"),
    [
        (8080, {"name": "a b"}, r"name of cloud_map_options must be 1 to 127 letters.*\(got 'a b'\)"),
        (
            None,
            {"dns_record_type": SRV},
            "container 'web', the first essential container, must have a port",
        ),
        (8080, {"dns_record_type": SRV, "container_port": 9}, r"must be 8080, the port of container 'web' \(got 9\)"),
    ],
)
def test_an_invalid_name_in_cloud_map_is_refused(
    stack: cdk.Stack, cluster: Cluster, port: int | None, arguments: dict[str, Any], problem: str
) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="shop", vpc=cluster.vpc)
    options = ecs.CloudMapOptions(cloud_map_namespace=namespace, **arguments)
    with pytest.raises(ValueError, match=problem):
        Service(stack, "Web", cluster=cluster, task=task("web", port), cloud_map_options=options)


@pytest.mark.parametrize("default", [True, False])
def test_a_name_in_cloud_map_needs_a_namespace_with_dns(stack: cdk.Stack, cluster: Any, *, default: bool) -> None:
    namespace = servicediscovery.HttpNamespace(stack, "Names", name="shop")
    options = ecs.CloudMapOptions(cloud_map_namespace=None if default else namespace)
    if default:
        cluster = Cluster.from_attributes(stack, "Own", cluster_name="shop", vpc=cluster.vpc, namespace=namespace)
    with pytest.raises(ValueError, match=r"must have DNS \(got Shop/"):
        Service(stack, "Web", cluster=cluster, task=task("web"), cloud_map_options=options)


@pytest.mark.parametrize("arguments", [{}, {"container_port": 8080}])
def test_a_record_with_a_port_uses_the_first_essential_container(
    stack: cdk.Stack, cluster: Cluster, arguments: dict[str, Any]
) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="shop", vpc=cluster.vpc)
    options = ecs.CloudMapOptions(cloud_map_namespace=namespace, dns_record_type=SRV, **arguments)
    Service(stack, "Web", cluster=cluster, task=task("web"), cloud_map_options=options)
    template(stack).has_resource_properties(
        "AWS::ECS::Service", {"ServiceRegistries": [Match.object_like({"ContainerName": "web", "ContainerPort": 8080})]}
    )


def in_cloud_map(stack: cdk.Stack, name: str, namespace: servicediscovery.INamespace) -> None:
    scope = cdk.Stack(stack, f"Of{name}", env=PLACE)
    cluster = Cluster.from_attributes(scope, "Cluster", cluster_name="shop", vpc=imported_vpc(scope))
    options = ecs.CloudMapOptions(cloud_map_namespace=namespace, name="api")
    Service(stack, name, cluster=cluster, task=task("web"), cloud_map_options=options)


SAME_NAME = "the same name 'api', but the name of each AWS::ServiceDiscovery::Service must be unique in the namespace "


def test_a_name_that_exists_in_cloud_map_is_refused(app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    first, second = (
        servicediscovery.PrivateDnsNamespace(stack, name, name=f"{name}.local", vpc=vpc) for name in ("shop", "other")
    )
    in_cloud_map(stack, "A", first)
    in_cloud_map(stack, "B", second)
    app.synth()
    with pytest.raises(ValueError, match=f"Shop/C: Shop/A has {SAME_NAME}Shop/shop"):
        in_cloud_map(stack, "C", first)


def test_a_name_in_a_namespace_that_is_imported_twice_is_refused(app: cdk.App) -> None:
    for name in ("First", "Second"):
        stack = cdk.Stack(app, name, env=PLACE)
        namespace = servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
            stack, "Names", namespace_arn=f"{NAMESPACE}/ns-1", namespace_id="ns-1", namespace_name="shop.local"
        )
        in_cloud_map(stack, "Api", namespace)
    with pytest.raises(RuntimeError, match=f"First/Api and Second/Api have {SAME_NAME}ns-1;"):
        app.synth()


def test_service_connect_and_cloud_map_share_the_names_of_a_namespace(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="shop.local", vpc=vpc)
    cluster = Cluster.from_attributes(stack, "Imported", cluster_name="shop", vpc=vpc, namespace=namespace)
    service(stack, cluster, "api")
    with pytest.raises(ValueError, match=f"Shop/Other: Shop/Api has {SAME_NAME}"):
        in_cloud_map(stack, "Other", namespace)


@pytest.mark.parametrize("namespace", ["shop", f"{NAMESPACE}/ns-abc"])
@pytest.mark.parametrize(("region", "clash"), [("eu-west-1", True), ("us-east-1", False)])
def test_a_name_of_service_connect_in_two_stacks_is_refused(
    app: cdk.App, namespace: str, region: str, *, clash: bool
) -> None:
    for name, place in (("First", PLACE), ("Second", cdk.Environment(account=PLACE.account, region=region))):
        stack = cdk.Stack(app, name, env=place)
        own = namespace.replace("eu-west-1", place.region or "")
        cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=imported_vpc(stack), namespace=own)
        service(stack, cluster, "api")
    if clash:
        with pytest.raises(RuntimeError, match=f"First/Api and Second/Api have {SAME_NAME}"):
            app.synth()
    else:
        app.synth()


def mapping(stack: cdk.Stack) -> dict[str, Any]:
    """Return the port mapping of the only task."""
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    (found,) = definition["Properties"]["ContainerDefinitions"][0]["PortMappings"]
    return dict(found)


def test_the_port_of_a_name_is_tcp_by_default(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, "api")
    assert "AppProtocol" not in mapping(stack)


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
@pytest.mark.parametrize("as_text", [True, False])
def test_the_port_of_a_name_may_have_an_application_protocol(
    stack: cdk.Stack, cluster: Cluster, protocol: str, *, as_text: bool
) -> None:
    asked = protocol if as_text else getattr(ecs.AppProtocol, protocol)
    service(stack, cluster, "api", protocol=asked, request_timeout=dt.timedelta(seconds=40))
    assert mapping(stack)["AppProtocol"] == protocol
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "ServiceConnectConfiguration": {
                "Services": [Match.object_like({"Timeout": {"PerRequestTimeoutSeconds": 40}})]
            }
        },
    )


def test_only_the_port_of_the_name_has_the_protocol(stack: cdk.Stack, cluster: Cluster) -> None:
    image = "public.ecr.aws/nginx/nginx:1.29"
    both = Task(Container(image, name="api", port=8080), Container(image, name="metrics", port=9090))
    Service(stack, "Api", cluster=cluster, task=both, connect=ServiceConnect(protocol="grpc"))
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    said = [each["PortMappings"][0].get("AppProtocol") for each in definition["Properties"]["ContainerDefinitions"]]
    assert said == ["grpc", None]


def test_a_request_timeout_without_a_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="request_timeout requires protocol"):
        ServiceConnect(request_timeout=dt.timedelta(seconds=40))


@pytest.mark.parametrize("argument", ["idle_timeout", "request_timeout"])
def test_a_timeout_beyond_the_limit_of_ecs_is_refused(argument: str) -> None:
    longest: dict[str, Any] = {argument: dt.timedelta(seconds=2147483647)}
    ServiceConnect(protocol="http", **longest)
    longer: dict[str, Any] = {argument: dt.timedelta(seconds=2147483648)}
    with pytest.raises(ValueError, match=f"{argument} must be between 0 and 2,147,483,647 seconds"):
        ServiceConnect(protocol="http", **longer)


def test_an_idle_timeout_shorter_than_the_request_timeout_warns() -> None:
    """Botocore `TimeoutConfiguration`: the connection will close when the idleTimeout is reached."""
    with pytest.warns(UserWarning, match=r"idle_timeout should be at least request_timeout \(got 30 s"):
        ServiceConnect(protocol="http", idle_timeout=dt.timedelta(seconds=30), request_timeout=dt.timedelta(seconds=31))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ServiceConnect(protocol="http", idle_timeout=dt.timedelta(seconds=30), request_timeout=dt.timedelta(seconds=30))


@pytest.mark.parametrize(("protocol", "warned"), [(None, True), ("http", False)])
def test_access_logs_without_a_protocol_warn(
    app: cdk.App, stack: cdk.Stack, cluster: Cluster, protocol: str | None, *, warned: bool
) -> None:
    service(stack, cluster, "api", access_logs=True, protocol=protocol)
    found = [each for each in warnings_of(app, "Shop") if "the proxy logs connections but no requests" in each]
    assert bool(found) is warned


def test_a_service_is_reached_by_two_ways_that_are_no_circle(app: cdk.App, cluster: Cluster) -> None:
    outer, front, left, right, back = (
        service(cdk.Stack(app, name.title()), cluster, name) for name in ("outer", "front", "left", "right", "back")
    )
    for client, server in ((front, left), (front, right), (left, back), (right, back), (outer, front)):
        client.connect_to(server)
    app.synth()
    assert not [each for each in warnings_of(app, "Front") if "circle" in each]


@pytest.mark.parametrize(
    ("construct_id", "name"),
    [
        ("Catalog", "catalog"),
        ("Order-API_2", "order-api_2"),
        ("Shop Front (v2)", "shop-front-v2"),
        ("..a..b..", "a.b"),
        ("A" * 128, "a" * 127),
    ],
)
def test_the_default_name_is_the_id_of_the_construct(
    construct_id: str, name: str, stack: cdk.Stack, cluster: Cluster
) -> None:
    client = service(stack, cluster, "ui")
    server = Service(stack, construct_id, cluster=cluster, task=task("other"), connect=ServiceConnect())
    assert client.connect_to(server) == f"http://{name}"


def test_a_name_is_that_of_the_container_if_the_id_has_no_letters(stack: cdk.Stack, cluster: Cluster) -> None:
    client = service(stack, cluster, "ui")
    server = Service(stack, "ß", cluster=cluster, task=task("other"), connect=ServiceConnect())
    assert client.connect_to(server) == "http://other"


def test_the_default_name_of_a_worker_is_the_id_of_the_worker(stack: cdk.Stack, cluster: Cluster) -> None:
    for name in ("Orders", "Mails"):
        scaling = Scaling(1, 9, backlog_per_task=100)
        worker = Worker(stack, name, cluster=cluster, task=task("app"), scaling=scaling, connect=ServiceConnect())
        assert service(stack, cluster, f"{name}Client").connect_to(worker.service) == f"http://{name.lower()}"


def test_settings_that_warn_warn_once(stack: cdk.Stack, cluster: Cluster) -> None:
    idle, request = dt.timedelta(seconds=1), dt.timedelta(seconds=2)
    with pytest.warns(UserWarning, match="idle_timeout should be at least"):
        settings = ServiceConnect(protocol="http", idle_timeout=idle, request_timeout=request)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Service(stack, "Web", cluster=cluster, task=task("web"), connect=settings)
