"""The other listeners of ministack, such as Lambda's runtime API, which serve only processes of this user.

On AWS, a runtime calls an address within its own execution environment. Here, this address is an address of the
machine. So a request is served only if it comes from a process of the same user and not from a web page.
"""

from __future__ import annotations

import http.server
import os
import socket
import sys
from pathlib import Path

_CONNECTIONS = Path("/proc/net/tcp")
_LOCAL, _REMOTE, _USER = 1, 2, 7
"""Columns of the kernel's table of connections (proc(5))."""

Address = tuple[str, int]


def install() -> None:
    """Make each listener that ministack opens with Python's HTTP server refuse the requests of other users."""
    http.server.BaseHTTPRequestHandler = _Own  # type: ignore[misc]  # ministack derives its handlers from it


class _Own(http.server.BaseHTTPRequestHandler):
    """A handler that serves only processes of this user."""

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        server: Address = self.connection.getsockname()
        named = f"{server[0]}:{server[1]}"
        if self.headers.get("Host") != named or "Origin" in self.headers or not is_own(self.client_address, server):
            self.send_error(http.HTTPStatus.FORBIDDEN)
            return False
        return True


def is_own(client: Address, server: Address) -> bool:
    """Return whether a process of the user who runs this server opened a connection.

    Args:
        client: The address and port that the connection comes from.
        server: The address and port that the connection goes to.
    """
    wanted = [_shown(client), _shown(server)]
    rows = (line.split() for line in _CONNECTIONS.read_text(encoding="ascii").splitlines()[1:])
    return any([row[_LOCAL], row[_REMOTE]] == wanted and int(row[_USER]) == os.geteuid() for row in rows)


def _shown(address: Address) -> str:
    """Return an address as the kernel prints it: with the number in the machine's byte order."""
    return f"{int.from_bytes(socket.inet_aton(address[0]), sys.byteorder):08X}:{address[1]:04X}"
