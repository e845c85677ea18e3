"""The workflows that deploy the environments of this repository, and that copy images to its registry."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.images import RELEASE, image_names, upstream
from stacks.settings import Description
from tests.ci.runner import ROOT, Runner, workflow

CREDENTIALS = "aws-actions/configure-aws-credentials"
ROLES = {each: f"arn:aws:iam::111111111111:role/{each}" for each in ("DEPLOY", "PROMOTE", "PUSH")}
VARIABLES = {"AWS_REGION": "eu-west-1", **{f"{name}_ROLE_ARN": arn for name, arn in ROLES.items()}}
REGISTRY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = f"sha256:{'0a' * 32}"
STUB = """#!/bin/sh
printf '%s\\n' "{name}${{*:+ $*}}" >> "{log}" # one write, since both ends of a pipe write at once
{script}
"""
HAS_IMAGE = "case \"$*\" in {absent}) exit 1 ;; *--format*) printf '%s' '\"{digest}\"' ;; esac"


class Job:
    """A job of a workflow, run with stand-ins for the programs that need AWS, which write what they were asked."""

    def __init__(self, folder: Path, name: str, job: str, **given: Any) -> None:
        self.definition = workflow(name)["jobs"][job]
        self.log = folder / "log"
        self.log.touch()
        self.programs = folder / "bin"
        for each in ("make", "cdk", "moorage", "aws", "docker"):
            self.stub(each)
        temp = folder / "temp"
        temp.mkdir()
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        self.runner = Runner(
            folder, temp, {}, uses={CREDENTIALS: self._credentials}, environment={"PATH": path}, **given
        )

    def stub(self, name: str, script: str = "exit 0") -> None:
        self.programs.mkdir(exist_ok=True)
        program = self.programs / name
        program.write_text(STUB.format(name=name, log=self.log, script=script))
        program.chmod(0o755)

    def _credentials(self, given: Mapping[str, str]) -> Mapping[str, str]:
        role, _, to = given["role-to-assume"].rpartition("/")[2], given, given.get("aws-profile", "the environment")
        with self.log.open("a") as log:
            log.write(f"role {role} in {given['aws-region']} for {to}\n")
        return {"aws-account-id": "111111111111"}

    def run(self) -> list[str]:
        """Run the job, and return what was asked, in order. The names of options keep the order of the workflow."""
        assert self.runner.job(self.definition), self.runner.log
        return self.log.read_text().splitlines()


def would_run(name: str, job: str, settings: Mapping[str, str], tmp_path: Path) -> bool:
    runner = Runner(tmp_path, tmp_path, {}, settings=settings)
    return bool(runner.value(workflow(name)["jobs"][job]["if"], {}))


def test_staging_is_deployed_with_its_own_role_after_everything_is_installed(tmp_path: Path) -> None:
    assert Job(tmp_path, "deploy", "staging", settings=VARIABLES).run() == [
        "make setup-synth",
        "role DEPLOY in eu-west-1 for the environment",
        "cdk deploy staging/* --require-approval never",
    ]


def test_production_gets_the_images_of_staging_before_it_is_deployed(tmp_path: Path) -> None:
    assert Job(tmp_path, "deploy", "production", settings=VARIABLES).run() == [
        "make setup-promotion",
        "role PROMOTE in eu-west-1 for staging",
        "role DEPLOY in eu-west-1 for the environment",
        "cdk synth --quiet production/*",
        "moorage promote * staging production --app cdk.out --source-profile staging --yes",
        "cdk deploy production/* --app cdk.out --require-approval never",
    ]


def test_the_recovery_region_gets_the_images_of_production(tmp_path: Path) -> None:
    job = Job(tmp_path, "deploy", "production", settings=VARIABLES)
    (tmp_path / "cdk.out" / "assembly-production-recovery").mkdir(parents=True)
    assert job.run()[-2:] == [
        "cdk deploy production/* --app cdk.out --require-approval never",
        "moorage promote * production production-recovery --app cdk.out --yes",
    ]


@pytest.mark.parametrize("failing", ["make", "moorage"])
def test_nothing_is_deployed_after_a_step_that_failed(failing: str, tmp_path: Path) -> None:
    job = Job(tmp_path, "deploy", "production", settings=VARIABLES)
    job.stub(failing, "exit 1")
    assert not job.runner.job(job.definition)
    assert "cdk deploy" not in job.log.read_text()


def test_a_clone_without_accounts_skips_every_job(tmp_path: Path) -> None:
    for name, job in (("deploy", "staging"), ("mirror", "mirror")):
        assert not would_run(name, job, {}, tmp_path)
        assert would_run(name, job, {"AWS_REGION": "eu-west-1"}, tmp_path)
    assert workflow("deploy")["jobs"]["production"]["needs"] == "staging"  # skipped with the job that it needs


def test_each_job_runs_in_the_github_environment_that_its_roles_trust() -> None:
    jobs = {**workflow("deploy")["jobs"], "tooling": workflow("mirror")["jobs"]["mirror"]}
    environments = Description.read(str(ROOT / "environments.toml")).environments
    for name, job in jobs.items():
        assert job["environment"] == name
        assert name in {*environments, "tooling"}
        assert job["permissions"]["id-token"] == "write"
    assert workflow("deploy")["on"] == {"push": {"branches": ["main"]}}


def test_deployments_are_never_interrupted_and_production_does_not_hold_up_staging() -> None:
    assert "concurrency" not in workflow("deploy")
    groups = {name: job["concurrency"] for name, job in workflow("deploy")["jobs"].items()}
    assert {each["cancel-in-progress"] for each in groups.values()} == {"false"}
    assert len({each["group"] for each in groups.values()}) == len(groups)


def test_every_image_of_a_release_is_copied_and_its_digest_is_shown(tmp_path: Path) -> None:
    job = Job(tmp_path, "mirror", "mirror", settings=VARIABLES, inputs={"release": RELEASE})
    job.stub("docker", HAS_IMAGE.format(absent='"buildx imagetools inspect 1"*', digest=DIGEST))
    summary = tmp_path / "temp" / "GITHUB_STEP_SUMMARY"
    asked = job.run()
    assert asked[0] == "role PUSH in eu-west-1 for the environment"
    assert sorted(asked[1:3]) == [
        "aws ecr get-login-password",
        f"docker login --username AWS --password-stdin {REGISTRY}",
    ]
    assert [each for each in asked if " create " in each] == [
        f"docker buildx imagetools create --tag {REGISTRY}/retail/{image}:{RELEASE} "
        f"public.ecr.aws/{upstream(image)}:{RELEASE}"
        for image in image_names_in_order()
    ]
    assert summary.read_text().splitlines() == [
        f"- `retail/{image}:{RELEASE}`: `{DIGEST}`" for image in image_names_in_order()
    ]


def image_names_in_order() -> list[str]:
    """Return the images in the order of the workflow, which has each image once."""
    order = ["ui", "catalog", "cart", "orders", "checkout"]
    assert sorted(order) == sorted(image_names())
    return order


def test_an_image_that_the_registry_has_is_not_copied_again(tmp_path: Path) -> None:
    job = Job(tmp_path, "mirror", "mirror", settings=VARIABLES, inputs={"release": RELEASE})
    job.stub("docker", HAS_IMAGE.format(absent="never", digest=DIGEST))
    assert not [each for each in job.run() if " create " in each]


def test_a_release_is_never_run_as_a_command(tmp_path: Path) -> None:
    pwned = tmp_path / "pwned"
    attack = f'"; touch {pwned}; $(touch {pwned}) `touch {pwned}` #'
    job = Job(tmp_path, "mirror", "mirror", settings=VARIABLES, inputs={"release": attack})
    job.run()
    assert not pwned.exists()


@pytest.mark.oracle
def test_the_patterns_of_the_workflow_select_all_stacks_of_each_stage(tmp_path: Path) -> None:
    """The real CDK CLI lists the stacks, so that another name of a stage fails here and not in a deployment."""
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    app = {**variables, "CDK_OUTDIR": str(tmp_path / "cdk.out")}
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=app, check=True, capture_output=True)
    for name, job in workflow("deploy")["jobs"].items():
        commands = [shlex.split(step["run"]) for step in job["steps"] if step.get("run", "").startswith("cdk deploy")]
        (pattern,) = (command[2] for command in commands)
        command = ["cdk", "ls", "--app", str(tmp_path / "cdk.out"), pattern]
        listed = subprocess.run(command, env=variables, cwd=tmp_path, check=True, capture_output=True, text=True)
        stacks = [line.split(" ")[0] for line in listed.stdout.splitlines()]
        assert f"{name}/Services" in stacks
        assert {each.partition("/")[0] for each in stacks} == {name}
