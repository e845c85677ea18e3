"""`python -m tools.bench.local_aws`: measure the time and memory of the local AWS, and fail if a limit is exceeded.

`--base REVISION` also deploys the store with the code of another revision, in interleaved runs, and prints the ratio.
Times are wall times of `up` with a synthesized assembly; memory is that of the server, as Linux reports it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3

from moorage.local.environment import Access, session_arguments
from tools.bench.__main__ import ROOT, _processor

RESOURCES, RESOURCES_SECONDS = 400, 12.0
UPDATES, UPDATES_GROWTH_MB = 200, 40.0


def main() -> int:
    """Run the three benchmarks, print them as Markdown, and return the number of exceeded limits."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.local_aws", description=__doc__)
    parser.add_argument("--base", help="a git revision to compare the store's deployment with")
    parser.add_argument("--runs", type=int, default=3, help="the number of interleaved runs of each side (default: 3)")
    given = parser.parse_args()
    machine = f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}"
    print(f"{dt.date.today()}, {machine}, medians of {given.runs}\n\n| what | measured | limit |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as scratch:
        return _store(Path(scratch), given.base, given.runs) + _resources(Path(scratch)) + _updates(Path(scratch))


def _store(scratch: Path, base: str | None, runs: int) -> int:
    """Deploy this repository's app, and optionally deploy it with the code of another revision.

    Return 1 if the other revision is faster.
    """
    assembly = scratch / "store"
    command = ["cdk", "synth", "--quiet", "dev/*", "--output", str(assembly)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    sources = {"store": ROOT}
    if base:
        sources["base"] = scratch / "base"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", sources["base"], base], cwd=ROOT, check=True)
    seconds: dict[str, list[float]] = {name: [] for name in sources}
    most: dict[str, float] = {}
    try:
        for _ in range(runs):
            for name, source in sources.items():
                with _deployed(assembly, scratch / f"home-{name}", source, "dev/*") as (took, server):
                    seconds[name].append(took)
                    most[name] = max(most.get(name, 0.0), _memory(server, "VmHWM"))
    finally:
        if base:
            subprocess.run(["git", "worktree", "remove", "--force", sources["base"]], cwd=ROOT, check=True)
    took = statistics.median(seconds["store"])
    print(f"| the store | {took:.1f} s, {most['store']:.0f} MB | |")
    if not base:
        return 0
    ratio = statistics.median(ours / theirs for ours, theirs in zip(seconds["store"], seconds["base"], strict=True))
    before = f"{statistics.median(seconds['base']):.1f} s, {most['base']:.0f} MB"
    print(f"| the store, as a ratio to {base} ({before}) | {ratio:.2f} | 1.0 |")
    return int(ratio > 1)


def _resources(scratch: Path) -> int:
    """Deploy a stack with many resources, and return 1 if the deployment takes too long."""
    app = cdk.App(outdir=str(scratch / "many"), analytics_reporting=False)
    stack = cdk.Stack(app, "Many")
    for number in range(RESOURCES // 2):
        topic = cdk.CfnResource(stack, f"Topic{number}", type="AWS::SNS::Topic")
        properties = {"Type": "String", "Value": topic.ref}
        cdk.CfnResource(stack, f"Parameter{number}", type="AWS::SSM::Parameter", properties=properties)
    app.synth()
    with _deployed(scratch / "many", scratch / "home-many", ROOT) as (took, _):
        print(f"| {RESOURCES} resources | {took:.1f} s | {RESOURCES_SECONDS:.0f} s |")
    return int(took > RESOURCES_SECONDS)


def _updates(scratch: Path) -> int:
    """Update a stack repeatedly, and return 1 if the server's memory grows too much."""
    with _deployed(scratch / "many", scratch / "home-updates", ROOT) as (_, server):
        access = Access(f"http://127.0.0.1:{server['port']}", server["secret"])
        client = boto3.client("cloudformation", **session_arguments(access))
        body = json.loads((scratch / "many" / "Many.template.json").read_text())
        before = 0.0
        for number in range(UPDATES):
            body["Resources"]["Topic0"]["Properties"] = {"DisplayName": f"update {number}"}
            client.update_stack(StackName="Many", TemplateBody=json.dumps({"Resources": body["Resources"]}))
            client.get_waiter("stack_update_complete").wait(StackName="Many", WaiterConfig={"Delay": 1})
            before = before or _memory(server, "VmRSS")
        growth = _memory(server, "VmRSS") - before
    print(f"| growth over {UPDATES} updates of it | {growth:.0f} MB | {UPDATES_GROWTH_MB:.0f} MB |")
    return int(growth > UPDATES_GROWTH_MB)


@contextmanager
def _deployed(assembly: Path, home: Path, source: Path, *stacks: str) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield the duration of a deployment in seconds, and its server."""
    environment = os.environ | {"PYTHONPATH": str(source / "constructs")}
    command = [sys.executable, "-m", "moorage.local"]

    def run(*arguments: str) -> None:
        given = [*command, *arguments, "--home", str(home)]
        subprocess.run(given, cwd=ROOT, env=environment, check=True, capture_output=True)

    started = time.monotonic()
    run("up", "--app", str(assembly), *stacks)
    took = time.monotonic() - started
    try:
        server = json.loads((home / "server.json").read_text())
        yield took, {**server, "secret": (home / "secret").read_text().strip()}
    finally:
        run("down")


def _memory(server: dict[str, Any], what: str) -> float:
    """Return a value of the server's memory in /proc, in MB."""
    status = Path(f"/proc/{server['pid']}/status").read_text()
    found = re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise ValueError(f"/proc has no value for {what}")
    return int(found[1]) / 1000


if __name__ == "__main__":
    sys.exit(main())
