"""The errors that moorage raises."""

from __future__ import annotations


class ValidationError(ValueError):
    """The error for a definition that AWS would refuse. It lists all problems of a value or a construct.

    Args:
        message: The path of the construct, or the name of the value, and its problems, each with a way out.
    """

    __module__ = "moorage"  # tracebacks show the public name, and `pickle` finds it

    def __init__(self, message: str) -> None:
        super().__init__(message)


class ArgumentTypeError(TypeError):
    """The error for a call with arguments that are of a wrong type, unknown or missing. It lists all of them.

    Args:
        message: The path of the construct, or the name of the class or method, and its problems, each with a way out.
    """

    __module__ = "moorage"  # tracebacks show the public name, and `pickle` finds it

    def __init__(self, message: str) -> None:
        super().__init__(message)
