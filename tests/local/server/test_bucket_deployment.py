"""A Python function that calls the AWS CLI of its layer, as CDK's bucket deployment does."""

from __future__ import annotations

import json
from typing import Any

from tests.local.local_aws import REGION, Client, Deploy, ref, resource, role

CODE = """
import pathlib, subprocess

def aws(*arguments):
    subprocess.check_call(["/opt/awscli/aws", *arguments])

def handler(event, context):
    folder = pathlib.Path(event["folder"])
    (folder / "sub").mkdir(parents=True)
    (folder / "index.html").write_text("<p>")
    (folder / "sub" / "map.js").write_text("1")
    (folder / "draft.txt").write_text("2")
    aws("configure", "set", "default.s3.payload_signing_enabled", "true")
    aws("s3", "sync", "--delete", "--exclude", "*.txt", str(folder), "s3://site/web", "--cache-control", "no-cache",
        "--metadata", "owner=me")
    aws("s3", "cp", "s3://site/web/index.html", str(folder / "copy"))
    aws("s3", "rm", "s3://site/gone", "--recursive")
    return (folder / "copy").read_text()
"""


def test_function_copies_files_with_the_aws_cli_of_its_layer(
    client: Client, deploy: Deploy, tmp_path_factory: Any
) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="site", CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("web/old.html", "web/kept.txt", "gone/a", "other/b"):
        s3.put_object(Bucket="site", Key=key, Body=b"x")
    function = resource(
        "AWS::Lambda::Function", Code={"ZipFile": CODE}, Handler="index.handler", Runtime="python3.13", Timeout=60,
        Role={"Fn::GetAtt": ["Role", "Arn"]},
    )  # fmt: skip
    stack = deploy({"Role": role("lambda.amazonaws.com"), "Function": function}, function=ref("Function"))
    folder = tmp_path_factory.mktemp("deployed") / "site"
    answer: Any = client("lambda").invoke(
        FunctionName=stack["Values"]["function"], Payload=json.dumps({"folder": str(folder)})
    )
    assert json.loads(answer["Payload"].read()) == "<p>"
    found = [each["Key"] for each in s3.list_objects_v2(Bucket="site")["Contents"]]
    assert sorted(found) == ["other/b", "web/index.html", "web/kept.txt", "web/sub/map.js"]
    page = s3.head_object(Bucket="site", Key="web/index.html")
    assert (page["ContentType"], page["CacheControl"], page["Metadata"]) == ("text/html", "no-cache", {"owner": "me"})
