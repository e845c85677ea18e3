"""The inventory of an app: records of its constructs, for checks that compare constructs across stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from moorage.scope.claimed_names import exists
from moorage.scope.per_construct import PerConstruct

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

Record = TypeVar("Record")

_records: PerConstruct[IConstruct, list[tuple[Construct, object]]] = PerConstruct()


def register(construct: Construct, record: object) -> None:
    """Add the record of `construct` to the inventory of its app.

    Args:
        construct: The construct that the record describes.
        record: A frozen value without constructs, so that checks of the record need no CDK.
    """
    _records.get_or_make(construct.node.root, list).append((construct, record))


def registered(construct: Construct, kind: type[Record]) -> list[Record]:
    """Return the records of one kind in the app of `construct`, in the order in which they were added."""
    return [record for _, record in _records.get(construct.node.root) or () if isinstance(record, kind)]


def still_registered(
    construct: Construct, kind: type[Record], condition: Callable[[Record], bool] = lambda _: True
) -> list[Record]:
    """Return the records that meet a condition and whose constructs are still in the app.

    For each record that meets the condition, jsii asks Node.js whether the construct still exists, which takes time.
    """
    records = _records.get(construct.node.root) or ()
    return [record for owner, record in records if isinstance(record, kind) and condition(record) and exists(owner)]
