"""The ports of this machine."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


class PortError(Exception):
    """The error for a port that cannot be used. Its message is a sentence."""


def listening(port: int) -> socket.socket:
    """Return a socket that listens on a port, or on any free port for 0.

    No other process can take the port before the server starts.

    Args:
        port: The port on 127.0.0.1.

    Raises:
        PortError: The port cannot be used.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "the highest port is 65535"
        raise PortError(f"port {port} on {HOST} cannot be used ({reason}); omit --port to use a free port") from error
    return listener
