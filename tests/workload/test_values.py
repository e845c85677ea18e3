"""The checks of values: all problems are reported together, and tokens pass."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from hypothesis import example, given
from hypothesis import strategies as st

import moorage
from moorage import (
    Architecture,
    Container,
    Endpoints,
    EnvironmentFile,
    HealthCheck,
    Image,
    LifecyclePolicy,
    OperatingSystemFamily,
    PredictiveScaling,
    RollbackAlarms,
    Scaling,
    ServiceConnect,
    Task,
    Volume,
)
from moorage.workload import secret_sources
from moorage.workload.durations import seconds
from moorage.workload.fargate_sizes import FARGATE_MEMORY, nearest_fargate_sizes
from moorage.workload.look_ups import is_looked_up_later
from moorage.workload.plain_texts import PlainText, check_unwrapped
from moorage.workload.platform_checks import check_fargate, fargate_size
from moorage.workload.problems import Problems, is_token
from moorage.workload.shares import share_of
from tests.stand_ins import stand_in

FILE_SYSTEM = stand_in("aws_efs.IFileSystem")
WINDOWS = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE


def test_a_value_reports_all_its_problems_together() -> None:
    with pytest.raises(ValueError, match="Container 'a b': 3 problems") as raised:
        Container("redis:8", name="a b", port=0, environment={"DB_PASSWORD": "hunter2"})
    assert str(raised.value) == (
        "Container 'a b': 3 problems\n"
        "  - name must be 1 to 255 letters, digits, hyphens and underscores (got 'a b'); "
        "use a name such as 'web-1'\n"
        "  - port must be between 1 and 65535 (got 0); use a port such as 8080\n"
        "  - environment must not contain 'DB_PASSWORD', which looks like a secret, "
        "since everyone who can see the task definition can read the value; "
        "use secrets={'DB_PASSWORD': ...}, or not_secret={'DB_PASSWORD': 'the reason'} if it is not a secret"
    )


def test_a_wrong_type_is_a_clear_error() -> None:
    message = r"Container: port must be of type int or None \(got '80' of type str\); use a whole number"
    with pytest.raises(TypeError, match=message):
        Container("redis:8", port="80")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"cpu": "256"}, "Task: cpu must be of type int or None (got '256' of type str); use a whole number"),
        ({"memory_mib": 512.5}, "Task: memory_mib must be of type int or None (got 512.5 of type float)"),
        ({"cpu": 1}, "Task 'app': cpu must be between 128 and 196,608 CPU units (got 1)"),
    ],
)
def test_a_wrong_type_or_unit_of_a_size_is_a_clear_error(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(says)):
        Task(Container("redis:8"), **arguments)


def test_a_fraction_of_a_copy_is_refused() -> None:
    with pytest.raises(TypeError, match=r"minimum must be of type int \(got 2.5 of type float\); use a whole number"):
        Scaling(2.5)  # type: ignore[arg-type]  # wrong on purpose
    assert Scaling(2, 4, cpu_percent=62.5)


def test_an_empty_command_is_that_of_the_image() -> None:
    assert Container("redis:8", command=[], entry_point=[]) == Container("redis:8")


def test_a_task_without_containers_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"the number of containers must be between 1 and 10 \(got 0\); add a container"
    ):
        Task()


def test_values_are_frozen_and_compare_by_content() -> None:
    one, other = (Container("redis:8", health_check=HealthCheck("true"), command=["a"]) for _ in range(2))
    assert one == other
    assert one.command == ("a",)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.port = 80  # type: ignore[misc]  # wrong on purpose


def test_durations_are_read_once_from_cdk_or_python() -> None:
    by_cdk = HealthCheck("true", interval=cdk.Duration.minutes(1))
    assert by_cdk == HealthCheck("true", interval=dt.timedelta(minutes=1))
    assert by_cdk.interval == 60


@pytest.mark.parametrize("half", [dt.timedelta(milliseconds=1500), cdk.Duration.millis(1500)])
def test_a_fraction_of_a_second_is_refused(half: Any) -> None:
    with pytest.raises(ValueError, match="must be a whole number of seconds .*; use cdk.Duration.seconds"):
        seconds(half)


def test_a_number_without_a_unit_is_refused() -> None:
    message = (
        r"interval must be of type cdk.Duration or datetime.timedelta \(got 5 of type int\); "
        r"use cdk.Duration.seconds\(5\) or datetime.timedelta\(seconds=5\)"
    )
    with pytest.raises(TypeError, match=message):
        HealthCheck("true", interval=5)  # type: ignore[arg-type]  # wrong on purpose


def test_tokens_pass_unchecked() -> None:
    number: Any = cdk.Token.as_number({"Ref": "Port"})
    text = cdk.Token.as_string({"Ref": "Name"})
    assert Container(f"{text}:8", port=number, environment={"PASSWORD": text}).port == number
    assert Scaling(number, number).minimum == number
    assert Task(Container("redis:8"), cpu=number, memory_mib=number).cpu == number


def test_tokens_are_recognized_without_calling_cdk() -> None:
    tokens = [cdk.Token.as_string({"Ref": "A"}), cdk.Token.as_number({"Ref": "A"}), cdk.Token.as_list({"Ref": "A"})]
    assert all(is_token(token) and cdk.Token.is_unresolved(token) for token in tokens)
    assert is_token({"a": tokens[0]})


@pytest.mark.parametrize(
    "token",
    [cdk.Token.as_string({"Ref": "A"}), cdk.Token.as_number({"Ref": "A"}), cdk.Token.as_list({"Ref": "A"})],
    ids=["a string", "a number", "a list"],
)
def test_what_cdk_must_read_is_known_at_synthesis(token: object) -> None:
    problems = Problems("Value")
    for known in ("a", 1, ["a"], None, "dummy-value-for-a"):
        problems.check_known("argument", known)
    assert problems.messages == []
    problems.check_known("argument", token)
    assert problems.messages == ["argument must be known at synthesis (got a token); use a literal value"]


@given(
    st.one_of(
        st.integers(-(10**15), 10**15),
        st.floats(-1e200, 1e200),
        st.text(max_size=40).filter(lambda t: "Token[" not in t and not is_looked_up_later(t)),
    )
)
@example(-1e280)
def test_no_plain_value_is_mistaken_for_a_token(value: Any) -> None:
    assert not is_token(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"),
        ("api_key", "k"),
        ("GITHUB_TOKEN", "t"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("SECRET_KEY", "k"),
        ("SECRET_KEY_BASE", "k"),
        ("PGPASSWORD", "hunter2"),
        ("dbPassword", "hunter2"),
        ("spring.datasource.password", "hunter2"),
        ("KEY_PASSPHRASE", "hunter2"),
        ("CACHE", "redis://:hunter2@cache:6379"),
        ("GIT", "ghp_0123456789abcdef0123456789abcdef0123"),
        ("DATABASE", "postgres://shop:hunter2@db/shop"),
        ("PEM", "-----BEGIN RSA PRIVATE KEY-----"),
    ],
)
def test_secrets_are_refused_in_plain_environment_variables(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="looks like a secret"):
        Container("redis:8", environment={name: value})
    assert Container("redis:8", environment={name: value}, not_secret={name: "a test's"})


@pytest.mark.parametrize(
    "name", ["TOKEN_URL", "SECRET_NAME", "PASSWORD_MIN_LENGTH", "KEYBOARD", "DB_PASSWORD_FILE", "PUBLIC_KEY", "BYPASS"]
)
def test_names_that_only_refer_to_a_secret_pass(name: str) -> None:
    assert Container("redis:8", environment={name: "8"})


AWS_KEY = "AKIA" + "IOSFODNN7" + "EXAMPLE"


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"entry_point": ["env", f"AWS_ACCESS_KEY_ID={AWS_KEY}", "run"]}, "entry_point"),
        ({"entry_point": ["env", "AWS_SECRET_ACCESS_KEY=wJalr/K7", "run"]}, "entry_point"),
        ({"command": ["run", "--key", AWS_KEY]}, "command"),
        ({"entry_point": ["sh", "-c"], "command": "set -e\nexport DB_PASSWORD=hunter2\nrun"}, "command"),
        ({"health_check": HealthCheck(f"curl -u {AWS_KEY}: http://localhost")}, "health_check"),
        ({"docker_labels": {"key": AWS_KEY}}, "docker_labels"),
    ],
)
def test_keys_are_refused_wherever_they_are_written(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(ValueError, match=f"{argument} must not contain the value of a secret") as raised:
        Container("redis:8", **arguments)
    assert not {AWS_KEY, "wJalr", "hunter2"} & set(re.split(r"\W", str(raised.value)))


@pytest.mark.parametrize(
    "words",
    [
        ["env", "GOOGLE_APPLICATION_CREDENTIALS=/etc/key.json", "run"],
        ["sh", "-c", "export TOKEN=$(cat /run/token)"],
        ["sh", "-c", "TOKEN=$TOKEN\nPASSWORD=`read-it`"],
        ["run", "--token-url=https://example.com", "MODE=fast"],
        ["run", "AKIA"],
    ],
)
def test_words_of_commands_that_are_not_secrets_pass(words: list[str]) -> None:
    assert Container("redis:8", command=words)


def test_not_secret_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="looks like a secret"):
        Container("redis:8", environment={"PASSWORD": "x"}, not_secret={"PASSWORD": " "})


def test_an_environment_variable_is_a_string() -> None:
    with pytest.raises(ValueError, match=r"environment\['PORT'\] must be .*80 of type int\); use {'PORT': '80'}"):
        Container("redis:8", environment={"PORT": 80})  # type: ignore[dict-item]  # wrong on purpose


def test_a_variable_is_not_both_plain_and_secret(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret(stack, "Secret")
    with pytest.raises(ValueError, match=r"environment and secrets must not have the same variable \(got 'A'\)"):
        Container("redis:8", environment={"A": "1"}, secrets={"A": secret})


def test_writable_paths_have_64_mib_by_default() -> None:
    assert dict(Container("redis:8", writable=["/tmp"]).writable) == {"/tmp": 64}
    assert dict(Container("redis:8", writable={"/tmp": 8, "/run": 1}).writable) == {"/tmp": 8, "/run": 1}


def test_writable_paths_count_in_the_memory_of_the_container_and_of_the_task() -> None:
    with pytest.raises(
        ValueError, match=r"the sum of writable of container 'app' must be smaller .* \(got 512 of 512 MiB\)"
    ):
        Task(Container("a:1", writable={"/x": 512}), memory_mib=512)
    halves = [Container(f"{name}:1", name=name, writable={"/x": 256}) for name in "ab"]
    with pytest.raises(
        ValueError, match=r"the sum of writable of all containers must be smaller .* \(got 512 of 512 MiB\)"
    ):
        Task(*halves, memory_mib=512)
    Task(*halves, memory_mib=513)


@given(st.integers(6, 2000), st.integers(0, 3))
def test_memory_shares_never_exceed_the_task(said: int, others: int) -> None:
    containers = [
        Container("a:1", name="said", memory_mib=said),
        *(Container("a:1", name=f"c{i}") for i in range(others)),
    ]
    task = Task(*containers, memory_mib=4096)
    shares = [share_of(task, each, "memory_mib") or 0 for each in containers]
    assert sum(shares) <= 4096
    assert min(shares) >= 6
    assert [task._memory_limit_of(each) for each in containers] == [said, *[None] * others]


def test_only_the_single_container_of_a_task_has_its_memory_as_a_limit() -> None:
    single, several = Container("a:1"), [Container("a:1", name="a"), Container("b:1", name="b")]
    assert Task(single, memory_mib=1024)._memory_limit_of(single) == 1024
    assert [Task(*several, memory_mib=1024)._memory_limit_of(each) for each in several] == [None, None]


@pytest.mark.parametrize(("of_task", "of_container"), [(True, False), (False, True), (True, True)])
def test_memory_that_is_a_token_is_not_shared_out(*, of_task: bool, of_container: bool) -> None:
    token: Any = cdk.Token.as_number({"Ref": "Memory"})
    said = Container("a:1", name="said", memory_mib=token if of_container else 128)
    rest = Container("a:1", name="rest", writable=["/tmp"])
    task = Task(said, rest, memory_mib=token if of_task else 512)
    assert share_of(task, said, "memory_mib") == said.memory_mib
    assert share_of(task, rest, "memory_mib") is None
    assert share_of(Task(rest, memory_mib=token), rest, "memory_mib") == token


def test_a_task_reports_all_problems_of_its_containers_together() -> None:
    with pytest.raises(ValueError, match="2 problems") as raised:
        Task(Container("a:1", name="a", port=80, essential=False), Container("b:1", name="b", port=80, essential=False))
    assert "since the containers share a network interface (got 80 more than once)" in str(raised.value)
    assert "essential must be True for at least one container" in str(raised.value)


@pytest.mark.parametrize(
    ("containers", "says"),
    [
        (
            [Container("a:1", name="a", depends_on=["b"])],
            r"depends_on of container 'a' must name containers of the task \(got 'b'\)",
        ),
        (
            [Container("a:1", name="a", depends_on=["b"]), Container("b:1", name="b", depends_on="a")],
            r"depends_on must not be circular \(got 'a', 'b'\)",
        ),
    ],
)
def test_containers_that_would_never_start_are_refused(containers: list[Container], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Task(*containers)


def test_a_container_does_not_wait_for_itself() -> None:
    with pytest.raises(ValueError, match=r"depends_on must not name the container itself \(got 'a'\)"):
        Container("a:1", name="a", depends_on="a")


@given(st.integers(1, 40000), st.integers(1, 300000))
def test_the_nearest_sizes_are_sizes_that_fargate_offers(cpu: int, memory_mib: int) -> None:
    nearest = nearest_fargate_sizes(cpu, memory_mib)
    assert all(memory in FARGATE_MEMORY[units] for units, memory in nearest)
    if memory_mib in FARGATE_MEMORY.get(cpu, ()):
        assert nearest[0] == (cpu, memory_mib)


def test_every_size_of_fargate_is_accepted_and_its_neighbors_are_not() -> None:
    for cpu, memories in FARGATE_MEMORY.items():
        for memory_mib in memories:
            problems = Problems("Task")
            check_fargate(Task(Container("a:1"), cpu=cpu, memory_mib=memory_mib), problems)
            assert not problems.messages
            check_fargate(Task(Container("a:1"), cpu=cpu, memory_mib=memory_mib + 1), problems)
            assert len(problems.messages) == 1


def sized(*containers: tuple[int | None, int], **said: Any) -> tuple[int, int]:
    """Return the Fargate size of a task with containers of these CPU units and MiB."""
    each = [Container("a:1", name=f"c{n}", cpu=cpu, memory_mib=memory) for n, (cpu, memory) in enumerate(containers)]
    return fargate_size(Task(*each, **{"cpu": None, "memory_mib": None, **said}))


@pytest.mark.parametrize(
    ("containers", "said", "size"),
    [
        ([(None, 6)], {}, (256, 512)),
        ([(256, 512)], {}, (256, 512)),
        ([(200, 400), (57, 112)], {}, (512, 1024)),
        ([(None, 2000), (None, 1000)], {}, (512, 3072)),
        ([(4096, 512)], {}, (4096, 8192)),
        ([(8192, 16385)], {}, (8192, 20480)),
        ([(None, 245000)], {}, (32768, 249856)),
        ([(None, 300)], {"cpu": 1024}, (1024, 2048)),
        ([(None, 300)], {"memory_mib": 3072}, (512, 3072)),
        ([(None, 500)], {"operating_system_family": WINDOWS}, (1024, 2048)),
        ([(2048, 9000)], {"operating_system_family": WINDOWS}, (2048, 9216)),
    ],
)
def test_the_derived_size_on_fargate_is_the_smallest_sufficient_one(
    containers: list[tuple[int | None, int]], said: dict[str, Any], size: tuple[int, int]
) -> None:
    assert sized(*containers, **said) == size


@given(st.integers(0, 32768), st.integers(6, 249856))
def test_every_need_within_fargates_limits_has_a_smallest_size(cpu: int, memory: int) -> None:
    units, mib = sized((cpu, memory))
    assert units >= cpu
    assert mib in FARGATE_MEMORY[units]
    smaller = [(each, most[-1]) for each, most in FARGATE_MEMORY.items() if each < units]
    assert not [each for each in smaller if each[0] >= cpu and each[1] >= memory]
    assert not [each for each in FARGATE_MEMORY[units] if memory <= each < mib]


def test_a_derived_memory_is_the_sum_of_the_containers() -> None:
    one, other = (Container("a:1", name=name, memory_mib=300) for name in ("one", "other"))
    assert Task(one, other, memory_mib=None).memory_mib == 600


def test_a_memory_can_be_derived_only_if_all_containers_have_one() -> None:
    with pytest.raises(ValueError, match="2 problems") as raised:
        Task(Container("a:1", name="a"), Container("b:1", name="b"), memory_mib=None)
    assert (
        "memory_mib of container 'a' must be a number, not None or a token, if memory_mib of the task is None"
        in str(raised.value)
    )
    token: Any = cdk.Token.as_number({"Ref": "Memory"})
    with pytest.raises(ValueError, match="must be a number, not None or a token, if memory_mib of the task is None"):
        Task(Container("a:1", memory_mib=token), memory_mib=None)


def test_a_need_beyond_fargates_sizes_is_refused() -> None:
    problems = Problems("Task")
    check_fargate(Task(Container("a:1", memory_mib=250000), cpu=None, memory_mib=None), problems)
    check_fargate(Task(Container("a:1", memory_mib=3000), cpu=256, memory_mib=None), problems)
    assert ["must be a size that Fargate offers" in each for each in problems.messages] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"minimum": 2, "maximum": 20}, r"a range must have a target or schedules \(got 2 to 20 with neither\)"),
        ({"minimum": 2, "cpu_percent": 60}, r"with a target, maximum must be above minimum \(got 2 for both\)"),
    ],
)
def test_a_range_and_its_targets_belong_together(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Scaling(**arguments)


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("", "reference must be lowercase names"),
        ("redis 8", "reference must be lowercase names"),
        ("Redis:8", "reference must be lowercase names"),
        ("redis:", "reference must be lowercase names"),
        ("111111111111.dkr.ecr.eu-west-1.amazonaws.com/web:1", "must not be in a private registry, from which"),
        ("111111111111.dkr-ecr.eu-west-1.on.aws/web:1", "must not be in a private registry, from which"),
    ],
)
def test_a_reference_that_cannot_be_pulled_is_refused(reference: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Image.from_registry(reference)


def test_a_repository_is_not_an_image() -> None:
    with pytest.raises(
        TypeError, match=r"got a value of type .*; use an Image such as Image.from_repository\(..., tag=...\)"
    ):
        Container(SimpleNamespace())  # type: ignore[arg-type]  # wrong on purpose


def test_latest_is_refused_if_tags_are_immutable() -> None:
    immutable = stand_in("aws_ecr.IRepository", _tag_is_immutable=lambda tag: tag == "latest")
    with pytest.raises(ValueError, match="tag must not be 'latest' with a repository whose tags are immutable"):
        Image.from_repository(immutable, tag="latest")


def test_an_image_has_a_tag_or_a_digest_or_a_parameter() -> None:
    repository = stand_in("aws_ecr.IRepository")
    exactly_one = "exactly one of tag, digest, parameter and digest_parameter must be given"
    with pytest.raises(ValueError, match=rf"{exactly_one} \(got none\)"):
        Image.from_repository(repository)
    with pytest.raises(ValueError, match=r"must be given \(got parameter and digest_parameter\)"):
        Image.from_repository(repository, parameter="/shop/tag", digest_parameter="/shop/digest")
    with pytest.raises(ValueError, match=r"must be given \(got tag and digest\)"):
        Image.from_repository(repository, tag="1", digest="sha256:" + "0" * 64)
    with pytest.raises(ValueError, match="placeholder must not be given without parameter or digest_parameter"):
        Image.from_repository(repository, tag="1", placeholder="public.ecr.aws/nginx/nginx:1.29")


@pytest.mark.parametrize("argument", ["parameter", "digest_parameter"])
def test_a_placeholder_comes_from_the_internet(argument: str) -> None:
    repository, nginx = stand_in("aws_ecr.IRepository"), "public.ecr.aws/nginx/nginx:1.29"
    image = Image.from_repository(repository, placeholder=nginx, **{argument: "/shop/web"})  # type: ignore[arg-type]  # the argument is a string
    assert image._needs >= {"internet", "ecr.dkr"}
    with pytest.raises(ValueError, match="must not be in a public registry"):
        Endpoints.for_tasks(Task(Container(image)))


def test_a_directory_without_a_dockerfile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"file must be a file in .* \(got 'Dockerfile'\)"):
        Image.from_directory(tmp_path)
    with pytest.raises(ValueError, match="path must be a directory"):
        Image.from_directory(tmp_path / "none")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert Image.from_directory(tmp_path)


def test_endpoints_are_the_smallest_set_that_the_tasks_need(stack: cdk.Stack) -> None:
    repository = stand_in("aws_ecr.IRepository")
    plain = Task(Container(Image.from_repository(repository, tag="1")))
    secret = Task(
        Container(Image.from_repository(repository, tag="1"), secrets={"A": secretsmanager.Secret(stack, "Secret")})
    )
    parameter = ssm.StringParameter.from_string_parameter_name(stack, "Parameter", "/a")
    read = Task(Container(Image.from_repository(repository, tag="1"), secrets={"A": parameter}))
    assert Endpoints.for_tasks(plain).services == ("ecr.api", "ecr.dkr", "logs", "s3")
    assert set(Endpoints.for_tasks(plain, secret).services) - set(Endpoints.for_tasks(plain).services) == {
        "secretsmanager"
    }
    assert set(Endpoints.for_tasks(read).services) - set(Endpoints.for_tasks(plain).services) == {"ssm"}


def test_the_price_of_endpoints_is_compared_with_nat_gateways() -> None:
    price = Endpoints("ecr.api", "ecr.dkr", "s3", "logs").monthly_price(zones=3, gib=100)
    assert (price.endpoints, price.nat_gateway_per_zone, price.one_nat_gateway) == pytest.approx((66.7, 114, 41))
    assert str(price) == (
        "3 interface endpoints in 3 zones cost about $67 a month; one NAT gateway in each zone costs "
        "$114, and a single NAT gateway $41"
    )
    assert Endpoints("s3", "dynamodb").monthly_price(zones=2).endpoints == 0


def test_no_endpoint_reaches_a_public_registry() -> None:
    with pytest.raises(
        ValueError, match="image of container .app. must not be in a public registry, which no endpoint"
    ):
        Endpoints.for_tasks(Task(Container("redis:8")))


def test_endpoints_are_named_without_their_prefix() -> None:
    with pytest.raises(
        ValueError, match=r"must not be empty, contain spaces or have the prefix 'com.amazonaws.<region>.'"
    ):
        Endpoints("com.amazonaws.eu-west-1.s3")


def test_values_do_not_import_cdk() -> None:
    code = (
        "import sys; from moorage import Task, Container, HealthCheck, Scaling, Image, Endpoints;"
        "Task(Container('redis:8', health_check=HealthCheck('true'))); Scaling(2);"
        "print([name for name in sys.modules if name.startswith(('aws_cdk', 'jsii', 'constructs'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_architectures_are_those_of_fargate() -> None:
    assert {each.value for each in Architecture} == {"X86_64", "ARM64"}


@pytest.mark.parametrize(
    ("secrets", "says"),
    [
        (
            {1: "a secret"},
            r"secrets must be .* \(got a dict with the key 1 of type int\); use a dict",
        ),
        (
            {"A": "hunter2"},
            r"secrets\['A'\] must be a secret or a parameter \(got a value of type str\); use a secretsmanager.Secret",
        ),
    ],
)
def test_values_that_are_not_secrets_are_refused_and_not_shown(secrets: dict[Any, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says) as raised:
        Container("redis:8", secrets=secrets)
    assert "hunter2" not in str(raised.value)


def test_a_task_needs_the_services_of_its_secrets(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret(stack, "Secret")
    parameter = ssm.StringParameter.from_string_parameter_name(stack, "Parameter", "/a")
    by_kind = {
        "secretsmanager": [secret, ecs.Secret.from_secrets_manager(secret, "password")],
        "ssm": [parameter, ecs.Secret.from_ssm_parameter(parameter)],
    }
    for service, secrets in by_kind.items():
        for each in secrets:
            needs = Task(Container("redis:8", secrets={"A": each}))._needs
            assert needs & {"ssm", "secretsmanager"} == {service}


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key must be a local file"):
        EnvironmentFile.from_asset(tmp_path / "web.env")


def test_ports_of_a_task_do_not_overlap() -> None:
    with pytest.raises(ValueError, match=r"ports of the task must not overlap \(got 8005, 8000-8010\)"):
        Task(Container("a:1", port=8005), Container("b:1", name="b", port_ranges=[(8000, 8010)]))


def test_a_memory_reservation_is_at_most_the_memory_of_the_task() -> None:
    other = Container("b:1", name="b")
    Task(Container("a:1", memory_reservation_mib=512), other, memory_mib=512)
    with pytest.raises(
        ValueError, match=r"or of the task if the container has no memory_mib \(got 513 with memory_mib=512\)"
    ):
        Task(Container("a:1", memory_reservation_mib=513), other, memory_mib=512)


def test_a_trailing_slash_makes_no_difference() -> None:
    container = Container("redis:8", writable=["/tmp/", "/run//x"], executable="/tmp/", mounts={"/data/": "data"})
    assert dict(container.writable) == {"/tmp": 64, "/run/x": 64}
    assert container.executable == ("/tmp",)
    assert list(container.mounts) == ["/data"]
    assert list(Container("iis:1", mounts={"C:\\data\\": "a", "D:\\": "b"}).mounts) == ["C:\\data", "D:\\"]
    assert Volume.bind_mount("data", host_path="/srv/") == Volume.bind_mount("data", host_path="/srv")
    assert Volume.efs("data", FILE_SYSTEM, root_directory="/srv/") == Volume.efs(
        "data", FILE_SYSTEM, root_directory="/srv"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"writable": ["/tmp", "/tmp/"]}, "paths of writable must be unique (got '/tmp' more than once)"),
        ({"mounts": {"/data/": "a", "/data": "b"}}, "paths of mounts must be unique"),
        ({"writable": ["/data/"], "mounts": {"/data": "a"}}, "writable and mounts must not have the same path"),
        ({"writable": ["/data/x/"], "mounts": {"/data/": "a"}}, "writable must not have a path below '/data' of m"),
        ({"writable": ["/tmp/.."]}, "each path of writable must be an absolute path below '/'"),
        ({"writable": ["tmp/"]}, "each path of writable must be an absolute path below '/'"),
    ],
)
def test_a_path_is_given_only_once(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as raised:
        Container("redis:8", **arguments)
    assert "problems" not in str(raised.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": ["awk", "{print $NF}"]},
        {"command": ["sh", "-c", "serve $PORT"]},
        {"command": ["grep", "^a$"]},
        {"entry_point": ["tini", "--", "/bin/bash", "-c"], "command": "serve $PORT"},
        {"entry_point": ["C:\\Windows\\System32\\cmd.exe", "/c"], "command": ["$x"]},
        {"health_check": HealthCheck("curl http://localhost:$PORT")},
        {"entry_point": "", "command": ["sh", "-c", "serve $PORT"]},
        {"user": ""},
    ],
)
def test_commands_that_run_as_written_are_accepted(arguments: dict[str, Any]) -> None:
    assert Container("redis:8", **arguments)


def test_a_health_check_without_a_shell_has_no_variables() -> None:
    with pytest.warns(UserWarning, match="HealthCheck: command should not contain shell variables"):
        HealthCheck(["CMD", "curl", "http://localhost:$PORT/"])


def test_an_entry_point_starts_with_a_program() -> None:
    for words in (["", "-c"], [" "]):
        with pytest.raises(ValueError, match="entry_point must start with a program"):
            Container("redis:8", entry_point=words, command="serve")
    with pytest.raises(ValueError, match=r"entry_point must start with a program \(got \[''\]\)"):
        Container("redis:8", entry_point="")


def test_a_host_port_leads_to_a_port_of_the_container() -> None:
    with pytest.raises(ValueError, match=r"host_port must not be given without port \(got 8080\); use port="):
        Container("redis:8", host_port=8080)


def test_a_reason_is_given_only_for_a_variable_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"not_secret must name only variables of environment \(got 'TOKEN'\)"):
        Container("redis:8", not_secret={"TOKEN": "a page of the documentation"})


def test_an_image_comes_from_one_of_its_methods() -> None:
    with pytest.raises(NotImplementedError, match=r"Image is not an image; use one of the Image.from_\* methods"):
        _ = Container(Image()).image._needs


@pytest.mark.parametrize("latency", [dt.timedelta(milliseconds=250), cdk.Duration.millis(250)])
def test_a_latency_may_be_less_than_a_second(latency: Any) -> None:
    assert RollbackAlarms(latency=latency).latency == 250


def test_an_error_of_cdk_that_is_about_no_secret_is_passed_on() -> None:
    def resolve(_: Any) -> Any:
        raise RuntimeError("Cannot find module")

    text = PlainText("environment", "MODE", cdk.Token.as_string({"Ref": "Mode"}), "use secrets=")
    with pytest.raises(RuntimeError, match="Cannot find module"):
        check_unwrapped([text], resolve, Problems("Service"))


@pytest.mark.parametrize(
    "define",
    [
        lambda: ServiceConnect(protocol="http", idle_timeout=dt.timedelta(1), request_timeout=dt.timedelta(2)),
        lambda: LifecyclePolicy.releases(200_000),  # which defines a rule, which warns
    ],
)
def test_a_warning_is_about_the_line_of_the_users_program(define: Callable[[], object]) -> None:
    with pytest.warns(UserWarning, match="; (use|keep) ") as caught:
        define()
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, define.__code__.co_firstlineno)


@attrs.frozen
class Reference:
    """A stand-in for an `ecs.Secret`."""

    arn: str
    has_field: bool = True


SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop-AbCdEf"  # noqa: S105  # a name


@pytest.mark.parametrize("arn", [SECRET_ARN, "${Token[Secret.1]}"], ids=["written out", "a token"])
@pytest.mark.parametrize(
    ("suffix", "version"),
    [
        ("", None),
        (":user", None),
        (":user:AWSPREVIOUS", None),
        (":user::", ("", "")),
        (":user:AWSPREVIOUS:", ("AWSPREVIOUS", "")),
        ("::AWSPREVIOUS:a1b2", ("AWSPREVIOUS", "a1b2")),
        (":user:AWSPREVIOUS:a1b2:more", None),
    ],
)
def test_a_reference_with_all_parts_names_a_version(arn: str, suffix: str, version: tuple[str, str] | None) -> None:
    reference = Reference(arn + suffix)
    assert secret_sources.version(reference) == version
    assert secret_sources.arn(reference) == (arn + suffix if version is None else arn)


def test_the_arn_of_a_secret_or_a_parameter_is_its_own() -> None:
    secret = stand_in("aws_secretsmanager.ISecret", secret_arn=SECRET_ARN)
    parameter = stand_in("aws_ssm.IParameter", parameter_arn="arn:aws:ssm:eu-west-1:111111111111:parameter/shop")
    for source, service in ((secret, "secretsmanager"), (parameter, "ssm")):
        type(source).__getattr__ = object.__getattribute__  # as a proxy of jsii
        assert secret_sources.is_secret(source)
        assert secret_sources.source_service(source) == service
        assert secret_sources.version(source) is None
    assert (secret_sources.arn(secret), secret_sources.arn(parameter)) == (SECRET_ARN, parameter.parameter_arn)
    assert secret_sources.source_service(Reference(parameter.parameter_arn)) == "ssm"
    assert secret_sources.source_service(Reference(SECRET_ARN)) == "secretsmanager"


def test_a_program_beside_the_package_is_the_users() -> None:
    program = str(Path(moorage.__file__).parents[1] / "app.py")
    code = compile("LifecyclePolicy.releases(200_000)", program, "exec")
    with pytest.warns(UserWarning, match="; keep ") as caught:
        exec(code, {"LifecyclePolicy": LifecyclePolicy})  # noqa: S102  # the line above
    assert [warning.filename for warning in caught] == [program]


@pytest.mark.parametrize(
    ("scaling", "policies"),
    [
        (Scaling(2), 0),
        (Scaling(1, 4, cpu_percent=60), 1),
        (Scaling(1, 4, cpu_percent=60, memory_percent=60, requests_per_task=100), 3),
        (Scaling(1, 4, backlog_per_task=5, queue=stand_in("aws_sqs.IQueue")), 1),
        (Scaling(0, 4, backlog_per_task=5, queue=stand_in("aws_sqs.IQueue")), 2),  # and the step from zero
        (Scaling(1, 4, cpu_percent=60, predictive=PredictiveScaling(cpu_percent=60)), 2),
    ],
)
def test_each_target_and_forecast_is_a_policy(scaling: Scaling, policies: int) -> None:
    assert scaling._policies == policies
