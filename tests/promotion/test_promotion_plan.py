"""A promotion is checked before anything is written, and all its problems are reported together."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.promotion.plan import Change, Request, plan
from moorage.promotion.problems import PromotionError, RequestError
from moorage.promotion.table import table
from tests.promotion.aws import (
    NEW,
    OLD,
    OTHER,
    PRODUCTION,
    REGION,
    STAGING,
    Aws,
    image_of,
    promotable,
    shop,
    stack,
    stages,
    task_definition,
    uri,
)


def planned(
    aws: Aws,
    *services: str,
    source: str = "staging",
    target: str = "production",
    stacks: tuple[Stack, ...] | None = None,
    source_aws: Aws | None = None,
) -> tuple[Change, ...]:
    request = Request(services or ("*",), source, target)
    return plan(request, stacks if stacks is not None else stages(), (source_aws or aws).clients, aws.clients)


def problems(aws: Aws, *services: str, **given: Any) -> list[str]:
    with pytest.raises(PromotionError) as refused:
        planned(aws, *services, **given)
    assert aws.writes == []
    return list(refused.value.problems)


# ---- services


@pytest.mark.parametrize(
    ("services", "names"),
    [
        (("*",), ["Services/Ui", "Services/Orders"]),
        (("ui",), ["Services/Ui"]),
        (("UI", "Services/Ui"), ["Services/Ui"]),
        (("Services/Ord*",), ["Services/Orders"]),
        (("orders", "ui"), ["Services/Orders", "Services/Ui"]),
    ],
)
def test_services_are_named_by_their_path_or_its_last_part(services: tuple[str, ...], names: list[str]) -> None:
    assert [change.name for change in planned(promotable(), *services)] == names


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"services": ("ui", "nothing")},
            "production has no service nothing; its services with images that ",
        ),
        ({"target": "nowhere"}, "the app has no stage or stack nowhere; its stages are staging, production"),
        ({"source": "prod"}, "the app has no stage or stack prod; its stages are staging, production"),
        (
            {"source": "production"},
            r"SOURCE and TARGET must be different stages \(got production twice\)",
        ),
        (
            {"source": "sha256:abc"},
            r"SOURCE must be a stage, a digest of 64 .* \(got sha256:abc\); use",
        ),
        ({"source": ":"}, r"a tag with a colon before it \(got :\)"),
        ({"stacks": ()}, "the app has no stacks; "),
    ],
)
def test_a_wrong_argument_is_refused_before_aws_is_asked(given: dict[str, Any], said: str) -> None:
    aws = promotable()
    with pytest.raises(RequestError, match=said):
        planned(aws, *given.pop("services", ()), **given)
    assert aws.calls == []


def test_an_image_by_tag_is_no_image_to_promote() -> None:
    tagged = {"Fn::Join": ["", [*uri(PRODUCTION, "retail/ui"), ":", {"Ref": "Tag"}]]}
    own = stack(
        "production/Services", PRODUCTION, {"Ui": task_definition("production/Services/Ui", app=tagged)}, Tag="/t"
    )
    with pytest.raises(RequestError, match=r"Services/Ui of production has no image whose digest .* digest_parameter="):
        planned(promotable(), "ui", stacks=(stages()[0], own))


def test_jobs_and_several_containers_count_by_their_task_definition() -> None:
    def stage(name: str, account: str) -> Stack:
        images = {part: image_of(part, uri(account, f"retail/{part.lower()}"), "nginx") for part in ("Ui", "Orders")}
        parameters = {part: f"/retail/{name}/{part.lower()}/digest" for part in images}
        return stack(f"{name}/Jobs", account, {"Job": task_definition(f"{name}/Jobs/Nightly", **images)}, **parameters)

    found = planned(promotable(), "nightly", stacks=(stage("staging", STAGING), stage("production", PRODUCTION)))
    assert [change.name for change in found] == ["Jobs/Nightly (Ui)", "Jobs/Nightly (Orders)"]


@pytest.mark.parametrize(("source", "target"), [("staging", "production/Services"), ("staging/Services", "production")])
def test_a_side_can_be_one_stack(source: str, target: str) -> None:
    assert [change.name for change in planned(promotable(), "ui", source=source, target=target)] == ["Services/Ui"]


def test_stages_can_be_stacks_without_a_stage() -> None:
    def own(name: str, account: str) -> Stack:
        definition = task_definition(f"{name}/Ui/TaskDef/Resource", app=image_of("P", uri(account, "retail/ui")))
        return stack(name, account, {"Ui": definition}, P=f"/retail/{name}/ui/digest")

    (change,) = planned(promotable(), "ui", stacks=(own("staging", STAGING), own("production", PRODUCTION)))
    assert (change.name, change.promoted.digest) == ("Ui", NEW)


def test_a_service_that_the_source_does_not_have_is_a_problem() -> None:
    stacks = shop("staging", STAGING, "Orders"), stages()[1]
    (said,) = problems(promotable(), stacks=stacks)
    assert said.startswith(
        "Services/Ui: staging has no container app of Services/Ui whose digest an SSM parameter holds; "
    )


# ---- digests


def test_the_digest_of_the_source_is_compared_with_that_of_the_target() -> None:
    ui, orders = planned(promotable())
    assert (ui.earlier, ui.promoted.digest, ui.promoted.tags) == (OLD, NEW, ("1.7.0", "stable"))
    assert ui.running is not None
    assert ui.running.tags == ("1.6.0",)
    assert ui.is_needed
    assert orders.is_needed


@pytest.mark.parametrize("source", [NEW, ":1.7.0"])
def test_a_digest_or_a_tag_needs_no_source(source: str) -> None:
    aws = promotable()
    assert {change.promoted.digest for change in planned(aws, source=source)} == {NEW}
    assert not [on for _, on in aws.calls if on.startswith("/retail/staging")]


def test_all_problems_are_reported_together() -> None:
    aws = promotable()
    del aws.parameters[STAGING, "/retail/staging/ui/digest"]
    aws.hold("staging", STAGING, "orders", OTHER)
    assert [re.sub("; .*", "", said) for said in problems(aws)] == [
        "Services/Ui: there is no SSM parameter /retail/staging/ui/digest of staging in 111111111111 eu-west-1",
        f"Services/Orders: the repository retail/orders in 222222222222 eu-west-1 has no image {OTHER}",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "none",
            "Services/Ui: staging has no image yet, since the SSM parameter /retail/staging/ui/digest in ",
        ),
        (
            "1.7.0",
            "/retail/staging/ui/digest of staging in 111111111111 eu-west-1 must hold a digest (got 1.7.0);",
        ),
        (
            "secret",
            "eu-west-1 must be of type String (got SecureString), which CloudFormation reads; delete",
        ),
    ],
)
def test_a_source_without_a_digest_is_refused(value: str, said: str) -> None:
    aws = promotable()
    aws.hold("staging", STAGING, "ui", value)
    (found,) = problems(aws)
    assert said in found


def test_an_image_that_is_not_replicated_yet_is_refused() -> None:
    aws = promotable()
    aws.images[PRODUCTION, "retail/ui"].pop()
    del aws.images[PRODUCTION, "retail/orders"]
    ui, orders = problems(aws)
    assert ui.endswith(
        f"has no image {NEW}; if it is replicated there, wait some minutes and try again, otherwise push it there"
    )
    assert orders.startswith("Services/Orders: the repository retail/orders in 222222222222 eu-west-1 has no image")
    assert "has no image with the tag 2.0; " in problems(promotable(), "ui", source=":2.0")[0]


def test_an_archived_image_is_refused() -> None:
    aws = promotable()
    aws.images[PRODUCTION, "retail/ui"][1]["imageStatus"] = "ARCHIVED"
    (said,) = problems(aws)
    assert "is archived; restore it" in said


def test_a_target_without_a_parameter_gets_one() -> None:
    aws = promotable()
    del aws.parameters[PRODUCTION, "/retail/production/ui/digest"]
    (change,) = planned(aws, "ui")
    assert change.earlier is None
    assert change.is_needed


def test_a_parameter_that_is_to_hold_two_digests_is_refused() -> None:
    aws = promotable()
    aws.hold("staging", STAGING, "orders", OLD)
    shared = stack(
        "production/Services",
        PRODUCTION,
        {
            name: task_definition(f"production/Services/{name}", app=image_of("P", uri(PRODUCTION, "retail/ui")))
            for name in ("Ui", "Orders")
        },
        P="/retail/production/ui/digest",
    )
    (said,) = problems(aws, stacks=(stages()[0], shared))
    assert said.startswith(
        "Services/Ui, Services/Orders share the SSM parameter /retail/production/ui/digest, and have "
    )


def test_a_repository_that_the_template_does_not_show_is_refused() -> None:
    own = stack(
        "production/Services",
        PRODUCTION,
        {"Ui": task_definition("production/Services/Ui", app=image_of("P", "docker.io/library/nginx"))},
        P="/retail/production/ui/digest",
    )
    (said,) = problems(promotable(), stacks=(stages()[0], own))
    assert "the template of production/Services does not show the private ECR repository" in said


# ---- accounts


def test_credentials_for_another_account_are_refused_on_each_side() -> None:
    aws = promotable()
    assert problems(attrs.evolve(aws, identity=PRODUCTION)) == [
        "staging is in the account 111111111111, and the credentials are for the account 222222222222; choose an AWS "
        "profile for 111111111111 with --source-profile"
    ]
    assert problems(attrs.evolve(aws, identity=STAGING)) == [
        "production is in the account 222222222222, and the credentials are for the account 111111111111; choose an "
        "AWS profile for 222222222222 with --profile"
    ]
    assert aws.calls.count(("get_caller_identity", "")) == 4, "once for each side of each promotion"
    of_staging = attrs.evolve(aws, identity=STAGING)
    assert len(planned(attrs.evolve(aws, identity=PRODUCTION), source_aws=of_staging)) == 2


def test_an_app_without_accounts_is_promoted_with_the_account_of_the_credentials() -> None:
    aws = promotable()
    aws.identity = PRODUCTION
    aws.hold("staging", PRODUCTION, "ui", NEW)
    stacks = tuple(shop(name, None, "Ui", region=None) for name in ("staging", "production"))
    assert [change.name for change in planned(aws, stacks=stacks)] == ["Services/Ui"]
    aws.hold("staging", PRODUCTION, "ui", OTHER)
    assert "retail/ui in the account of the credentials eu-west-1 has no image" in problems(aws, stacks=stacks)[0]


@pytest.mark.parametrize(
    ("operation", "on", "said"),
    [
        ("get_caller_identity", "*", "sts:GetCallerIdentity on the credentials in "),
        (
            "get_parameter",
            "/retail/staging/ui/digest",
            "ssm:GetParameter on /retail/staging/ui/digest in ",
        ),
        (
            "get_parameter",
            "/retail/production/ui/digest",
            "ssm:GetParameter on /retail/production/ui/digest in ",
        ),
        (
            "describe_images",
            "retail/ui",
            "ecr:DescribeImages on the repository retail/ui in 222222222222 eu-west-1",
        ),
    ],
)
def test_a_denied_operation_is_named_with_its_permission(operation: str, on: str, said: str) -> None:
    aws = promotable()
    aws.refused[operation, on] = "AccessDeniedException"
    found = problems(aws, "ui")
    assert found[0].startswith(said)
    assert f"allow the permission {found[0].split()[0]}, or choose an AWS profile" in found[0]


# ---- what is shown


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        (None, "not scanned"),
        ({"status": "COMPLETE", "counts": {}}, "no findings (basic scan)"),
        ({"status": "COMPLETE", "counts": {"LOW": 1, "CRITICAL": 2}}, "2 critical, 1 low (basic scan)"),
        ({"status": "ACTIVE", "counts": {"HIGH": 3}}, "3 high (enhanced scan)"),
        ({"status": "IN_PROGRESS", "counts": {}}, "scan: in progress"),
        ({"status": "UNSUPPORTED_IMAGE", "counts": {}}, "scan: unsupported image"),
    ],
)
def test_the_findings_of_the_scan_are_shown(scan: dict[str, Any] | None, said: str) -> None:
    aws = promotable()
    if scan:
        found = {"findingSeverityCounts": scan["counts"]}
        aws.scans[NEW] = {"imageScanStatus": {"status": scan["status"]}, "imageScanFindings": found}
    (change,) = planned(aws, "ui")
    assert change.promoted.findings == said


def test_findings_that_may_not_be_read_do_not_refuse_a_promotion() -> None:
    aws = promotable()
    aws.refused["describe_image_scan_findings", "*"] = "AccessDeniedException"
    (change,) = planned(aws, "ui")
    assert change.promoted.findings == "unknown (ecr:DescribeImageScanFindings is denied)"


def test_the_table_shows_each_image_before_and_after() -> None:
    aws = promotable()
    aws.hold("production", PRODUCTION, "orders", NEW)
    assert cells(planned(aws)) == [
        ["service", "from", "to", "pushed", "findings"],
        ["Services/Ui", "aaaaaaaaaaaa (1.6.0)", "bbbbbbbbbbbb (1.7.0, stable)", "2026-11-30 10:00 UTC", "not scanned"],
        ["Services/Orders", "bbbbbbbbbbbb (1.7.0, stable)", "already promoted", "2026-11-30 10:00 UTC", "not scanned"],
    ]
    aws.hold("production", PRODUCTION, "ui", "none")
    assert cells(planned(aws))[1][1] == "none"
    aws.hold("production", PRODUCTION, "ui", OTHER)
    assert cells(planned(aws))[1][1] == "cccccccccccc", "the repository no longer has the image"
    del aws.parameters[PRODUCTION, "/retail/production/ui/digest"]
    assert cells(planned(aws))[1][1] == "no parameter"


def cells(changes: tuple[Change, ...]) -> list[list[str]]:
    return [re.split(" {2,}", line) for line in table(changes).splitlines()]


def test_the_region_of_a_stack_is_that_of_its_parameters() -> None:
    aws = promotable()
    assert {change.place.region for change in planned(aws)} == {REGION}
