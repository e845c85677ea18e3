"""All parameters of a promotion are written, or all have their earlier values."""

from __future__ import annotations

import pytest
from botocore.exceptions import ReadTimeoutError

from moorage.promotion.plan import Change, Request, plan
from moorage.promotion.problems import PromotionError
from moorage.promotion.writes import write
from tests.promotion.aws import NEW, OLD, PRODUCTION, Aws, promotable, stages

UI, ORDERS = "/retail/production/ui/digest", "/retail/production/orders/digest"


def changes(aws: Aws) -> tuple[Change, ...]:
    return plan(Request(["*"], "staging", "production"), stages(), aws.clients, aws.clients)


def refusal(planned: tuple[Change, ...]) -> list[str]:
    with pytest.raises(PromotionError) as failed:
        write(planned)
    return list(failed.value.problems)


def test_only_the_parameters_that_change_are_written() -> None:
    aws = promotable()
    aws.hold("production", PRODUCTION, "orders", NEW)
    write(changes(aws))
    assert aws.writes == [UI]
    assert aws.value("production", "ui") == NEW
    assert aws.value("staging", "ui") is None, "staging is in another account"


def test_a_missing_parameter_is_created() -> None:
    aws = promotable()
    del aws.parameters[PRODUCTION, UI]
    write(changes(aws))
    assert (aws.value("production", "ui"), aws.value("production", "orders")) == (NEW, NEW)


def test_nothing_is_half_promoted_if_a_write_fails() -> None:
    aws = promotable()
    aws.refused["put_parameter", ORDERS] = "AccessDeniedException"
    denied, restored = refusal(changes(aws))
    assert denied.startswith(f"ssm:PutParameter on {ORDERS} in 222222222222 eu-west-1 is denied; allow the permission ")
    assert restored == f"the earlier values are restored: {UI} is {OLD}"
    assert (aws.value("production", "ui"), aws.value("production", "orders")) == (OLD, OLD)


def test_a_parameter_that_did_not_exist_is_none_after_a_failure() -> None:
    aws = promotable()
    del aws.parameters[PRODUCTION, UI]
    aws.refused["put_parameter", ORDERS] = "AccessDeniedException"
    assert refusal(changes(aws))[1] == f"the earlier values are restored: {UI} is none, since it did not exist"
    assert aws.value("production", "ui") == "none"


def test_a_first_write_that_fails_leaves_nothing_to_restore() -> None:
    aws = promotable()
    aws.refused["put_parameter", "*"] = "ParameterLimitExceeded"
    assert refusal(changes(aws)) == [
        f"ssm:PutParameter on {UI} in 222222222222 eu-west-1 failed (ParameterLimitExceeded it is); fix this and try "
        "again",
        "nothing was written",
    ]


def test_a_write_that_was_made_although_it_failed_is_restored() -> None:
    aws = promotable()
    planned = changes(aws)
    aws.late = ReadTimeoutError(endpoint_url="https://ssm")
    timed_out, *said = refusal(planned)
    assert timed_out.startswith("ssm:PutParameter in 222222222222 eu-west-1 failed (Read timeout on endpoint URL")
    assert said == [f"the earlier values are restored: {UI} is {OLD}"]


def test_values_that_cannot_be_restored_are_named_with_the_command_that_restores_them() -> None:
    aws = promotable()
    planned = changes(aws)
    aws.refused["put_parameter", ORDERS] = "AccessDeniedException"
    aws.failing_after[UI] = 1
    denied, again, way_out = refusal(planned)
    assert denied.startswith(f"ssm:PutParameter on {ORDERS}")
    assert again.startswith(f"ssm:PutParameter on {UI}")
    assert way_out == (
        f"{UI} in 222222222222 eu-west-1 still has the new digest; restore it with `aws ssm put-parameter --name {UI} "
        f"--value {OLD} --overwrite --region eu-west-1`"
    )


def test_an_interruption_restores_the_earlier_values() -> None:
    aws = promotable()
    planned = changes(aws)
    aws.refused["put_parameter", ORDERS] = KeyboardInterrupt()
    aws.once.add(("put_parameter", ORDERS))
    assert refusal(planned)[0] == "interrupted while the digests were written"
    assert (aws.value("production", "ui"), aws.value("production", "orders")) == (OLD, OLD)
