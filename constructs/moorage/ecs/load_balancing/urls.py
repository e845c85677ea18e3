"""The URL of a service, which follows from its first route."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.ecs.load_balancing.route import Route
from moorage.workload.errors import ValidationError
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from moorage.ecs.load_balancing.gateway_connector import GatewayConnector
    from moorage.ecs.load_balancing.listener import Listener


def url_of(service_path: str, routes: Sequence[Route | Listener], connector: GatewayConnector | None) -> str:
    """Return the URL that leads to a service, without the part of the path that a wildcard stands for.

    Args:
        service_path: The path of the service, for errors.
        routes: The routes and listeners of the service.
        connector: The connector to gateways, or None.

    Raises:
        ValueError: If there is no route, all hosts of the first route have wildcards, or the route has no host and the
            name of the load balancer is not known.
    """
    route = next((each for each in routes if isinstance(each, Route)), None)
    if route is None and connector:
        raise ValidationError(
            f"{service_path}: url is not known, since ECS chooses the host name when it connects the service to the "
            "gateway, and CloudFormation does not return the name; after the deployment, run aws ecs "
            "list-gateway-routes --gateway NAME"
        )
    if route is None:
        given = "only listeners of a Network Load Balancer, which does not read URLs" if routes else "none"
        raise ValidationError(
            f"{service_path}: url requires a Route on an Application Load Balancer (got {given}); use "
            "Service(route=Route(...)), or connect_to, which returns the URL for other services of the namespace"
        )
    hosts = [each for each in route._hosts if is_token(each) or not re.search("[*?]", each)]
    if route._hosts and not hosts:
        raise ValidationError(
            f"{service_path}: url requires a host without wildcards (got {', '.join(map(repr, route._hosts))}), since "
            "moorage does not know which of the matching names exist; add such a host to the Route"
        )
    path = route._paths[0] if route._paths else ""
    base = f"{route.load_balancer._scheme}://{hosts[0]}" if hosts else route.load_balancer.url
    if route._further_port is not None:
        base += f":{route._further_port}"
    return base + re.split("[*?]", path, maxsplit=1)[0]
