"""Amazon ECS: the deployments of a service, which go through their lifecycle stages or are rolled back.

Stages follow each other at once instead of after minutes, and no bake time passes. As on AWS, only alarms that go into
ALARM after the start of the deployment count (a hook may set one). A failed deployment is always rolled back here, with
or without `rollback` of the circuit breaker or the alarms, since CloudFormation would roll it back next.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import alb, cloudwatch, ecs
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.ecs import deployment_strategies as strategies
from moorage.local.server.ecs import lifecycle_hooks as hooks
from moorage.local.server.ecs import placement, scheduling
from moorage.local.server.ecs import service_revisions as revisions
from moorage.local.server.ecs import task_runs as runs
from moorage.local.server.ecs import task_starts as starts
from moorage.local.server.ecs.capacity_providers import answering
from moorage.local.server.ecs.container_instances import Record
from moorage.local.server.services import elbv2

_BREAKER = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
_UNSTABLE = "Resource is not stabilized: the service's deployment cannot reach a steady state"
_RECURRING = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")


class _WaitingError(Exception):
    """The signal that a deployment waits for resources on instances, and that no circuit breaker ends the wait."""


class Rollout:
    """The newest deployment of a service.

    Args:
        cluster: The name of the cluster.
        service: ECS's record of the service, marked `_held` until its tasks may start.
        before: The record before the deployment, whose tasks are stopped at the end; None for a new service.
    """

    def __init__(self, cluster: str, service: Record, before: Record | None) -> None:
        self._cluster, self._service, self._before = cluster, service, before
        self._key = f"{cluster}/{service['serviceName']}"
        self._patient = False
        self._configuration: Record = service["deploymentConfiguration"]
        self._hooks = self._configuration.get("lifecycleHooks", ())
        self._old: Record | None = ecs.primary_deployment(before) if before else None
        sources = [self._old["_revision"]] if self._old and "_revision" in self._old else []
        self._record = revisions.open_deployment(service, sources)
        self._unwatched = bool(self._alarming())
        self._new: Record = service["deployments"][0]
        self._new |= {"rolloutState": "IN_PROGRESS", "rolloutStateReason": ""}
        self._assign_groups()

    @property
    def takes_long(self) -> bool:
        """True if the deployment has hooks: the caller then gets the response before the deployment ends, as on AWS."""
        return bool(self._hooks)

    def run(self, *, patient: bool = False) -> None:
        """Run the lifecycle stages of the deployment.

        Args:
            patient: Whether to let a deployment without a circuit breaker wait for resources on instances. Default:
                False, and such a deployment fails.

        Raises:
            RefusedError: The deployment failed and was rolled back.
        """
        self._service["_rolling"] = True
        self._patient = patient
        try:
            for stage in self._stages():
                self._record["lifecycleStage"] = stage
                hooks.run(self._hooks, stage, self._record)
                self._check()
        except _WaitingError:
            return
        except RefusedError as error:
            self._take_back(str(error))
            raise
        finally:
            for flag in ("_held", "_rolling"):
                self._service.pop(flag, None)
        revisions.close_deployment(self._service, self._record, "SUCCESSFUL")
        ecs.complete_service_deployment(self._cluster, self._key)
        ecs.refresh_service_state(self._cluster, f"service:{self._service['serviceName']}")

    def _stages(self) -> Iterator[str]:
        """Yield each lifecycle stage after its work is done and before its hooks run."""
        if sum(each["status"] != "INACTIVE" for each in self._service["deployments"]) > 2:  # noqa: PLR2004  # a third
            yield "RECONCILE_SERVICE"
        yield "PRE_SCALE_UP"
        self._scale_up()
        yield "SCALE_UP"
        yield "POST_SCALE_UP"
        if self._configuration["strategy"] != strategies.ROLLING:
            self._shift("test", 100.0)
            yield "TEST_TRAFFIC_SHIFT"
            yield "POST_TEST_TRAFFIC_SHIFT"
            self._weigh("production", 0.0)
            for percent in strategies.steps(self._configuration) if self._old else (100.0,):
                yield "PRE_PRODUCTION_TRAFFIC_SHIFT"
                self._shift("production", percent)
                yield "PRODUCTION_TRAFFIC_SHIFT"
            yield "POST_PRODUCTION_TRAFFIC_SHIFT"
        yield "BAKE_TIME"
        yield "CLEAN_UP"

    def _scale_up(self) -> None:
        """Start the new tasks and check that all of them run."""
        reason = self._unstartable()
        if reason is None:
            self._service.pop("_held", None)
            ecs.reconcile_service_tasks(self._cluster, self._key)
            if self._service["desiredCount"]:
                revisions.resolve_images(self._service)
            reason = placement.why_waiting(self._service) if scheduling.runs_on_instances(self._service) else None
        if reason:
            breaker = self._configuration.get("deploymentCircuitBreaker") or {}
            if self._patient and not breaker.get("enable"):
                raise _WaitingError
            if breaker.get("enable"):
                self._record["deploymentCircuitBreaker"] |= {
                    "status": "TRIGGERED",
                    "failureCount": self._record["deploymentCircuitBreaker"]["threshold"],
                }
            raise RefusedError(f"{_BREAKER if breaker.get('enable') else _UNSTABLE} ({reason})")

    def _unstartable(self) -> str | None:
        """Return the reason why no task of the new revision can ever run; None if tasks can run or the count is 0."""
        if self._service["desiredCount"] == 0:
            return None
        revision = ecs.task_defs.get(ecs.resolve_td_key(self._service["taskDefinition"]), {})
        containers = revision.get("containerDefinitions", ())
        executes = bool(self._service.get("enableExecuteCommand"))
        on_instances = scheduling.runs_on_instances(self._service)
        fault = starts.why_not(revision, on_instances=on_instances, executes=executes)
        if fault:
            return fault
        code = runs.exit_code(containers)
        return None if code is None else f"tasks failed to start: an essential container exited with code {code}"

    def _check(self) -> None:
        """Fail the deployment if an alarm went into ALARM or if the deployment was stopped."""
        if self._record["status"] != "IN_PROGRESS":
            raise RefusedError("Service deployment rolled back because it was stopped by StopServiceDeployment.")
        triggered = sorted(self._alarming())
        if triggered and not self._unwatched:
            self._record["alarms"] |= {"status": "TRIGGERED", "triggeredAlarmNames": triggered}
            raise RefusedError(f"Service deployment rolled back because of alarms in ALARM: {', '.join(triggered)}.")

    def _alarming(self) -> set[str]:
        stated = self._configuration.get("alarms", {})
        names = stated.get("alarmNames", ()) if stated.get("enable") else ()
        found = {name: cloudwatch.alarms.get(name) or cloudwatch.composite_alarms.get(name) for name in names}
        return {name for name, alarm in found.items() if alarm and alarm["StateValue"] == "ALARM"}

    def _assign_groups(self) -> None:
        """Choose a target group of each load balancer for the new tasks: the unused target group, if traffic shifts."""
        balancers = self._service.get("loadBalancers") or []
        if not any("advancedConfiguration" in each for each in balancers):
            return
        served = (self._old or {}).get("_groups", [])
        pairs = [_pair(each) for each in balancers]
        shifting = self._configuration["strategy"] != strategies.ROLLING
        self._new["_groups"] = [
            (next((group for group in pair if group != old), pair[0]) if shifting else old) if old in pair else pair[0]
            for pair, old in itertools.zip_longest(pairs, served[: len(pairs)])
        ]
        resolved = [
            {"targetGroupArn": group, "productionListenerRule": each["advancedConfiguration"]["productionListenerRule"]}
            for each, group in zip(balancers, self._new["_groups"], strict=True)
            if "productionListenerRule" in each.get("advancedConfiguration", {})
        ]
        revisions.revision(self._new["_revision"])["resolvedConfiguration"] = {"loadBalancers": resolved}

    def _shift(self, kind: str, percent: float) -> None:
        """Shift a percentage of the production or test traffic to the new revision."""
        self._weigh(kind, percent)
        for balancer, group in zip(
            self._service.get("loadBalancers") or (), self._new.get("_groups", ()), strict=False
        ):
            rule = balancer.get("advancedConfiguration", {}).get(f"{kind}ListenerRule")
            if rule:
                # weights are integers up to 999, so fractions of a percent need tenths
                whole = 100 if percent == int(percent) else 999
                part = round(percent * whole / 100)
                other = next((each for each in _pair(balancer) if each != group), None)
                elbv2.shift(rule, {group: part} | ({other: whole - part} if other else {}))

    def _weigh(self, kind: str, percent: float) -> None:
        weights = self._record["_weights"][kind] = {self._record["_target"]: percent}
        for arn in self._record["_sources"]:
            weights[arn] = round(100 - percent, 1)

    def _take_back(self, reason: str) -> None:
        """Restore the traffic, the tasks and the record of the last successful deployment."""
        self._record["status"] = "ROLLBACK_IN_PROGRESS"
        shifted = [stage for stage in _RECURRING if self._record["_weights"][_kind(stage)].get(self._record["_target"])]
        for stage in reversed(shifted if self._old else ()):
            self._shift(_kind(stage), 0.0)
            self._run_on_return(stage)
        failed = self._service["taskDefinition"]
        if self._before is None:
            self._new |= {"rolloutState": "FAILED", "rolloutStateReason": reason}
            revisions.close_deployment(self._service, self._record, "ROLLBACK_FAILED", reason)
            return
        self._restore(self._before)
        self._record["rollback"] = {"reason": reason, "startedAt": self._record["updatedAt"]}
        if self._record["_sources"]:
            self._record["rollback"]["serviceRevisionArn"] = self._record["_sources"][0]
        revisions.close_deployment(self._service, self._record, "ROLLBACK_SUCCESSFUL", reason)
        _record_failure(self._service, failed, reason)

    def _run_on_return(self, stage: str) -> None:
        """Run the hooks that ECS runs again when traffic shifts back; their results are ignored."""
        try:
            hooks.run(self._hooks, stage, self._record)
        except RefusedError:
            return

    def _restore(self, before: Record) -> None:
        published = self._service.get("_published_targets", {})
        kept = {deployment["id"] for deployment in before["deployments"]}
        self._service.clear()
        self._service.update(before, _published_targets=published)
        group = f"service:{self._service['serviceName']}"
        for task in list(ecs.tasks.values()):
            ours = (task["group"], task["clusterArn"]) == (group, self._service["clusterArn"])
            if ours and task["_deployment_id"] not in kept:
                scheduling.stop(task, "The deployment failed")
                ecs.tasks.pop(task["taskArn"], None)
        ecs.reconcile_service_tasks(self._cluster, self._key)
        scheduling.settle(self._cluster)


def _kind(stage: str) -> str:
    return stage.partition("_")[0].lower()


def _pair(balancer: Mapping[str, Any]) -> list[str]:
    alternate = balancer.get("advancedConfiguration", {}).get("alternateTargetGroupArn")
    return [each for each in (balancer.get("targetGroupArn"), alternate) if each]


def _record_failure(service: Record, revision_arn: str, reason: str) -> None:
    """Add a failed deployment to the service, in place of earlier failed deployments, and add an event."""
    failed = ecs.make_deployment(revision_arn, service["desiredCount"], status="INACTIVE")
    failed |= {"desiredCount": 0, "failedTasks": 3, "rolloutState": "FAILED", "rolloutStateReason": reason}
    earlier = (each for each in service["deployments"] if each["rolloutState"] != "FAILED")
    service["deployments"] = [*earlier, failed]
    message = f"(service {service['serviceName']}) {reason}"
    service["events"].insert(0, {"id": ecs.new_uuid(), "createdAt": ecs.iso(), "message": message})


def stop(parameters: Record) -> Record:
    """Roll back a deployment at its next stage (StopServiceDeployment). Refuse a deployment that has ended."""
    record = revisions.deployment(parameters["serviceDeploymentArn"])
    if record["status"] != "IN_PROGRESS":
        raise RefusedError("The service deployment is not in progress.")
    record["status"] = (
        "ROLLBACK_REQUESTED" if parameters.get("stopType", "ROLLBACK") == "ROLLBACK" else "STOP_REQUESTED"
    )
    hooks.interrupt(record)
    return {"serviceDeploymentArn": record["serviceDeploymentArn"]}


def _holding(operation: Callable[..., None], flag: str) -> Callable[..., None]:
    """Make an operation do nothing while the service's record has a flag that a running deployment sets."""

    def held(cluster: str, key: str, *arguments: Any, **options: Any) -> None:
        if not ecs.services.get(key, {}).get(flag):
            operation(cluster, key, *arguments, **options)

    return held


def _syncing(sync: Callable[[str, Record], None]) -> Callable[[str, Record], None]:
    """Register the tasks of each deployment with its own target groups, if any deployment has such target groups."""

    def synced(cluster: str, service: Record) -> None:
        revisions.counted(service)
        if not any("_groups" in each for each in service["deployments"]):
            sync(cluster, service)
            return
        groups = {each["id"]: each.get("_groups", ()) for each in service["deployments"]}
        ledger = service.setdefault("_published_targets", {})
        for index, balancer in enumerate(service["loadBalancers"]):
            for group in _pair(balancer):
                addresses = [
                    (address, balancer.get("containerPort", 80))
                    for task in list(ecs.tasks.values())
                    if (task["group"], task["clusterArn"])
                    == (f"service:{service['serviceName']}", service["clusterArn"])
                    and (service["status"], task["lastStatus"]) == ("ACTIVE", "RUNNING")
                    and list(groups.get(task["_deployment_id"], ()))[index : index + 1] == [group]
                    for address in [ecs.task_ip(task)]
                    if address
                ]
                alb.set_targets_for_group(group, addresses, ledger.get(group, ()))
                ledger[group] = [address for address, _ in addresses]

    return synced


def begin(cluster: str, service: Record, stated: Mapping[str, Any], before: Record | None) -> Rollout:
    """Record the new revision of a service, and return the deployment of the revision."""
    revisions.revise(service, stated)
    return Rollout(cluster, service, copy.deepcopy(before) if before else None)


def install() -> None:
    """Make deployments control when tasks start, in which target groups they are registered, and when old ones stop."""
    ecs.reconcile_service_tasks = _holding(ecs.reconcile_service_tasks, "_held")
    ecs.complete_service_deployment = _holding(ecs.complete_service_deployment, "_rolling")
    ecs.sync_service_targets = _syncing(ecs.sync_service_targets)
    ecs.ACTION_MAP |= {
        "ContinueServiceDeployment": answering(hooks.resolve),
        "StopServiceDeployment": answering(stop),
    }
