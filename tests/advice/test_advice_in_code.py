"""The advice in code is that of `moorage advise` for every service, worker and job of the examples."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from moorage import Cluster, Job, Service, Worker
from moorage.advice.advice import Advice
from moorage.advice.assembly.workloads import Found, workloads_of
from moorage.advice.assumptions import Assumptions
from moorage.advice.placed import advise_each, advise_together
from moorage.assembly.cloud_assembly import stacks_of
from moorage.cli.commands import advise as command
from tests.conftest import ROOT, synthesize

QUICK = {"conditions", "instances", "job", "scaling", "spot", "worker"}
"""The examples whose advice `make test` compares; `make oracles` compares that of the others."""
EXAMPLES = [
    pytest.param(path.stem, marks=[] if path.stem in QUICK else pytest.mark.oracle)
    for path in sorted((ROOT / "examples").glob("*.py"))
]
WITHOUT_WORKLOADS = {"lifecycle", "public_repository", "registry", "replication", "repository"}
DAEMONS = {"Models/Agent": "the template of a daemon does not name the capacity on whose instances it runs"}
"""The workloads whose advice in code knows more."""


def advised_in(app: cdk.App) -> dict[str, Advice]:
    """Return the advice of each service, worker and job, by its construct path. No template states `trunking`."""
    found = [each for each in app.node.find_all() if isinstance(each, Service | Worker | Job)]
    workers = {id(each.service) for each in found if isinstance(each, Worker)}
    advice = {each.node.path: each.advise(trunking=False) for each in found if id(each) not in workers}
    return {path: each for path, each in advice.items() if each is not None}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_advice_in_code_is_that_of_the_command(name: str, tmp_path: Path) -> None:
    app = synthesize(ROOT / "examples" / f"{name}.py", tmp_path)["app"]
    found = [each for each in workloads_of(stacks_of(tmp_path)) if isinstance(each, Found)]
    in_code = advised_in(app)
    assert in_code.keys() == {each.path for each in found}
    assert bool(found) is (name not in WITHOUT_WORKLOADS)
    for each in found:
        if each.path not in DAEMONS:
            assert in_code[each.path] == advise_each(each, assumptions=Assumptions())
    for cluster in clusters_of(app):
        members = [each for each in found if each.cluster == cluster.node.path and each.path not in DAEMONS]
        expected = [advise_each(each, assumptions=Assumptions()) for each in members]
        expected += advise_together(members, assumptions=Assumptions())
        together = cluster.advise(trunking=False)
        assert by_subject(each for each in together if each.subject not in DAEMONS) == by_subject(expected)


def clusters_of(app: cdk.App) -> list[Cluster]:
    return [each for each in app.node.find_all() if isinstance(each, Cluster)]


def by_subject(advice: Any) -> dict[str, tuple[Any, ...]]:
    """Return the advice by its subject. The order of services and jobs is that of the templates, or of the app."""
    found: Iterator[Advice] = iter(advice)
    return {each.subject: (each.advised, each.options, each.flips, set(each.assumptions)) for each in found}


def test_both_take_the_same_assumptions() -> None:
    options = {each.name for each in command.params} - {"assembly", "pattern", "usage", "prices", "json"}
    for method in (Service.advise, Worker.advise, Cluster.advise):
        assert set(inspect.signature(method).parameters) == {"self", *options}
    of_runs = {"run_minutes", "runs_per_month"}  # a usage file has them
    assert set(inspect.signature(Job.advise).parameters) == {"self", *options, *of_runs}
