"""Write the lock files from the pins, with hashes but without the URL of a registry."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMON = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
EXTRAS = ["--extra", "local", "--extra", "prices", "--extra", "promotion", "--extra", "review", "--extra", "testing"]
PARTS = {
    "synth": ["--group", "synth"],
    "promotion": ["--group", "synth", "--extra", "promotion"],
    "review": ["--group", "synth", "--group", "review", "--extra", "review"],
    "local": ["--group", "synth", "--extra", "local", "--extra", "promotion", "--extra", "review"],  # for its diff
}
"""The groups and extras of each part of the set-up."""
PLAIN = ["--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]


def main() -> None:
    """Lock the project's dependencies at the pins of `requirements.txt`, and those of single tools separately."""
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(pins))
        constraints.flush()
        _lock(["--group", "dev", *EXTRAS, "--constraint", constraints.name, "pyproject.toml"], "requirements.lock")
    for part, options in PARTS.items():  # each with the versions of the complete lock
        _lock([*options, "--constraint", "requirements.lock", "pyproject.toml"], f"requirements-{part}.lock")
    for tool in ("checkov", "docs", "mutate"):
        _lock([f"tools/{tool}/requirements.in"], f"tools/{tool}/requirements.lock")


def _lock(sources: list[str], target: str) -> None:
    subprocess.run([*COMMON, *PLAIN, *sys.argv[1:], *sources, "--output-file", target], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
