"""AWS Step Functions: state machines, whose waits are a hundred times shorter here, and the ECS tasks that they run."""

from __future__ import annotations

import contextvars
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import ecs, provisioners
from moorage.local.server.core.adapter import stepfunctions as machines
from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.ecs import event_targets as targets
from moorage.local.server.services import iam

_RENAMED = {"StateMachineName": "name", "StateMachineType": "type"}
_DEFINITIONS = ("Definition", "DefinitionS3Location", "DefinitionString", "DefinitionSubstitutions")
_NOT_UPDATED = ("StateMachineName", "StateMachineType", "Tags")
_RUN_TASK = "arn:aws:states:::ecs:runTask"
_WAIT_SCALE = 0.01
_POLL_SECONDS = 0.05
_MOST_SECONDS = 600.0
_TYPES = ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")

_role: contextvars.ContextVar[str] = contextvars.ContextVar("role of the execution")


class StateMachine(Resource):
    """A state machine; `Ref` returns its ARN."""

    type = "AWS::StepFunctions::StateMachine"

    def create(self, properties: Properties, name: str) -> Made:
        stated = {"StateMachineName": shortened(name, 80), **properties}
        arn = f"arn:aws:states:{get_region()}:{get_account_id()}:stateMachine:{stated['StateMachineName']}"
        wanted = self._request("CreateStateMachine", arn, stated, properties)
        if arn in machines.state_machines:
            raise RefusedError(f"StateMachineAlreadyExists: State Machine Already Exists: '{arn}'")
        perform(machines.create_state_machine, wanted)
        return self._made(arn, wanted)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        stated = {key: value for key, value in new.items() if key not in _NOT_UPDATED}
        wanted = self._request("UpdateStateMachine", physical_id, {"StateMachineArn": physical_id, **stated}, new)
        perform(machines.update_state_machine, wanted)
        words = [{"Tags": provisioners.sfn_tags(properties)} for properties in (old, new)]
        tags = machines.tags.setdefault(physical_id, [])
        provisioners.reconcile_tag_list(tags, *words, key="key", value="value")
        return self._made(physical_id, wanted)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.sfn_state_machine_delete(physical_id, properties)

    def _request(self, operation: str, arn: str, stated: Properties, properties: Properties) -> dict[str, Any]:
        definition = provisioners.sfn_definition(properties)
        kept = {key: value for key, value in stated.items() if key not in _DEFINITIONS}
        wanted = request("stepfunctions", operation, kept, renamed=_RENAMED)
        principals = ("states.amazonaws.com", f"states.{get_region()}.amazonaws.com")
        if not any(iam.is_trusted(wanted["roleArn"], each, sourcearn=arn) for each in principals):
            raise RefusedError(
                "AccessDeniedException: Neither the global service principal states.amazonaws.com, nor the regional "
                f"one is authorized to assume the provided role: {wanted['roleArn']}"
            )
        logging = wanted.get("loggingConfiguration") or {}
        if logging.get("destinations") and not iam.grants(wanted["roleArn"], "logs:CreateLogDelivery"):
            raise RefusedError(  # aws/aws-cdk issue 26432
                "AccessDeniedException: The state machine IAM Role is not authorized to access the Log Destination"
            )
        faults = list(_faults(definition))
        if faults:
            raise RefusedError(f"InvalidDefinition: Invalid State Machine Definition: {'; '.join(faults)}")
        return {**wanted, "definition": definition}

    def _made(self, arn: str, wanted: Mapping[str, Any]) -> Made:
        record = machines.state_machines[arn]
        record["tracingConfiguration"] = wanted.get("tracingConfiguration", {"enabled": False})
        return Made(arn, {"Arn": arn, "Name": record["name"], "StateMachineRevisionId": record["revisionId"]})


def _faults(text: str) -> Iterator[str]:
    """Yield the errors for which Step Functions refuses a definition."""
    try:
        definition = json.loads(text)
    except json.JSONDecodeError as error:
        yield f"INVALID_JSON_DESCRIPTION: {error}"
        return
    states = definition.get("States", {})
    if definition.get("StartAt") not in states:
        yield f"MISSING_TRANSITION_TARGET: StartAt names a state that does not exist: {definition.get('StartAt')}"
    for name, state in states.items():
        branches = [*state.get("Choices", ()), *state.get("Catch", ()), state]
        named = [branch[key] for branch in branches for key in ("Next", "Default") if key in branch]
        yield from (
            f"MISSING_TRANSITION_TARGET: state {name} leads to a state that does not exist: {target}"
            for target in named
            if target not in states
        )
        yield from _state_faults(name, state)
    reached = _reached(definition, states)
    yield from (f"MISSING_TRANSITION_TARGET: no state leads to state {name}" for name in states if name not in reached)


def _state_faults(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    kind = state.get("Type")
    if kind not in _TYPES:
        yield f"SCHEMA_VALIDATION_FAILED: state {name} has the Type {kind}, not one of {', '.join(_TYPES)}"
    if kind == "Task" and "Resource" not in state:
        yield f"SCHEMA_VALIDATION_FAILED: state {name} has no Resource"
    if kind == "Choice" and not state.get("Choices"):
        yield f"SCHEMA_VALIDATION_FAILED: state {name} has no Choices"
    ends = [key for key in ("Next", "End") if state.get(key)]
    if kind in ("Map", "Parallel", "Pass", "Task", "Wait") and len(ends) != 1:
        yield f"SCHEMA_VALIDATION_FAILED: state {name} must have either Next or End"


def _reached(definition: Mapping[str, Any], states: Mapping[str, Any]) -> set[str]:
    """Return the reachable states of a definition, without those of its branches and maps."""
    reached: set[str] = set()
    waiting = [str(definition.get("StartAt"))]
    while waiting:
        name = waiting.pop()
        if name in states and name not in reached:
            reached.add(name)
            state = states[name]
            branches = [*state.get("Choices", ()), *state.get("Catch", ()), state]
            waiting += [branch[key] for branch in branches for key in ("Next", "Default") if key in branch]
    return reached


def _with_role(run: Callable[[str], None]) -> Callable[[str], None]:
    def with_role(execution_arn: str) -> None:
        execution = machines.executions.get(execution_arn) or {}
        role = machines.state_machines.get(execution.get("stateMachineArn"), {}).get("roleArn", "")
        token = _role.set(role)
        try:
            run(execution_arn)
        finally:
            _role.reset(token)  # an execution can run another one

    return with_role


def _run_task(resource: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run a task, and return RunTask's output; with `.sync`, wait for the end of the task, and return the task.

    The state fails if a container fails.
    """
    try:
        wanted = request("ecs", "RunTask", parameters)
        revision = ecs.task_defs.get(ecs.resolve_td_key(wanted["taskDefinition"]))
        if revision is None:
            raise RefusedError(f"ClientException: Unable to find task definition: {wanted['taskDefinition']}")
        targets.may_run(_role.get(), revision, targets.cluster_arn(wanted.get("cluster", "default")))
        answer = perform(ecs.run_task, {"startedBy": "AWS Step Functions", **wanted})
    except RefusedError as error:
        code, _, message = str(error).partition(": ")
        raise machines.ExecutionError(f"ECS.{code}", message) from error
    if answer["failures"]:
        raise machines.ExecutionError("AmazonECS.Unknown", json.dumps(answer["failures"]))
    if not resource.endswith(".sync"):
        return dict(_pascal(answer))
    task = _ended(answer["tasks"][0])
    codes = [container.get("exitCode") for container in task["containers"]]
    if task.get("stopCode") != "EssentialContainerExited" or any(codes):
        raise machines.ExecutionError("States.TaskFailed", json.dumps(_pascal(task)))
    return dict(_pascal(task))


def _ended(task: Mapping[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < deadline:
        found: dict[str, Any] | None = ecs.tasks.get(task["taskArn"])
        if found is None or found["lastStatus"] == "STOPPED":
            return dict(ecs.sanitize(found or {**task, "stopCode": "UserInitiated"}))
        time.sleep(_POLL_SECONDS)
    raise machines.ExecutionError("States.Timeout", f"the task {task['taskArn']} is still running")


def _pascal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name[:1].upper() + name[1:]: _pascal(item) for name, item in value.items()}
    return [_pascal(item) for item in value] if isinstance(value, list) else value


def _allowed(invoke: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
    """Refuse the ECS operations that the role of an execution does not allow."""

    def invoked(resource: str, parameters: dict[str, Any]) -> Any:
        *_, service, action = resource.split(":")
        if service == "ecs":
            cluster = targets.cluster_arn(parameters.get("Cluster", "default"))
            # ListTasks is authorized for container instances, the other operations for a task
            named = parameters.get("Task") or next(iter(parameters.get("Tasks", ())), None)
            asked = named or cluster.replace(":cluster/", ":container-instance/") + "/*"
            try:
                iam.require(_role.get(), f"ecs:{action[:1].upper()}{action[1:]}", asked, cluster=cluster)
            except RefusedError as error:
                raise machines.ExecutionError("Ecs.AccessDeniedException", str(error)) from error
        return invoke(resource, parameters)

    return invoked


def _startable(start: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
    """Refuse to start the state machines that the role of an execution does not allow."""

    def started(resource: str, parameters: dict[str, Any]) -> Any:
        try:
            iam.require(_role.get(), "states:StartExecution", str(parameters.get("StateMachineArn")))
        except RefusedError as error:
            raise machines.ExecutionError("StepFunctions.AWSStepFunctionsException", str(error)) from error
        return start(resource, parameters)

    return started


def install() -> None:
    """Make executions run tasks through the ECS of the local AWS, and shorten their waits."""
    machines.SFN_WAIT_SCALE = _WAIT_SCALE
    machines.run_execution = _with_role(machines.run_execution)
    machines.SERVICE_DISPATCH[_RUN_TASK] = _run_task
    machines.invoke_aws_sdk_integration = _allowed(machines.invoke_aws_sdk_integration)
    machines.invoke_nested_start_execution = _startable(machines.invoke_nested_start_execution)
    machines.invoke_nested_start_execution_sync = _startable(machines.invoke_nested_start_execution_sync)
