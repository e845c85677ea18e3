"""The limits of repository names, image references, tags and digests; rows of the table in `limits`."""

from __future__ import annotations

from moorage.workload.limit import Botocore, Limit, matching

REPOSITORY_NAME = matching(
    "repository-name",
    r"(?=.{2,256}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
    rule="must be 2 to 256 characters: lowercase letters and digits, joined by '.', '_', '__', '-' or '/'",
    hint="use a name such as 'shop/web', or leave name= out for a generated name",
    source=Botocore("ecr", "RepositoryName"),
)
IMAGE_REFERENCE = matching(
    "image-reference",
    r"(?=[^@]{1,255}(@|$))([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?",
    rule="must be lowercase names joined by '/', with an optional ':tag' and '@sha256:...', without 'https://', and "
    "with at most 255 characters before any '@'",
    hint="use a reference for `docker pull`, such as 'redis:8' or 'ghcr.io/org/image:1.2'",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "image",
        "the 255 character limit applies only to the repository URL and image name (everything before the @ sign).",
        also="distribution/reference, the grammar of image references",
    ),
)
REGISTRY_CREDENTIALS = Limit(
    id="registry-credentials",
    accepts=lambda reference: not reference.startswith("public.ecr.aws/"),
    rule="must be in a registry other than Amazon ECR with credentials",
    hint="leave credentials= out, since public images of Amazon ECR need none",
    source="ECS developer guide, using non-AWS container images: does not apply to an image that is stored in ECR",
)
IMAGE_TAG = matching(
    "image-tag",
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}",
    rule="must be 1 to 300 letters, digits, '_', '.' and '-', and not start with '.' or '-'",
    hint="use a tag such as '1.4.2'",
    source=Botocore("ecr", "ImageTag"),
)
IMAGE_DIGEST = matching(
    "image-digest",
    r"sha256:[0-9a-f]{64}",
    rule="must be 'sha256:' followed by 64 hexadecimal digits",
    hint="copy the complete digest from `docker push` or the console",
    source="botocore ecr ImageDigest; OCI image specification",
)
PARAMETER_NAME = matching(
    "parameter-name",
    r"(?=.{1,1011}$)([A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+){1,15})(:\d+)?",
    rule="must be letters, digits, '_', '.' and '-', in up to 15 levels that each begin with '/'",
    hint="use the name of a parameter of Systems Manager, such as '/shop/web/tag'",
    source=Botocore(
        "ssm",
        "PutParameterRequest",
        "Name",
        "Parameter names can include only the following symbols and letters: a-zA-Z0-9_.-",
        also="a leading '/' in hierarchies, 15 levels and 1,011 characters; a version can follow ':'",
    ),
)
