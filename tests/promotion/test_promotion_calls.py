"""An error of boto3 is one sentence that names the operation, the place and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, TokenRetrievalError

from moorage.promotion.calls import Account, from_profile
from moorage.promotion.problems import PromotionError, RequestError
from tests.promotion.aws import PRODUCTION, REGION, Aws, error


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the AWS settings of the machine."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "missing"))


def said(aws: Aws) -> str:
    place = Account(aws.clients, PRODUCTION, REGION, "--profile")
    with pytest.raises(PromotionError) as failed:
        place.call("ssm", "GetParameter", "/ui/digest", Name="/ui/digest")
    (sentence,) = failed.value.problems
    return sentence


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (error("AccessDeniedException", "GetParameter"),
         "ssm:GetParameter on /ui/digest in 222222222222 eu-west-1 is denied; allow the permission ssm:GetParameter, "
         "or choose an AWS profile that has the permission with --profile"),
        (error("ExpiredTokenException", "GetParameter"),
         "the credentials for ssm:GetParameter in 222222222222 eu-west-1 have expired; sign in again, or choose an AWS "
         "profile with --profile"),
        (error("UnrecognizedClientException", "GetParameter"),
         "the credentials for ssm:GetParameter in 222222222222 eu-west-1 are not valid; sign in again, or choose an "
         "AWS profile with --profile"),
        (ClientError({}, "GetParameter"),
         "ssm:GetParameter on /ui/digest in 222222222222 eu-west-1 failed (no reason given); fix this and try again"),
        (NoCredentialsError(),
         "ssm:GetParameter in 222222222222 eu-west-1 has no credentials (Unable to locate credentials); sign in, or "
         "choose an AWS profile with --profile"),
        (TokenRetrievalError(provider="sso", error_msg="Token has expired"),
         "ssm:GetParameter in 222222222222 eu-west-1 has no credentials (Error when retrieving token from sso: Token "
         "has expired); sign in, or choose an AWS profile with --profile"),
        (EndpointConnectionError(endpoint_url="https://ssm"),
         'ssm:GetParameter in 222222222222 eu-west-1 failed (Could not connect to the endpoint URL: "https://ssm"); '
         "check the network and the settings of the AWS profile"),
    ],
)  # fmt: skip
def test_an_error_of_aws_is_a_sentence(fault: Exception, sentence: str) -> None:
    assert said(Aws(refused={("get_parameter", "*"): fault})) == sentence


@pytest.mark.usefixtures("no_settings")
def test_boto3_without_credentials_a_region_or_a_profile_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = from_profile(None, "--profile")
    with pytest.raises(PromotionError, match=r"^ssm:GetParameter in 222222222222 eu-west-1 has no credentials \("):
        Account(clients, PRODUCTION, REGION, "--profile").call("ssm", "GetParameter", "/a", Name="/a")
    with pytest.raises(PromotionError, match="^ssm:GetParameter has no region, since the app specifies none; set"):
        Account(clients, None, None, "--profile").call("ssm", "GetParameter", "/a", Name="/a")
    with pytest.raises(RequestError, match=r"^--source-profile nobody: .*nobody.*; list your profiles with `aws"):
        from_profile("nobody", "--source-profile")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RequestError, match="^AWS_PROFILE: "):
        from_profile(None, "--profile")


def test_an_app_without_a_region_is_named_by_the_session() -> None:
    assert str(Account(Aws().clients, None, None, "--profile")) == (
        "the account of the credentials, the region of the session"
    )
    assert str(Account(Aws().clients, PRODUCTION, REGION, "--profile")) == "222222222222 eu-west-1"
