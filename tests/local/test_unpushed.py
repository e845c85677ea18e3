"""Images that were never pushed are named before a deployment, with the command that pushes them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Image, Stack
from moorage.local.next_steps import shell_lines
from moorage.local.unpushed import Unpushed
from tests.local.local_aws import ACCOUNT, REGION, SECRET, Client, Deploy, access, attribute, ref, resource
from tests.local.test_local_lifecycle import PROGRAM, Project

DIGEST = f"sha256:{'0' * 64}"


def uri(name: Any, version: str, account: Any = ref("AWS::AccountId")) -> dict[str, Any]:  # noqa: B008  # not changed
    """Return the image of a repository as CDK renders it."""
    host = [account, ".dkr.ecr.", ref("AWS::Region"), ".", ref("AWS::URLSuffix"), "/"]
    return {"Fn::Join": ["", [*host, name, version]]}


def stack(name: str, resources: Mapping[str, Any], **more: Any) -> Stack:
    return Stack(name, name, ACCOUNT, REGION, {"Resources": resources}, (), **more)


def service(image: Any, **properties: Any) -> dict[str, Any]:
    definition = resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "app", "Image": image}])
    definition["Metadata"] = {"aws:cdk:path": "Shop/Web/TaskDefinition/Resource"}
    return {"Task": definition, "Web": resource("AWS::ECS::Service", TaskDefinition=ref("Task"), **properties)}


@pytest.fixture
def repository(client: Client) -> Iterator[str]:
    """Yield a repository that has the image 1.0."""
    ecr = client("ecr")
    ecr.create_repository(repositoryName="shop/web")
    ecr.put_image(repositoryName="shop/web", imageTag="1.0", imageManifest="{}")
    yield "shop/web"
    ecr.delete_repository(repositoryName="shop/web", force=True)


def problems(server: tuple[int, int], *stacks: Stack) -> list[str]:
    return list(Unpushed(access(server[1]), stacks, "moorage up --home here").problems(stacks))


def test_a_tag_that_was_never_pushed_is_named_and_its_command_pushes_it(
    server: tuple[int, int], repository: str, tmp_path: Path
) -> None:
    assert problems(server, stack("Shop", service(uri(repository, ":1.0")))) == []
    shop = stack("Shop", service(uri(repository, ":2.0")))
    (found,) = problems(server, shop, shop)
    assert found.startswith(
        "Shop/Web needs the image shop/web:2.0, which was never pushed; push a stand-in for it with the variables "
        "above and `"
    )
    (tmp_path / "secret").write_text(SECRET)
    *exports, _ = shell_lines(access(server[1]), tmp_path / "secret", [(ACCOUNT, REGION)])
    (command,) = re.findall("`(.*)`$", found)
    done = subprocess.run(["sh", "-ec", "\n".join([*exports, command])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert problems(server, shop) == []


def test_a_digest_that_was_never_pushed_is_named(server: tuple[int, int], repository: str) -> None:
    assert problems(server, stack("Shop", service(uri(repository, f"@{DIGEST}")))) == [
        f"Shop/Web needs the image shop/web@{DIGEST}, which was never pushed; push it with docker to "
        f"127.0.0.1:{server[1]}/shop/web"
    ]


def test_an_image_without_a_tag_is_latest(server: tuple[int, int], repository: str) -> None:
    (found,) = problems(server, stack("Shop", service(uri(repository, ""))))
    assert "needs the image shop/web:latest, " in found


def test_a_repository_of_another_stack_is_deployed_first(server: tuple[int, int]) -> None:
    images = stack("Images", {"Web": resource("AWS::ECR::Repository", RepositoryName="shop/api")})
    shop = stack("Shop", service(uri("shop/api", ":1.0")))
    assert problems(server, images, shop) == [
        "Shop/Web needs the image shop/api:1.0, which was never pushed; create its repository first with "
        "`moorage up --home here Images`"
    ]


def test_an_image_of_a_repository_in_the_same_stack_cannot_be_pushed(server: tuple[int, int]) -> None:
    resources = {"Images": resource("AWS::ECR::Repository"), **service(uri(ref("Images"), ":1.0"))}
    (found,) = problems(server, stack("Shop", resources))
    assert found.endswith(", and its own stack creates the repository; move the repository to an earlier stack")


def test_a_repository_that_does_not_exist_is_named(server: tuple[int, int]) -> None:
    (found,) = problems(server, stack("Shop", service(uri("elsewhere/web", ":1.0"))))
    assert "; create its repository first with the variables above and `" in found


def test_a_generated_name_is_that_of_the_deployed_repository(server: tuple[int, int], deploy: Deploy) -> None:
    made = deploy({"Images": resource("AWS::ECR::Repository")}, Uri=attribute("Images", "RepositoryUri"))
    images = stack(made["StackName"], {"Images": resource("AWS::ECR::Repository")})
    template = {**images.template, "Outputs": {"Name": {"Value": ref("Images"), "Export": {"Name": "images"}}}}
    images = Stack(made["StackName"], made["StackName"], ACCOUNT, REGION, template, ())
    (found,) = problems(server, images, stack("Shop", service(uri({"Fn::ImportValue": "images"}, ":1.0"))))
    name = made["Values"]["Uri"].partition("/")[2]
    assert f"needs the image {name}:1.0, which was never pushed; push a stand-in" in found


@pytest.mark.parametrize(
    "resources",
    [
        service("public.ecr.aws/nginx/nginx:1"),
        service(uri("shop/web", ":1.0", account="999999999999")),
        service(uri("shop/web", ":2.0"), DesiredCount=0),
        service(uri("shop/web", {"Ref": "Tag"})),  # type: ignore[arg-type]  # a parameter
        {"Task": service(uri("shop/web", ":2.0"))["Task"]},
        {
            **service(uri("cached/web", ":2.0")),
            "Cache": resource("AWS::ECR::PullThroughCacheRule", EcrRepositoryPrefix="cached"),
        },
        {**service(uri("shop/web", ":2.0")), "Copy": resource("Custom::Copy", Destination="shop/web:2.0")},
    ],
    ids=["public", "another account", "no task", "a parameter", "no service", "a cache", "a copy"],
)
def test_what_the_local_aws_does_not_refuse_is_not_named(server: tuple[int, int], resources: dict[str, Any]) -> None:
    assert problems(server, stack("Shop", resources)) == []


def test_an_image_asset_counts_as_pushed(server: tuple[int, int]) -> None:
    shop = stack("Shop", service(uri("assets", ":abc")), images=(Image("assets", "abc"),))
    assert problems(server, shop) == []


def test_an_image_that_is_deployed_already_is_not_named(server: tuple[int, int], deploy: Deploy) -> None:
    image = "public.ecr.aws/nginx/nginx:1"
    task = resource(
        "AWS::ECS::TaskDefinition", Family="kept", ContainerDefinitions=[{"Name": "a", "Image": image, "Memory": 9}]
    )
    made = deploy({"Task": task})
    web = resource("AWS::ECS::Service", TaskDefinition=ref("Task"))
    assert problems(server, stack(made["StackName"], {"Task": task, "Web": web})) == []


APP = """
import aws_cdk as cdk
from moorage import Cluster, Container, Image, Network, Repository, Service, Task

app = cdk.App()
gone = cdk.RemovalPolicy.DESTROY
images = Repository(cdk.Stack(app, "Images"), "Web", name="shop/web", removal_policy=gone, empty_on_delete=True)
shop = cdk.Stack(app, "Shop")
cluster = Cluster(shop, "Cluster", vpc=Network(shop, "Network", nat_gateways=1, removal_policy=gone).vpc)
task = Task(Container(Image.from_repository(images, tag="1.4.2")))
Service(shop, "Web", cluster=cluster, task=task, removal_policy=gone)
app.synth()
"""


@pytest.mark.slow
def test_up_deploys_nothing_until_the_images_are_pushed(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    first = project.run("up")
    assert first.returncode == 1
    assert "\nNext:\n" in first.stdout
    assert "moorage up: Shop/Web needs the image shop/web:1.4.2, which was never pushed; create " in first.stderr
    assert "COMPLETE" not in first.stderr
    (create,) = re.findall(r"`(.*)`\n$", first.stderr)
    assert shlex.split(create)[1:] == ["-m", "moorage.local", "up", "--app", PROGRAM, "Images"]
    created = subprocess.run(["sh", "-ec", create], cwd=project.folder, env=project.environment(), check=False)
    assert created.returncode == 0
    second = project.run("up")
    assert second.returncode == 1
    exports = [line.strip() for line in second.stdout.splitlines() if line.startswith("  export")]
    (push,) = re.findall(r"`(.*)`\n$", second.stderr)
    script = "\n".join([*exports, push])
    subprocess.run(["sh", "-ec", script], cwd=project.folder, env=project.environment(), check=True)
    third = project.run("up")
    assert third.returncode == 0, third.stderr
    assert "2 of 2 tasks running" in third.stdout
    assert project.run("down").returncode == 0
