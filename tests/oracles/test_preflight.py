"""No template of app.py, the examples and the policy jobs has a cause of failed deployments that is known."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
import pytest

from moorage import Cluster, Network
from tools.preflight import Finding, acknowledgement, acknowledgements, assembly_findings, findings, rules

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found(programs: Path) -> dict[str, list[Finding]]:
    """Return the findings of the rules in each program of this tree."""
    return {assembly.name: list(assembly_findings(assembly)) for assembly in sorted((programs / "out").iterdir())}


@pytest.mark.slow
def test_every_finding_is_contradicted_by_aws(found: dict[str, list[Finding]]) -> None:
    assert {"app", "example service", "job environments", "job registry"} <= set(found)
    left = {
        f"{program}: {finding.resource}: {finding.rule}: {finding.message}"
        for program, of_program in found.items()
        for finding in of_program
        if not acknowledgement(program, finding)
    }
    assert left == set()


@pytest.mark.slow
def test_every_acknowledgement_is_needed_and_quotes_aws(found: dict[str, list[Finding]]) -> None:
    assert len(acknowledgements()) <= 5
    assert all(entry["quote"].strip() and entry["page"] for entry in acknowledgements())
    needed = [acknowledgement(program, finding) for program, of_program in found.items() for finding in of_program]
    assert [entry for entry in acknowledgements() if entry not in needed] == []


def test_all_rules_of_the_package_run_with_the_region_and_the_account() -> None:
    assert len(rules()) > 3000
    wrong = template(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        LoadBalancerAttributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "4001"}],
    )
    (finding,) = findings(wrong)
    assert (finding.rule, finding.resource) == ("pf-elbv2-lb-idle-timeout-range", "Thing")
    assert "4001 but must be between 1 and 4000" in finding.message
    regional = [rule for rule in rules().values() if "data.cdk_preflight.deploy_region" in rule["rego"]]
    assert regional


def template(resource_type: str, **properties: object) -> str:
    return json.dumps({"Resources": {"Thing": {"Type": resource_type, "Properties": properties}}})


@pytest.mark.slow
def test_a_cluster_synthesizes_beside_cdk_preflight_in_its_default_mode(app: cdk.App) -> None:
    from cdk_preflight import Preflight  # noqa: PLC0415  # jsii unpacks 7,000 files for this import

    Preflight.apply(app)
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
    app.synth()
