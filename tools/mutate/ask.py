"""The test command of cosmic-ray: make the warm process run the tests, and exit with their status."""

from __future__ import annotations

import json
import socket
import sys
import time


def main(address: str) -> int:
    """Return the status of the tests, and print their output."""
    with socket.socket(socket.AF_UNIX) as connection:
        _connect(connection, address)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status, output = json.loads(answer)
    print(output)
    return int(status)


def _connect(connection: socket.socket, address: str) -> None:
    for _ in range(3000):
        try:
            connection.connect(address)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens at {address}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
