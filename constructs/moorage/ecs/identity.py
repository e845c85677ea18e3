"""The path of a construct and the names that follow from it, without a round trip to Node.js for each construct."""

from __future__ import annotations

import hashlib
import re

import attrs
import aws_cdk as cdk
from constructs import Construct

from moorage.scope.per_construct import PerConstruct
from moorage.workload.problems import is_token

_HASH_LENGTH = 12


@attrs.frozen
class Identity:
    """The path of a construct, and the stack name for names that are unique in an account.

    Args:
        path: The path of the construct.
        stack_name: The name of the stack, or None if the names that CDK generates already begin with the stack's name.
    """

    path: str
    stack_name: str | None

    @classmethod
    def in_scope(cls, scope: Construct, construct_id: str) -> Identity:
        """Return the identity of a construct that is defined in `scope`. Node.js is asked only once for each scope."""
        scope_identity = _identities.get_or_make(scope, lambda: cls.of(scope))
        return cls(f"{scope_identity.path}/{construct_id}", scope_identity.stack_name)

    @classmethod
    def of(cls, construct: Construct) -> Identity:
        """Return the identity of a construct."""
        return cls(
            construct.to_string(), _stack_names.get_or_make(cdk.Stack.of(construct), lambda: _name_beside_id(construct))
        )

    def unique_name(self, max_length: int) -> str | None:
        """Return a name that begins with the stack's name, or None if CDK's names already begin with that name."""
        if self.stack_name is None:
            return None
        words = re.sub("[^A-Za-z0-9_-]+", "-", f"{self.stack_name}-{self.path.partition('/')[2]}")
        digest = hashlib.sha256(f"{self.stack_name}/{self.path}".encode()).hexdigest()[:_HASH_LENGTH]
        return f"{words[: max_length - _HASH_LENGTH - 1]}-{digest}"


_identities: PerConstruct[Construct, Identity] = PerConstruct()
_stack_names: PerConstruct[cdk.Stack, str | None] = PerConstruct()


def _name_beside_id(construct: Construct) -> str | None:
    """Return the name of the top-level stack if unique names must begin with that name, otherwise None.

    Return None if the stack's name is a token, or if the path of the stack begins with the name.

    If the path does not begin with the name, the user chose the name, as with `stack_name=f"shop-{env}"`.
    """
    stack = cdk.Stack.of(construct)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    name = stack.stack_name
    begins_with_name = _letters(stack.node.path).startswith(_letters(name))
    return None if is_token(name) or begins_with_name else name


def _letters(text: str) -> str:
    return re.sub("[^A-Za-z0-9]", "", text)
