"""Images: which references can change, immutable tags, and builds whose arguments are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest

from moorage import Image
from tests.stand_ins import stand_in

TEXT = cdk.Fn.ref("Text")


@pytest.mark.parametrize(
    "reference",
    ["nginx", "nginx:latest", "public.ecr.aws/nginx/nginx", "localhost:5000/nginx", "localhost:5000/nginx:latest"],
)
def test_a_reference_without_a_version_can_change(reference: str) -> None:
    assert Image.from_registry(reference)._mutable_reference == reference


@pytest.mark.parametrize(
    "reference",
    ["nginx:1.29", "localhost:5000/nginx:1.29", f"nginx@sha256:{'a' * 64}", f"nginx:latest@sha256:{'a' * 64}", TEXT],
    ids=["version", "port", "digest", "latest", "token"],  # the number in the text of a token depends on the process
)
def test_a_version_a_digest_and_a_token_do_not_change(reference: str) -> None:
    assert Image.from_registry(reference)._mutable_reference is None


def repository(mutability: str) -> Any:
    """Return a repository of CDK whose resource has this setting for tags."""
    return stand_in(
        "aws_ecr.IRepository", node=SimpleNamespace(default_child=SimpleNamespace(image_tag_mutability=mutability))
    )


def test_latest_cannot_be_used_if_tags_are_immutable() -> None:
    assert Image.from_repository(repository("MUTABLE"), tag="latest")
    with pytest.raises(ValueError, match="tag must not be 'latest' with a repository whose tags are immutable"):
        Image.from_repository(repository("IMMUTABLE"), tag="latest")


@pytest.mark.parametrize("argument", ["build_args", "build_secrets"])
@pytest.mark.parametrize("given", [{TEXT: "a"}, {"a": TEXT}], ids=["name", "value"])
def test_the_arguments_of_a_build_are_known_at_synthesis(tmp_path: Path, argument: str, given: dict[str, str]) -> None:
    (tmp_path / "Dockerfile").touch()
    Image.from_directory(tmp_path, **{argument: {"a": "env=A"}})  # type: ignore[arg-type]  # of one of two arguments
    with pytest.raises(ValueError, match=f"Image: {argument} must be known at synthesis"):
        Image.from_directory(tmp_path, **{argument: given})  # type: ignore[arg-type]  # of one of two arguments


def test_a_task_reaches_the_secret_with_the_credentials_of_its_registry() -> None:
    assert Image.from_registry("ghcr.io/shop/web:1.4")._needs == {"internet"}
    credentials = stand_in("aws_secretsmanager.ISecret")
    assert Image.from_registry("ghcr.io/shop/web:1.4", credentials=credentials)._needs == {"internet", "secretsmanager"}


def test_credentials_of_a_registry_are_a_secret() -> None:
    with pytest.raises(TypeError, match="credentials must be of type"):
        Image.from_registry("ghcr.io/shop/web:1.4", credentials="token")  # type: ignore[arg-type]  # the wrong type
