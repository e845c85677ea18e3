"""The commands below `Next:` work when they are pasted into the same shell, whatever that shell has set."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from moorage.local.environment import Access
from moorage.local.next_steps import call, shell_lines
from moorage.local.process import Home
from tests.local.local_aws import ACCOUNT, REGION, SECRET
from tests.local.test_local_lifecycle import SMALL, Project

OTHERS = {
    "AWS_PROFILE": "missing",
    "AWS_ENDPOINT_URL_ECS": "http://192.0.2.1",
    "AWS_SESSION_TOKEN": "real",
    "AWS_REGION": "ap-south-2",
    "HTTP_PROXY": "http://192.0.2.1:3128",
    "http_proxy": "http://192.0.2.1:3128",
}
"""Settings of a shell that would lead requests elsewhere."""


def steps(printed: str) -> dict[str, str]:
    """Return the commands below `Next:`, by what they do. Commands of one step are separated by line breaks."""
    found: dict[str, list[str]] = {}
    for line in printed.partition("\nNext:\n")[2].splitlines():
        if line.startswith("- "):
            commands = found.setdefault(line[2:].rstrip(":"), [])
        else:
            commands.append(line.removeprefix("  "))
    return {says: "\n".join(lines) for says, lines in found.items()}


@pytest.mark.slow
def test_each_command_works_when_it_is_pasted(project: Project) -> None:
    (project.folder / "app.py").write_text(SMALL)
    environment = project.environment(**OTHERS)
    folder = "my home"

    def sh(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-ec", script],
            cwd=project.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    app = shlex.quote(f"{shlex.quote(sys.executable)} app.py")
    try:
        first = sh(f"{shlex.quote(sys.executable)} -m moorage.local up Shop --home '{folder}' --app {app}")
        assert first.returncode == 0, first.stdout + first.stderr
        commands = steps(first.stdout)
        assert list(commands) == [
            "show what is deployed",
            "show what up would change",
            "draw the stacks for Markdown",
            "deploy changes to the app",
            "call the local AWS from this shell",
            "delete the stacks",
        ]
        expected = [
            "Shop", "0 resources differ", "flowchart LR", "Nothing to do", "clusterArns", "All stacks are deleted"
        ]  # fmt: skip
        for command, says in zip(commands.values(), expected, strict=True):
            done = sh(command)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            assert says.lower() in done.stdout.lower(), f"{command}\n{done.stdout}"
    finally:
        Home(project.folder / folder).stop()


def test_settings_of_the_shell_do_not_lead_elsewhere(
    server: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    secret = tmp_path / "the secret"
    secret.write_text(SECRET)
    *exports, _ = shell_lines(Access(f"http://127.0.0.1:{server[1]}", SECRET), secret, [(ACCOUNT, REGION)])
    code = """import boto3
ecs, sts = boto3.client("ecs"), boto3.client("sts")
print(ecs.meta.region_name, sts.get_caller_identity()["Account"], ecs.list_clusters()["clusterArns"])
"""
    script = "\n".join([*exports, f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"])
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == f"{REGION} {ACCOUNT} []\n", done.stderr
    assert SECRET not in script


def test_each_account_and_region_has_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OTHERS:
        monkeypatch.delenv(name, raising=False)
    access = Access("http://127.0.0.1:1", SECRET)
    lines = shell_lines(access, tmp_path, [("111111111111", "eu-west-1"), ("222222222222", "us-west-2")] * 2)
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["export", "AWS_ACCESS_KEY_ID=111111111111"],
        ["export", "AWS_ACCESS_KEY_ID=222222222222"],
    ]


def test_calls_use_the_aws_cli_or_else_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/aws")
    assert call("ecr", "put-image", repositoryName="shop/web", imageManifest="{}") == (
        "aws ecr put-image --repository-name shop/web --image-manifest '{}'"
    )
    monkeypatch.setattr(shutil, "which", lambda _: None)
    _, option, code = shlex.split(call("ecr", "put-image", repositoryName="shop/web"))
    assert (option, code) == ("-c", "import boto3; print(boto3.client(\"ecr\").put_image(repositoryName='shop/web'))")
    assert os.linesep not in code
