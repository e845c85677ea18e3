"""An editor shows the words of each construct and value, and completes public names only; pyright's server is asked."""

from __future__ import annotations

import inspect
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import moorage

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "node_modules" / "pyright" / "langserver.index.js"
LINES = ["import moorage", "moorage.", *(f"moorage.{name}" for name in moorage.__all__)]
COMPLETION = 1


class Editor:
    """A client of pyright's language server that has one file open."""

    def __init__(self, process: subprocess.Popen[bytes], text: str) -> None:
        self._process, self._number = process, 0
        self._uri = (ROOT / "examples" / "editor.py").as_uri()  # it need not exist
        folders = [{"uri": ROOT.as_uri(), "name": "moorage"}]
        self.ask("initialize", processId=None, capabilities={}, workspaceFolders=folders)
        self._send({"method": "initialized", "params": {}})
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def at(self, request: str, line: int, character: int) -> Any:
        """Ask about a position in the file."""
        position = {"line": line, "character": character}
        return self.ask(f"textDocument/{request}", textDocument={"uri": self._uri}, position=position)

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request and return its result, and answer nothing to what the server asks meanwhile."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                items = message["params"].get("items", []) if isinstance(message["params"], dict) else []
                self._send({"id": message["id"], "result": [None for _ in items] or None})
            elif message.get("id") == self._number:
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        assert length, "the server ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


def plain(text: str) -> str:
    """Return a text without its markup and line ends."""
    return " ".join(text.replace("`", "").replace("\\", "").split())


def summary_of(name: str) -> str:
    """Return the first paragraph of a public name's docstring."""
    return plain((inspect.getdoc(getattr(moorage, name)) or "").partition("\n\n")[0])


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    command = ["node", str(SERVER), "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        yield Editor(process, "\n".join(LINES))
        process.kill()


@pytest.mark.slow
def test_hover_shows_the_docstring_of_each_public_name(editor: Editor) -> None:
    shown = {}
    for line, text in enumerate(LINES[COMPLETION + 1 :], COMPLETION + 1):
        hover = editor.at("hover", line, len(text) - 1)
        shown[text.removeprefix("moorage.")] = str(hover["contents"]["value"]) if hover else ""
    assert {name: text for name, text in shown.items() if summary_of(name) not in plain(text)} == {}


@pytest.mark.slow
def test_completion_offers_the_public_names_only(editor: Editor) -> None:
    offered = editor.at("completion", COMPLETION, len(LINES[COMPLETION]))
    items = offered["items"] if isinstance(offered, dict) else offered
    names = {item["label"] for item in items}
    assert names >= set(moorage.__all__)
    assert {name for name in names if not name.startswith("__")} == set(moorage.__all__)
