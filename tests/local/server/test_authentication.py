"""Only programs that sign with the secret of the local AWS, or with a key that it issued, are served."""

from __future__ import annotations

import datetime as dt
import http.client
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import HmacV1Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from moorage.local.environment import ACCOUNT as DEFAULT_ACCOUNT
from moorage.local.environment import REGION as DEFAULT_REGION
from tests.local.local_aws import ACCOUNT, REGION, SECRET, Client, Deploy, attribute, role, sent, signed

FORM = {"Content_Type": "application/x-www-form-urlencoded"}
IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"
FUNCTION = b"def handler(event, context):\n    return {'statusCode': 200, 'body': 'from the function'}\n"
ECS = "AmazonEC2ContainerServiceV20141113"
QUERIES = {
    "cloudformation": "list_stacks",
    "ec2": "describe_vpcs",
    "ecr": "describe_repositories",
    "ecs": "list_clusters",
    "elbv2": "describe_load_balancers",
    "events": "list_rules",
    "iam": "list_roles",
    "lambda": "list_functions",
    "logs": "describe_log_groups",
    "s3": "list_buckets",
    "scheduler": "list_schedules",
    "sqs": "list_queues",
    "sts": "get_caller_identity",
}
"""An operation of a service with each protocol: query, EC2, JSON 1.0 and 1.1, REST-JSON and REST-XML."""


def _identity(port: int, **headers: str) -> int:
    return signed(port, "sts", "POST", "/", IDENTITY, **FORM, **headers).status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Host": "example.com"},
        {"Host": "127.0.0.1.example.com"},
        {"Host": "localhost.example.com:4566"},
        {"Host": "shop-1234567890.eu-west-1.elb.amazonaws.com"},
        {"Host": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"},
        {"Host": "10.0.0.1"},
        {"Host": "127.0.0.1:80@example.com"},
        {"Host": ""},
    ],
    ids=lambda headers: " ".join(f"{name}={value}" for name, value in headers.items()),
)
def test_a_web_page_is_refused_even_with_the_secret(server: tuple[int, int], headers: dict[str, str]) -> None:
    answer = signed(server[1], "sts", "POST", "/", IDENTITY, **FORM, **headers)
    assert (answer.status, answer.body.partition(":")[0]) == (403, "403 Forbidden")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "bucket.localhost"])
def test_a_loopback_name_is_served(server: tuple[int, int], host: str) -> None:
    assert _identity(server[1], Host=f"{host}:{server[1]}") == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "[::1]:1"])
def test_a_request_signed_for_another_port_is_refused(server: tuple[int, int], host: str) -> None:
    assert _identity(server[1], Host=host) == 403


def test_a_request_that_no_page_initiated_is_served(server: tuple[int, int]) -> None:
    assert _identity(server[1], Sec_Fetch_Site="none") == 200


def test_a_second_host_header_is_refused(server: tuple[int, int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server[1], timeout=10)
    connection.putrequest("GET", "/", skip_host=True)
    for host in ("127.0.0.1", "example.com"):
        connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status in {400, 403}
    connection.close()


def test_a_page_that_posts_plain_text_cannot_create_a_function(server: tuple[int, int], client: Client) -> None:
    """Send a request that needs no preflight, so that only the server can refuse it."""
    body = json.dumps({"FunctionName": "stranger", "Runtime": "python3.12", "Handler": "a.b", "Role": "r", "Code": {}})
    page = {"Origin": "https://example.com", "Content_Type": "text/plain"}
    answer = sent(server[1], "POST", "/2015-03-31/functions", body, **page)
    assert (answer.status, [name for name in answer.headers if name.startswith("access-control")]) == (403, [])
    assert client("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_response_can_be_read_by_a_page(server: tuple[int, int], method: str) -> None:
    answers = [
        signed(server[1], "s3", method, "/"),
        sent(server[1], method, "/"),
        signed(server[1], "iam", method, "/"),
    ]
    assert [name for answer in answers for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("service", QUERIES)
def test_an_unsigned_request_is_refused(server: tuple[int, int], service: str) -> None:
    config = Config(signature_version=UNSIGNED, retries={"max_attempts": 0})
    anonymous = boto3.client(service, REGION, endpoint_url=f"http://127.0.0.1:{server[1]}", config=config)
    with pytest.raises(ClientError) as refused:
        getattr(anonymous, QUERIES[service])()
    assert refused.value.response["Error"]["Code"] in {
        "403",  # the path could be S3's, so the response is XML
        "AccessDenied",  # S3's code
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "MissingParameter",  # EC2's code
    }


@pytest.mark.parametrize("service", QUERIES)
def test_a_request_signed_with_another_secret_is_refused(server: tuple[int, int], service: str) -> None:
    with pytest.raises(ClientError) as refused:
        _ask(server, service, ACCOUNT, "local")
    assert refused.value.response["Error"]["Code"] in {
        "AuthFailure",  # EC2's code
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
    }


@pytest.mark.parametrize("service", QUERIES)
def test_a_request_signed_with_the_secret_is_served(client: Client, service: str) -> None:
    assert getattr(client(service), QUERIES[service])()["ResponseMetadata"]["HTTPStatusCode"] == 200


def _ask(server: tuple[int, int], service: str, *keys: str) -> Any:
    session = boto3.Session(*keys, region_name=REGION)
    config = Config(retries={"max_attempts": 0})
    asked = session.client(service, endpoint_url=f"http://127.0.0.1:{server[1]}", config=config)
    return getattr(asked, QUERIES[service])()


def test_only_keys_that_this_server_issued_are_accepted(
    server: tuple[int, int], client: Client, deploy: Deploy
) -> None:
    arn = deploy({"Role": role("ecs.amazonaws.com")}, role=attribute("Role", "Arn"))["Values"]["role"]
    issued = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    keys = [issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"]]
    assert _ask(server, "sts", *keys)["Account"] == ACCOUNT
    client("iam").create_user(UserName="user")
    own = client("iam").create_access_key(UserName="user")["AccessKey"]
    assert _ask(server, "sts", own["AccessKeyId"], own["SecretAccessKey"])["Account"] == ACCOUNT
    refused = [
        ["ASIAAAAAAAAAAAAAAAAA", keys[1], keys[2]],
        [keys[0], SECRET, keys[2]],
        [keys[0], keys[1], "forged"],
        [keys[0], keys[1]],
        [own["AccessKeyId"], SECRET],
        ["AKIAAAAAAAAAAAAAAAAA", SECRET],
    ]
    for each in refused:
        with pytest.raises(ClientError):
            _ask(server, "sts", *each)
    client("iam").delete_access_key(UserName="user", AccessKeyId=own["AccessKeyId"])
    with pytest.raises(ClientError):
        _ask(server, "sts", own["AccessKeyId"], own["SecretAccessKey"])
    client("iam").delete_user(UserName="user")


def test_a_signature_is_valid_for_one_body_one_path_and_15_minutes(server: tuple[int, int]) -> None:
    def replayed(path: str = "/", body: str = IDENTITY, minutes: int = 0) -> int:
        request = AWSRequest("POST", f"http://127.0.0.1:{server[1]}/", data=IDENTITY)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        at = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        with mock.patch("botocore.auth.get_current_datetime", return_value=at):
            SigV4Auth(Credentials(ACCOUNT, SECRET), "sts", REGION).add_auth(request)
        return sent(server[1], "POST", path, body, **dict(request.headers.items())).status

    assert replayed() == 200
    assert replayed(body="Action=GetSessionToken&Version=2011-06-15") == 403
    assert replayed(path="/other") == 403
    assert [replayed(minutes=minutes) for minutes in (-16, -14, 14, 16)] == [403, 200, 200, 403]


def test_a_body_must_match_the_signed_hash(server: tuple[int, int], client: Client) -> None:
    client("s3").create_bucket(Bucket="hashed", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_object(Bucket="hashed", Key="mine", Body=b"mine")
    wrong = "0" * 64
    answer = signed(server[1], "s3", "PUT", "/hashed/mine", "other", X_Amz_Content_SHA256=wrong)
    assert "XAmzContentSHA256Mismatch" in answer.body
    assert client("s3").get_object(Bucket="hashed", Key="mine")["Body"].read() == b"mine"
    client("s3").delete_object(Bucket="hashed", Key="mine")
    client("s3").delete_bucket(Bucket="hashed")


def test_a_presigned_url_is_served_until_it_expires_and_only_for_its_request(
    server: tuple[int, int], client: Client
) -> None:
    client("s3").create_bucket(Bucket="shared", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_object(Bucket="shared", Key="a", Body=b"shared with whoever has the URL")

    def asked(secret: str = SECRET, path: str = "/shared/a", *, seconds: int = 60, change: str = "") -> int:
        request = AWSRequest("GET", f"http://127.0.0.1:{server[1]}{path}")
        S3SigV4QueryAuth(Credentials(ACCOUNT, secret), "s3", REGION, expires=seconds).add_auth(request)
        url = request.url.partition(f":{server[1]}")[2]
        return sent(server[1], "GET", url.replace("/shared/a", change) if change else url).status

    assert asked() == 200
    assert asked("local") == 403
    assert asked(change="/shared/b") == 403
    assert asked(seconds=8 * 24 * 3600) == 403
    assert asked(seconds=-1) == 403
    target = {"X_Amz_Target": f"{ECS}.ListClusters"}
    request = AWSRequest("GET", f"http://127.0.0.1:{server[1]}/shared/a")
    S3SigV4QueryAuth(Credentials(ACCOUNT, SECRET), "s3", REGION).add_auth(request)
    query = request.url.partition("?")[2]
    assert "AccessDenied" in sent(server[1], "POST", f"/?{query}", "{}", **target).body
    client("s3").delete_object(Bucket="shared", Key="a")
    client("s3").delete_bucket(Bucket="shared")


@pytest.mark.parametrize(
    ("method", "headers", "body", "says"),
    [
        ("PUT", {"X_Amz_Target": f"{ECS}.CreateCluster"}, '{"clusterName": "evil"}', "not signed"),
        ("GET", {"X_Amz_Target": "secretsmanager.ListSecrets"}, "{}", "not signed"),
        ("PUT", {"X_Amz_Copy_Source": "/other/secret"}, "", "not signed"),
        ("PUT", FORM, "Action=CreateUser&UserName=evil&Version=2010-05-08", "SignatureDoesNotMatch"),
    ],
)
def test_a_presigned_url_of_s3_allows_no_other_operation(
    server: tuple[int, int], client: Client, method: str, headers: dict[str, str], body: str, says: str
) -> None:
    request = AWSRequest(method, f"http://127.0.0.1:{server[1]}/shared/up")
    S3SigV4QueryAuth(Credentials(ACCOUNT, SECRET), "s3", REGION).add_auth(request)
    answer = sent(server[1], method, request.url.partition(f":{server[1]}")[2], body, **headers)
    assert says in answer.body
    assert client("ecs").list_clusters()["clusterArns"] == []


def test_a_header_that_selects_the_operation_must_be_signed(server: tuple[int, int]) -> None:
    request = AWSRequest("POST", f"http://127.0.0.1:{server[1]}/", data="{}")
    SigV4Auth(Credentials(ACCOUNT, SECRET), "ecs", REGION).add_auth(request)
    target = {"X_Amz_Target": f"{ECS}.ListClusters"}
    assert "not signed" in sent(server[1], "POST", "/", "{}", **dict(request.headers.items()), **target).body


@pytest.mark.parametrize("key", ["test", "", "1111111111111"])
def test_only_an_account_id_and_issued_keys_can_sign(server: tuple[int, int], key: str) -> None:
    request = AWSRequest("POST", f"http://127.0.0.1:{server[1]}/", data=IDENTITY)
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    SigV4Auth(Credentials(key, SECRET), "sts", REGION).add_auth(request)
    assert sent(server[1], "POST", "/", IDENTITY, **dict(request.headers.items())).status == 403


@pytest.mark.parametrize("query", ["X-Amz-Signature=%C3%A9", "X-Amz-Signature=0"])
def test_a_malformed_signature_is_refused_without_a_server_error(server: tuple[int, int], query: str) -> None:
    scope = f"{ACCOUNT}/20261129/{REGION}/s3/aws4_request"
    rest = "X-Amz-SignedHeaders=host&X-Amz-Date=99991231T235959Z&X-Amz-Expires=604800"
    path = f"/a/b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&{rest}&{query}"
    assert sent(server[1], "GET", path).status in {400, 403}


def test_presigned_queries_of_other_services_are_verified(server: tuple[int, int]) -> None:
    def asked(secret: str) -> int:
        request = AWSRequest("GET", f"http://127.0.0.1:{server[1]}/?{IDENTITY}")
        SigV4QueryAuth(Credentials(ACCOUNT, secret), "sts", REGION).add_auth(request)
        return sent(server[1], "GET", request.url.partition(f":{server[1]}")[2]).status

    assert (asked(SECRET), asked("local")) == (200, 403)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic QVdTOm1pbmlzdGFjay1hdXRoLXRva2Vu",
        "Bearer token",
        f"AWS {ACCOUNT}:c2lnbmF0dXJl",
        f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/s3/aws4_request, SignedHeaders=, Signature=",
        "AWS4-HMAC-SHA256 Credential=/, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256",
        f"AWS4-ECDSA-P256-SHA256 Credential={ACCOUNT}/20260101/s3/aws4_request, SignedHeaders=host, Signature=00",
    ],
)
@pytest.mark.parametrize("path", ["/", "/bucket/key", "/v2/", "/v2/a/manifests/1", "/health", "/iceberg/v1/config"])
def test_other_kinds_of_credentials_are_refused(server: tuple[int, int], authorization: str, path: str) -> None:
    answer = sent(server[1], "GET", path, **({"Authorization": authorization} if authorization else {}))
    assert answer.status in {400, 401, 403}, answer.body


def test_version_2_signatures_are_refused_even_with_the_secret(server: tuple[int, int]) -> None:
    request = AWSRequest("GET", f"http://127.0.0.1:{server[1]}/", auth_path="/")
    HmacV1Auth(Credentials(ACCOUNT, SECRET)).add_auth(request)
    assert sent(server[1], "GET", "/", **dict(request.headers.items())).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/health",
        "/_ministack/ready",
        "/_ministack/reset",
        "/_ministack/config",
        "/_ministack/sqs/messages",
        "/_ministack/rds/iam-auth",
        "/_ministack/lambda-code/function",
        "/_ministack/cfn-response/guessed",
        "/_ministack/cfn-signal/guessed",
        "/_ministack/eks-auth/cluster",
        "/_localstack/health",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_administration_paths_are_closed_even_with_a_signature(server: tuple[int, int], path: str, method: str) -> None:
    answers = [sent(server[1], method, path, "{}"), signed(server[1], "s3", method, path, "{}")]
    assert [(answer.status, "is closed" in answer.body) for answer in answers] == [(403, True)] * 2


def test_only_websockets_of_the_apps_apis_are_open(server: tuple[int, int]) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    hosts = ["127.0.0.1", "x.appsync-realtime-api.localhost", "x.iot.eu-west-1.localhost", "example.com"]
    assert [sent(server[1], "GET", "/", **upgrade, Host=host).status for host in hosts] == [403] * 4
    page = sent(server[1], "GET", "/_aws/execute-api/x/live", **upgrade, Origin="https://example.com")
    assert page.status == 403


@pytest.fixture
def traffic(client: Client) -> Iterator[dict[str, str]]:
    """Yield a load balancer with a fixed response, and a function with a URL, in the account of unsigned requests."""
    ec2, elbv2, functions = (client(name, DEFAULT_ACCOUNT, DEFAULT_REGION) for name in ("ec2", "elbv2", "lambda"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    (edge,) = elbv2.create_load_balancer(Name="edge", Subnets=[subnet])["LoadBalancers"]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418"}}
    arn = edge["LoadBalancerArn"]
    elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[answer])
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    functions.create_function(
        FunctionName="visited",
        Runtime="python3.12",
        Handler="index.handler",
        Role=f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/visited",
        Code={"ZipFile": code.getvalue()},
    )
    url = functions.create_function_url_config(FunctionName="visited", AuthType="NONE")["FunctionUrl"]
    yield {"load balancer": "/_alb/edge/", "function": f"/_aws/lambda-url/{url.split('//')[1].split('.')[0]}/"}
    functions.delete_function(FunctionName="visited")
    elbv2.delete_load_balancer(LoadBalancerArn=arn)


def test_traffic_of_the_app_needs_no_signature_but_pages_are_refused(
    server: tuple[int, int], traffic: dict[str, str]
) -> None:
    assert sent(server[1], "GET", traffic["load balancer"]).status == 418
    assert sent(server[1], "GET", "/", Host="edge.alb.localhost").status == 418
    assert sent(server[1], "GET", traffic["function"]).body == "from the function"
    for path in traffic.values():
        assert sent(server[1], "GET", path, Origin="https://example.com").status == 403


@pytest.mark.parametrize("host", ["x.execute-api.localhost", "x.lambda-url.eu-west-1.localhost", "x.alb.localhost"])
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/iceberg/v1/config", {}),
        ("PUT", "/bucket/key", {}),
        ("POST", "/", {"X_Amz_Target": f"{ECS}.ListClusters"}),
        ("POST", "/2015-03-31/functions", {}),
        ("GET", "/v2/_catalog", {}),
        ("POST", "/WriteGetObjectResponse", {"X_Amz_Request_Route": "x"}),
        ("POST", "/Execute", {}),
        ("GET", "/v20180820/bucket/x", {}),
    ],
)
def test_a_host_name_of_the_app_does_not_open_the_aws_apis(
    server: tuple[int, int], host: str, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = sent(server[1], method, path, "{}", Host=host, **headers)
    assert answer.status == 404 or "Authentication" in answer.body or "AccessDenied" in answer.body, answer.body
