"""The check of the project's English finds openings and phrases, and nothing in code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.english import markdown_findings, python_findings

MODULE = Path("constructs/moorage/module.py")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""What a module does."""', ["What"]),
        ('"""The module."""\nclass A:\n    """Whether it runs."""', ["Whether"]),
        ('def f(a):\n    """Return it.\n\n    Args:\n        a: Which one.\n    """', ["Which"]),
        ('NAME = 1\n"""As in `b`."""', ["As"]),
        ('"""The module."""\nx = 1  # a subnet alone', ["alone"]),
        ('"""The module."""\nx = f"port must be 1 (got {y}); its VPC stands in no region"', ["stands"]),
        ('"""A thing, of which there are two."""', ["of which"]),
    ],
    ids=["module", "class", "argument", "attribute", "comment", "message", "phrase"],
)
def test_the_dialect_is_found(source: str, found: list[str]) -> None:
    assert [each.found for each in python_findings(MODULE, source)] == found


@pytest.mark.parametrize(
    "source",
    [
        '"""The module."""',
        'def f(a):\n    """Return it.\n\n    Args:\n        a: Whether to stop.\n    """',
        '"""Return `None` if a task is None."""',
        '"""The error \\"a role stands alone\\", and `stands`."""',
        '"""The module."""\nx = "alone"',
        '"""The module."""\nif alone:\n    pass',
    ],
    ids=["noun", "Whether to", "None", "quoted", "a text without a way out", "code"],
)
def test_plain_english_and_code_are_left(source: str) -> None:
    assert list(python_findings(MODULE, source)) == []


def test_pages_are_read_outside_of_code() -> None:
    page = "Only `alone`.\n\n```python\nalone = 1\n```\n\nIn private subnets\nalone.\n"
    (finding,) = markdown_findings(Path("page.md"), page)
    assert str(finding) == "page.md:8: 'alone'; write only"


def test_words_of_aws_in_the_server_are_left() -> None:
    source = '"""The module."""\nx = "Invalid; a role that stands"'
    assert list(python_findings(Path("constructs/moorage/local/server/a.py"), source)) == []
