"""Routes by header, method, query string and address; redirects, TLS to the tasks and sticky sessions."""

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage import Cluster, Container, LoadBalancer, Network, Rollout, Route, Service, Task

HTTPS = elbv2.ApplicationProtocol.HTTPS
VECTOR = """
api: {enabled: true, address: "0.0.0.0:8686"}
sources: {events: {type: http_server, address: "0.0.0.0:8080", path: /events}}
sinks: {out: {type: console, inputs: [events], encoding: {codec: json}}}
"""
COLLECT = f"echo '{VECTOR}' > /tmp/vector.yaml && exec vector --config /tmp/vector.yaml"

app = cdk.App()
stack = cdk.Stack(app, "Shop")
network = Network(stack, "Network")
cluster = Cluster(stack, "Cluster", vpc=network.vpc)
edge = LoadBalancer(stack, "Edge", vpc=network.vpc)
command = ["netexec", "--http-port=8443", "--udp-port=-1", "--tls-cert-file=/localhost.crt"]
web = Container(
    "registry.k8s.io/e2e-test-images/agnhost:2.53",
    port=8443,
    command=[*command, "--tls-private-key-file=/localhost.key"],  # its own self-signed certificate
)
Service(
    stack,
    "Web",
    cluster=cluster,
    task=Task(web),
    route=Route(edge, protocol=HTTPS, health="/healthz", stickiness_cookie_duration=cdk.Duration.hours(1)),
)
Service(
    stack,
    "Preview",  # for requests with the header and the parameter, before those of Web
    cluster=cluster,
    task=Task(web),
    route=Route(
        edge, http_header={"X-Version": "beta"}, query_string={"preview": "*"}, protocol=HTTPS, health="/healthz"
    ),
    rollout=Rollout.canary(percent=10),
)
Service(
    stack,
    "Legacy",
    cluster=cluster,
    task=Task(web),
    route=Route(edge, path="/legacy/*", protocol=HTTPS, health="/healthz", stickiness_cookie_name="JSESSIONID"),
)
Service(
    stack,
    "Events",
    cluster=cluster,
    task=Task(
        Container(
            "timberio/vector:0.50.0-alpine",
            port=8080,
            entry_point=["sh", "-c"],
            command=COLLECT,
            writable=["/tmp"],
        )
    ),
    route=Route(
        edge,
        path="/events",
        http_request_method="POST",
        source_ip="10.0.0.0/16",
        health="/health",
        health_port=8686,
    ),
)
edge.add_action(elbv2.ListenerAction.redirect(path="/legacy/#{path}", permanent=True), path="/v1/*")
edge.add_action(elbv2.ListenerAction.fixed_response(403), path="/internal/*")
app.synth()
