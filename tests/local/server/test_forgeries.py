"""Forged signatures are refused, even where code behind the guard would accept them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from moorage.local.environment import ACCOUNT as DEFAULT_ACCOUNT
from moorage.local.environment import REGION as DEFAULT_REGION
from tests.local.local_aws import ACCOUNT, REGION, SECRET, Client, sent

_FUNCTION = b"def handler(event, context):\n    return {'statusCode': 200, 'body': 'it ran'}\n"
_FORGED = f"Credential=AKIAFORGED/20260101/{REGION}/lambda/aws4_request, SignedHeaders=host, Signature={'0' * 64}"
_IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"
_FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def guarded_url(client: Client) -> Iterator[str]:
    """Yield the path of a function URL that requires a signature."""
    functions = client("lambda", DEFAULT_ACCOUNT, DEFAULT_REGION)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", _FUNCTION)
    role = f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/asked"
    functions.create_function(
        FunctionName="asked",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": code.getvalue()},
    )
    url = functions.create_function_url_config(FunctionName="asked", AuthType="AWS_IAM")["FunctionUrl"]
    yield f"/_aws/lambda-url/{url.split('//')[1].split('.')[0]}/"
    functions.delete_function(FunctionName="asked")


@pytest.mark.parametrize(
    ("query", "authorization"),
    [
        ("", None),
        ("?X-Amz-Signature=1", None),
        ("?x-amz-credential=a/b/c/d/e", None),
        ("?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=1", None),
        ("", "AWS4-HMAC-SHA256"),
        ("", f"AWS4-HMAC-SHA256\t{_FORGED}"),
        ("", f"AWS4-HMAC-SHA256,{_FORGED}"),
        ("", f"AWS4-HMAC-SHA256 {_FORGED}"),
        ("", f"aws4-hmac-sha256 {_FORGED}"),
        ("", "anything"),
    ],
)
def test_a_function_url_with_aws_iam_refuses_a_forged_signature(
    server: tuple[int, int], guarded_url: str, query: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = sent(server[1], "GET", f"{guarded_url}{query}", **headers)
    assert answer.status in {400, 403}
    assert "it ran" not in answer.body


def test_messages_to_the_clients_of_a_websocket_api_must_be_signed(server: tuple[int, int]) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = sent(server[1], method, "/_aws/execute-api/an-api/live/@connections/a-client", "x")
        assert answer.status == 403


def _signed_headers(port: int) -> dict[str, str]:
    request = AWSRequest("POST", f"http://127.0.0.1:{port}/", data=_IDENTITY, headers={"Content-Type": _FORM})
    SigV4Auth(Credentials(ACCOUNT, SECRET), "sts", REGION).add_auth(request)
    return dict(request.headers.items())


def test_a_signature_with_a_repeated_part_is_refused(server: tuple[int, int]) -> None:
    right = _signed_headers(server[1])
    assert sent(server[1], "POST", "/", _IDENTITY, **right).status == 200
    algorithm, _, parts = right["Authorization"].partition(" ")
    for wrong in (f"Credential=222222222222/a/b/sts/d, {parts}", f"{parts}, Signature={'0' * 64}", parts.split(",")[0]):
        answer = sent(server[1], "POST", "/", _IDENTITY, **{**right, "Authorization": f"{algorithm} {wrong}"})
        assert "IncompleteSignature" in answer.body


def test_a_request_with_two_signatures_is_refused(server: tuple[int, int]) -> None:
    answer = sent(
        server[1], "POST", "/?X-Amz-Credential=222222222222/a/b/sts/d", _IDENTITY, **_signed_headers(server[1])
    )
    assert answer.status == 403
    assert "Only one auth mechanism allowed" in answer.body


def test_only_s3_accepts_an_unsigned_payload(server: tuple[int, int]) -> None:
    request = AWSRequest("POST", f"http://127.0.0.1:{server[1]}/", data=_IDENTITY, headers={"Content-Type": _FORM})
    request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    SigV4Auth(Credentials(ACCOUNT, SECRET), "sts", REGION).add_auth(request)
    answer = sent(server[1], "POST", "/", _IDENTITY, **dict(request.headers.items()))
    assert answer.status == 403


def test_a_signature_with_an_invalid_date_is_refused(server: tuple[int, int]) -> None:
    request = AWSRequest("POST", f"http://127.0.0.1:{server[1]}/", data=_IDENTITY, headers={"Content-Type": _FORM})
    auth = SigV4Auth(Credentials(ACCOUNT, SECRET), "sts", REGION)
    request.context["timestamp"] = "20260101Tforever"
    request.headers["X-Amz-Date"] = "20260101Tforever"
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    signed = "content-type;host;x-amz-date"
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={signed}, Signature={signature}"
    )
    answer = sent(server[1], "POST", "/", _IDENTITY, **dict(request.headers.items()))
    assert "ISO-8601" in answer.body


def test_an_endless_body_without_a_signature_is_not_read(server: tuple[int, int]) -> None:
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{server[1]}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with contextlib.closing(socket.create_connection(("127.0.0.1", server[1]), timeout=10)) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)  # no part of the body was sent, and it never ends
    assert b" 403 " in answer.split(b"\r\n")[0] + b" "


def test_a_body_without_a_signature_is_limited_to_10_mb(server: tuple[int, int]) -> None:
    head = f"POST /_alb/none/ HTTP/1.1\r\nHost: 127.0.0.1:{server[1]}\r\nContent-Length: {11 * 2**20}\r\n\r\n"
    with contextlib.closing(socket.create_connection(("127.0.0.1", server[1]), timeout=10)) as connection:
        connection.sendall(head.encode())
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"x" * 10 * 2**20 + b"x")  # the last megabyte is not sent
        assert b" 413 " in connection.recv(65536).split(b"\r\n")[0]


def test_a_script_that_another_user_planted_is_not_run(client: Client, tmp_path: Path) -> None:
    planted = Path("/tmp/ministack-data/s3") / ACCOUNT / "scripts" / "job.py"  # the path that ministack reads
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f"open({str(tmp_path / 'planted')!r}, 'w')")
    s3, glue = client("s3"), client("glue")
    s3.create_bucket(Bucket="scripts", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="scripts", Key="job.py", Body=f"open({str(tmp_path / 'own')!r}, 'w')".encode())
    command = {"Name": "pythonshell", "ScriptLocation": "s3://scripts/job.py", "PythonVersion": "3.9"}
    glue.create_job(Name="job", Role=f"arn:aws:iam::{ACCOUNT}:role/job", Command=command)
    run = glue.start_job_run(JobName="job")["JobRunId"]
    for _ in range(200):
        if glue.get_job_run(JobName="job", RunId=run)["JobRun"]["JobRunState"] not in (
            "STARTING",
            "RUNNING",
            "WAITING",
        ):
            break
        time.sleep(0.05)
    planted.unlink()
    assert [each.name for each in tmp_path.iterdir()] == ["own"]


@pytest.mark.parametrize(("tampered", "status"), [(b"", 200), (b"!", 403)])
def test_each_chunk_of_a_stream_is_verified(
    server: tuple[int, int], client: Client, tampered: bytes, status: int
) -> None:
    client("s3").create_bucket(Bucket=f"streams-{status}", CreateBucketConfiguration={"LocationConstraint": REGION})
    data = b"signed in chunks"
    request = AWSRequest("PUT", f"http://127.0.0.1:{server[1]}/streams-{status}/key", data=b"")
    request.headers["X-Amz-Decoded-Content-Length"] = str(len(data))
    request.headers["Content-Encoding"] = "aws-chunked"
    auth = S3SigV4Auth(Credentials(ACCOUNT, SECRET), "s3", REGION)
    auth.payload = lambda _: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    auth.add_auth(request)
    previous, body = request.headers["Authorization"].rpartition("=")[2], b""
    for chunk in (data, b""):
        stated = [request.headers["X-Amz-Date"], auth.credential_scope(request), previous]
        hashes = [hashlib.sha256(b"").hexdigest(), hashlib.sha256(chunk).hexdigest()]
        previous = auth.signature("\n".join(["AWS4-HMAC-SHA256-PAYLOAD", *stated, *hashes]), request)
        sent_chunk = chunk[: -len(tampered)] + tampered if chunk and tampered else chunk
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + sent_chunk + b"\r\n"
    answer = sent(server[1], "PUT", f"/streams-{status}/key", body, **dict(request.headers.items()))
    assert answer.status == status, answer.body
