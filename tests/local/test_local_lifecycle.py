"""An app is deployed from scratch and destroyed by the real cdk CLI, which reaches only the local AWS."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from moorage.local.account import Account
from moorage.local.environment import sealed
from moorage.local.process import Home, Server
from tests.conftest import synthesize

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
PYTHON = shlex.quote(sys.executable)
PROGRAM = f"{PYTHON} app.py"
APP = """
import json, pathlib
import aws_cdk as cdk
from moorage import Cluster, Container, Network, Repository, Scaling, Service, Task

said = json.loads(pathlib.Path("said.json").read_text())
app = cdk.App()
stack = cdk.Stack(app, "Shop")
images = Repository(stack, "Images", removal_policy=cdk.RemovalPolicy.DESTROY, empty_on_delete=True)
network = Network(stack, "Network", nat_gateways=1, removal_policy=cdk.RemovalPolicy.DESTROY)
image = said["image"]
Service(
    stack,
    "Web",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(Container(image, command=said.get("command"))),
    scaling=Scaling(said["count"]),
    removal_policy=cdk.RemovalPolicy.DESTROY,
)
for account, region in (("111111111111", "eu-west-1"), ("222222222222", "us-west-2")):
    other = cdk.Stack(app, f"In-{region}", env=cdk.Environment(account=account, region=region))
    Repository(other, "Images", name="shop/web", removal_policy=cdk.RemovalPolicy.DESTROY, empty_on_delete=True)
app.synth()
"""
SMALL = """
import aws_cdk as cdk
from moorage import Repository

app = cdk.App()
Repository(cdk.Stack(app, "Shop"), "Web", removal_policy=cdk.RemovalPolicy.DESTROY, empty_on_delete=True)
app.synth()
"""
KEYS = """
import aws_cdk as cdk
from aws_cdk import aws_kms as kms

app = cdk.App()
stacks = [cdk.Stack(app, name) for name in ("Base", "Shop", "Other")]
for stack in stacks:
    kms.Key(stack, "Key", removal_policy=cdk.RemovalPolicy.DESTROY)
stacks[1].add_stack_dependency(stacks[0])
app.synth()
"""


WATCH = r"""set -e
ip link set lo up
ip link add outside type veth peer name other
echo 1 > /proc/sys/net/ipv6/conf/outside/disable_ipv6
ip address add 192.0.2.2/24 dev outside
ip link set other up
ip link set outside arp off up
ip route add default dev outside
sent() { awk '/outside:/ {print $11}' /proc/self/net/dev; }
python3 -c "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('198.51.100.1', 9))"
before=$(sent)
echo "the watch counts: $before"
"$@" || status=$?
echo "packets to the outside: $(( $(sent) - before ))"
exit ${status:-0}
"""
"""A script that runs a command in a network namespace and counts the packets that leave the loopback interface."""


@attrs.frozen
class Project:
    """A CDK app in its own folder, and the commands that run in it."""

    folder: Path

    def say(self, **said: Any) -> None:
        (self.folder / "said.json").write_text(json.dumps(said))

    def run(self, *arguments: str, app: str = PROGRAM) -> subprocess.CompletedProcess[str]:
        given = ["--app", app] if arguments[0] in {"up", "diff"} else []
        return subprocess.run(
            [sys.executable, "-m", "moorage.local", *arguments, *given],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def up(self, *stacks: str) -> subprocess.CompletedProcess[str]:
        """Deploy the app of `app.py`, synthesized in this process, where CDK is already loaded."""
        out = self.folder / "synthesized"
        with contextlib.chdir(self.folder):
            synthesize(Path("app.py"), out, **{"aws:cdk:enable-path-metadata": True})
        return self.run("up", *stacks, app=str(out))

    def environment(self, **more: str) -> Mapping[str, str]:
        return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **more}

    @property
    def server(self) -> Server:
        server = Home(self.folder / ".moorage").running()
        assert server
        return server

    def service(self) -> dict[str, Any]:
        """Return the only service, as ECS describes it."""
        ecs = Account(self.server.access, None, None).client("ecs")
        (cluster,) = ecs.list_clusters()["clusterArns"]
        (arn,) = ecs.list_services(cluster=cluster)["serviceArns"]
        (service,) = ecs.describe_services(cluster=cluster, services=[arn])["services"]
        definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return {**service, "image": definition["containerDefinitions"][0]["image"]}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    yield Project(tmp_path)
    Home(tmp_path / ".moorage").stop()


def readable_by_others(folder: Path) -> list[str]:
    """Return the files and folders of a home that its group or others can read."""
    everything = [folder, *folder.rglob("*")]
    return [str(path) for path in everything if not path.is_symlink() and path.stat().st_mode & 0o077]


@pytest.mark.slow
def test_an_app_is_deployed_updated_rolled_back_and_destroyed(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    project.say(image="public.ecr.aws/nginx/nginx:1.28", count=2)
    done = project.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 tasks running" in done.stdout
    assert "flowchart LR" not in done.stdout
    script = shlex.quote(str(BIN / "moorage"))
    assert f"\nOn AWS, this costs at least $67.28 a month ({script} cost .moorage/cdk.out)\n" in done.stdout
    assert "-m moorage.local diagram .moorage/cdk.out\n" in done.stdout
    assert readable_by_others(project.folder / ".moorage") == []
    access = project.server.access
    for account, region in (("111111111111", "eu-west-1"), ("222222222222", "us-west-2")):
        names = Account(access, account, region).client("ecr").describe_repositories()["repositories"]
        assert "shop/web" in [each["repositoryName"] for each in names]

    again = project.run("up")
    assert "Nothing to do" in again.stdout, again.stdout + again.stderr
    assert "On AWS" not in again.stdout
    assert "\nNext:\n" in again.stdout

    project.say(image="public.ecr.aws/nginx/nginx:1.29", count=3)
    changed = subprocess.run(
        [str(BIN / "cdk"), "diff", "--app", PROGRAM, "Shop"],
        cwd=project.folder,
        env=sealed(project.folder / ".moorage", access),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "nginx:1.29" in changed.stdout + changed.stderr
    assert project.up().returncode == 0
    service = project.service()
    assert (service["image"], service["runningCount"]) == ("public.ecr.aws/nginx/nginx:1.29", 3)

    project.say(image="public.ecr.aws/nginx/nginx:1.29", count=4, command=["sh", "-c", "exit 3"])
    failed = project.up()
    assert failed.returncode == 1
    assert "cdk deploy failed" in failed.stderr
    assert "an essential container exited with code 3" in failed.stderr
    service = project.service()
    assert (service["image"], service["runningCount"]) == ("public.ecr.aws/nginx/nginx:1.29", 3)

    project.say(image="public.ecr.aws/nginx/nginx:1.29", count=2)
    compared = project.run("diff", "--no-policy")
    assert "; 1 resource differs\n" in compared.stdout, compared.stdout + compared.stderr
    assert "(app.py:12)" in compared.stdout
    assert compared.stderr.startswith("Synthesizing the app ...\n")
    assert not (project.folder / ".moorage" / "diff").exists()

    down = project.run("down")
    assert down.stdout.endswith("All stacks are deleted; the local AWS is stopped.\n"), down.stdout + down.stderr
    assert Home(project.folder / ".moorage").running() is None


@pytest.mark.slow
def test_the_cost_is_that_of_the_deployed_stacks(project: Project) -> None:
    """The command in the line names the stacks as the user did, unless stacks that they need are deployed too."""
    (project.folder / "app.py").write_text(KEYS)
    assert "at least $2.00 a month (" in (done := project.up("Shop").stdout)
    assert " cost .moorage/cdk.out Base Shop)\n" in done
    assert "at least $1.00 a month (" in (done := project.up("Oth*").stdout)
    assert " cost .moorage/cdk.out 'Oth*')\n" in done


@pytest.mark.slow
def test_a_deleted_resource_and_a_killed_server_are_repaired(project: Project) -> None:
    (project.folder / "app.py").write_text(SMALL)
    assert project.up().returncode == 0
    account = Account(project.server.access, None, None)
    (name,) = [
        each["PhysicalResourceId"]
        for each in account.resources("Shop")
        if each["ResourceType"] == "AWS::ECR::Repository"
    ]
    account.client("ecr").delete_repository(repositoryName=name, force=True)
    mended = project.up()
    assert "Shop lacks Web" in mended.stdout
    assert "deleting and redeploying only this stack." in mended.stdout
    assert mended.returncode == 0, mended.stderr

    os.kill(project.server.pid, signal.SIGKILL)
    assert project.run("status").stdout == "The local AWS is not running.\n"
    assert "Up in" in project.up().stdout
    os.kill(project.server.pid, signal.SIGKILL)
    assert project.run("down").returncode == 0
    assert project.run("down").stdout == "The local AWS is not running.\n"


@pytest.mark.slow
def test_an_interrupted_up_stops_the_cdk_cli_and_is_repaired(project: Project) -> None:
    (project.folder / "app.py").write_text(SMALL)
    command = [sys.executable, "-m", "moorage.local", "up", "--app", PROGRAM]
    with subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as up:
        assert up.stdout
        printed = next(line for line in up.stdout if line == "CDKToolkit: CREATE_COMPLETE\n")
        up.terminate()
        printed += up.stdout.read()
    assert up.returncode == 1, printed
    assert "interrupted; run up to repair unfinished stacks" in printed
    assert not [each for each in Path("/proc").glob("[0-9]*/cwd") if _leads_to(each, project.folder)]
    again = project.run("up")
    assert again.returncode == 0, again.stdout + again.stderr
    shown = project.run("status").stdout
    assert shown.startswith("resource "), "the table begins in the first line"
    assert "Shop" in shown


def _leads_to(link: Path, folder: Path) -> bool:
    try:
        return link.readlink() == folder
    except OSError:
        return False


@pytest.mark.slow
def test_an_assembly_is_deployed_unchanged_and_its_images_without_docker(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.folder / "Dockerfile").write_text("FROM scratch\n")
    directory = f"directory={str(project.folder)!r}, exclude=['*', '!Dockerfile']"
    asset = f'DockerImageAsset(cdk.Stack(app, "Built"), "Image", {directory})\napp.synth()'
    app = f"from aws_cdk.aws_ecr_assets import DockerImageAsset\n{SMALL.replace('app.synth()', asset)}"
    (project.folder / "app.py").write_text(app)
    monkeypatch.setenv("CDK_DOCKER", "false")
    done = project.up()
    assert "CREATE_COMPLETE, 1 resource," in done.stdout, done.stdout + done.stderr
    (built,) = json.loads((project.folder / "synthesized" / "Built.assets.json").read_text())["dockerImages"]
    repository = "cdk-hnb659fds-container-assets-000000000000-us-east-1"
    images = Account(project.server.access, None, None).client("ecr").describe_images(repositoryName=repository)
    assert [each["imageTags"] for each in images["imageDetails"]] == [[built]]
    assert project.run("down").stdout.endswith("All stacks are deleted; the local AWS is stopped.\n")


OWN_REPOSITORY = """
import aws_cdk as cdk
from aws_cdk.aws_ecr import Repository
from aws_cdk.aws_ecr_assets import DockerImageAsset

app = cdk.App()
images = cdk.Stack(app, "Images")
synthesizer = cdk.DefaultStackSynthesizer(image_assets_repository_name="shop/web")
built = cdk.Stack(app, "Built", synthesizer=synthesizer)
built.add_stack_dependency(images)
cdk.CfnResource(built, "Group", type="AWS::Logs::LogGroup")
DockerImageAsset(built, "Image", directory={folder!r}, exclude=["*", "!Dockerfile"])
Repository({stack}, "Web", repository_name="shop/web", removal_policy=cdk.RemovalPolicy.DESTROY)
app.synth()
"""


@pytest.mark.slow
def test_an_image_is_pushed_to_the_repository_of_an_earlier_stack(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.folder / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setenv("CDK_DOCKER", "false")
    (project.folder / "app.py").write_text(OWN_REPOSITORY.format(folder=str(project.folder), stack="built"))
    done = project.up()
    assert done.returncode == 1
    assert "images of stack Built are pushed to the repository 'shop/web', which does not exist before" in done.stderr
    (project.folder / "app.py").write_text(OWN_REPOSITORY.format(folder=str(project.folder), stack="images"))
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    images = Account(project.server.access, None, None).client("ecr").describe_images(repositoryName="shop/web")
    assert len(images["imageDetails"]) == 1
    assert project.run("down").returncode == 0


@pytest.mark.slow
def test_an_unsupported_type_is_named_with_its_construct(project: Project) -> None:
    unknown = 'cdk.CfnResource(cdk.Stack(app, "Games"), "Fleet", type="AWS::GameLift::Fleet")\napp.synth()'
    (project.folder / "app.py").write_text(SMALL.replace("app.synth()", unknown))
    done = project.up("Games")
    assert done.returncode == 1
    assert "AWS::GameLift::Fleet (Games/Fleet)" in done.stdout + done.stderr
    assert project.run("down").returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("unshare") or not shutil.which("ip"), reason="watching needs Linux's namespaces")
def test_no_connection_leaves_this_machine(project: Project) -> None:
    """Run both commands with misleading AWS settings in a network where packets to other machines are counted."""
    (project.folder / "app.py").write_text(SMALL)
    home = project.folder / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(
        "[default]\nregion = eu-west-1\nendpoint_url = https://ecs.eu-west-1.amazonaws.com\n"
        "[profile hostile]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_account_id = 333333333333\nsso_role_name = Admin\n"
        "[profile process]\ncredential_process = touch credential-process-ran\n"
    )
    (home / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n"
    )
    elsewhere = json.dumps({"profile": "hostile", "proxy": "http://192.0.2.1:3128"})
    (home / ".cdk.json").write_text(elsewhere)
    (project.folder / "cdk.json").write_text(elsewhere)
    hostile = {
        "HOME": str(home),
        "CDK_PROFILE": "process",
        "CDK_PROXY": "http://192.0.2.1:3128",
        "AWS_PROFILE": "process",
        "AWS_ENDPOINT_URL": "https://sts.amazonaws.com",
        "AWS_ENDPOINT_URL_CLOUDFORMATION": "https://cloudformation.eu-west-1.amazonaws.com",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "HTTPS_PROXY": "http://192.0.2.1:3128",
    }
    (project.folder / "watch.sh").write_text(WATCH)
    up = f"{PYTHON} -m moorage.local up --app {shlex.quote(PROGRAM)}"
    (project.folder / "both.sh").write_text(f"{up} && {PYTHON} -m moorage.local down\n")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", "sh", "watch.sh", "sh", "both.sh"],
        cwd=project.folder,
        env=project.environment(**hostile),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the watch counts: 1\n" in done.stdout
    assert "All stacks are deleted" in done.stdout
    assert done.stdout.endswith("packets to the outside: 0\n"), done.stdout[-300:]
    assert not (project.folder / "credential-process-ran").exists()
