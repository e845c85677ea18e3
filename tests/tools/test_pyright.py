"""The list of what pyright cannot know of jsii's classes is exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.pyright import Finding, findings, problems

KEY = {"file": "a.py", "parameter": "key", "declared": "IKey | None", "interface": "aws_cdk.aws_kms.IKey"}
STALE = "pyright_jsii.toml: nothing matches a.py, key, IKey | None; delete the entry, or lower its times by 1"
MESSAGE = 'Argument of type "Key" cannot be assigned to parameter "key" of type "IKey | None" in function "f"'


def test_a_listed_mismatch_is_no_problem() -> None:
    assert list(problems([Finding("a.py", 3, MESSAGE)], [KEY])) == []


@pytest.mark.parametrize(
    ("found", "entries", "problem"),
    [
        ([Finding("a.py", 3, MESSAGE)] * 2, [KEY], f"a.py:3: {MESSAGE}"),
        ([Finding("b.py", 3, MESSAGE)], [], f"b.py:3: {MESSAGE}"),
        (
            [Finding("a.py", 3, 'Argument missing for parameter "key"')],
            [],
            'a.py:3: Argument missing for parameter "key"',
        ),
        (
            [],
            [KEY],
            STALE,
        ),
        (
            [Finding("a.py", 3, MESSAGE)],
            [KEY | {"times": 2}],
            STALE,
        ),
        (
            [Finding("a.py", 3, MESSAGE)],
            [KEY | {"interface": "aws_cdk.aws_kms.INothing"}],
            "pyright_jsii.toml: aws_cdk.aws_kms.INothing is not an interface of aws_cdk",
        ),
        (
            [Finding("a.py", 3, MESSAGE)],
            [KEY | {"interface": "aws_cdk.aws_iam.IRole"}],
            "pyright_jsii.toml: IKey | None does not name IRole (a.py)",
        ),
    ],
    ids=["once too often", "new", "of another kind", "stale", "stale once", "unknown interface", "another interface"],
)
def test_everything_else_is_a_problem(found: list[Finding], entries: list[dict[str, str]], problem: str) -> None:
    assert problem in list(problems(found, entries))


def test_findings_name_the_file_and_the_line() -> None:
    output = {
        "generalDiagnostics": [
            {"file": "/root/stacks/a.py", "range": {"start": {"line": 2}}, "message": f"{MESSAGE}\n  and why"}
        ]
    }
    assert [str(each) for each in findings(output, Path("/root"))] == [f"stacks/a.py:3: {MESSAGE}"]
