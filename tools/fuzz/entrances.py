"""Random load balancers, within their limits or just beyond, and the routes from them to a service."""

from __future__ import annotations

from typing import Any

import attrs

from tools.fuzz.program import Code, Pick, call, seconds

HEALTH = (
    *("target-health-interval", "target-health-timeout", "target-health-timeout-shorter", "target-health-threshold"),
)
_DEFINED = (
    *("load-balancer-subnets", "load-balancer-zones", "idle-timeout", "web-acl-arn"),
    *("listener-port", "listener-ports-unique"),
)
_CONDITIONS = (
    *("rule-header", "rule-header-value", "rule-method", "rule-query-key", "rule-query-value", "rule-source"),
)
_STICKY = ("stickiness-cookie-duration", "stickiness-cookie-name")
_ANSWERS = ("listener-action", "fixed-response-code", "fixed-response-type", "fixed-response-body")
REQUESTS = (
    *("target-health-path", "target-health-grpc-path", "target-health-codes", "target-health-grpc-codes"),
    *("rule-priority", "rule-condition-values", "rule-host", "rule-path", "listener-arn", *_DEFINED),
    *("rule-wildcards", "rule-wildcards-of-guide"),
    *(*_CONDITIONS, *_STICKY, *_ANSWERS),
)
_ADDRESSES = ("elastic-ip-allocation-id", "elastic-ip-allocation-ids-unique")
_DEFINED_NETWORK = ("network-load-balancer-subnets", *_ADDRESSES, "zonal-shift-protocol")
CONNECTIONS = (
    *("network-target-health-codes", "listener-protocol", "listener-idle-timeout", "network-load-balancer-arn"),
    *_DEFINED_NETWORK,
)
EITHER = ("target-groups-per-service", "deregistration-delay", "deregistration-delay-at-deletion", "security-group-id")
_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:"
_LISTENER = f"{_ARN}listener/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2"
_OWN_LISTENER = Code(f"{_LISTENER[:-16]!r} + stack.node.addr[-16:]")
"""The ARN of a listener that no other program of a batch imports, since routes of one listener can clash."""
_BALANCER = f"{_ARN}loadbalancer/net/gate/50dc6c495c0c9188"
_OWN_BALANCER = Code(f"{_BALANCER[:-16]!r} + stack.node.addr[-16:]")
_WEB_ACL = "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop/12345678-1234-1234-1234-123456789012"


@attrs.frozen
class Entry:
    """The load balancing of a service.

    Args:
        edge: The load balancer.
        routes: One or several of its routes or listeners.
        requests: True if the load balancer is an Application Load Balancer, which routes requests.
        answers: The lines of the program with which the load balancer answers requests itself.
    """

    edge: Code
    routes: Any
    requests: bool
    answers: tuple[Code, ...] = ()


def entry(pick: Pick, mode: str, *, shifts: bool) -> Entry:
    """Return load balancing for tasks in a network mode, with or without a rollout that shifts traffic."""
    if pick.breaks(*CONNECTIONS) or not (pick.breaks(*REQUESTS) or pick.often()):
        return Entry(_gate(pick), _several(pick, "Listener") or _listener(pick, mode, shifts=shifts), requests=False)
    answers = (_answer(pick),) if pick.breaks(*_ANSWERS) or (not pick.broken and pick.seldom()) else ()
    routes = _several(pick, "Route") or _route(pick, shifts=shifts)
    return Entry(_edge(pick), routes, requests=True, answers=answers)


def _several(pick: Pick, word: str) -> list[Code] | None:
    """Return several minimal routes; None if a detailed route is wanted."""
    if pick.breaks("target-groups-per-service"):
        count = 6
    elif pick.breaks(*HEALTH, *REQUESTS, *CONNECTIONS, *EITHER) or pick.often():
        return None
    else:
        count = pick.one_of(2, 5)
    if word == "Listener":
        return [call(word, Code("edge"), 8000 + index) for index in range(count)]
    return [call(word, Code("edge"), path=f"/{index}/*") for index in range(count)]


def _edge(pick: Pick) -> Code:
    if pick.breaks("listener-arn", "security-group-id") or (not pick.breaks(*_DEFINED) and pick.seldom()):
        return call(
            "LoadBalancer.from_attributes",
            Code("stack"),
            "Edge",
            listener_arn=pick.keeping("listener-arn", (_OWN_LISTENER,), (_LISTENER[:-17], _BALANCER, "edge", "")),
            test_listener_arn=pick.one_of(None, f"{_LISTENER[:-1]}3"),
            security_group_id=_group_id(pick),
            vpc=Code("vpc"),
        )
    return call(
        "LoadBalancer",
        Code("stack"),
        "Edge",
        vpc=Code("vpc"),
        certificate=Code("issued"),
        public=pick.on(),
        vpc_subnets=_subnets(pick, "load-balancer-subnets", 2, (0, 1)),
        idle_timeout=pick.maybe(lambda: seconds(pick.within("idle-timeout", 1, 4000)), "idle-timeout"),
        web_acl=pick.maybe(
            lambda: pick.keeping("web-acl-arn", (_WEB_ACL,), (_WEB_ACL.replace("regional", "global"), "shop", "")),
            "web-acl-arn",
        ),
        listener_ports=pick.maybe(lambda: _ports(pick), "listener-port", "listener-ports-unique"),
        zonal_shift=pick.off(),
        access_logs=pick.off(),
    )


def _ports(pick: Pick) -> list[int]:
    ports = [pick.keeping("listener-port", (1, 9443, 65535), (0, -1, 65536))]
    return ports * 2 if pick.breaks("listener-ports-unique") else ports


def _gate(pick: Pick) -> Code:
    known = ("network-load-balancer-arn", "security-group-id")
    public = pick.breaks(*_ADDRESSES) or None
    if not pick.breaks("network-load-balancer-subnets") and pick.seldom():
        public = True
    said = {
        "vpc": Code("vpc"),
        "public": public,
        "certificate": Code("issued"),
        "without_tls": "its tasks end TLS" if public else None,
    }
    if pick.breaks(*known) or (not pick.breaks(*_DEFINED_NETWORK) and pick.seldom()):
        return call(
            "NetworkLoadBalancer.from_attributes",
            Code("stack"),
            "Edge",
            load_balancer_arn=pick.keeping(known[0], (_OWN_BALANCER,), (_LISTENER, _BALANCER[:-17], "gate", "")),
            security_group_id=_group_id(pick),
            **said,
        )
    addresses = ["eipalloc-0a1b2c3d", pick.keeping("elastic-ip-allocation-id", ("eipalloc-1",), ("192.0.2.1", ""))]
    if pick.breaks("elastic-ip-allocation-ids-unique"):
        addresses = addresses[:1] * 2
    shifted = pick.breaks("zonal-shift-protocol")
    return call(
        "NetworkLoadBalancer",
        Code("stack"),
        "Edge",
        **said,
        vpc_subnets=None if public else _subnets(pick, "network-load-balancer-subnets", 1, (0,)),
        allocation_ids=addresses if public and pick.when(*_ADDRESSES) else None,
        cross_zone=None if shifted else pick.off(),
        zonal_shift=shifted or pick.on(),
        access_logs=pick.off(),
    )


def _group_id(pick: Pick) -> str:
    return pick.keeping("security-group-id", ("sg-0a1b2c3d", "sg-0123456789abcdef0"), ("default", "sg-", ""))


def _subnets(pick: Pick, row: str, least: int, fewer: tuple[int, ...]) -> Code | None:
    if pick.breaks("load-balancer-zones"):
        return Code("SubnetSelection(subnets=subnets[:1] * 2)")
    count = pick.keeping(row, (least, 3), fewer)
    return Code(f"SubnetSelection(subnets=subnets[:{count}])") if pick.when(row) else None


def _listener(pick: Pick, mode: str, *, shifts: bool) -> Code:
    datagrams = () if mode == "bridge" else ("UDP", "TCP_UDP")
    protocol = pick.keeping("listener-protocol", (None, "TCP", "TLS", *datagrams), ("HTTP", "HTTPS"))
    if pick.breaks("zonal-shift-protocol"):
        protocol = "UDP"
    if pick.breaks("listener-idle-timeout"):
        protocol = "TCP"
    idle = "listener-idle-timeout"
    return call(
        "Listener",
        Code("edge"),
        pick.one_of(1, 443, 8883, 65535),
        protocol=Code(f"Protocol.{protocol}") if protocol else None,
        health=_target_health(pick, "connections") if pick.breaks(*HEALTH, *CONNECTIONS) or pick.often() else None,
        health_port=None if mode == "bridge" else pick.one_of(None, 8081),
        preserve_client_ip=pick.on() if protocol in datagrams else pick.off(),
        test_port=8443 if shifts and pick.often() else None,
        idle_timeout=pick.maybe(lambda: seconds(pick.within(idle, 60, 6000)), idle) if protocol == "TCP" else None,
        deregistration_delay=_delay(pick),
    )


def _route(pick: Pick, *, shifts: bool) -> Code:
    grpc = pick.breaks("target-health-grpc-path", "target-health-grpc-codes")
    grpc = grpc or (not pick.breaks("target-health-codes", "target-health-path", *_STICKY) and pick.seldom())
    hosts = pick.keeping(
        "rule-host",
        (None, "api.example.com", "*.example.com", ["A.example.com", "b.example.com"]),
        ("example", "a b.com", "", "x" * 125 + ".com"),
    )
    paths = pick.keeping("rule-path", (None, "/v1/*", ["/a", "/b?"]), ("v1", "", "/a b", "/" + "x" * 128))
    if pick.breaks("rule-condition-values"):
        hosts, paths = None, [f"/{index}" for index in range(6)]
    if pick.breaks("rule-wildcards", "rule-wildcards-of-guide"):
        hosts, paths = None, "/*" * (7 if pick.breaks("rule-wildcards") else 6)
    row = "rule-priority"
    version = pick.one_of("HTTP2", "HTTP1")
    checked = pick.breaks(*HEALTH, *(each for each in REQUESTS if each.startswith("target-health"))) or grpc
    return call(
        "Route",
        Code("edge"),
        host=hosts,
        path=paths,
        health=_target_health(pick, "grpc" if grpc else "requests") if checked or pick.often() else None,
        protocol_version=Code(f"ApplicationProtocolVersion.{'GRPC' if grpc else version}"),
        priority=pick.maybe(lambda: pick.within(row, 1, 50000), row),
        deregistration_delay=_delay(pick),
        **_condition(pick),
        **({} if grpc or (shifts and not pick.breaks(*_STICKY)) else _stickiness(pick)),
    )


def _condition(pick: Pick) -> dict[str, Any]:
    """Return at most one condition, since hosts, paths and other values share one limit."""
    if not pick.when(*_CONDITIONS):
        return {}
    names, texts = ("X-Version", "a" * 40), ("beta", "2.?", "b" * 128)
    header = pick.keeping("rule-header", names, ("Host", "X Version", "a" * 41, ""))
    key = pick.keeping("rule-query-key", ("version", "a" * 128), ("a" * 129, ""))
    kinds = {
        "http_header": {header: pick.keeping("rule-header-value", texts, ("b" * 129, ""))},
        "http_request_method": pick.keeping("rule-method", ("POST", "M-SEARCH"), ("get", "*", "A" * 41, "")),
        "query_string": {key: pick.keeping("rule-query-value", texts, ("b" * 129, ""))},
        "source_ip": pick.keeping("rule-source", ("10.0.0.0/8", "2001:db8::/32"), ("10.0.0.1", "shop", "")),
    }
    forced = {
        "http_header": ("rule-header", "rule-header-value"),
        "http_request_method": ("rule-method",),
        "query_string": ("rule-query-key", "rule-query-value"),
        "source_ip": ("rule-source",),
    }
    broken = [kind for kind, rows in forced.items() if pick.breaks(*rows)]
    return {kind: kinds[kind] for kind in broken or [pick.one_of(*kinds)]}


def _stickiness(pick: Pick) -> dict[str, Any]:
    duration, name = _STICKY
    return {
        "stickiness_cookie_duration": pick.maybe(lambda: seconds(pick.within(duration, 1, 604800)), duration),
        "stickiness_cookie_name": pick.maybe(
            lambda: pick.keeping(name, ("SID", "a_b-1"), ("AWSALBTG", "awsalb", "")), name
        ),
    }


def _answer(pick: Pick) -> Code:
    """Return a statement with which the load balancer answers requests for a path that no route has."""
    code, kind, body = _ANSWERS[1:]
    if pick.breaks("listener-action"):
        action = Code("ListenerAction.forward([targets])")
    elif pick.breaks(code, kind, body) or pick.often():
        action = call(
            "ListenerAction.fixed_response",
            pick.keeping(code, (200, 404, 599), (302, 100, 600)),
            content_type=pick.keeping(kind, (None, "text/plain", "application/json"), ("text/xml", "html")),
            message_body=pick.keeping(body, (None, "gone", "a" * 1024), ("a" * 1025,)),
        )
    else:
        action = call("ListenerAction.redirect", host="b.example.com", permanent=pick.on())
    return call("edge.add_action", action, path="/gone")


def _delay(pick: Pick) -> Code | None:
    row, short_row = "deregistration-delay", "deregistration-delay-at-deletion"
    if pick.breaks(short_row):
        return seconds(pick.one_of(1801, 3600))
    return pick.maybe(lambda: seconds(pick.within(row, 0, 1800, -1, 3601)), row)


def _target_health(pick: Pick, of: str) -> Code:
    interval = pick.within("target-health-interval", 5, 300)
    timeout = min(pick.within("target-health-timeout", 2, 120, 1, 121), 121)
    if pick.breaks("target-health-timeout-shorter"):
        interval = timeout = pick.one_of(5, 60, 120)
    elif not pick.breaks("target-health-timeout", "target-health-interval"):
        timeout = max(2, min(timeout, interval - 1))
    path: str | None
    if of == "grpc":
        path = pick.keeping("target-health-grpc-path", ("/grpc.health.v1.Health/Check",), ("/healthz", "/a/b/c"))
        codes = pick.keeping("target-health-grpc-codes", (None, "0", "0,12-99"), ("100", "a", ""))
    elif of == "connections":
        path = "/healthz" if pick.breaks("network-target-health-codes") else pick.one_of(None, "/healthz")
        codes = pick.keeping("network-target-health-codes", (None, "200", "200,500-599"), ("600", "199", "ok", ""))
        codes = codes if path else None
    else:
        path = pick.keeping(
            "target-health-path", ("/", "/healthz?a=b", "/" + "x" * 1023), ("healthz", "", "/" + "x" * 1024)
        )
        codes = pick.keeping("target-health-codes", (None, "200", "200,300-499"), ("500", "199", "299-200", "ok", ""))
    return call(
        "TargetHealth",
        path,
        codes=codes,
        interval=seconds(interval),
        timeout=seconds(timeout),
        healthy_threshold_count=pick.within("target-health-threshold", 2, 10),
        unhealthy_threshold_count=pick.within("target-health-threshold", 2, 10),
    )
