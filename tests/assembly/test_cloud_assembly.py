"""The reader of cloud assemblies: nested stacks, assets, stages, and the lines of the user's program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from moorage.assembly.cloud_assembly import NEWEST_SCHEMA, AssemblyError, Stack, entries, schema_of, stacks_of
from moorage.assembly.stack_traces import Line, user_line

PROGRAM = """
import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as images, aws_lambda as functions, aws_sns as sns


def topic(scope):
    return sns.Topic(scope, "Topic")


class Inner(cdk.NestedStack):
    def __init__(self, scope, construct_id):
        super().__init__(scope, construct_id)
        topic(self)


class Shop(cdk.Stack):
    def __init__(self, scope, construct_id, **arguments):
        super().__init__(scope, construct_id, **arguments)
        sns.Topic(self, "Topic")
        inner = Inner(self, "Inner")
        Inner(inner, "Innermost")
        functions.Function(
            self,
            "Function",
            runtime=functions.Runtime.NODEJS_22_X,
            handler="index.handler",
            code=functions.Code.from_asset("function"),
        )


app = cdk.App()
stage = cdk.Stage(app, "dev")
for region in ("eu-west-1", "us-east-1"):
    environment = cdk.Environment(account="111111111111", region=region)
    Shop(stage, f"Shop-{region}", stack_name="shop", env=environment, termination_protection=True)
cdk.Annotations.of(app.node.find_child("dev")).add_warning("a warning of the stage")
app.synth()
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an app, with its assembly in `cdk.out`."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.py").write_text(PROGRAM)
    (folder / "function").mkdir()
    (folder / "function" / "index.js").write_text("exports.handler = async () => 1")
    variables = {
        **os.environ,
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}),
        "CDK_DEBUG": "1",
        "JSII_HOST_STACK_TRACES": "1",
    }
    subprocess.run([sys.executable, "app.py"], cwd=folder, env=variables, check=True)
    return folder


@pytest.fixture(scope="module")
def shop(program: Path) -> Stack:
    return stacks_of(program / "cdk.out", program)[0]


def test_stacks_of_two_regions_can_have_one_name(program: Path) -> None:
    found = [(stack.name, stack.path, stack.region) for stack in stacks_of(program / "cdk.out")]
    assert found == [
        ("shop", "dev/Shop-eu-west-1", "eu-west-1"),
        ("shop", "dev/Shop-us-east-1", "us-east-1"),
    ]


def test_a_nested_stack_has_the_path_of_its_construct_and_its_own_template(shop: Stack) -> None:
    assert [stack.path for stack in shop.walk()] == [
        "dev/Shop-eu-west-1",
        "dev/Shop-eu-west-1/Inner",
        "dev/Shop-eu-west-1/Inner/Innermost",
    ]
    inner = shop.nested[next(name for name in shop.nested if name.startswith("Inner"))]
    assert (inner.account, inner.region) == ("111111111111", "eu-west-1")
    assert [resource.path for resource in inner.resources if resource.type == "AWS::SNS::Topic"] == [
        "dev/Shop-eu-west-1/Inner/Topic/Resource"
    ]
    assert inner.template_file is not None
    assert json.loads(inner.template_file.read_text()) == inner.template


def test_each_resource_has_the_innermost_line_of_the_users_program(shop: Stack) -> None:
    """The topics of parent and nested stack have one logical ID, and lines of their own."""
    lines = {
        resource.path.removeprefix("dev/Shop-eu-west-1/"): (resource.logical_id, text(resource.line))
        for stack in shop.walk()
        for resource in stack.resources
        if resource.type in {"AWS::SNS::Topic", "AWS::Lambda::Function"}
    }
    logical_id = lines["Topic/Resource"][0]
    assert lines == {
        "Topic/Resource": (logical_id, "sns.Topic(self"),
        "Inner/Topic/Resource": (logical_id, "return sns.Topic(scope"),
        "Inner/Innermost/Topic/Resource": (logical_id, "return sns.Topic(scope"),
        "Function/Resource": (lines["Function/Resource"][0], "functions.Function("),
    }


def text(line: Line | None) -> str:
    """Return the text of a line of the program."""
    assert line is not None
    assert line.file == "app.py"
    return PROGRAM.splitlines()[line.number - 1].strip().partition(", ")[0]


def test_files_are_absolute_without_a_root(program: Path) -> None:
    files = {resource.line.file for resource in stacks_of(program / "cdk.out")[0].resources if resource.line}
    assert files == {str(program / "app.py")}


def test_a_root_may_be_a_symbolic_link(program: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(program)
    files = {each.line.file for each in stacks_of(program / "cdk.out", tmp_path / "link")[0].resources if each.line}
    assert files == {"app.py"}


def test_assets_are_known_by_their_names(shop: Stack) -> None:
    assert set(shop.assets) >= {"Function/Code", "Inner Nested Stack Template"}
    assert all(len(hashed) == 64 for hashed in shop.assets.values())


def test_termination_protection_is_read(shop: Stack) -> None:
    assert shop.termination_protection


def test_metadata_of_one_type_is_found_in_stages(program: Path) -> None:
    found = list(entries(program / "cdk.out", "aws:cdk:logicalId"))
    assert ("/dev/Shop-us-east-1/Inner/Topic/Resource", "TopicBFC7AF6E") in found


def test_the_schema_that_the_installed_cdk_writes_is_known(program: Path) -> None:
    """A version of aws-cdk-lib that writes a newer one needs a newer NEWEST_SCHEMA."""
    assert 0 < schema_of(program / "cdk.out") <= NEWEST_SCHEMA


@pytest.mark.parametrize(
    ("version", "schema"), [("36.0.0", 36), ("100.2.1", 100), ("", 0), (None, 0), ({}, 0), ("next", 0)]
)
def test_the_schema_is_the_major_version(tmp_path: Path, version: Any, schema: int) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"version": version, "artifacts": {}}))
    assert schema_of(tmp_path) == schema


def test_the_schema_of_a_broken_manifest_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match=r"manifest.json is missing\); synthesize it again$"):
        schema_of(tmp_path)


def with_one_stack(folder: Path, template: str, **artifacts: Any) -> Path:
    """Write an assembly with one stack."""
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "template.json"},
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"Shop": stack, **artifacts}}))
    (folder / "template.json").write_text(template, "utf-8")
    return folder


NESTED = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "template.json"}}
ITSELF = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}


@pytest.mark.parametrize(
    ("template", "artifacts"),
    [
        (json.dumps({"Resources": {"Nested": NESTED}}), {}),
        ("{}", {"Itself": ITSELF}),
        (f'{{"Resources": {{"A": {"[" * 5000}', {}),
    ],
)
def test_an_assembly_without_an_end_is_a_sentence(tmp_path: Path, template: str, artifacts: dict[str, Any]) -> None:
    with pytest.raises(AssemblyError, match=r"\(it contains itself, or is nested too deeply\); synthesize it again$"):
        stacks_of(with_one_stack(tmp_path, template, **artifacts))


def test_files_are_utf_8_in_every_locale(tmp_path: Path) -> None:
    with_one_stack(tmp_path, json.dumps({"Description": "größer"}, ensure_ascii=False))
    program = (
        "import sys, pathlib; from moorage.assembly.cloud_assembly import stacks_of\n"
        "print(ascii(stacks_of(pathlib.Path(sys.argv[1]))[0].template['Description']))"
    )
    variables = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ascii("größer")


def test_stacks_that_need_each_other_are_read_once(tmp_path: Path) -> None:
    def stack(*needs: str) -> dict[str, Any]:
        return {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": "template.json"},
            "dependencies": list(needs),
        }

    artifacts = {"A": stack("B"), "B": stack("A"), "C": stack("D"), "D": stack()}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (tmp_path / "template.json").write_text("{}")
    assert [stack.name for stack in stacks_of(tmp_path)] == ["B", "A", "D", "C"]


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        (["make (/app/app.py:5)", "<module> (/app/app.py:9)"], Line("/app/app.py", 5)),
        (["at new Shop (/app/lib/shop.ts:12:5)"], Line("/app/lib/shop.ts", 12)),
        (["    at /app/lib/shop.ts:12:5"], Line("/app/lib/shop.ts", 12)),
        (["new Shop (file:///app/lib/shop.mjs:12:5)"], Line("/app/lib/shop.mjs", 12)),
        (["...aws-cdk-lib, jsii runtime...", "<module> (/app/app.py:9)"], Line("/app/app.py", 9)),
        (["    (no user code in 10 frames, use --stack-trace-limit to capture more)"], None),
        (["f (/app/.venv/lib/python3.13/site-packages/library/a.py:3)"], None),
        (["at Object.f (/app/node_modules/aws-cdk-lib/core/a.js:3:1)", "at f (node:internal/a:5:1)"], None),
        (
            ["__init__ (/app/constructs/moorage/ecs/service/service.py:3)", "f (/app/stacks/a.py:4)"],
            Line("/app/stacks/a.py", 4),
        ),
        (["stack traces disabled"], None),
        (["_run_code (<frozen runpy>:88)", "<module> (/app/app.py:9)"], Line("/app/app.py", 9)),
        ([], None),
        (["f (/app/my folder/app.py:5)"], Line("/app/my folder/app.py", 5)),
    ],
)
def test_the_users_line_is_the_innermost_frame_outside_of_libraries(frames: list[str], line: Line | None) -> None:
    assert user_line(frames) == line


@pytest.mark.parametrize(
    ("root", "file"),
    [("/app", "lib/a.py"), ("/app/lib", "a.py"), ("/ap", "/app/lib/a.py"), ("/other", "/app/lib/a.py")],
)
def test_a_file_inside_the_root_is_relative_to_it(root: str, file: str) -> None:
    assert user_line(["f (/app/lib/a.py:5)"], Path(root)) == Line(file, 5)


def test_a_nested_stack_is_found_without_the_metadata_of_the_cli(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path))
    inner = cdk.NestedStack(cdk.NestedStack(cdk.Stack(app, "Shop"), "Inner"), "Innermost")
    cdk.CfnResource(inner, "Topic", type="AWS::SNS::Topic")
    app.synth()
    (shop,) = stacks_of(tmp_path)
    assert [stack.path for stack in shop.walk()] == ["Shop", "Shop/Inner", "Shop/Inner/Innermost"]
