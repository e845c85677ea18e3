"""Texts that must not contain secrets, since anyone with access to a task definition or template can read them."""

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
"""An assignment in the form of `env` or of a shell script. Values that are paths or start with `$` do not match."""
_WORD_BOUNDARY_PATTERN = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+")
_UNWRAPPED_PATTERN = re.compile(
    r"\{\{resolve:(secretsmanager|ssm-secure):"
    r'|"Fn::GetAtt": \["\w+", "(SecretAccessKey|ClientSecret)"\]'
)
"""The value of a secret: a dynamic reference, which CloudFormation resolves (CloudFormation user guide, "Get values
stored in other services"), or an attribute that is secret (AWS::IAM::AccessKey, AWS::Cognito::UserPoolClient)."""


class PlainText(NamedTuple):
    """A text that anyone with access to a task definition or template can read.

    Args:
        argument: The argument that contains the text, as named in the error.
        name: The name of the variable or option that has the text as its value, or None. A text without a name counts
            as a secret in three cases: it resolves to a secret, it contains a key, or it assigns a value to a variable
            with a name such as `PASSWORD`.
        value: The text.
        way_out: The hint, as an imperative: the argument to use instead for a secret.
        readers: The predicate after "everyone who" in the error. Default: "can see the task definition".
    """

    argument: str
    name: str | None
    value: Any
    way_out: str
    readers: str = "can see the task definition"

    @property
    def problem(self) -> str:
        """The problem, in words that do not show the secret."""
        secret = f"{self.name!r}, which looks like a secret" if self.name else "the value of a secret"
        return (
            f"{self.argument} must not contain {secret}, since everyone who {self.readers} can read the value; "
            f"{self.way_out}"
        )


def check_literals(texts: Iterable[PlainText], problems: Problems) -> None:
    """Add a problem for each text that looks like a secret. Tokens are not checked."""
    for text in texts:
        if isinstance(text.value, str) and text.value and not is_token(text.value) and _looks_secret(text):
            problems.add(text.problem)


def check_unwrapped(texts: Iterable[PlainText], resolve: Callable[[Any], Any], problems: Problems) -> None:
    """Add a problem for each text that CloudFormation fills with a secret, such as one from `unsafe_unwrap()`.

    Args:
        texts: The texts. Only texts with a token are checked.
        resolve: The function that resolves tokens: `stack.resolve`. The function is called once for all texts if
            possible, since each call is a round trip to Node.js.
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
    """Resolve the tokens in a value, or return None if CDK refuses, since a token is a `SecretValue`."""
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
