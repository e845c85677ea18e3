"""`python -m tools.bench.cost`: measure the time of an estimate, and fail if a limit is exceeded.

The app has 1,000 resources in four stacks. Times are wall times of a new process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tools.bench.__main__ import _processor

LIMIT_SECONDS = 1.0
RESOURCES, STACKS = 1000, 4
_COMMAND = "from moorage.cli import main; main()"


def main() -> int:
    """Run the estimate, print its time as Markdown, and return 1 if the limit is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.cost", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="the number of runs (default: 5)")
    runs = parser.parse_args().runs
    machine = f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}"
    print(f"{dt.date.today()}, {machine}, median of {runs}\n\n| estimate | seconds | limit |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as scratch:
        assembly = write_app(Path(scratch) / "cdk.out")
        seconds = statistics.median(_seconds(assembly) for _ in range(runs))
    print(f"| {RESOURCES} resources | {seconds:.2f} | {LIMIT_SECONDS:.0f} |")
    return int(seconds > LIMIT_SECONDS)


def write_app(assembly: Path) -> Path:
    """Write an assembly with services, their targets and log groups, and return its folder."""
    assembly.mkdir()
    artifacts = {}
    for stack in range(STACKS):
        name = f"S{stack}"
        resources: dict[str, Any] = {}
        for number in range(RESOURCES // STACKS // 5):
            resources |= _service(number)
        (assembly / f"{name}.template.json").write_text(json.dumps({"Resources": resources}))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json"},
        }
    (assembly / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": artifacts}))
    return assembly


def _service(number: int) -> dict[str, Any]:
    """Return five resources of a service."""
    task, web, logs = f"Task{number}", f"Web{number}", f"Logs{number}"
    name = {"Fn::Join": ["/", ["service", "shop", {"Fn::GetAtt": [web, "Name"]}]]}
    options = {"awslogs-group": {"Ref": logs}}
    container = {"Name": "web", "Image": "nginx", "LogConfiguration": {"LogDriver": "awslogs", "Options": options}}
    return {
        logs: {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
        task: {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"Cpu": "256", "Memory": "512", "ContainerDefinitions": [container]},
        },
        web: {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": task}, "LaunchType": "FARGATE"}},
        f"Target{number}": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {"ResourceId": name, "MinCapacity": 2, "MaxCapacity": 4},
        },
        f"Role{number}": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}},
    }


def _seconds(assembly: Path) -> float:
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", _COMMAND, "cost", str(assembly)], check=True, capture_output=True)
    return time.monotonic() - start


if __name__ == "__main__":
    raise SystemExit(main())
