"""The arguments of a service, checked together before anything is defined."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import attrs
from aws_cdk import aws_iam as iam

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.cdk_values import ecs_principal
from moorage.ecs.cluster.imported_cluster import ImportedCluster
from moorage.ecs.load_balancing.define_routes import define_routes
from moorage.ecs.load_balancing.route import Route
from moorage.ecs.load_balancing.route_checks import (
    check_routes,
    check_usage,
    slow_drain_warning,
    udp_beside_tcp_warning,
    usages_of,
)
from moorage.ecs.load_balancing.target import Serving, ports_by_protocol
from moorage.ecs.load_balancing.zone_checks import zones_warning
from moorage.ecs.network.network import keep_vpc_exported
from moorage.ecs.service.autoscaling import check_scaling
from moorage.ecs.service.hook_checks import long_pauses_warning
from moorage.ecs.service.rollout_checks import check_rollout
from moorage.ecs.task.launch_warnings import add_warning, warn_of_launch
from moorage.ecs.task.port_mappings import UDP
from moorage.scope.claimed_names import claim_name
from moorage.scope.place import check_place
from moorage.workload import service_limits
from moorage.workload.problems import Problems, is_token
from moorage.workload.scaling import Scaling

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct
    from typing_extensions import TypeIs

    from moorage.ecs.capacity.placement import Placement
    from moorage.ecs.load_balancing.gateway_connector import GatewayConnector
    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.shared_load_balancer import SharedLoadBalancer
    from moorage.ecs.load_balancing.target import Target
    from moorage.ecs.load_balancing.usage import Usage
    from moorage.ecs.service.lattice import Lattice
    from moorage.ecs.service.service_connect import ServiceConnect
    from moorage.ecs.task.task_launch import Launch
    from moorage.ecs.task.task_logs import TaskLogs
    from moorage.workload.estimate import Estimate
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task

    Entrance: TypeAlias = Route | Listener | GatewayConnector

DEFAULT_SCALING = Scaling(2)
_DEFAULT_GRACE_SECONDS = 60


def _entrances(entrances: Entrance | Sequence[Entrance] | None) -> tuple[Entrance, ...]:
    return tuple(entrances or ()) if entrances is None or isinstance(entrances, Sequence) else (entrances,)


def _is_connector(entrance: Entrance) -> TypeIs[GatewayConnector]:
    """Return whether an entrance is a connector to gateways, whose module only services with a connector load."""
    return entrance._noun == "gateway connector"


def _lattices(lattices: Lattice | Sequence[Lattice] | None) -> tuple[Lattice, ...]:
    return tuple(lattices or ()) if lattices is None or isinstance(lattices, Sequence) else (lattices,)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ServicePlan:
    """The arguments of a service, which are checked together.

    Args:
        launch: The task with its capacity and network.
        scaling: The number of copies, and its scaling.
        entrances: The routes, listeners and connectors to gateways.
        rollout: The way in which a new version replaces the old one.
        placement: The placement of tasks on instances.
        pre_deployment_task: The task that runs before each deployment.
        connect: The name in Service Connect.
        cloud_map_options: The name in another namespace of Cloud Map.
        lattices: The target groups of VPC Lattice.
        explicit_grace_period: The grace period of health checks in seconds, or None for the default.
        task_logs: The log group of the containers.
        service_name: The name of the service, or None for a generated name.
    """

    launch: Launch
    scaling: Scaling
    entrances: tuple[Entrance, ...] = attrs.field(converter=_entrances)
    rollout: Rollout
    placement: Placement
    pre_deployment_task: Task | None
    connect: ServiceConnect | None
    cloud_map_options: ecs.CloudMapOptions | None
    lattices: tuple[Lattice, ...] = attrs.field(converter=_lattices)
    explicit_grace_period: int | None
    task_logs: TaskLogs
    service_name: str | None

    @functools.cached_property
    def routes(self) -> tuple[Route | Listener, ...]:
        """The routes and listeners."""
        return tuple(each for each in self.entrances if not _is_connector(each))

    @functools.cached_property
    def gateway(self) -> GatewayConnector | None:
        """The first connector to gateways. ECS accepts at most one."""
        return next(filter(_is_connector, self.entrances), None)

    @property
    def task(self) -> Task:
        return self.launch.task

    @property
    def tasks(self) -> list[Task]:
        """The task of the service, and its pre-deployment task."""
        return [self.task, self.pre_deployment_task] if self.pre_deployment_task else [self.task]

    @functools.cached_property
    def pre_deployment_launch(self) -> Launch | None:
        return attrs.evolve(self.launch, task=self.pre_deployment_task) if self.pre_deployment_task else None

    @property
    def copies(self) -> int | None:
        """The minimum number of copies, or None for a daemon, which runs on each instance."""
        return None if self.placement.daemon else self.scaling.minimum

    @functools.cached_property
    def udp_ports(self) -> set[tuple[str, int]]:
        """The ports for UDP and not for TCP, each with the name of its container."""
        chosen = [lattice._port_in(self.task) for lattice in self.lattices]
        chosen += [each._port_in(self.task) for each in (self.connect, self.gateway) if each]
        by_tcp = {(port.container.name, port.number) for port in chosen if port}
        by_udp = ports_by_protocol(self.routes, self.task, "UDP")
        return by_udp - by_tcp - ports_by_protocol(self.routes, self.task, "TCP")

    @property
    def port_protocols(self) -> dict[tuple[str, int], str]:
        """The protocols of ports that are not TCP, by the name of the container and the number of the port."""
        protocols = dict.fromkeys(sorted(self.udp_ports), UDP)
        port = self.connect._port_in(self.task) if self.connect else None
        if port and self.connect and self.connect.protocol:
            protocols[port.container.name, port.number] = self.connect.protocol
        return protocols

    @property
    def grace_period(self) -> int | None:
        """The grace period of health checks in seconds, or None if no grace period applies."""
        if not self._is_health_checked:
            return None
        default = max(_DEFAULT_GRACE_SECONDS, self._start_period)
        return default if self.explicit_grace_period is None else self.explicit_grace_period

    @property
    def room_for_copies(self) -> int | None:
        """The number of copies that fit on the instances, or None if unlimited, as on Fargate, or unknown."""
        if self.launch.strategy._kind is CapacityKind.FARGATE:
            return None
        from moorage.ecs.capacity import fit_checks  # noqa: PLC0415  # Fargate needs no instance types

        return fit_checks.room(self.task, self.launch.strategy)

    def estimate(self, *, start: int, stop: int) -> Estimate | None:
        """Estimate the duration of a rollout, or return None as `Service.estimate` does."""
        from moorage.workload.estimate import NO_HEALTH_CHECK_SECONDS, Pace, estimate  # noqa: PLC0415  # needed only by estimates

        copies = self.copies
        if copies is None or is_token(copies) or not copies:
            return None
        checks = [container.health_check.interval for container in self.task.containers if container.health_check]
        intervals = [route.health.interval for route in self.routes] or checks
        pace = Pace(
            start=start,
            check_interval=max(intervals, default=NO_HEALTH_CHECK_SECONDS),
            drain=max((route.deregistration_delay for route in self.routes), default=0),
            stop=stop,
            network_load_balancer=not all(route._reads_requests for route in self.routes),
        )
        return estimate(self.rollout, copies, zones=self.launch.reach.zones, pace=pace, places=self.room_for_copies)

    def raise_problems(self, scope: Construct, construct_id: str) -> None:
        """Raise a `ValueError` with all problems, or return None without a problem."""
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        self._check(problems, scope)
        problems.raise_any()

    def _check(self, problems: Problems, scope: Construct) -> None:
        """Check everything that AWS would refuse in the stack of `scope`, and arguments without effect."""
        launch = self.launch
        check_place(problems, "cluster", launch.cluster, scope)
        self.task_logs.check(problems, scope)
        problems.check(service_limits.SERVICE_NAME, "service_name", self.service_name)
        launch.check(problems, has_routes=bool(self.routes), has_connect=self.connect is not None)
        self._check_scaling(problems)
        check_routes(self.routes, launch, problems, shifts=self.rollout._shifts_traffic)
        if self.gateway:
            self.gateway._check(launch, len(self.entrances) - len(self.routes), problems)
        self.placement._check(launch.strategy, launch.cluster_view.capacities, self.task, problems)
        self._check_rollout(problems)
        if self.pre_deployment_launch:
            self.pre_deployment_launch.check_as_argument("pre_deployment_task", problems)
            self.pre_deployment_launch.task._check_without_service(problems)
        if self.connect:
            self.connect._check(self.task, launch.cluster_view, problems)
        self._check_fit(problems)
        self._check_grace_period(problems)
        self._check_discovery(problems)
        self._check_lattices(problems)
        self._check_usage(problems)

    @functools.cached_property
    def _usages(self) -> dict[SharedLoadBalancer, Usage]:
        """The part of each load balancer's quotas that the service uses."""
        copies = None if self.placement.daemon else self.scaling.maximum
        return usages_of(self.routes, self.launch, self.rollout, copies)

    def _check_usage(self, problems: Problems) -> None:
        """Check the quotas of the namespace and of the load balancers, counting the other services that use them."""
        if not self.placement.daemon and (self.connect or self.cloud_map_options):
            problems.check(service_limits.DISCOVERED_TASKS, "the number of tasks", self.scaling.maximum)
        if problems.messages:  # there may be no containers that serve
            return
        for load_balancer, usage in self._usages.items():
            check_usage(load_balancer, usage, self.launch, problems)

    def claim_names(self, service: Construct) -> None:
        """Record the names of a service, which must be unique in its cluster and in its namespace.

        The namespace of a `Cluster` has only names of Service Connect, which `ServiceConnect._check` compares.
        """
        if self.service_name is not None and not is_token(self.service_name):
            cluster_name = self.launch.cluster.cluster_name
            cluster = self.launch.cluster.node.path if is_token(cluster_name) else cluster_name
            claim_name(service, "AWS::ECS::Service", self.service_name, f"the cluster {cluster}")
        options, cluster_view = self.cloud_map_options, self.launch.cluster_view
        if self.connect and isinstance(cluster_view, ImportedCluster):
            name, namespace = self.connect._discovery_name_for(self.task), cluster_view.namespace
        elif options:
            name = options.name
            namespace = options.cloud_map_namespace or self.launch.cluster.default_cloud_map_namespace
        else:
            return
        from moorage.ecs.service.discovery import claim_discovery_name  # noqa: PLC0415  # loads aws_cdk.aws_servicediscovery

        claim_discovery_name(service, name, namespace)

    def define_routes(self, scope: Construct, service: ecs.BaseService, stack: cdk.Stack) -> tuple[Target, ...]:
        """Define the target groups, listener rules and listeners of a service in `stack`, and keep its VPC exported."""
        keep_vpc_exported(self.launch.reach.vpc, stack)
        shifts = self.rollout._shifts_traffic and bool(self.routes)
        role = iam.Role(scope, "InfrastructureRole", assumed_by=ecs_principal()) if shifts else None
        serving = Serving(scope=scope, service=service, launch=self.launch, role=role, stack=stack)
        for load_balancer, usage in self._usages.items():
            load_balancer._use(usage, scope)
        return define_routes(serving, self.routes, self.udp_ports)

    def warn(self, construct: Construct) -> None:
        """Warn about settings that AWS accepts but that users may not want."""
        warn_of_launch(construct, self.launch)
        if self.launch.strategy._kind is not CapacityKind.FARGATE:
            self._warn_of_instances(construct)
        add_warning(construct, "@moorage/ecs:spot-drain", slow_drain_warning(self.routes, self.launch))
        add_warning(construct, "@moorage/ecs:long-pauses", long_pauses_warning(self.rollout))
        add_warning(construct, "@moorage/ecs:grace", self._short_grace_period_warning())
        udp_warning = udp_beside_tcp_warning(self.routes, self.task, self.udp_ports)
        add_warning(construct, "@moorage/ecs:udp-beside-tcp", udp_warning)
        add_warning(construct, "@moorage/ecs:zones", zones_warning(self.routes, self.launch))
        if self.gateway:
            warning = self.gateway._warning(self.rollout, beside=bool(self.routes or self.lattices))
            add_warning(construct, "@moorage/ecs:gateway", warning)
        add_warning(construct, "@moorage/ecs:connect-logs", self.connect._empty_logs_warning if self.connect else None)

    def _warn_of_instances(self, construct: Construct) -> None:
        from moorage.ecs.capacity import fit_checks  # noqa: PLC0415  # Fargate needs no instance types

        strategy = self.launch.strategy
        if not self.placement.daemon:
            shortage = fit_checks.maximum_shortage_warning(self.task, strategy, self.scaling.maximum)
            add_warning(construct, "@moorage/ecs:room", shortage)
        add_warning(construct, "@moorage/ecs:types-in-vain", fit_checks.too_small_types_warning(self.task, strategy))

    @property
    def _is_health_checked(self) -> bool:
        """True if a grace period applies (botocore healthCheckGracePeriodSeconds).

        A grace period applies to the checks of a load balancer or VPC Lattice. If the grace period is given, it also
        applies to the health checks of containers.
        """
        own_checks = any(container.health_check for container in self.task.containers)
        return bool(self.routes or self.gateway or self.lattices) or (
            own_checks and self.explicit_grace_period is not None
        )

    @property
    def _start_period(self) -> int:
        """The longest start period of the containers' health checks, in seconds."""
        periods = [each.health_check.start_period for each in self.task.containers if each.health_check]
        return max((period for period in periods if period and not is_token(period)), default=0)

    def _check_scaling(self, problems: Problems) -> None:
        """Check the scaling against the capacity and the routes."""
        scaling = self.scaling
        check_scaling(scaling, self.launch, problems)
        if self.placement.daemon and scaling is not DEFAULT_SCALING:
            problems.add(
                "scaling does not apply to a daemon, which runs once on each instance; leave scaling= out, and scale "
                "the capacity instead"
            )
        predicted_requests = scaling.predictive.requests_per_task if scaling.predictive else None
        for argument, requests in (
            ("requests_per_task", scaling.requests_per_task),
            ("requests_per_task of predictive", predicted_requests),
        ):
            if requests is not None and not any(route._reads_requests for route in self.routes):
                reason = (
                    "a Network Load Balancer does not count requests" if self.routes else "only routes count requests"
                )
                problems.add(
                    f"{argument} requires a Route, since {reason} (got {requests}); use route=Route(...), or another "
                    "target such as cpu_percent="
                )
        if scaling.backlog_per_task is not None and scaling.queue is None:
            problems.add(
                f"backlog_per_task requires a queue (got {scaling.backlog_per_task}); use a Worker, which has a queue, "
                "or Scaling(queue=...)"
            )

    def _check_rollout(self, problems: Problems) -> None:
        """Check the rollout against the routes, alarms and scaling."""
        # proxies of Service Connect shift traffic as well (ECS developer guide, "Service Connect resources for Amazon
        # ECS blue/green, linear, and canary deployments")
        has_name = self.connect is not None and self.connect._name_for(self.task) is not None
        check_rollout(
            self.rollout,
            self.routes,
            self.scaling,
            self.launch.cluster,
            problems,
            daemon=self.placement.daemon,
            has_traffic=bool(self.entrances) or has_name,
            pre_deployment=self.pre_deployment_task is not None,
        )

    def _check_fit(self, problems: Problems) -> None:
        """Check that the instances hold the task and leave room for a rollout."""
        if self.launch.strategy._kind is CapacityKind.FARGATE:
            return
        from moorage.ecs.capacity import fit_checks  # noqa: PLC0415  # Fargate needs no instance types

        fit_checks.check_fit(self.task, self.launch.strategy, problems)
        if not self.placement.daemon:
            fit_checks.check_rollout(self.task, self.launch.strategy, self.scaling.minimum, self.rollout, problems)

    def _check_grace_period(self, problems: Problems) -> None:
        problems.check(service_limits.GRACE_PERIOD, "health_check_grace_period", self.explicit_grace_period)
        if self.explicit_grace_period is not None and not self._is_health_checked:
            problems.add(
                f"health_check_grace_period requires a health check of the tasks (got {self.explicit_grace_period} s); "
                "use route=Route(...), or Container(health_check=...)"
            )

    def _short_grace_period_warning(self) -> str | None:
        grace_period, start_period = self.explicit_grace_period, self._start_period
        if grace_period is None or is_token(grace_period) or grace_period >= start_period:
            return None
        return (
            f"health_check_grace_period is {grace_period} s, but HealthCheck(start_period=) allows a container "
            f"{start_period} s to start, so failed checks of the load balancer would stop the container before that; "
            f"use {start_period} s or more, or leave health_check_grace_period= out"
        )

    def _check_discovery(self, problems: Problems) -> None:
        """Check the name in Cloud Map."""
        options = self.cloud_map_options
        if options is None:
            return
        from moorage.ecs.service.discovery import check_discovery  # noqa: PLC0415  # loads aws_cdk.aws_servicediscovery

        check_discovery(options, self.launch, problems)
        if self.connect:
            problems.add("a service must not have both cloud_map_options and connect; leave one of them out")

    def _check_lattices(self, problems: Problems) -> None:
        if self.lattices:
            from moorage.ecs.service.lattice import check_lattices  # noqa: PLC0415  # loads aws_cdk.aws_vpclattice

            check_lattices(self.lattices, self.launch, self.rollout, problems)
