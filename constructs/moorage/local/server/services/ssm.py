"""AWS Systems Manager: parameters, including public parameters for AMIs and the image of AWS for Fluent Bit.

On AWS, only Amazon writes public parameters. Here, `PutParameter` can also write them, so that a test can release an
image.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_region

from moorage.local.server.core.adapter import provisioners, ssm
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties, generated_name
from moorage.local.server.services.guards import guard

_PUBLIC = re.compile(
    r"/aws/service/ecs/optimized-ami/amazon-linux-(?:2|2023)/(?P<kind>(?:[a-z0-9.-]+/)?)[a-z0-9._-]+/image_id"
    r"|/aws/service/bottlerocket/aws-ecs-[0-9]+(?:-nvidia)?(?:-fips)?/(?P<architecture>x86_64|arm64)/[a-z0-9.-]+/image_id"
    r"|/aws/service/ami-amazon-linux-latest/(?:al20\d\d|amzn2?)-ami-[a-z0-9._-]+"
    r"|/aws/service/ami-windows-latest/(?:EC2LaunchV?2?-|TPM-)?Windows_Server-[A-Za-z0-9._-]+(?:/image_id)?"
    r"|/aws/service/(?:canonical/ubuntu|debian|suse)/[a-z0-9._/-]+/ami-id"
    r"|/aws/service/aws-for-fluent-bit/(?P<fluent_bit>[a-z0-9.-]+)"
)
"""The public parameters (Systems Manager user guide, "Discovering public parameters"; ECS developer guide, "AWS for
Fluent Bit image repositories for Amazon ECS")."""
_FLUENT_BIT = "906394416424"
"""The account of the AWS for Fluent Bit repositories in most regions (ECS developer guide, "AWS for Fluent Bit image
repositories for Amazon ECS")."""
_RELEASED = 1728518400
_NAME = re.compile(r"[A-Za-z0-9_.:/-]+")
_MOST_LEVELS = 15
_RESOLVED = "resolve:ssm:"
_MOST_STANDARD = 4096
"""The maximum size of a parameter in the standard tier (Systems Manager user guide, "Managing parameter tiers")."""


def architecture(image_id: str) -> str | None:
    """Return the architecture of an AMI, or None if no public parameter names the AMI.

    Args:
        image_id: The AMI ID, such as `ami-0123456789abcdef0`.
    """
    released = {name: str(record["Value"]) for name, record in ssm.parameters.items() if _PUBLIC.fullmatch(name)}
    current = {name: _value(name) for name in _NAMES}
    return next((_built_for(name) for name, value in [*released.items(), *current.items()] if value == image_id), None)


def resolved_image(image_id: str) -> str:
    """Return the AMI ID of a launch template, resolved if it is a parameter.

    Args:
        image_id: The AMI ID or the parameter, such as `resolve:ssm:/golden/image` (Amazon EC2 user guide, "Use a
            Systems Manager parameter instead of an AMI ID in a launch template").

    Raises:
        RefusedError: The parameter does not exist.
    """
    if not image_id.startswith(_RESOLVED):
        return image_id
    name = image_id.removeprefix(_RESOLVED).partition(":")[0]
    found = ssm.parameters.get(name) or ssm.public_parameter(name)
    if found is None:
        raise RefusedError(f"InvalidParameterValue: The parameter '{name}' of the image id '{image_id}' does not exist")
    return str(found["Value"])


_NAMES = (
    *(
        f"/aws/service/ecs/optimized-ami/amazon-linux-{version}/{kind}recommended/image_id"
        for version in ("2", "2023")
        for kind in ("", "arm64/", "gpu/")
    ),
    *(
        f"/aws/service/bottlerocket/aws-ecs-{variant}/{built_for}/latest/image_id"
        for variant in ("1", "1-nvidia", "2", "2-nvidia", "2-fips", "2-nvidia-fips", "3", "3-nvidia")
        for built_for in ("x86_64", "arm64")
    ),
    *(
        f"/aws/service/ami-amazon-linux-latest/{image}"
        for built_for in ("x86_64", "arm64")
        for image in (
            f"al2023-ami-kernel-default-{built_for}",
            f"al2023-ami-minimal-kernel-default-{built_for}",
            f"amzn2-ami-hvm-{built_for}-gp2",
            f"amzn2-ami-kernel-5.10-hvm-{built_for}-gp2",
        )
    ),
)


def _built_for(name: str) -> str:
    found = _PUBLIC.fullmatch(name)
    if found is None or found["architecture"] is None:
        return "arm64" if "arm64" in name else "x86_64"
    return found["architecture"]


def _value(name: str) -> str:
    found = _PUBLIC.fullmatch(name)
    if found and found["fluent_bit"]:
        return f"{_FLUENT_BIT}.dkr.ecr.{get_region()}.amazonaws.com/aws-for-fluent-bit:{found['fluent_bit']}"
    return f"ami-0{hashlib.sha256(f'{get_region()}{name}'.encode()).hexdigest()[:16]}"


def _check(parameter: Properties) -> None:
    """Refuse a parameter that `PutParameter` does not accept, with the message of Systems Manager."""
    name, value = str(parameter.get("Name", "/a")), str(parameter.get("Value"))
    if "/" in name and not name.startswith("/"):
        raise RefusedError("ValidationException: Parameter name must be a fully qualified name.")
    if name.count("/") > _MOST_LEVELS:  # PutParameter, Name
        raise RefusedError(
            f"HierarchyLevelLimitExceededException: Parameter name must not exceed {_MOST_LEVELS} levels."
        )
    if not _NAME.fullmatch(name):
        raise RefusedError(
            "ValidationException: Invalid parameter name. Please use correct syntax for referencing a version/label "
            "[a-zA-Z0-9_.-/]"
        )
    if not value:
        raise RefusedError(
            "ValidationException: 1 validation error detected: Value '' at 'value' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1."
        )
    if len(value.encode()) > _MOST_STANDARD and parameter.get("Tier", "Standard") == "Standard":
        raise RefusedError(
            "ValidationException: Standard tier parameters support a maximum parameter value of "
            f"{_MOST_STANDARD} characters. To create a larger parameter value, upgrade the parameter to use the "
            "advanced-parameter tier."
        )
    pattern = parameter.get("AllowedPattern")
    if pattern and not _is_matched(str(pattern), value):
        raise RefusedError(
            f"ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: {pattern}"
        )


def _is_matched(pattern: str, value: str) -> bool:
    """Return whether a value matches a pattern; True if Python cannot parse the pattern (AWS uses Java's syntax)."""
    try:
        return bool(re.search(pattern, value))
    except re.error:
        return True


def _named(create: Callable[..., Any]) -> Callable[..., Any]:
    """Generate missing names without the stack's name, which may begin with the reserved `aws` or `ssm`."""

    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        stated = properties if properties.get("Name") else properties | {"Name": generated_name("CFN", logical_id)}
        return create(logical_id, stated, stack_name)

    return created


def install() -> None:
    """Check parameters, and add public parameters that can be written."""
    guard("AWS::SSM::Parameter", _check)
    handler = provisioners.RESOURCE_HANDLERS["AWS::SSM::Parameter"]
    handler["create"] = _named(handler["create"])
    public: Callable[[str], Any] = ssm.public_parameter
    reserved: Callable[[str], Any] = ssm.reserved_name_error

    def found(name: str) -> Any:
        if not _PUBLIC.fullmatch(name):
            return public(name)
        return {
            "Name": name,
            "Type": "String",
            "Value": _value(name),
            "DataType": "text" if "fluent-bit" in name else "aws:ec2:image",
            "Version": 1,
            "LastModifiedDate": _RELEASED,
            "ARN": f"arn:aws:ssm:{get_region()}::parameter{name}",
        }

    ssm.public_parameter = found
    ssm.reserved_name_error = lambda name: None if _PUBLIC.fullmatch(name) else reserved(name)
    put: Callable[[dict[str, Any]], Any] = ssm.put_parameter

    def released(parameters: dict[str, Any]) -> Any:
        return put({"Type": "String", **parameters} if _PUBLIC.fullmatch(parameters.get("Name", "")) else parameters)

    ssm.put_parameter = released
