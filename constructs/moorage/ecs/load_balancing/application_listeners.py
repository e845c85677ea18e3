"""The listeners of an Application Load Balancer: for clients, for tests, and on further ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.scope.acknowledgements import acknowledge
from moorage.workload import route_limits

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm

    from moorage.workload.problems import Problems

HTTP_PORT, HTTPS_PORT = 80, 443
_OWN_LISTENERS = 3
"""The number of listeners of every load balancer: on ports 80 and 443, and the test listener."""


class Listeners(NamedTuple):
    """The listeners of a load balancer.

    Args:
        http: The listener on port 80.
        https: The listener on port 443.
        test: The test listener.
        further: The listeners on further ports, by port.
    """

    http: elbv2.ApplicationListener
    https: elbv2.ApplicationListener
    test: elbv2.ApplicationListener
    further: dict[int, elbv2.ApplicationListener]

    @property
    def arns(self) -> list[str]:
        """The ARNs, which other stacks import."""
        return [each.listener_arn for each in (self.http, self.https, self.test, *self.further.values())]


def check_listener_ports(ports: Sequence[int], test_port: int, problems: Problems) -> None:
    """Check the further ports of a load balancer. Each port has one listener.

    Args:
        ports: The further ports.
        test_port: The port of the test listener.
        problems: The problems to add to.
    """
    for port in ports:
        problems.check_known("each port of listener_ports", port)
        problems.check(route_limits.LISTENER_PORT, "each port of listener_ports", port)
    problems.check(route_limits.LISTENER_PORTS, "listener_ports", ports)
    problems.check(route_limits.REQUEST_LISTENERS, "the number of listeners", _OWN_LISTENERS + len(set(ports)))
    for port in sorted({HTTP_PORT, HTTPS_PORT} & set(ports)):
        problems.add(
            f"listener_ports must not contain {HTTP_PORT} or {HTTPS_PORT}, which every load balancer listens on (got "
            f"{port}); leave {port} out"
        )
    if test_port in ports:
        problems.add(
            f"listener_ports must not contain the port of the test listener (got {test_port}); use another port, or "
            "another test_port="
        )


def define_listeners(
    load_balancer: elbv2.ApplicationLoadBalancer,
    certificate: acm.ICertificate | None,
    test_port: int,
    further_ports: Sequence[int],
) -> Listeners:
    """Define the listeners on ports 80 and 443, the test listener, and the listeners on further ports.

    All of them exist with and without a certificate and routes, since services of other stacks import their ARNs.
    CloudFormation would refuse to delete a listener in the deployment that removes the certificate or the last route.
    Without a certificate, port 443 cannot be reached: the security group does not allow connections, and the listener
    has no rules.

    Args:
        load_balancer: The load balancer.
        certificate: The certificate of all listeners but that on port 80, or None for HTTP.
        test_port: The port of the test listener.
        further_ports: The further ports.
    """
    http_action = _not_found_response()
    if certificate:
        http_action = elbv2.ListenerAction.redirect(protocol="HTTPS", port=str(HTTPS_PORT), permanent=True)
    http = load_balancer.add_listener("Http", port=HTTP_PORT, default_action=http_action, open=False)
    if certificate:
        acknowledge(http, "http-redirect-listener", "the listener only redirects to HTTPS")
    https = _define_listener(load_balancer, "Https", HTTPS_PORT, certificate)
    test = _define_listener(load_balancer, "Test", test_port, certificate)
    further = {port: _define_listener(load_balancer, f"Port{port}", port, certificate) for port in further_ports}
    for each in further.values():
        each.node.add_dependency(test)  # the test listener may leave this port in the same deployment
    return Listeners(http, https, test, further)


def _define_listener(
    load_balancer: elbv2.ApplicationLoadBalancer, construct_id: str, port: int, certificate: acm.ICertificate | None
) -> elbv2.ApplicationListener:
    return load_balancer.add_listener(
        construct_id, port=port, default_action=_not_found_response(), open=False, **_protocol_options(certificate)
    )


def _protocol_options(certificate: acm.ICertificate | None) -> dict[str, Any]:
    if certificate is None:
        return {"protocol": elbv2.ApplicationProtocol.HTTP}
    return {
        "protocol": elbv2.ApplicationProtocol.HTTPS,
        "certificates": [certificate],
        "ssl_policy": elbv2.SslPolicy.RECOMMENDED_TLS,
    }


def _not_found_response() -> elbv2.ListenerAction:
    return elbv2.ListenerAction.fixed_response(404, content_type="text/plain", message_body="Not found")
