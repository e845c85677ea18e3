"""The severities of the findings in images."""

from __future__ import annotations

import enum


class Severity(enum.Enum):
    """A severity of findings in both basic and enhanced scanning, from the highest to the lowest."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFORMATIONAL = "INFORMATIONAL"

    @property
    def _and_graver(self) -> tuple[str, ...]:
        """The names of this severity and of higher severities, the highest first."""
        names = [each.value for each in Severity]
        return tuple(names[: names.index(self.value) + 1])
