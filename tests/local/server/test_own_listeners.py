"""ministack's other listeners serve processes of the same user, but no web pages."""

from __future__ import annotations

import http.client
import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from moorage.local.server.core import own_listeners
from tests.local.local_aws import sent

_OTHER_USER = """
import os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
connection = socket.socket()
connection.connect(("127.0.0.1", int(sys.argv[1])))
connection.sendall(b"GET / HTTP/1.1\\r\\nHost: 127.0.0.1:" + sys.argv[1].encode() + b"\\r\\n\\r\\n")
print(connection.recv(64).decode())
"""


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Yield the port of a listener, opened as ministack opens its own."""
    monkeypatch.setattr(http.server, "BaseHTTPRequestHandler", http.server.BaseHTTPRequestHandler)
    own_listeners.install()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Suppress the log."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_process_of_the_user_is_served(listener: int) -> None:
    assert sent(listener, "GET", "/").status == HTTPStatus.OK


@pytest.mark.parametrize(
    "headers", [{"Host": "attacker.example"}, {"Host": ""}, {"Origin": "https://attacker.example"}]
)
def test_a_web_page_is_refused(listener: int, headers: dict[str, str]) -> None:
    assert sent(listener, "GET", "/", **headers).status == HTTPStatus.FORBIDDEN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")
def test_a_process_of_another_user_is_refused(listener: int) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", _OTHER_USER, str(listener)], check=True, capture_output=True, text=True
    )
    assert " 403 " in asked.stdout


def test_a_connection_that_the_kernel_does_not_list_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert not own_listeners.is_own(unused.getsockname(), ("127.0.0.1", 1))
