"""The names by which services of a namespace reach each other (Service Connect)."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, cast

import attrs
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import optional_duration
from moorage.ecs.task.port_mappings import mapped_name
from moorage.scope.acknowledgements import AWS_MANAGED_POLICY, POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.claimed_names import exists
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import check_place
from moorage.workload import port_limits, service_limits
from moorage.workload.durations import optional_seconds
from moorage.workload.ports import find_port, missing_port, ports_of
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import NetworkMode
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk.aws_servicediscovery import INamespace
    from constructs import Construct, IConstruct

    from moorage.ecs.cluster.cluster import Cluster
    from moorage.ecs.cluster.imported_cluster import ImportedCluster
    from moorage.workload.ports import ContainerPort
    from moorage.workload.task import Task

_TLS_POLICY = "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
_HTTP_PORT = 80
_MAX_NAME = 127
_MAX_DISCOVERY_NAME = 64
_KEY_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair")
"""The actions on a customer managed key that AWS's managed policy for TLS does not have (ECS developer guide, TLS)."""


@value_class
@attrs.frozen(kw_only=True)
class ServiceConnectTls:
    """TLS between the proxies of Service Connect, with certificates that AWS renews.

    Args:
        authority_arn: The ARN of the private CA of AWS Private CA that issues the certificates. AWS charges for the CA
            and for its short-lived certificates.
        key: The KMS key for the private keys. An imported key needs a policy that lets IAM policies grant its use, as
            the default key policy does. Default: an AWS owned key.
        role: The role with which ECS requests certificates and uses the key. Default: a new role with AWS's managed
            policy.

    Raises:
        ValueError: If `authority_arn` is not the ARN of a private CA.
    """

    authority_arn: str
    key: kms.IKey | None = None
    role: iam.IRole | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("ServiceConnectTls")
        problems.check(service_limits.AUTHORITY_ARN, "authority_arn", self.authority_arn)
        problems.raise_any()

    def _check(self, scope: IConstruct, problems: Problems) -> None:
        """Check that ECS can use the authority, key and role in the account and region of `scope`."""
        check_place(problems, "authority_arn of tls", self.authority_arn, scope, across_accounts=True)
        check_place(problems, "key of tls", self.key, scope, across_accounts=True)
        check_place(problems, "role of tls", self.role, scope, across_regions=True)

    def _define(self, scope: Construct) -> ecs.ServiceConnectTlsConfiguration:
        """Define the role unless it is given, and return the TLS configuration."""
        key = self.key
        key_statement = iam.PolicyStatement(actions=list(_KEY_ACTIONS), resources=[key.key_arn]) if key else None
        role = self.role
        if role is None:
            own_role = iam.Role(
                scope,
                "ConnectRole",
                inline_policies={"Key": iam.PolicyDocument(statements=[key_statement])} if key_statement else None,
                assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
                managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_TLS_POLICY)],
            )
            acknowledge(own_role, *AWS_MANAGED_POLICY, policies=[_TLS_POLICY])
            acknowledge(own_role, *POLICY_OF_ONE_ROLE)
            role = cast("iam.IRole", own_role)
        return ecs.ServiceConnectTlsConfiguration(aws_pca_authority_arn=self.authority_arn, kms_key=key, role=role)


def _protocol_name(protocol: ecs.AppProtocol | str | None) -> str | None:
    return protocol if protocol is None or isinstance(protocol, str) else protocol.value


@value_class
@attrs.frozen(kw_only=True)
class ServiceConnect:
    """The name of a service in its cluster's namespace, with which other services connect to `http://<name>`.

    A proxy beside each task finds the other services, distributes connections over their tasks, and avoids tasks that
    fail. The proxy uses the task's CPU and memory: AWS recommends 256 CPU units and 64 MiB more.

    With `protocol`, the proxy distributes, counts and logs requests instead of connections. The proxy then ends a
    request after 15 seconds, and retries failed requests, even requests that are not safe to repeat. Set
    `request_timeout`, and let the application recognize repeated requests. ECS cannot change the protocol of a service.
    To set, change or remove the protocol, delete the service and deploy it again.

    Args:
        name: The host name of the service, 1 to 127 lowercase letters, digits, `_`, `-` and `.`, unique in the
            namespace. The name in Cloud Map has hyphens in place of dots. A service without a port has no name.
            Default: the ID of the service's construct, in lower case and with hyphens in place of other characters.
        container_port: The port of a container that other services reach, by name or number. Default: the first port of
            the first container with a port.
        port: The port at which other services connect to the name, 1 to 65535. Default: 80, for `http://<name>`.
        protocol: The protocol of the port: `ecs.AppProtocol.http`, `http2` or `grpc`, or the name of the protocol as a
            string. Default: TCP.
        idle_timeout: The time that a connection may be idle, 0 to 2,147,483,647 seconds. 0 means no limit. Default: one
            hour, or with `protocol` five minutes.
        request_timeout: The time that a complete response may take, 0 to 2,147,483,647 seconds. 0 means no limit.
            Requires `protocol`. A shorter `idle_timeout` causes a warning, since the proxy then ends requests earlier.
            Default: 15 seconds.
        tls: The encryption between the proxies. Default: none.
        access_logs: Whether to let the proxy log each request, as JSON without the query string, to the log group of
            the service. Without `protocol`, the proxy logs only connections. Default: False.

    Raises:
        ValueError: If ECS would not accept an argument. The error lists all problems.
    """

    name: str | None = None
    container_port: str | int | None = None
    port: int = _HTTP_PORT
    protocol: str | None = attrs.field(converter=_protocol_name, default=None)
    idle_timeout: int | None = attrs.field(converter=optional_seconds, default=None)
    request_timeout: int | None = attrs.field(converter=optional_seconds, default=None)
    tls: ServiceConnectTls | None = None
    access_logs: bool = False

    def __attrs_post_init__(self) -> None:
        problems = Problems("ServiceConnect")
        problems.check(service_limits.CONNECT_NAME, "name", self.name)
        problems.check(port_limits.PORT, "port", self.port)
        problems.check_known("port", self.port)
        problems.check_known("container_port", self.container_port)
        problems.check(service_limits.CONNECT_PROTOCOL, "protocol", self.protocol)
        problems.check_known("protocol", self.protocol)
        problems.check(service_limits.CONNECT_TIMEOUT, "idle_timeout", self.idle_timeout)
        problems.check(service_limits.CONNECT_TIMEOUT, "request_timeout", self.request_timeout)
        if self.request_timeout is not None and self.protocol is None:
            problems.add(
                "request_timeout requires protocol, since the proxy does not read requests otherwise (got "
                f"{self.request_timeout} s); use protocol=ecs.AppProtocol.http (or http2, grpc), or leave "
                "request_timeout= out"
            )
        if self.idle_timeout and self.request_timeout and self.idle_timeout < self.request_timeout:
            problems.warn(
                f"idle_timeout should be at least request_timeout (got {self.idle_timeout} s with "
                f"request_timeout={self.request_timeout} s), since the proxy ends requests earlier otherwise; use "
                f"{self.request_timeout} s or more"
            )
        problems.raise_any()

    def _named_after(self, construct_id: str, task: Task) -> ServiceConnect:
        """Return these settings with a name: the given name, or the ID of the construct if the task has a port."""
        name = re.sub(r"[^a-z0-9_.-]+", "-", construct_id.lower())
        name = re.sub(r"\.{2,}", ".", name).strip("-.")[:_MAX_NAME].rstrip(".")
        if self.name is not None or self._port_in(task) is None or not name:
            return self
        with warnings.catch_warnings():  # there was a warning when these settings were made
            warnings.simplefilter("ignore")
            return attrs.evolve(self, name=name)

    @property
    def _empty_logs_warning(self) -> str | None:
        """The warning about access logs that contain no requests, or None."""
        if not self.access_logs or self.protocol is not None:
            return None
        return (
            "connect has access_logs=True without a protocol, so the proxy logs connections but no requests; use "
            "protocol=ecs.AppProtocol.http (or http2, grpc), for which a deployed service must be deleted first"
        )

    def _name_for(self, task: Task) -> str | None:
        """Return the host name of the service, or None if the task has no port to connect to."""
        port = self._port_in(task)
        return None if port is None else self.name or port.container.name

    def _port_in(self, task: Task) -> ContainerPort | None:
        """Return the port that other services reach, or None if the task has no port to connect to."""
        return find_port(task.containers, None, self.container_port)

    def _discovery_name_for(self, task: Task) -> str | None:
        """Return the service's name in Cloud Map, or None if the task has no port to connect to."""
        name = self._name_for(task)
        return None if name is None else _discovery_name(name)

    def _url_of(self, name: str) -> str:
        """Return the URL that other services use for a service with this name."""
        return f"http://{name}" + ("" if self.port == _HTTP_PORT else f":{self.port}")

    def _check(self, task: Task, cluster_view: Cluster | ImportedCluster, problems: Problems) -> None:
        """Check that a service with this task can have the name in the namespace of a cluster."""
        name = self._name_for(task)
        if cluster_view.namespace is None:
            problems.add(
                "connect requires a cluster with a namespace; use Cluster(namespace='...'), or for an existing "
                "cluster Cluster.from_attributes(namespace='...')"
            )
        elif (
            name is not None
            and (namesake := _services_in_namespace(cluster_view).get(_discovery_name(name)))
            and exists(namesake)
        ):
            problems.add(
                f"name of connect must be unique in the namespace (got {name!r}, but {namesake.node.path} has the name "
                f"{_discovery_name(name)!r}); use another name in ServiceConnect(name=...)"
            )
        if self.tls:
            self.tls._check(cluster_view.with_capacity, problems)
        if task._on_windows:
            problems.add(
                f"connect is not supported on {task.operating_system_family.value}, for which ECS has no proxy; use "
                "cloud_map_options= or a route instead of connect="
            )
        port = self._port_in(task)
        if task.network_mode not in {NetworkMode.AWSVPC, NetworkMode.BRIDGE}:
            problems.add(
                f"connect requires network mode awsvpc or bridge (got {task.network_mode.value}), the only modes "
                "that Service Connect supports; use network_mode=NetworkMode.AWSVPC or NetworkMode.BRIDGE"
            )
        elif port is not None:
            problems.check(service_limits.CONNECT_NAME, "the name for other services", self._name_for(task))
            if mapped_name(task, port.name) is None:
                problems.add(
                    "the name of the container for connect must be 1 to 64 letters, digits, '_' and '-', and not "
                    f"start with '-' (got {port.container.name!r}), since its port has the same name; use another "
                    "Container(name=...)"
                )
        elif ports_of(task.containers):
            problems.add(missing_port(task.containers, None, self.container_port, "connect") or "")
        elif self.name is not None:
            problems.add(
                f"name of connect requires a port that other services can connect to (got {self.name!r}); use "
                "Container(..., port=...), or leave name= out"
            )

    def _define(
        self,
        scope: Construct,
        task: Task,
        cluster_view: Cluster | ImportedCluster,
        log_group: logs.ILogGroup,
    ) -> dict[str, Any]:
        """Define the roles of Service Connect, and return the arguments for CDK's services."""
        port = self._port_in(task)
        namespace = cast("str | INamespace", cluster_view.namespace)  # _check rejects a cluster without a namespace
        services = [] if port is None else [self._service_property(scope, port)]
        if port is not None:
            _services_in_namespace(cluster_view)[_discovery_name(self.name or port.container.name)] = scope
        access_log = ecs.ServiceConnectAccessLogConfiguration(format=ecs.ServiceConnectAccessLogFormat.JSON)
        return {
            "service_connect_configuration": ecs.ServiceConnectProps(
                namespace=namespace if isinstance(namespace, str) else namespace.namespace_arn,
                services=services,
                log_driver=ecs.LogDrivers.aws_logs(stream_prefix="service-connect", log_group=log_group),
                access_log_configuration=access_log if self.access_logs else None,
            )
        }

    def _service_property(self, scope: Construct, port: ContainerPort) -> ecs.ServiceConnectService:
        name = self.name or port.container.name
        return ecs.ServiceConnectService(
            port_mapping_name=port.name,
            discovery_name=_discovery_name(name),
            dns_name=name,
            port=self.port,
            idle_timeout=optional_duration(self.idle_timeout),
            per_request_timeout=optional_duration(self.request_timeout),
            tls=self.tls._define(scope) if self.tls else None,
        )


_services_by_namespace: PerConstruct[Any, dict[str, Construct]] = PerConstruct()
"""The services of each namespace, by their names in Cloud Map."""


def _services_in_namespace(cluster_view: Cluster | ImportedCluster) -> dict[str, Construct]:
    """Return the services in a cluster's namespace, or the services of the cluster if the namespace is only a name."""
    return _services_by_namespace.get_or_make(
        cluster_view if isinstance(cluster_view.namespace, str) else cluster_view.namespace, dict
    )


def _discovery_name(name: str) -> str:
    """Return the name in Cloud Map, at most 64 characters without a dot (botocore `discoveryName`)."""
    return name if is_token(name) else name.replace(".", "-")[:_MAX_DISCOVERY_NAME].rstrip("-")
