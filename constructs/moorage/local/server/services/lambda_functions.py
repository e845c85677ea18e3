"""AWS Lambda: functions, whose code runs in separate processes."""

from __future__ import annotations

from typing import Any

from moorage.local.server.core.adapter import lambda_svc as functions
from moorage.local.server.core.adapter import provisioners
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.services import function_checks, iam
from moorage.local.server.services.guards import plain

_KEPT = ("DeadLetterConfig", "KmsKeyArn", "VpcConfig")
_MOST_INLINE = 4 * 1024 * 1024


class Function(Resource):
    """A function; `Ref` returns its name."""

    type = "AWS::Lambda::Function"

    def create(self, properties: Properties, name: str) -> Made:
        function = str(properties.get("FunctionName") or shortened(name, 64))
        if function in functions.functions:
            raise RefusedError(f"Function already exist: {function} (AlreadyExists)")
        self._check(properties)
        made = Made(*provisioners.lambda_create(function, properties | {"FunctionName": function}, function))
        self._keep(function, properties)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new, physical_id)
        named = {"FunctionName": physical_id}
        made = Made(*provisioners.lambda_update(physical_id, {**old, **named}, new | named, physical_id, physical_id))
        self._keep(physical_id, new)
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        functions.invalidate_worker(physical_id)
        provisioners.lambda_delete(physical_id, properties)

    def _check(self, properties: Properties, function: str = "") -> None:
        inline = properties.get("Code", {}).get("ZipFile")
        if inline is not None and len(inline.encode("utf-8")) > _MOST_INLINE:
            raise RefusedError(f"The inline code has more than {_MOST_INLINE} bytes")
        if not iam.is_trusted(properties["Role"], "lambda.amazonaws.com"):
            raise RefusedError("The role defined for the function cannot be assumed by Lambda.")
        function_checks.check(plain(properties), function)

    def _keep(self, name: str, properties: Properties) -> None:
        """Store the properties that ministack drops."""
        record: dict[str, Any] = functions.functions[name]
        for key in _KEPT:
            record["config"].pop(key, None)
            if key in properties:
                record["config"][key] = properties[key]
        reserved = properties.get("ReservedConcurrentExecutions")
        record["concurrency"] = None if reserved is None else int(reserved)
        record["recursive_loop"] = properties.get("RecursiveLoop", "Terminate")
        record["code_signing_config_arn"] = properties.get("CodeSigningConfigArn", "")
        record["runtime_management"] = properties.get("RuntimeManagementConfig")
