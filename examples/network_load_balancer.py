"""A network load balancer with fixed addresses for MQTT over TLS and syslog over UDP."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53

from moorage import Cluster, Container, Listener, Network, NetworkLoadBalancer, Rollout, Service, Task

VECTOR = """
api: {enabled: true, address: "0.0.0.0:8686"}
sources: {syslog: {type: syslog, mode: udp, address: "0.0.0.0:514"}}
sinks: {out: {type: console, inputs: [syslog], encoding: {codec: json}}}
"""
COLLECT = f"echo '{VECTOR}' > /tmp/vector.yaml && exec vector --config /tmp/vector.yaml"
mosquitto = "public.ecr.aws/docker/library/eclipse-mosquitto:2.0"  # listens on localhost without a configuration
vector = "timberio/vector:0.50.0-alpine"

app = cdk.App()
platform = cdk.Stack(app, "Platform")
# prerequisite: the hosted zone; replace this ID and name
zone = route53.HostedZone.from_hosted_zone_attributes(platform, "Zone", hosted_zone_id="Z1", zone_name="example.com")
certificate = acm.Certificate(
    platform, "Certificate", domain_name="mqtt.example.com", validation=acm.CertificateValidation.from_dns(zone)
)
network = Network(platform, "Network")
cluster = Cluster(platform, "Cluster", vpc=network.vpc)
gate = NetworkLoadBalancer(
    platform,
    "Gate",
    vpc=network.vpc,
    public=True,
    certificate=certificate,
    without_tls="sensors send unencrypted syslog, which has no secrets",
    zone=zone,
    host="mqtt.example.com",
    allocation_ids=[ec2.CfnEIP(platform, f"Address{index}").attr_allocation_id for index in range(network.zones)],
    test_ingress=[ec2.Peer.ipv4("198.51.100.0/24")],
)

Service(
    cdk.Stack(app, "Broker"),
    "Broker",
    cluster=cluster,
    task=Task(Container(mosquitto, port=1883, command=["mosquitto", "-c", "/mosquitto-no-auth.conf"])),
    route=Listener(gate, 8883, test_port=9883),  # TLS ends at the load balancer
    rollout=Rollout.canary(percent=10),
)
Service(
    cdk.Stack(app, "Syslog"),
    "Syslog",
    cluster=cluster,
    task=Task(Container(vector, port=514, entry_point=["sh", "-c"], command=COLLECT, writable=["/tmp"])),
    route=Listener(gate, 514, protocol=elbv2.Protocol.UDP, health="/health", health_port=8686),
)
app.synth()
