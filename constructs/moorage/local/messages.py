"""The messages of an app: its warnings and the results of its validation plugins.

The cdk CLI prints them each time that it reads the assembly, so in a deployment too, and has no option against this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from moorage.local.progress import is_step, plain

_READ = "✨  Synthesis time"
"""The start of the line that the CLI (aws-cdk 2.1148.1) prints after the messages of a deployment."""
_PLACE = re.compile(r"(?:or )?\S+:\d+:\d+$|\(and \d+ more\.\.\.\)$")
"""A line with a place in the app's code. The path is relative to the CLI's folder, so it differs between its runs."""

Message = tuple[str, ...]


class Messages:
    """The messages that were shown while the app was synthesized. A message ends with an empty line."""

    def __init__(self) -> None:
        self._shown: set[Message] = set()

    def recorded(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield all lines of a synthesis, and record the messages.

        Args:
            lines: The lines that the CLI prints to standard error.
        """
        message: list[str] = []
        for line in lines:
            yield line
            if plain(line).strip():
                message.append(line)
            else:
                self._shown.add(_key(message))
                message = []
        self._shown.add(_key(message))

    def unseen(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines of a deployment, without the messages that were recorded.

        Args:
            lines: The lines that the CLI prints to standard error.
        """
        remaining = iter(lines)
        message: list[str] = []
        for line in remaining if self._shown else ():
            read = plain(line).startswith(_READ)
            if not read:
                message.append(line)
            if read or not plain(line).strip():
                yield from self._new(message)
                message = []
            if read:
                break
        yield from self._new(message)
        yield from remaining

    def _new(self, message: list[str]) -> list[str]:
        """Return a message, or nothing if it was shown, perhaps directly after lines of the app."""
        key = _key(message)
        return [] if any(shown[len(shown) - len(key) :] == key for shown in self._shown) else message


def _key(message: Iterable[str]) -> Message:
    texts = (plain(line).strip() for line in message)
    return tuple(text for text in texts if not is_step(text) and not _PLACE.match(text))
