"""`python -m tools.bench.review`: measure the time of a review, and fail if a limit is exceeded.

The reviews of `production` compare it with itself after a change of its services; the large app has 1,000 resources.
Times are wall times of a new process, without synthesis; caches of policy results are empty.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tools.bench.__main__ import ROOT, _processor

PRODUCTION_SECONDS, POLICY_SECONDS, LARGE_SECONDS = 2.0, 15.0, 5.0
LARGE_RESOURCES = 1000


def main() -> int:
    """Run the three reviews, print them as Markdown, and return the number of exceeded limits."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.review", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="the number of runs of each review (default: 5)")
    runs = parser.parse_args().runs
    machine = f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}"
    print(f"{dt.date.today()}, {machine}, medians of {runs}\n\n| review | seconds | limit |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as scratch:
        folder = Path(scratch)
        production = _production(folder)
        rows = [
            ("`production`, without policy engines", production, ["--no-policy"], PRODUCTION_SECONDS),
            ("`production`, with cfn-lint and Guard", production, [], POLICY_SECONDS),
            (f"{LARGE_RESOURCES} resources, without policy engines", _large(folder), ["--no-policy"], LARGE_SECONDS),
        ]
        exceeded = 0
        for name, sides, options, limit in rows:
            seconds = statistics.median(_seconds(folder, sides, options) for _ in range(runs))
            exceeded += seconds > limit
            print(f"| {name} | {seconds:.1f} | {limit:.0f} |", flush=True)
    return exceeded


def _production(folder: Path) -> tuple[Path, Path]:
    """Synthesize `production`, change the image of each container in a copy, and return both folders."""
    synthesized, head = folder / "synthesized", folder / "head"
    path = os.pathsep.join((str(ROOT / "constructs"), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "CDK_OUTDIR": str(synthesized), "CDK_VALIDATION": "false"}
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, check=True, capture_output=True)
    base = synthesized / "assembly-production"
    shutil.copytree(base, head)
    for template in head.rglob("*.template.json"):
        found = json.loads(template.read_text())
        for resource in found["Resources"].values():
            for container in resource.get("Properties", {}).get("ContainerDefinitions", ()):
                container["Image"] = "public.ecr.aws/nginx/nginx:1.29"
        template.write_text(json.dumps(found))
    return base, head


def _large(folder: Path) -> tuple[Path, Path]:
    """Write two versions of an app whose task definitions differ in a property, and return both folders."""
    sides = folder / "large-base", folder / "large-head"
    for side, cpu in zip(sides, ("256", "512"), strict=True):
        side.mkdir()
        artifacts = {}
        for stack in range(4):
            resources: dict[str, Any] = {}
            for number in range(LARGE_RESOURCES // 8):
                containers = [{"Name": "web", "Image": "nginx"}]
                resources[f"Task{number}"] = {
                    "Type": "AWS::ECS::TaskDefinition",
                    "Properties": {"Cpu": cpu, "Family": f"web-{number}", "ContainerDefinitions": containers},
                }
                resources[f"Web{number}"] = {
                    "Type": "AWS::ECS::Service",
                    "Properties": {"TaskDefinition": {"Ref": f"Task{number}"}, "DesiredCount": 2},
                }
            (side / f"S{stack}.template.json").write_text(json.dumps({"Resources": resources}))
            artifacts[f"S{stack}"] = {
                "type": "aws:cloudformation:stack",
                "environment": "aws://unknown-account/unknown-region",
                "properties": {"templateFile": f"S{stack}.template.json"},
            }
        (side / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": artifacts}))
    return sides


def _seconds(folder: Path, sides: tuple[Path, Path], options: list[str]) -> float:
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    command = [sys.executable, "-m", "moorage.review", *map(str, sides), *options]
    start = time.monotonic()
    subprocess.run(command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, check=True, capture_output=True)
    return time.monotonic() - start


if __name__ == "__main__":
    raise SystemExit(main())
