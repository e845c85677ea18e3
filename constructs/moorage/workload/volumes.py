"""The volumes of a task, and their mounts in containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from moorage.workload import container_limits, platform_limits, volume_limits
from moorage.workload.attribute_names import AnswersNamesOfCdk
from moorage.workload.container_checks import clean_path
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_efs as efs
    from aws_cdk import aws_kms as kms


@value_class
@attrs.frozen
class Mount:
    """The mount of a volume in a container.

    Args:
        volume: The name of the volume.
        read_only: Whether to mount the volume read-only. Default: False.
    """

    volume: str
    read_only: bool = attrs.field(default=False, kw_only=True)


@value_class
@attrs.frozen
class Volume(metaclass=AnswersNamesOfCdk):
    """A volume of a task, which containers mount with `Container(mounts=...)`.

    Create a volume with `bind_mount`, `efs` or `ebs`.

    Args:
        name: The name of the volume, by which mounts refer to the volume.
    """

    _per_task: ClassVar[bool] = False
    """True if ECS creates the volume for each task of a service."""
    _in_daemons: ClassVar[bool] = False
    """True if a daemon task definition can have the volume (botocore ecs DaemonVolume)."""

    name: str

    def _check_system(self, problems: Problems, *, on_windows: bool) -> None:
        """Check the volume for settings that the operating system of the task does not support."""

    def _check_fargate(self, problems: Problems, *, on_windows: bool) -> None:
        """Check the volume for settings that Fargate does not support."""

    @staticmethod
    def bind_mount(name: str, *, host_path: str | None = None) -> Volume:
        """Share a directory between the containers of a task. Without `host_path`, its content is lost with the task.

        The directory belongs to root and has mode 0755. Another user can write only if the image declares the directory
        as a `VOLUME` that belongs to this user. Paths of `Container(writable=...)` are writable by any user, but use
        memory.

        Args:
            name: The name: 1 to 255 letters, digits, `-` and `_`.
            host_path: The directory of the instance to mount, which remains after the task stops. Not supported on
                Fargate. Default: an empty directory; on Fargate, part of the ephemeral storage of the task.

        Raises:
            ValueError: If the name is invalid, or `host_path` is not an absolute path below the root.
        """
        return BindMount(name, host_path)

    @staticmethod
    def efs(
        name: str,
        file_system: efs.IFileSystem,
        *,
        access_point: efs.IAccessPoint | None = None,
        root_directory: str = "/",
        root_access: bool = False,
    ) -> Volume:
        """Use an Amazon EFS file system, which tasks share and which remains after the tasks stop.

        Traffic is encrypted in transit. The task role is granted access to mount the file system, and to write to it
        unless all mounts are read-only. The security group of the file system allows connections from the service. If
        tasks run on instances, the instances mount the file system, so also allow connections from the capacity:
        `file_system.connections.allow_default_port_from(cluster.capacity(general))`.

        The root user of a container is anonymous in the file system and can write only where all users can. Use a user
        that owns the directory (`Container(user=...)`), an access point with a POSIX user, or `root_access=True`.

        Args:
            name: The name: 1 to 255 letters, digits, `-` and `_`.
            file_system: The file system.
            access_point: The access point, which sets the directory and the user. The task role can then use only this
                access point. Default: none.
            root_directory: The directory of the file system to mount. Not allowed with an access point. Default: `/`.
            root_access: Whether to treat the root user of a container as root in the file system. Default: False.

        Raises:
            ValueError: If the name or `root_directory` is invalid, or `root_directory` is given with an access point.
        """
        return EfsVolume(name, file_system, access_point, root_directory, root_access)

    @staticmethod
    def ebs(
        name: str,
        size_gib: int | None = None,
        *,
        volume_type: str = "gp3",
        iops: int | None = None,
        throughput_mib: int | None = None,
        snapshot_id: str | None = None,
        initialization_rate_mib: int | None = None,
        file_system_type: str = "xfs",
        kms_key: kms.IKey | None = None,
    ) -> Volume:
        """Create an encrypted Amazon EBS volume for each task of a service. The volume is deleted with the task.

        Daemons and Windows tasks on Fargate do not support EBS volumes. Instances must be built on the AWS Nitro
        System.

        Args:
            name: The name: 1 to 255 letters, digits, `-` and `_`.
            size_gib: The size in GiB, within the range of `volume_type`. Required without `snapshot_id`. Default: the
                size of the snapshot.
            volume_type: The type: `gp3`, `gp2`, `io1`, `io2`, `st1`, `sc1` or `standard`. Default: `gp3`.
            iops: The IOPS. For gp3, 3,000 to 80,000 and at most 500 for each GiB. Required for io1 and io2.
                Default: the default of the type.
            throughput_mib: The throughput in MiB/s, only for gp3: 125 to 2,000 and at most a quarter of `iops`.
                Default: the default of the type.
            snapshot_id: The ID of the snapshot from which to create the volume. Default: none, so the volume is empty.
            initialization_rate_mib: The rate in MiB/s at which the volume is initialized from the snapshot, 100 to 300.
                Requires `snapshot_id`. Default: the default of EBS.
            file_system_type: The file system: `xfs`, `ext4` or `ext3`, or `ntfs` on Windows. The file system must match
                the snapshot. Default: `xfs`.
            kms_key: The KMS key for encryption, which ECS is granted permission to use. Default: the account's default
                key for EBS.

        Raises:
            ValueError: If an argument is outside the limits of EBS.
        """
        return EbsVolume(
            name,
            size_gib,
            volume_type,
            iops,
            throughput_mib,
            snapshot_id,
            initialization_rate_mib,
            file_system_type,
            kms_key,
        )

    def _new_problems(self) -> Problems:
        """Check the name, and return the problems for further checks of the subclass."""
        problems = Problems(f"Volume {self.name!r}")
        problems.check(volume_limits.VOLUME_NAME, "name", self.name)
        return problems


@attrs.frozen
class BindMount(Volume):
    """A bind mount; see `Volume.bind_mount`."""

    _in_daemons = True

    host_path: str | None = attrs.field(converter=attrs.converters.optional(clean_path), default=None)

    def __attrs_post_init__(self) -> None:
        problems = self._new_problems()
        problems.check(container_limits.MOUNT_PATH, "host_path", self.host_path)
        problems.raise_any()

    def _check_fargate(self, problems: Problems, *, on_windows: bool) -> None:  # noqa: ARG002  # only an EbsVolume needs it
        problems.check(platform_limits.FARGATE_HOST_PATH, f"host_path of volume {self.name!r}", self.host_path)


@attrs.frozen
class EfsVolume(Volume):
    """A volume on Amazon EFS; see `Volume.efs`."""

    file_system: efs.IFileSystem
    access_point: efs.IAccessPoint | None
    root_directory: str = attrs.field(converter=clean_path)
    root_access: bool

    def __attrs_post_init__(self) -> None:
        problems = self._new_problems()
        if self.root_directory != "/":
            problems.check(container_limits.LINUX_MOUNT_PATH, "root_directory", self.root_directory)
        problems.check(volume_limits.EFS_ROOT, "root_directory", (self.root_directory, self.access_point))
        problems.raise_any()

    def _check_system(self, problems: Problems, *, on_windows: bool) -> None:
        if on_windows:
            problems.check(platform_limits.WINDOWS_VOLUMES, "volumes", [self.name])


@attrs.frozen
class EbsVolume(Volume):
    """A volume on Amazon EBS; see `Volume.ebs`."""

    _per_task: ClassVar[bool] = True

    size_gib: int | None
    volume_type: str
    iops: int | None
    throughput_mib: int | None
    snapshot_id: str | None
    initialization_rate_mib: int | None
    file_system_type: str
    kms_key: kms.IKey | None

    def __attrs_post_init__(self) -> None:
        problems = self._new_problems()
        problems.check(volume_limits.EBS_TYPE, "volume_type", self.volume_type)
        problems.check_known("name", self.name)
        for argument in ("volume_type", "size_gib", "initialization_rate_mib", "file_system_type"):
            problems.check_known(argument, getattr(self, argument))
        if problems.messages:
            problems.raise_any()
        problems.check(volume_limits.EBS_SOURCE, "size_gib", (self.size_gib is not None, self.snapshot_id is not None))
        problems.check(volume_limits.EBS_SNAPSHOT, "snapshot_id", self.snapshot_id)
        problems.check(volume_limits.EBS_IOPS_GIVEN, "iops", (self.iops, self.volume_type))
        if self.size_gib is not None:
            problems.check(volume_limits.EBS_SIZE, "size_gib", (self.size_gib, self.volume_type))
        if self.iops is not None:
            problems.check(volume_limits.EBS_IOPS, "iops", (self.iops, self.volume_type, self.size_gib))
        if self.throughput_mib is not None:
            iops = volume_limits.GP3_IOPS if self.iops is None else self.iops
            problems.check(
                volume_limits.EBS_THROUGHPUT, "throughput_mib", (self.throughput_mib, self.volume_type, iops)
            )
        if self.initialization_rate_mib is not None:
            rate = (self.initialization_rate_mib, self.snapshot_id)
            problems.check(volume_limits.EBS_INITIALIZATION, "initialization_rate_mib", rate)
        problems.check(volume_limits.FILE_SYSTEM_TYPE, "file_system_type", self.file_system_type)
        problems.raise_any()

    def _check_system(self, problems: Problems, *, on_windows: bool) -> None:
        argument = f"file_system_type of volume {self.name!r}"
        problems.check(platform_limits.WINDOWS_FILE_SYSTEM, argument, (self.file_system_type, on_windows))

    def _check_fargate(self, problems: Problems, *, on_windows: bool) -> None:
        if on_windows:
            problems.check(platform_limits.FARGATE_WINDOWS_VOLUMES, "volumes", [self.name])
        problems.check(platform_limits.FARGATE_EBS_TYPE, f"volume_type of volume {self.name!r}", self.volume_type)
