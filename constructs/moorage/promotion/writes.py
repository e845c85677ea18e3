"""The writes of a promotion: all parameters get their digests, or all keep their earlier values."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from moorage.promotion.plan import NO_IMAGE, Change
from moorage.promotion.problems import PromotionError


def write(changes: Sequence[Change]) -> None:
    """Write the digests to the SSM parameters. If a write fails, write the earlier values again.

    A parameter that did not exist gets the value `none`, since its deletion would need another permission.

    Args:
        changes: The changes. Several can have the same parameter.

    Raises:
        PromotionError: A write fails. The error says which parameters have their earlier values again.
    """
    needed = {change.image.parameter: change for change in changes if change.is_needed}
    written: list[Change] = []
    try:
        for change in needed.values():
            written.append(change)
            _put(change, change.promoted.digest)
    except PromotionError as error:
        if not _holds(written[-1]):
            written.pop()
        raise PromotionError(*error.problems, *_restored(written)) from error
    except BaseException as error:  # after an interruption, the last write may have been made
        raise PromotionError("interrupted while the digests were written", *_restored(written)) from error


def _holds(change: Change) -> bool:
    """Return whether a parameter has its digest although the write failed, for example after a timeout."""
    name = change.image.reference.parameter
    try:
        answer = change.place.call("ssm", "GetParameter", name, missing={"ParameterNotFound"}, Name=name)
    except PromotionError:
        return False
    return answer is not None and answer["Parameter"]["Value"] == change.promoted.digest


def _restored(changes: Sequence[Change]) -> list[str]:
    """Write the earlier values, and return the sentences about them."""
    restored, failed = [], []
    for change in reversed(changes):
        name, earlier = change.image.reference.parameter, change.earlier or NO_IMAGE
        try:
            _put(change, earlier)
        except PromotionError as error:
            region = f" --region {change.place.region}" if change.place.region else ""
            failed += [
                *error.problems,
                f"{name} in {change.place} still has the new digest; restore it with `aws ssm put-parameter --name "
                f"{shlex.quote(name)} --value {shlex.quote(earlier)} --overwrite{region}`",
            ]
        else:
            restored.append(f"{name} is {earlier}{'' if change.earlier else ', since it did not exist'}")
    said = [f"the earlier values are restored: {', '.join(restored)}"] if restored else []
    return [*said, *failed] or ["nothing was written"]


def _put(change: Change, value: str) -> None:
    name = change.image.reference.parameter
    change.place.call("ssm", "PutParameter", name, Name=name, Value=value, Type="String", Overwrite=True)
