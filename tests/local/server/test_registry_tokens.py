"""Docker logs in to the registry only with a token that this server issued."""

from __future__ import annotations

import base64
import hashlib
import json
from http import HTTPStatus
from unittest import mock

import pytest

from moorage.local.server.core import registry_tokens
from tests.local.local_aws import Client, sent

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


def _token(client: Client) -> str:
    (data,) = client("ecr").get_authorization_token()["authorizationData"]
    return str(data["authorizationToken"])


def test_an_image_is_pushed_and_pulled_with_a_token(server: tuple[int, int], client: Client) -> None:
    client("ecr").create_repository(repositoryName="pushed")
    logged_in = {"Authorization": f"Basic {_token(client)}"}
    assert sent(server[1], "GET", "/v2/", **logged_in).status == HTTPStatus.OK
    blob = b"{}"
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    upload = sent(server[1], "POST", f"/v2/pushed/blobs/uploads/?digest={digest}", blob, **logged_in)
    assert upload.status == HTTPStatus.CREATED
    layer = {"mediaType": _CONFIG, "digest": digest, "size": len(blob)}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": layer, "layers": []})
    put = sent(server[1], "PUT", "/v2/pushed/manifests/1.0", manifest, Content_Type=_MANIFEST, **logged_in)
    assert put.status == HTTPStatus.CREATED, put.body
    (image,) = client("ecr").describe_images(repositoryName="pushed")["imageDetails"]
    assert image["imageTags"] == ["1.0"]
    pulled = sent(server[1], "GET", "/v2/pushed/manifests/1.0", Accept=_MANIFEST, **logged_in)
    assert json.loads(pulled.body) == json.loads(manifest)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic",
        "Basic not-base64",
        f"Basic {base64.b64encode(b'AWS:ministack-auth-token').decode()}",
        f"Basic {base64.b64encode(b'AWS:').decode()}",
        "Bearer AWS",
    ],
)
@pytest.mark.parametrize("path", ["/v2/", "/v2/_catalog", "/v2/pushed/manifests/1.0", "/v2/pushed/blobs/uploads/"])
def test_the_registry_accepts_no_other_credentials(
    server: tuple[int, int], path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for method in ("GET", "POST", "PUT"):
        answer = sent(server[1], method, path, "{}", **headers)
        assert answer.status == HTTPStatus.UNAUTHORIZED
        assert answer.headers["www-authenticate"].startswith("Basic ")


def test_a_token_needs_the_user_aws_and_opens_only_the_registry(server: tuple[int, int], client: Client) -> None:
    token = base64.b64decode(_token(client)).decode()
    other = base64.b64encode(token.replace("AWS:", "root:").encode()).decode()
    assert sent(server[1], "GET", "/v2/", Authorization=f"Basic {other}").status == HTTPStatus.UNAUTHORIZED
    for path in ("/", "/a-bucket/key", "/v2/apis", "/_ministack/health"):
        assert sent(server[1], "GET", path, Authorization=f"Basic {_token(client)}").status == HTTPStatus.FORBIDDEN


def test_a_web_page_with_a_token_is_refused(server: tuple[int, int], client: Client) -> None:
    headers = {"Authorization": f"Basic {_token(client)}", "Origin": "https://attacker.example"}
    assert sent(server[1], "GET", "/v2/", **headers).status == HTTPStatus.FORBIDDEN


def test_a_token_expires_after_twelve_hours() -> None:
    with mock.patch("time.time", return_value=0.0):
        issued = registry_tokens.issue()
        header = f"Basic {issued['authorizationToken']}"
        assert registry_tokens.holder(header) is not None
    with mock.patch("time.time", return_value=float(issued["expiresAt"])):
        assert registry_tokens.holder(header) is None
