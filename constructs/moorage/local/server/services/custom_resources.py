"""Custom resources, which fail as soon as their function fails or ends without a response.

CloudFormation waits for the response until `ServiceTimeout`, 3600 seconds by default (CloudFormation template
reference, AWS::CloudFormation::CustomResource). The local AWS sees the end of the function, so it does not wait for a
response that cannot come. The messages are CloudFormation's, as users report them: a missing response in
aws-samples/aws-control-tower-automate-account-creation issue 8 and aws/aws-cdk issue 18746, a response with the status
FAILED in awslabs/aws-video-transcriber issue 32.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import get_region, new_uuid

from moorage.local.server.core import owners
from moorage.local.server.core.adapter import custom_resource, lambda_svc, stepfunctions
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties

_QUIET_SECONDS = 5.0
"""The time for a response after the last function or state machine that can send it has ended."""
_POLL_SECONDS = 0.05
_LONGEST_SECONDS = 3600
_NO_RESPONSE = "CloudFormation did not receive a response from your Custom Resource"


def install() -> None:
    """Make custom resources call their functions through this module."""
    custom_resource.invoke_custom_resource = invoke


def invoke(
    request_type: str,
    logical_id: str,
    props: Properties,
    stack_name: str,
    stack_id: str,
    resource_type: str,
    *,
    physical_id: str | None = None,
    old_props: Properties | None = None,
) -> tuple[str, Mapping[str, Any]]:
    """Call the function of a custom resource and return the physical ID and the attributes in its response.

    Args:
        request_type: `Create`, `Update` or `Delete`.
        logical_id: The resource's logical ID.
        props: The properties in the template, resolved.
        stack_name: The name of the stack.
        stack_id: The stack's ARN.
        resource_type: `Custom::` and a name, or `AWS::CloudFormation::CustomResource`.
        physical_id: The resource's physical ID. Default: None, for a creation.
        old_props: The old properties. Default: None, unless the resource is updated.

    Raises:
        RefusedError: The function does not exist, fails, responds with FAILED, or does not respond in time.
    """
    request: dict[str, Any] = {
        "RequestType": request_type,
        "RequestId": new_uuid(),
        "StackId": stack_id,
        "ResourceType": resource_type,
        "LogicalResourceId": logical_id,
        "ResourceProperties": custom_resource.normalise_resource_properties(props),
    }
    if physical_id is not None:
        request["PhysicalResourceId"] = physical_id
    if old_props is not None:
        request["OldResourceProperties"] = custom_resource.normalise_resource_properties(old_props)
    try:
        answer = _Invocation(props, request).answer()
    except RefusedError as error:
        raise RefusedError(f"{resource_type} {owners.path(stack_name, logical_id)}: {error}") from error
    return answer.get("PhysicalResourceId") or physical_id or request["RequestId"], answer.get("Data") or {}


class _Invocation:
    """A request to the function of a custom resource, and the wait for its response."""

    def __init__(self, properties: Properties, request: Mapping[str, Any]) -> None:
        self._token = new_uuid()
        self._request = {**request, "ResponseURL": custom_resource.response_url(self._token)}
        self._longest = int(properties.get("ServiceTimeout") or _LONGEST_SECONDS)
        self._function, config = _function(str(properties.get("ServiceToken", "")))
        self._name = config.get("FunctionName", "")
        self._began = time.time()
        self._ended = threading.Event()
        self._result: Mapping[str, Any] = {}

    def answer(self) -> Mapping[str, Any]:
        answered = custom_resource.register_token(self._token)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), daemon=True).start()
        try:
            self._await(answered)
            answer: Mapping[str, Any] = custom_resource.pending[self._token]["result"]
        finally:
            with custom_resource.lock:
                custom_resource.pending.pop(self._token, None)
        if answer.get("Status") == "FAILED":
            raise RefusedError(
                "Received response status [FAILED] from custom resource. Message returned: "
                f"{answer.get('Reason', '')} (RequestId: {self._request['RequestId']})"
            )
        return answer

    def _run(self) -> None:
        try:
            self._result = lambda_svc.execute_function_with_config_scope(self._function, self._request)
        except Exception as error:  # any error must end the wait
            self._result = {"error": True, "body": {"errorMessage": str(error), "errorType": type(error).__name__}}
        self._ended.set()

    def _await(self, answered: threading.Event) -> None:
        """Wait for the response while the function, or another process that can send the response, is running."""
        until = time.monotonic() + self._longest
        quiet_since = None
        while not answered.wait(_POLL_SECONDS):
            now = time.monotonic()
            if now > until:
                raise RefusedError(f"{_NO_RESPONSE} within {self._longest} s.")
            if self._ended.is_set() and (error := self._error()) and not answered.is_set():
                raise RefusedError(
                    f"{_NO_RESPONSE}: its function {self._name} ended with {error} (on AWS, this fails only after "
                    f"{self._longest} s)"
                )
            busy = not self._ended.is_set() or any(_running(self._began))
            quiet_since = None if busy else quiet_since or now
            if quiet_since is not None and now - quiet_since > _QUIET_SECONDS:
                raise RefusedError(
                    f"{_NO_RESPONSE}: its function {self._name} ended without sending a response to the "
                    f"ResponseURL, and nothing that could send a response has run for {_QUIET_SECONDS:.0f} s (on AWS, "
                    f"this fails only after {self._longest} s)"
                )

    def _error(self) -> str:
        body = self._result.get("body")
        if self._result.get("throttle"):
            return str(body)
        if not self._result.get("error"):
            return ""
        if not isinstance(body, Mapping):
            return str(body)
        return f"{body.get('errorType', 'Error')}: {body.get('errorMessage', '')}"


def _function(token: str) -> tuple[Any, Mapping[str, Any]]:
    """Return the record and the configuration of the function that a service token names."""
    parts = token.split(":")
    if parts[2:3] == ["lambda"] and parts[3:4] != [get_region()]:
        raise RefusedError(f"Invalid service token: {token} is not in the stack's region, {get_region()}")
    record, config, _ = lambda_svc.get_func_record_for_ref(token)
    if record is None or config is None:
        raise RefusedError(f"Function not found: {token}")
    return lambda_svc.execution_record_for_config(record, config), config


def _running(since: float) -> Iterator[bool]:
    """Yield two values: whether a function runs, and whether a state machine runs that was started after a time."""
    yield lambda_svc.executions_in_flight()[0] > 0
    started = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    yield any(
        each["status"] == "RUNNING" and str(each["startDate"]) >= started
        for each in list(stepfunctions.executions.all_values())
    )
