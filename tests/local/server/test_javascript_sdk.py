"""JavaScript functions find the AWS SDK that Lambda's runtimes include."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.local.local_aws import REGION, Client, Deploy, attribute, resource, role

CALLS = {
    "the methods of a service's class": (
        """
        const { S3 } = require("@aws-sdk/client-s3");
        return (await new S3({}).listBuckets({})).Buckets.map((each) => each.Name).join();
        """,
        "kept",
    ),
    "commands, bytes and streams": (
        """
        const { S3Client, PutObjectCommand, GetObjectCommand } = require("@aws-sdk/client-s3");
        const client = new S3Client({});
        await client.send(new PutObjectCommand({ Bucket: "kept", Key: "a", Body: Buffer.from("bytes") }));
        return (await client.send(new GetObjectCommand({ Bucket: "kept", Key: "a" }))).Body.transformToString();
        """,
        "bytes",
    ),
    "dates": (
        """
        const { S3 } = require("@aws-sdk/client-s3");
        return (await new S3({}).listBuckets({})).Buckets[0].CreationDate instanceof Date;
        """,
        True,
    ),
    "callbacks": (
        """
        const { EC2Client, DescribeVpcsCommand } = require("@aws-sdk/client-ec2");
        const client = new EC2Client({}), command = new DescribeVpcsCommand({});
        return new Promise((done) => client.send(command, (_, { Vpcs }) => done(Vpcs[0].IsDefault)));
        """,
        True,
    ),
    "a service that botocore has under another name": (
        """
        const { CloudWatchLogs } = require("@aws-sdk/client-cloudwatch-logs");
        const logs = new CloudWatchLogs({});
        await logs.createLogGroup({ logGroupName: "made", kmsKeyId: undefined });
        return (await logs.describeLogGroups({})).logGroups.some((each) => each.logGroupName === "made");
        """,
        True,
    ),
    "the names of exceptions": (
        """
        const { IAMClient, GetRoleCommand, NoSuchEntityException } = require("@aws-sdk/client-iam");
        try { await new IAMClient({}).send(new GetRoleCommand({ RoleName: "none" })); }
        catch (error) {
          return [error.name, error.$metadata.httpStatusCode, error instanceof NoSuchEntityException].join();
        }
        """,
        "NoSuchEntityException,404,true",
    ),
    "pages": (
        """
        const { paginateListBuckets, S3Client } = require("@aws-sdk/client-s3");
        const found = [];
        for await (const page of paginateListBuckets({ client: new S3Client({}) }, {})) found.push(...page.Buckets);
        return found.length;
        """,
        1,
    ),
    "waiters": (
        """
        const { waitUntilBucketExists, S3Client } = require("@aws-sdk/client-s3");
        return (await waitUntilBucketExists({ client: new S3Client({}), maxWaitTime: 9 }, { Bucket: "kept" })).state;
        """,
        "SUCCESS",
    ),
    "classes that are looked for": (
        """
        const sdk = require("@aws-sdk/client-ssm");
        const found = (end) => Object.entries(sdk).find(([name]) => /^[A-Z]/.test(name) && name.endsWith(end))[1];
        const Client = found("Client"), Command = found("PutParameterCommand");
        return (await new Client({}).send(new Command({ Name: "/a", Value: "b", Type: "String" }))).Version;
        """,
        1,
    ),
    "what a client was made with": (
        """
        const { S3Client } = require("@aws-sdk/client-s3");
        const named = new S3Client({ region: "eu-north-1" });
        return [await new S3Client({}).config.region(), await named.config.region()].join();
        """,
        f"{REGION},eu-north-1",
    ),
    "the answer of a function": (
        """
        const { InvokeCommand, LambdaClient } = require("@aws-sdk/client-lambda");
        const command = new InvokeCommand({ FunctionName: "answering", Payload: JSON.stringify({ a: 1 }) });
        const { Payload } = await new LambdaClient({}).send(command);
        return [Buffer.from(Payload).toString(), Payload.transformToString()].join();
        """,
        '{"a": 1},{"a": 1}',
    ),
    "version 2, with promises and callbacks": (
        """
        process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs16.x";
        const AWS = require("aws-sdk");
        const { Buckets } = await new AWS.S3().listBuckets({}).promise();
        const missing = await new Promise((done) => new AWS.S3().getBucketPolicy({ Bucket: "kept" }, done));
        return [Buckets[0].Name, missing.code, missing.statusCode].join();
        """,
        "kept,NoSuchBucketPolicy,404",
    ),
    "the keys of a role": (
        """
        const { fromTemporaryCredentials } = require("@aws-sdk/credential-providers");
        const { STS } = require("@aws-sdk/client-sts");
        const credentials = fromTemporaryCredentials({ params: { RoleArn: event.role, RoleSessionName: "me" } });
        return (await new STS({ credentials }).getCallerIdentity({})).Arn.split("/")[2];
        """,
        "me",
    ),
}


@pytest.fixture(scope="module")
def bucket(client: Client) -> None:
    client("s3").create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})


@pytest.mark.usefixtures("bucket")
def test_javascript_function_finds_the_sdk_of_its_runtime(client: Client, deploy: Deploy) -> None:
    cases = ",\n".join(f"async (event) => {{ {code} }}" for code, _ in CALLS.values())
    code = f"""
    const cases = [{cases}];
    exports.handler = async (event) => Promise.all(cases.map((each) => each(event).catch((error) => error.stack)));
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.js", code)
    trusted = role(["lambda.amazonaws.com"])
    trusted["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] = {"Ref": "AWS::AccountId"}
    stack = deploy({"Role": trusted}, role=attribute("Role", "Arn"))
    arn = stack["Values"]["role"]
    client("lambda").create_function(
        FunctionName="sdk", Role=arn, Handler="index.handler", Runtime="nodejs24.x", Timeout=60,
        Code={"ZipFile": archive.getvalue()},
    )  # fmt: skip
    answering = io.BytesIO()
    with zipfile.ZipFile(answering, "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return event\n")
    client("lambda").create_function(
        FunctionName="answering", Role=arn, Handler="index.handler", Runtime="python3.13",
        Code={"ZipFile": answering.getvalue()},
    )  # fmt: skip
    answer: Any = client("lambda").invoke(FunctionName="sdk", Payload=json.dumps({"role": arn}))
    client("lambda").delete_function(FunctionName="answering")
    client("lambda").delete_function(FunctionName="sdk")
    found = dict(zip(CALLS, json.loads(answer["Payload"].read()), strict=True))
    assert found == {name: expected for name, (_, expected) in CALLS.items()}


def test_error_names_a_package_of_the_sdk_that_does_not_exist(client: Client, deploy: Deploy) -> None:
    code = """exports.handler = () => require("@aws-sdk/client-nothing").NothingClient && Object.keys(
        require("@aws-sdk/client-nothing"))"""
    stack = deploy({
        "Role": role("lambda.amazonaws.com"),
        "Function": resource(
            "AWS::Lambda::Function", Code={"ZipFile": code}, Handler="index.handler",
            Role=attribute("Role", "Arn"), Runtime="nodejs24.x",
        ),
    }, function={"Ref": "Function"})  # fmt: skip
    answer: Any = client("lambda").invoke(FunctionName=stack["Values"]["function"])
    assert "@aws-sdk/client-nothing" in json.loads(answer["Payload"].read())["errorMessage"]
