"""Texts that whoever may see a task definition or a template reads, and that are therefore no place for secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from moorage.workload.problems import Problems, is_token

_SECRET_NAME_PATTERN = re.compile(
    r"((^|_)(PASS|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY(_ID)?|CREDENTIALS?"
    r"|(PRIVATE|SECRET|ENCRYPTION|SIGNING|MASTER)_?KEY(_BASE)?)|PASSWORD|PASSPHRASE)$"
)
_KEY_PATTERN = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(gh[opsu]_|github_pat_|glpat-|xox[abprs]-|[rs]k_live_)\w{8}"
)
_PASSWORD_IN_URL_PATTERN = re.compile(r"://[^/\s:@]*:[^/\s:@]+@")
_ASSIGNMENT_PATTERN = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)=[^\s$`/][^\s$`]*\s*$", re.MULTILINE)
"""A variable that `env`, or a line of a shell script, gives a value; not that of another variable, or a path."""
_WORD_BOUNDARY_PATTERN = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+")
_UNWRAPPED_PATTERN = re.compile(
    r"\{\{resolve:(secretsmanager|ssm-secure):"
    r'|"Fn::GetAtt": \["\w+", "(SecretAccessKey|ClientSecret)"\]'
)
"""The value of a secret: a dynamic reference, which CloudFormation fills in (CloudFormation user guide, "Get values
stored in other services"), or an attribute that is one (AWS::IAM::AccessKey, AWS::Cognito::UserPoolClient)."""


class PlainText(NamedTuple):
    """A text that is read with a task definition or a template.

    Args:
        argument: The argument that gives it, as an error names it.
        name: The name of the variable or option that it is the value of; None for a text without one, which is taken
            for a secret only if it is the value of one, has a key, or is a variable with its value.
        value: The text.
        way_out: What to use for a secret in its place.
        readers: Who reads it.
    """

    argument: str
    name: str | None
    value: Any
    way_out: str
    readers: str = "may see the task definition"

    @property
    def problem(self) -> str:
        """Describe the secret, without showing it."""
        looks = f"has {self.name!r}, which looks like a secret" if self.name else "has the value of a secret"
        return f"{self.argument} {looks}, and everyone who {self.readers} reads it; {self.way_out}"


def check_literals(texts: Iterable[PlainText], problems: Problems) -> None:
    """Note texts that look like a secret, as far as they are written out."""
    for text in texts:
        if isinstance(text.value, str) and text.value and not is_token(text.value) and _looks_secret(text):
            problems.add(text.problem)


def check_unwrapped(texts: Iterable[PlainText], resolve: Callable[[Any], Any], problems: Problems) -> None:
    """Note texts with the value of a secret that CloudFormation fills in, as `SecretValue.unsafe_unwrap()` gives it.

    Args:
        texts: The texts, of which only those with a token are looked at.
        resolve: The function that resolves tokens: `stack.resolve`. It is called once, since that is a round trip.
        problems: The problems to add to.
    """
    unknown = [text for text in texts if is_token(text.value)]
    if not unknown:
        return
    values = _resolved([text.value for text in unknown], resolve)
    if values is None:
        values = [_resolved(text.value, resolve) for text in unknown]
    for text, value in zip(unknown, values, strict=True):
        if value is None or _UNWRAPPED_PATTERN.search(json.dumps(value)):
            problems.add(text.problem)


def _resolved(value: Any, resolve: Callable[[Any], Any]) -> Any:
    """Resolve tokens; return None if CDK refuses to, since a `SecretValue` is among them."""
    try:
        return resolve(value)
    except RuntimeError as error:
        if "SecretValue" not in str(error):
            raise
        return None


def _looks_secret(text: PlainText) -> bool:
    if _UNWRAPPED_PATTERN.search(text.value):
        return True
    if _KEY_PATTERN.search(text.value):
        return True
    if text.name is None:
        return any(map(_is_secret_name, _ASSIGNMENT_PATTERN.findall(text.value)))
    return _is_secret_name(text.name) or _PASSWORD_IN_URL_PATTERN.search(text.value) is not None


def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME_PATTERN.search(_WORD_BOUNDARY_PATTERN.sub("_", name).upper()) is not None
