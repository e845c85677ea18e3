"""The configuration of each instance of an Auto Scaling group: AMI, volume and user data."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from moorage.workload import capacity_limits, image_limits, port_limits
from moorage.workload.errors import ValidationError
from moorage.workload.fit import DEFAULT_RESERVED_MIB
from moorage.workload.plain_texts import PlainText, check_literals
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import Architecture, OperatingSystemFamily
from moorage.workload.value import value_class


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _ports(ports: Iterable[int]) -> tuple[int, ...]:
    return tuple(ports)


@value_class
@attrs.frozen(kw_only=True)
class Ami:
    """The AMI of container instances. An SSM parameter holds the AMI ID, so each deployment uses the newest AMI.

    Args:
        parameter: The SSM parameter that holds the ID of the AMI. Default: AWS's own parameter for the operating
            system, the architecture and the GPUs of the instance types.
        is_bottlerocket: Whether to configure the AMI as Bottlerocket, with user data in TOML. Default: False, for
            Amazon Linux 2023 or Windows.
        operating_system_family: The operating system of the AMI and its tasks: Linux or a version of Windows. Default:
            `LINUX`.

    Raises:
        ValueError: If `parameter` is not the name of an AMI parameter for this system, or both Bottlerocket and Windows
            are given.
    """

    parameter: str | None = None
    is_bottlerocket: bool = False
    operating_system_family: OperatingSystemFamily = OperatingSystemFamily.LINUX

    def __attrs_post_init__(self) -> None:
        problems = Problems("Ami")
        if self.parameter is not None and not is_token(self.parameter) and not self.parameter.startswith("/"):
            problems.add(
                f"parameter must be the path of an SSM parameter (got {self.parameter!r}); use a path such as "
                "'/golden/ecs'"
            )
        else:
            problems.check(image_limits.PARAMETER_NAME, "parameter", self.parameter)
        problems.check_known("parameter", self.parameter)
        problems.check(capacity_limits.AMI_ID, "parameter", self.parameter)
        if self.parameter is not None:
            system = "Bottlerocket" if self.is_bottlerocket else self.operating_system_family.value
            problems.check(capacity_limits.AMI_SYSTEM, "parameter", (self.parameter, system))
        if self.is_bottlerocket and self._on_windows:
            problems.add(
                "bottlerocket=True must not be used with a Windows operating_system_family; leave one of them out"
            )
        problems.raise_any()

    @classmethod
    def al2023(cls) -> Ami:
        """Return the Amazon ECS-optimized Amazon Linux 2023 AMI."""
        return cls()

    @classmethod
    def bottlerocket(cls) -> Ami:
        """Return the Bottlerocket AMI for ECS: a read-only system without a shell.

        The ECS agent of Bottlerocket does not support EFS volumes, EBS volumes or Service Connect.
        """
        return cls(is_bottlerocket=True)

    @classmethod
    def windows(cls, family: OperatingSystemFamily = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE) -> Ami:
        """Return the Amazon ECS-optimized AMI of a version of Windows Server, which runs only tasks for that version.

        The ECS agent supports group Managed Service Accounts (gMSA) if the instance has joined a domain, for example
        with `ContainerInstance(user_data=...)`.

        Args:
            family: The version of Windows. Default: `WINDOWS_SERVER_2022_CORE`.

        Raises:
            ValueError: If `family` is LINUX.
        """
        if family is OperatingSystemFamily.LINUX:
            raise ValidationError(
                "Ami: family must be a version of Windows (got LINUX); use Ami.al2023() or Ami.bottlerocket() for Linux"
            )
        return cls(operating_system_family=family)

    @classmethod
    def from_ssm_parameter(
        cls,
        name: str,
        *,
        bottlerocket: bool = False,
        operating_system_family: OperatingSystemFamily = OperatingSystemFamily.LINUX,
    ) -> Ami:
        """Return a custom AMI that is built from one of AWS's AMIs and configured in the same way.

        Args:
            name: The name of the SSM parameter, of data type `aws:ec2:image`.
            bottlerocket: Whether to configure the AMI as Bottlerocket. Default: False, for Amazon Linux 2023 or
                Windows.
            operating_system_family: The operating system of the AMI: Linux or a version of Windows. Default: `LINUX`.

        Raises:
            ValueError: If `name` is not the path of an AMI parameter for this system, or both Bottlerocket and Windows
                are given.
        """
        return cls(parameter=name, is_bottlerocket=bottlerocket, operating_system_family=operating_system_family)

    @property
    def _on_windows(self) -> bool:
        """True if the operating system is Windows."""
        return self.operating_system_family is not OperatingSystemFamily.LINUX

    @property
    def _least_volume_gib(self) -> int:
        """The minimum size of the volume in GiB: the size of the snapshot that the AMI has for this volume."""
        if self.is_bottlerocket:
            return 1
        return 50 if self._on_windows else 30

    def _parameter_for(self, architecture: Architecture, *, gpus: bool) -> str:
        """Return the SSM parameter that holds the AMI's ID (guides of ECS, Bottlerocket and Windows)."""
        if self.parameter:
            return self.parameter
        if self._on_windows:
            _, _, year, edition = self.operating_system_family.value.split("_")
            server = f"Windows_Server-{year}-English-{edition.title()}-ECS_Optimized"
            return f"/aws/service/ami-windows-latest/{server}/image_id"
        arm = architecture is Architecture.ARM64
        if self.is_bottlerocket:
            variant, processor = "aws-ecs-2-nvidia" if gpus else "aws-ecs-2", "arm64" if arm else "x86_64"
            return f"/aws/service/bottlerocket/{variant}/{processor}/latest/image_id"
        variant = "/gpu" if gpus else "/arm64" if arm else ""
        return f"/aws/service/ecs/optimized-ami/amazon-linux-2023{variant}/recommended/image_id"


def _default_volume_gib(instance: ContainerInstance) -> int:
    return 30 if instance.ami.is_bottlerocket else instance.ami._least_volume_gib


@value_class
@attrs.frozen(kw_only=True)
class ContainerInstance:
    """The configuration of each instance of a group. Instances require IMDSv2, encrypt volumes and have no key pair.

    Args:
        ami: The machine image. Default: `Ami.al2023()`.
        volume_gib: The size of the gp3 volume for images, logs and files of tasks, in GiB, up to 65,536. The minimum is
            the size of the AMI's snapshot: 30, on Windows 50, on Bottlerocket 1. Default: 30, or on Windows 50.
        user_data: Lines to add to the user data that configures the agent, up to 15,000 bytes. On Amazon Linux, the
            lines are a shell script. On Windows, they are PowerShell that runs before the agent starts. On
            Bottlerocket, they are TOML, and lines before the first table belong to `[settings.ecs]`. Default: none.
        reserved_memory_mib: The memory for the system and the agent in MiB, which tasks cannot use, 0 or more.
            Default: 256.
        ssm_access: Whether to allow sessions of Session Manager on the instance. Default: False.
        detailed_monitoring: Whether to send metrics every minute. AWS bills these metrics. Default: True.
        egress: The TCP ports through which the instance, and tasks without their own network interface, may connect to
            any address. Default: 443.

    Raises:
        ValueError: If `volume_gib`, `user_data`, `reserved_memory_mib` or a port is outside its limits, or the user
            data contains a secret or, on Bottlerocket, the header of a table that moorage writes.
    """

    ami: Ami = attrs.field(factory=Ami)
    volume_gib: int = attrs.field(default=attrs.Factory(_default_volume_gib, takes_self=True))
    user_data: tuple[str, ...] = attrs.field(converter=_names, default=())
    reserved_memory_mib: int = DEFAULT_RESERVED_MIB
    ssm_access: bool = False
    detailed_monitoring: bool = True
    egress: tuple[int, ...] = attrs.field(converter=_ports, default=(443,))

    def __attrs_post_init__(self) -> None:
        problems = Problems("ContainerInstance")
        problems.check(capacity_limits.VOLUME, "volume_gib", (self.volume_gib, self.ami._least_volume_gib))
        problems.check(capacity_limits.USER_DATA, "user_data", len("\n".join(self.user_data).encode()))
        way_out = "read the secret on the instance, with a permission of the instance role"
        readers = "may describe the launch template"
        check_literals([PlainText("user_data", None, each, way_out, readers) for each in self.user_data], problems)
        problems.check(capacity_limits.RESERVED_MEMORY, "reserved_memory_mib", self.reserved_memory_mib)
        for port in self.egress:
            problems.check(port_limits.PORT, "each port of egress", port)
        for table in ("[settings.ecs]", "[settings.autoscaling]"):
            if self.ami.is_bottlerocket and table in map(str.strip, self.user_data):
                problems.add(
                    f"user_data must not have the header {table}, since moorage writes that table and TOML allows each "
                    "table only once; put lines for [settings.ecs] first, without a header"
                )
        problems.raise_any()

    @property
    def _runs_privileged(self) -> bool:
        """True if the instance can run privileged containers. On Bottlerocket, the user data must allow them."""
        lines = {line.replace(" ", "") for line in self.user_data}
        return not self.ami.is_bottlerocket or "allow-privileged-containers=true" in lines
