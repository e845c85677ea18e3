"""The methods of CDK's cluster that must not be called, since a `Cluster` has an argument in their place.

A caller of an `ecs.Cluster` can call these methods, so the call of a `Cluster` is an error, at the latest at run time.
"""

from __future__ import annotations

from typing import Any, NoReturn

from moorage.ecs.cluster.advised_cluster import AdvisedCluster
from moorage.workload.door import door
from moorage.workload.errors import ValidationError
from moorage.workload.refused import refused


@door
class RefusingCluster(AdvisedCluster):
    """The base of clusters: the methods of CDK that raise an error."""

    @refused
    def add_capacity(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise a `ValueError`: capacities are passed to the constructor."""
        self._refuse_capacity("add_capacity")

    @refused
    def add_asg_capacity_provider(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise a `ValueError`: capacities are passed to the constructor."""
        self._refuse_capacity("add_asg_capacity_provider")

    @refused
    def add_managed_instances_capacity_provider(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise a `ValueError`: capacities are passed to the constructor."""
        self._refuse_capacity("add_managed_instances_capacity_provider")

    @refused
    def enable_fargate_capacity_providers(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise a `ValueError`: capacities are passed to the constructor."""
        self._refuse_capacity("enable_fargate_capacity_providers")

    @refused
    def add_default_capacity_provider_strategy(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise a `ValueError`: the default strategy is passed to the constructor."""
        self._refuse_strategy("add_default_capacity_provider_strategy")

    @refused
    def add_default_cloud_map_namespace(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise a `ValueError`: the namespace is passed to the constructor."""
        self._refuse_namespace("add_default_cloud_map_namespace")

    @refused
    def add_existing_default_cloud_map_namespace(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise a `ValueError`: the namespace is passed to the constructor."""
        self._refuse_namespace("add_existing_default_cloud_map_namespace")

    def _refuse_capacity(self, method: str) -> NoReturn:
        raise ValidationError(
            f"{self.node.path}: {method} must not be called, since a cluster has one list of capacities; "
            "use Cluster(capacity=[Capacity.ec2(...), Capacity.fargate()])"
        )

    def _refuse_strategy(self, method: str) -> NoReturn:
        raise ValidationError(
            f"{self.node.path}: {method} must not be called, since a cluster checks its strategy and its capacities "
            "together; use Cluster(default_strategy=...)"
        )

    def _refuse_namespace(self, method: str) -> NoReturn:
        raise ValidationError(
            f"{self.node.path}: {method} must not be called, since services do not use a default namespace; use "
            "Cluster(namespace=...) for Service Connect, or Service(cloud_map_options=...) with a "
            "servicediscovery.PrivateDnsNamespace for names in DNS"
        )
