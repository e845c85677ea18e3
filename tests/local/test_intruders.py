"""A web page and another user of the machine cannot deploy a stack as the user.

Each attempt is made twice: against the local AWS, and against the same server without its guard, where it succeeds.
So it is the guard that stops the intruder, not a rule of the browser or a mistake in the test.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import boto3
import pytest

from moorage.local.environment import ACCOUNT, REGION, session_arguments
from tests.local.local_aws import access, free_port, sent, started

_UNGUARDED = """
from moorage.local.server import __main__ as server

prepare = server._prepare_environment

def prepare_without_guard(*arguments):
    prepare(*arguments)
    from moorage.local.server.core import authentication
    authentication.authenticated = lambda application: application

server._prepare_environment = prepare_without_guard
server.main()
"""
_BROWSER = Path(sys.prefix) / "tools" / "browser"
_FLAGS = (
    *("--single-process", "--in-process-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--no-zygote"),
    *("--enable-unsafe-swiftshader", "--headless=shell", "--no-sandbox", "--no-default-browser-check"),
    *("--host-resolver-rules=MAP attacker.example 127.0.0.1", "--remote-debugging-port=0"),
)
_SECONDS = 60
_THINGS = "iot.us-east-1.localhost"
"""A name under which ministack accepts WebSocket connections from anyone."""
_NOBODY = 65534
_OTHER_USER = """
import http.client, os, sys
"".encode("idna")  # loaded while the standard library is still readable
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[3]))
connection.request("POST", "/", sys.argv[2], {"Content-Type": "application/x-www-form-urlencoded"})
connection.getresponse().read()
"""

Attempt = Callable[[int, str], None]


@pytest.fixture(scope="module", params=["guarded", "unguarded"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, bool]]:
    """Yield the port of a server, and whether it has its guard."""
    port, guarded = free_port(), request.param == "guarded"
    program = ("-m", "moorage.local.server") if guarded else ("-c", _UNGUARDED)
    process = started(port, {"TMPDIR": str(tmp_path_factory.mktemp("local"))}, program)
    yield port, guarded
    process.terminate()
    process.wait(timeout=10)


def _deployed(port: int) -> set[str]:
    """Return the stacks of the account that unsigned requests use."""
    client = boto3.client("cloudformation", **session_arguments(access(port), account=ACCOUNT, region=REGION))
    return {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}


def _form(name: str) -> str:
    """Return a form that deploys a stack; a browser posts it to any server without a preflight request."""
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    fields = {"Action": "CreateStack", "Version": "2010-05-15", "StackName": name}
    return urlencode(fields | {"TemplateBody": json.dumps(template)})


def _post(port: int, name: str, /, **headers: str) -> None:
    sent(port, "POST", "/", _form(name), Content_Type="application/x-www-form-urlencoded", **headers)


def _as_another_user(port: int, name: str) -> None:
    subprocess.run([sys.executable, "-c", _OTHER_USER, str(port), _form(name), str(_NOBODY)], check=True)


_ATTEMPTS: dict[str, Attempt] = {
    "form of a page": functools.partial(_post, Origin="https://attacker.example", Sec_Fetch_Site="cross-site"),
    "form of a sandboxed page": functools.partial(_post, Origin="null", Sec_Fetch_Site="cross-site"),
    "form of a local page": functools.partial(_post, Origin="http://localhost:8000", Sec_Fetch_Site="same-site"),
    "form of a browser that names no origin": _post,
    "rebound name": functools.partial(_post, Host="attacker.example:80", Sec_Fetch_Site="same-origin"),
    "rebound name of a browser that says nothing": functools.partial(_post, Host="attacker.example"),
}


@pytest.mark.parametrize("attempt", _ATTEMPTS)
def test_a_request_from_a_web_page_deploys_nothing(server: tuple[int, bool], attempt: str) -> None:
    port, guarded = server
    name = attempt.replace(" ", "-")
    _ATTEMPTS[attempt](port, name)
    assert (name in _deployed(port)) is not guarded


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")
def test_another_user_of_the_machine_deploys_nothing(server: tuple[int, bool]) -> None:
    port, guarded = server
    _as_another_user(port, "another-user")
    assert ("another-user" in _deployed(port)) is not guarded


def test_a_web_page_cannot_open_a_websocket(server: tuple[int, bool]) -> None:
    port, guarded = server
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    upgrade |= {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Protocol": "mqtt"}
    answer = sent(port, "GET", "/mqtt", **upgrade, Host=_THINGS, Origin="https://attacker.example")
    assert (answer.status == http.HTTPStatus.SWITCHING_PROTOCOLS) is not guarded


_PAGE = """<!doctype html>
<script>
const port = %(port)d, forms = %(forms)s;
const type = {"Content-Type": "application/x-www-form-urlencoded"};
const post = (host, body) =>
  fetch(`http://${host}:${port}/`, {method: "POST", mode: "no-cors", headers: type, body});

function submit(name, sandbox) {
  return new Promise(resolve => {
    const frame = document.createElement("iframe");
    if (sandbox) frame.sandbox = "allow-forms allow-scripts";
    const fields = [...new URLSearchParams(forms[name])]
      .map(([key, value]) => `<input name="${key}" value="${value.replaceAll('"', "&quot;")}">`).join("");
    let loads = 0;
    frame.onload = () => { loads += 1; if (loads === 2) resolve(); };
    frame.srcdoc = `<form method="post" action="http://127.0.0.1:${port}/">${fields}</form>`
      + "<script>document.forms[0].submit()</" + "script>";
    document.documentElement.append(frame);
  });
}

function connect() {
  return new Promise(resolve => {
    const socket = new WebSocket(`ws://%(things)s:${port}/mqtt`, "mqtt");
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
  });
}

function read() {
  return fetch(`http://127.0.0.1:${port}/?Action=ListStacks&Version=2010-05-15`)
    .then(answer => answer.text()).then(text => text.includes("StackSummaries"), () => false);
}

(async () => {
  await Promise.allSettled([post("127.0.0.1", forms.fetched), post("attacker.example", forms.rebound)]);
  const late = new Promise(resolve => setTimeout(resolve, 10000));
  await Promise.race([Promise.all([submit("submitted", false), submit("sandboxed", true)]), late]);
  const told = {websocket: await connect(), read: await read()};
  await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
</script>
"""
_NAMES = ("fetched", "rebound", "submitted", "sandboxed")


@pytest.mark.skipif(sys.platform != "linux", reason="this Chromium is for Linux")
def test_a_web_page_in_a_browser_deploys_and_reads_nothing(server: tuple[int, bool], tmp_path: Path) -> None:
    port, guarded = server
    page = _PAGE % {"port": port, "things": _THINGS, "forms": json.dumps({name: _form(name) for name in _NAMES})}
    told = _visited(page, tmp_path)
    assert told == {"websocket": not guarded, "read": not guarded}
    assert {*_NAMES} & _deployed(port) == (set() if guarded else {*_NAMES})


def _visited(page: str, profile: Path) -> dict[str, bool]:
    """Open a page in Chromium, under the name of another host, and return the results that it posts."""
    answers: queue.Queue[dict[str, bool]] = queue.Queue()

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def do_POST(self) -> None:
            answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Suppress the log."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        address = f"http://attacker.example:{site.server_address[1]}/"
        libraries = {"LD_LIBRARY_PATH": str(_BROWSER / "al2023" / "lib"), "HOME": str(profile)}
        command = [str(_BROWSER / "chromium"), *_FLAGS, f"--user-data-dir={profile}", address]
        with tempfile.TemporaryFile() as output:
            chromium = subprocess.Popen(
                command, env=os.environ | libraries, stdout=output, stderr=output, start_new_session=True
            )
            try:
                return answers.get(timeout=_SECONDS)
            finally:
                os.killpg(chromium.pid, signal.SIGKILL)
                chromium.wait()
                site.shutdown()
