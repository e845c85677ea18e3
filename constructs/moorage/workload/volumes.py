"""What a task keeps files on, and where its containers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from moorage.workload import container_limits, platform_limits, volume_limits
from moorage.workload.container_checks import clean_path
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_efs as efs
    from aws_cdk import aws_kms as kms


@value_class
@attrs.frozen
class Mount:
    """A volume of the task as one container sees it.

    Args:
        volume: The name of the volume.
        read_only: Whether the container may not write to it.
    """

    volume: str
    read_only: bool = attrs.field(default=False, kw_only=True)


@value_class
@attrs.frozen
class Volume:
    """What a task keeps files on; defined by `bind_mount`, `efs` or `ebs`, and mounted by `Container(mounts=...)`.

    Args:
        name: What mounts call it.
    """

    _per_task: ClassVar[bool] = False
    """True if ECS creates the volume for each task of a service."""

    name: str

    def _check_system(self, problems: Problems, *, on_windows: bool) -> None:
        """Note settings of the volume that the operating system of its task does not have."""

    def _check_fargate(self, problems: Problems, *, on_windows: bool) -> None:
        """Note settings of the volume that Fargate does not have."""

    @staticmethod
    def bind_mount(name: str, *, host_path: str | None = None) -> Volume:
        """A directory beside the containers of one task, which share it and lose it with the task.

        It belongs to root and has mode 0755: another user writes to it only where the image itself has the directory
        as a `VOLUME` with that owner. `Container(writable=...)` has no such condition, but is memory.

        Args:
            name: Its name, as `Container(mounts={"/path": name})` calls it.
            host_path: The directory of the instance that it shows, which outlives the task; not on Fargate. Without
                it, an empty one of its own, part of the task's ephemeral storage on Fargate.

        Raises:
            ValueError: the name has characters that ECS does not take.
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
        """A file system of Amazon EFS, which outlives tasks and is shared by them.

        It is encrypted on its way, and opened by the task role, which is granted to mount it, and to write to it where
        a container does. The service is let to its port; where tasks run on instances, these mount it, so that their
        capacity must be let to it too: `file_system.connections.allow_default_port_from(cluster.capacity(general))`.

        A container that runs as root is nobody there, and may write only what everybody may: give it a user that owns
        the directory (`Container(user=...)`), an access point with a POSIX user, or `root_access=True`.

        Args:
            name: Its name, as `Container(mounts={"/path": name})` calls it.
            file_system: The file system.
            access_point: The access point, which says directory and user; the role may then use this one alone.
            root_directory: The directory of the file system that is mounted, where no access point says it.
            root_access: Whether a container's root user is root there too, and not nobody.

        Raises:
            ValueError: with all its problems.
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
        """An encrypted disk of Amazon EBS that ECS makes for each task of a service, and deletes with it.

        Not for a daemon, not for tasks of Windows on Fargate, and on instances only of the AWS Nitro System.

        Args:
            name: Its name, as `Container(mounts={"/path": name})` calls it.
            size_gib: Its size; the snapshot's without it.
            volume_type: `gp3`, `gp2`, `io1`, `io2`, `st1`, `sc1` or `standard`.
            iops: Operations a second: 3,000 to 80,000 of gp3, at most 500 for each GiB; io1 and io2 need it.
            throughput_mib: MiB a second, only of gp3: 125 to 2,000, at most a quarter of `iops`.
            snapshot_id: The snapshot that it starts from; empty without it.
            initialization_rate_mib: With how many MiB a second it is filled from the snapshot, 100 to 300.
            file_system_type: `xfs`, `ext4` or `ext3`, `ntfs` on Windows; the snapshot's own where it starts from one.
            kms_key: The key that encrypts it, which ECS is granted to use; the account's own for EBS without it.

        Raises:
            ValueError: with all its problems.
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
        """Return a list of problems that has those of the name."""
        problems = Problems(f"Volume {self.name!r}")
        problems.check(volume_limits.VOLUME_NAME, "name", self.name)
        return problems


@attrs.frozen
class BindMount(Volume):
    """See `Volume.bind_mount`."""

    host_path: str | None = attrs.field(converter=attrs.converters.optional(clean_path), default=None)

    def __attrs_post_init__(self) -> None:
        problems = self._new_problems()
        problems.check(container_limits.MOUNT_PATH, "host_path", self.host_path)
        problems.raise_any()

    def _check_fargate(self, problems: Problems, *, on_windows: bool) -> None:  # noqa: ARG002  # only an EbsVolume needs it
        problems.check(platform_limits.FARGATE_HOST_PATH, f"host_path of volume {self.name!r}", self.host_path)


@attrs.frozen
class EfsVolume(Volume):
    """See `Volume.efs`."""

    file_system: efs.IFileSystem
    access_point: efs.IAccessPoint | None
    root_directory: str = attrs.field(converter=clean_path)
    root_access: bool

    def __attrs_post_init__(self) -> None:
        problems = self._new_problems()
        if self.root_directory != "/":
            problems.check(container_limits.MOUNT_PATH, "root_directory", self.root_directory)
        problems.check(volume_limits.EFS_ROOT, "root_directory", (self.root_directory, self.access_point))
        problems.raise_any()

    def _check_system(self, problems: Problems, *, on_windows: bool) -> None:
        if on_windows:
            problems.check(platform_limits.WINDOWS_VOLUMES, "volumes", [self.name])


@attrs.frozen
class EbsVolume(Volume):
    """See `Volume.ebs`."""

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
