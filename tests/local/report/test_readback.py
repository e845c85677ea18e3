"""A stack is deployed again only if it does not match its template or its protection."""

from __future__ import annotations

import json
from collections.abc import Callable

import attrs
import pytest
import yaml

from moorage.assembly.cloud_assembly import Stack
from moorage.local.report.readback import is_deployed
from tests.local.local_aws import ACCOUNT, REGION, Client, access, resource

STACK = Stack("Shop", "Shop", ACCOUNT, REGION, {"Resources": {"Queue": resource("AWS::SQS::Queue")}}, ())


@pytest.mark.parametrize("written", [json.dumps, yaml.safe_dump], ids=["JSON", "YAML, as of a legacy synthesizer"])
def test_a_stack_that_matches_its_template_is_deployed(
    client: Client, server: tuple[int, int], remove: Callable[[str], None], written: Callable[[object], str]
) -> None:
    client("cloudformation").create_stack(StackName="Shop", TemplateBody=written(STACK.template))
    try:
        assert is_deployed(access(server[1]), STACK)
        other = {"Resources": {"Topic": resource("AWS::SNS::Topic")}}
        assert not is_deployed(access(server[1]), attrs.evolve(STACK, template=other))
        assert not is_deployed(access(server[1]), attrs.evolve(STACK, termination_protection=True))
    finally:
        remove("Shop")
