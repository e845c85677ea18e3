"""The metaclass of classes whose counterparts in CDK have methods and members that people try on moorage's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class AnswersNamesOfCdk(type):
    """The metaclass of a value class that answers the names of CDK with its own, such as `Image.from_asset`."""

    if not TYPE_CHECKING:  # type checkers would otherwise accept every attribute

        def __getattr__(cls, name: str) -> Any:
            """Raise the error for an attribute that the class does not have."""
            answer = None
            if not name.startswith("_"):
                answer = _answer_of(cls, name)
            if answer:
                raise AttributeError(f"{cls.__name__} has no {name}; {answer}", name=None, obj=None)
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}", name=name, obj=cls)


def _answer_of(cls: type[Any], name: str) -> str | None:
    from moorage.workload.argument_names import attributes_of_cdk  # noqa: PLC0415  # only wrong names need tomllib
    from moorage.workload.type_problems import with_import  # noqa: PLC0415  # as above

    answers = attributes_of_cdk()
    found = (answers[each.__name__].get(name) for each in cls.__mro__ if each.__name__ in answers)
    answer = next(found, None)
    return with_import(answer) if answer else None
