"""The sample events of AWS's documentation of ECR and Inspector, unchanged.

`ECR` is from https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html, `INSPECTOR` from
https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-events.html. The finding has only the
parts that patterns can match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIGEST = "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234"


def _ecr(kind: str, detail: dict[str, Any], resources: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "13cde686-328b-6117-af20-0e5566167482",
        "detail-type": kind,
        "source": "aws.ecr",
        "account": "123456789012",
        "time": "2019-11-16T01:54:34Z",
        "region": "us-west-2",
        "resources": list(resources),
        "detail": detail,
    }


def _image(**detail: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in detail.items()}
    return {"result": "SUCCESS", "repository-name": "my-repository-name", "image-digest": DIGEST, **named}


ECR: Mapping[str, dict[str, Any]] = {
    "push": _ecr("ECR Image Action", _image(action_type="PUSH", image_tag="latest")),
    "pull through": _ecr(
        "ECR Pull Through Cache Action",
        {
            "rule-version": "1",
            "sync-status": "SUCCESS",
            "ecr-repository-prefix": "docker-hub",
            "repository-name": "docker-hub/alpine",
            "upstream-registry-url": "public.ecr.aws",
            "image-tag": "3.17.2",
            "image-digest": "sha256:4aa08ef415aecc80814cb42fa41b658480779d80c77ab15EXAMPLE",
        },
        ("arn:aws:ecr:us-west-2:123456789012:repository/docker-hub/alpine",),
    ),
    "basic scan": _ecr(
        "ECR Image Scan",
        {
            "scan-status": "COMPLETE",
            "repository-name": "my-repository-name",
            "finding-severity-counts": {"CRITICAL": 10, "MEDIUM": 9},
            "image-digest": DIGEST,
            "image-tags": [],
        },
        ("arn:aws:ecr:us-east-1:123456789012:repository/my-repository-name",),
    ),
    "scan frequency": _ecr(
        "ECR Scan Resource Change",
        {
            "action-type": "SCAN_FREQUENCY_CHANGE",
            "repositories": [
                {
                    "repository-name": "repository-1",
                    "repository-arn": "arn:aws:ecr:us-east-1:123456789012:repository/repository-1",
                    "scan-frequency": "SCAN_ON_PUSH",
                    "previous-scan-frequency": "MANUAL",
                }
            ],
            "resource-type": "REPOSITORY",
            "scan-type": "ENHANCED",
        },
    ),
    "delete": _ecr("ECR Image Action", _image(action_type="DELETE", image_tag="latest")),
    "archive": _ecr(
        "ECR Image Action",
        {
            "action-type": "UPDATE_STORAGE_CLASS",
            "target-storage-class": "ARCHIVE",
            "image-digest": "sha256:f98d67af8e53a536502bfc600de3266556b06ed635a32d60aa7a5fe6d7e609d7",
            "repository-name": "ubuntu",
            "result": "SUCCESS",
            "manifest-media-type": "application/vnd.oci.image.manifest.v1+json",
            "artifact-media-type": "application/vnd.oci.image.config.v1+json",
        },
    ),
    "restore": _ecr(
        "ECR Image Action",
        {
            "action-type": "UPDATE_STORAGE_CLASS",
            "target-storage-class": "STANDARD",
            "image-digest": "sha256:f98d67af8e53a536502bfc600de3266556b06ed635a32d60aa7a5fe6d7e609d7",
            "repository-name": "ubuntu",
            "result": "SUCCESS",
            "manifest-media-type": "application/vnd.oci.image.manifest.v1+json",
            "artifact-media-type": "application/vnd.oci.image.config.v1+json",
            "last-activated-at": "2025-10-10T19:13:02.74Z",
        },
    ),
    "replication": _ecr(
        "ECR Replication Action",
        {
            "result": "SUCCESS",
            "repository-name": "docker-hub/alpine",
            "image-digest": DIGEST,
            "source-account": "123456789012",
            "action-type": "REPLICATE",
            "source-region": "us-west-2",
            "image-tag": "3.17.2",
        },
        ("arn:aws:ecr:us-east-1:123456789012:repository/docker-hub/alpine",),
    ),
    "failed replication": _ecr(
        "ECR Replication Action",
        {
            "result": "FAILED",
            "repository-name": "my-app",
            "image-digest": "sha256:8g6c3751gf7gc5g47603ege4511d5a80ead5g90f5893543f1489bde2345",
            "source-account": "123456789012",
            "action-type": "REPLICATE",
            "source-region": "us-west-2",
            "image-tag": "latest",
        },
        ("arn:aws:ecr:us-east-1:123456789012:repository/my-app",),
    ),
}

_SAMPLE = "arn:aws:ecr:us-east-2:123456789012:repository/amazon/amazon-ecs-sample"
_SAMPLE_DIGEST = "sha256:36c7b282abd0186e01419f2e58743e1bf635808231049bbc9d77e5EXAMPLE"
INSPECTOR: Mapping[str, dict[str, Any]] = {
    "inspector scan": {
        "version": "0",
        "id": "739c0d3c-4f02-85c7-5a88-94a9EXAMPLE",
        "detail-type": "Inspector2 Scan",
        "source": "aws.inspector2",
        "account": "123456789012",
        "time": "2021-12-03T18:03:16Z",
        "region": "us-east-2",
        "resources": [_SAMPLE],
        "detail": {
            "scan-status": "INITIAL_SCAN_COMPLETE",
            "repository-name": _SAMPLE,
            "finding-severity-counts": {"CRITICAL": 7, "HIGH": 61, "MEDIUM": 62, "TOTAL": 158},
            "image-digest": _SAMPLE_DIGEST,
            "image-tags": ["latest"],
        },
    },
    "inspector finding": {
        "version": "0",
        "id": "42dbea55-45ad-b2b4-87a8-afaEXAMPLE",
        "detail-type": "Inspector2 Finding",
        "source": "aws.inspector2",
        "account": "123456789012",
        "time": "2021-12-03T18:02:30Z",
        "region": "us-east-2",
        "resources": [f"{_SAMPLE}/{_SAMPLE_DIGEST}"],
        "detail": {
            "awsAccountId": "123456789012",
            "findingArn": "arn:aws:inspector2:us-east-2:123456789012:finding/be674aaddd0f75ac632055EXAMPLE",
            "inspectorScore": 6.5,
            "resources": [
                {
                    "details": {
                        "awsEcrContainerImage": {
                            "architecture": "amd64",
                            "imageHash": _SAMPLE_DIGEST,
                            "imageTags": ["latest"],
                            "platform": "AMAZON_LINUX_2",
                            "inUseCount": 1,
                            "registry": "123456789012",
                            "repositoryName": "amazon/amazon-ecs-sample",
                        }
                    },
                    "id": f"{_SAMPLE}/{_SAMPLE_DIGEST}",
                    "partition": "N/A",
                    "region": "N/A",
                    "type": "AWS_ECR_CONTAINER_IMAGE",
                }
            ],
            "severity": "MEDIUM",
            "status": "ACTIVE",
            "title": "CVE-2019-17498 - libssh2",
            "type": "PACKAGE_VULNERABILITY",
        },
    },
}
SAMPLES = {**ECR, **INSPECTOR}
