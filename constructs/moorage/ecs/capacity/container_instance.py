"""What each instance of an Auto Scaling group is: its machine image, its volume and what sets it up."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from moorage.workload import capacity_limits, container_limits
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
    """The machine image of container instances, named by an SSM parameter, so that each deployment takes the newest.

    Args:
        parameter: The SSM parameter that holds the id; without it, AWS's own for the operating system, by the
            architecture and the GPUs of the instance types.
        is_bottlerocket: Whether it is Bottlerocket, which is set up by TOML; else Amazon Linux 2023, by a shell script.
        operating_system_family: Linux, or the Windows that its tasks are built for, which is set up by PowerShell.

    Raises:
        ValueError: the parameter's name is none, or it is to be Bottlerocket and Windows.
    """

    parameter: str | None = None
    is_bottlerocket: bool = False
    operating_system_family: OperatingSystemFamily = OperatingSystemFamily.LINUX

    def __attrs_post_init__(self) -> None:
        problems = Problems("Ami")
        if self.parameter is not None and not is_token(self.parameter) and not self.parameter.startswith("/"):
            problems.add(
                f"parameter is {self.parameter!r}, but a parameter of an AMI has a path; write it as in '/golden/ecs'"
            )
        problems.check_known("parameter", self.parameter)
        problems.check(capacity_limits.AMI_ID, "parameter", self.parameter)
        if self.parameter is not None:
            system = "Bottlerocket" if self.is_bottlerocket else self.operating_system_family.value
            problems.check(capacity_limits.AMI_SYSTEM, "parameter", (self.parameter, system))
        if self.is_bottlerocket and self._on_windows:
            problems.add("it is Bottlerocket and Windows, but an AMI is of one system; leave one of them out")
        problems.raise_any()

    @classmethod
    def al2023(cls) -> Ami:
        """The ECS-optimized AMI of Amazon Linux 2023."""
        return cls()

    @classmethod
    def bottlerocket(cls) -> Ami:
        """Bottlerocket for ECS: a read-only system that is replaced as a whole, without a shell.

        Its agent has no EFS, EBS or Service Connect for tasks.
        """
        return cls(is_bottlerocket=True)

    @classmethod
    def windows(cls, family: OperatingSystemFamily = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE) -> Ami:
        """The ECS-optimized AMI of a Windows Server, on which tasks built for that Windows alone run.

        Its agent takes tasks with a group Managed Service Account (gMSA) where its instance is in a domain, which
        `ContainerInstance(user_data=...)` sees to.

        Raises:
            ValueError: it is Linux.
        """
        if family is OperatingSystemFamily.LINUX:
            raise ValueError("Ami: family is 'LINUX', but that is no Windows; use Ami.al2023() or Ami.bottlerocket()")
        return cls(operating_system_family=family)

    @classmethod
    def from_ssm_parameter(
        cls,
        name: str,
        *,
        bottlerocket: bool = False,
        operating_system_family: OperatingSystemFamily = OperatingSystemFamily.LINUX,
    ) -> Ami:
        """An AMI of the user's, whose agent is set up as on AWS's.

        Args:
            name: The SSM parameter, of data type `aws:ec2:image`.
            bottlerocket: Whether it is made from Bottlerocket; else from Amazon Linux 2023, or Windows.
            operating_system_family: The Windows that it is made from.

        Raises:
            ValueError: the name does not start with `/`.
        """
        return cls(parameter=name, is_bottlerocket=bottlerocket, operating_system_family=operating_system_family)

    @property
    def _on_windows(self) -> bool:
        """True if it is Windows."""
        return self.operating_system_family is not OperatingSystemFamily.LINUX

    @property
    def _least_volume_gib(self) -> int:
        """The size of its snapshot, of Bottlerocket that of the data volume."""
        if self.is_bottlerocket:
            return 1
        return 50 if self._on_windows else 30

    def _parameter_for(self, architecture: Architecture, *, gpus: bool) -> str:
        """Return the SSM parameter with the id for these instances (guides of ECS, Bottlerocket, Windows)."""
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
    """What each instance of a group is. Its metadata is IMDSv2's alone, its volumes are encrypted, it has no key.

    Args:
        ami: Its machine image: Amazon Linux 2023 without it.
        volume_gib: The volume that holds images, logs and files of tasks, up to 65,536 GiB of gp3: at least 30, for
            Windows 50, which its AMI takes, and for Bottlerocket 1. Default: 30, for Windows 50.
        user_data: Lines added to what sets up the agent: of the shell script, of PowerShell ahead of the agent on
            Windows, or of Bottlerocket's TOML, where those before its first table belong to `[settings.ecs]`.
        reserved_memory_mib: What is kept for the system and the agent, and not offered to tasks.
        ssm_access: Whether Session Manager reaches it, and with it whoever may start a session.
        detailed_monitoring: Whether it is measured every minute; priced.
        egress: TCP ports that it, and tasks without an interface of their own, may connect to anywhere.

    Raises:
        ValueError: the volume or a port is outside its limit, or the memory is negative.
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
        way_out = "read it where it runs, with a permission of the instance's role"
        readers = "may describe the launch template"
        check_literals([PlainText("user_data", None, each, way_out, readers) for each in self.user_data], problems)
        problems.check(capacity_limits.RESERVED_MEMORY, "reserved_memory_mib", self.reserved_memory_mib)
        for port in self.egress:
            problems.check(container_limits.PORT, "each port of egress", port)
        for table in ("[settings.ecs]", "[settings.autoscaling]"):
            if self.ami.is_bottlerocket and table in map(str.strip, self.user_data):
                problems.add(
                    f"user_data repeats the table {table}, which is there already, and TOML has each once; write what "
                    "is for [settings.ecs] first, without the table's name"
                )
        problems.raise_any()

    @property
    def _runs_privileged(self) -> bool:
        """True if its agent starts privileged containers, which Bottlerocket's does only if it is configured to."""
        lines = {line.replace(" ", "") for line in self.user_data}
        return not self.ami.is_bottlerocket or "allow-privileged-containers=true" in lines
