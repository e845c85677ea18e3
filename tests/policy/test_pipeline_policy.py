"""No policy issue remains in the roles that GitHub Actions assumes, which this repository's own file leaves out."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import aws_cdk as cdk
import pytest

from moorage import policy
from moorage.policy.acknowledgements import judge, of_app
from stacks.pipeline_roles import define_pipelines
from tests.policy.engines import findings
from tests.stacks.test_pipelines import DESCRIPTION


@pytest.mark.slow
def test_every_finding_in_the_roles_of_workflows_is_acknowledged(tmp_path: Path) -> None:
    app = cdk.App()
    for name in ("tooling", "staging", "production"):
        define_pipelines(cdk.Stage(app, name, env=cdk.Environment(account=12 * "1", region="eu-west-1")), DESCRIPTION)
    policy.acknowledge(app)
    with mock.patch.dict("os.environ", XDG_CACHE_HOME=str(tmp_path)):  # no results of old code
        stacks, violations = findings({"pipelines": app})["pipelines"]
    assert {violation.path.partition("/")[0] for violation in violations} == {"tooling", "staging", "production"}
    assert judge(violations, of_app(stacks)).left == frozenset()
