"""The syrupy extension for templates: a JSON file for each template, and differences listed by resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.types import SerializableData, SerializedData

from moorage.testing.differences import difference_lines
from moorage.workload.errors import ArgumentTypeError

_WRITE = "If this is intended, run `pytest --snapshot-update`, and review the difference of the file."


class TemplateExtension(JSONSnapshotExtension):
    """A syrupy extension for templates."""

    def serialize(self, data: SerializableData, **options: Any) -> SerializedData:
        """Return the JSON of a template.

        Args:
            data: The template.
            **options: The filters of syrupy.

        Raises:
            TypeError: `data` is not a template.
        """
        if not isinstance(data, Mapping):  # syrupy would keep only the name of its type
            raise ArgumentTypeError(
                f"template_snapshot must be compared with a template (got a value of type {type(data).__name__}); use "
                "readable_template(...) == template_snapshot"
            )
        return super().serialize(data, **options)

    def diff_lines(self, serialized_data: SerializedData, snapshot_data: SerializedData) -> Iterator[str]:
        """Yield the lines that pytest shows if a template differs from its snapshot.

        If the snapshot is not valid JSON, these are the lines of syrupy.

        Args:
            serialized_data: The template.
            snapshot_data: The snapshot; empty if it does not exist.
        """
        try:
            old, new = (json.loads(text or "{}") for text in (snapshot_data, serialized_data))
        except ValueError:  # somebody edited the snapshot
            yield from super().diff_lines(serialized_data, snapshot_data)
            return
        yield from difference_lines(old, new)
        yield _WRITE
