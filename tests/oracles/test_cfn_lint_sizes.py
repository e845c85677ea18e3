"""The sizes of tasks on Fargate are those of cfn-lint's rule E3047."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from moorage.workload.fargate_sizes import FARGATE_MEMORY

EXTENSIONS = "cfnlint.data.schemas.extensions.aws_ecs_taskdefinition"


def sizes(memory: dict[str, Any]) -> tuple[int, ...]:
    if "enum" in memory:
        return tuple(int(each) for each in memory["enum"])
    return tuple(range(memory["minimum"], memory["maximum"] + 1, memory["multipleOf"]))


def test_fargate_offers_the_sizes_of_cfn_lint() -> None:
    rule = json.loads((resources.files(EXTENSIONS) / "fargate_cpu_memory.json").read_text())
    offered = {
        int(cpu): sizes(each["properties"]["Memory"]["then"])
        for each in rule["then"]["anyOf"]
        for cpu in each["properties"]["Cpu"]["then"]["enum"]
    }
    assert offered == FARGATE_MEMORY
