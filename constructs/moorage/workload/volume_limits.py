"""The limits of the volumes of a task; rows of the table in `limits`."""

from __future__ import annotations

import math

from moorage.workload.limit import Botocore, Limit, comma_separated, matching, one_of, unique

VOLUME_NAME = matching(
    "volume-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use a name such as 'data'",
    source=Botocore("ecs", "Volume", "name", "Up to 255 letters (uppercase and lowercase)"),
)
VOLUME_NAMES = unique(
    "volume-names-unique",
    rule="must have unique names",
    hint="use another name for one of the volumes",
    source=Botocore(
        "ecs",
        "MountPoint",
        "sourceVolume",
        "Must be a volume name referenced in the name parameter of task definition volume.",
    ),
)
EBS_VOLUMES = Limit(
    id="ebs-volumes-per-task",
    accepts=lambda names: len(names) <= 1,
    rule="must have at most one Volume.ebs(...)",
    hint="use one larger volume, or Volume.efs(...) for one of the volumes",
    source=Botocore(
        "ecs",
        "Volume",
        "configuredAtLaunch",
        "Each task definition revision may only have one volume configured at launch in the volume configuration.",
        also="CDK aws-ecs BaseService",
    ),
    format=comma_separated,
)
EFS_ROOT = Limit(
    id="efs-root-directory",
    accepts=lambda pair: pair[0] == "/" or not pair[1],
    rule="must be left out with an access_point, which sets the directory",
    hint="leave root_directory= or access_point= out",
    source=Botocore(
        "ecs",
        "EFSAuthorizationConfig",
        "accessPointId",
        "the root directory value specified in the EFSVolumeConfiguration must either be omitted or set to /",
    ),
    format=lambda pair: repr(pair[0]),
)
_EBS_RANGES: dict[str, tuple[range, range | None]] = {
    "gp3": (range(1, 65537), range(3000, 80001)),
    "gp2": (range(1, 16385), None),
    "io1": (range(4, 16385), range(100, 64001)),
    "io2": (range(4, 65537), range(100, 256001)),
    "st1": (range(125, 16385), None),
    "sc1": (range(125, 16385), None),
    "standard": (range(1, 1025), None),
}
"""The ranges of the size in GiB and of the IOPS, by volume type (CDK's ServiceManagedVolume, newer than botocore)."""


def _ebs_hint(sizes: range | None, argument: str) -> str:
    return (
        f"use a value of {argument} between {sizes[0]:,} and {sizes[-1]:,}"
        if sizes
        else f"leave {argument}= out, or use volume_type='gp3'"
    )


GP3_IOPS = 3000
"""The baseline IOPS of a gp3 volume of any size (EBS user guide)."""
_IOPS_PER_GIB = {"gp3": 500, "io1": 50, "io2": 1000}


def _max_iops(volume_type: str, size_gib: int | None) -> float:
    """Return the maximum IOPS of a volume, or infinity for a volume with the size of its snapshot, which is unknown."""
    if size_gib is None:
        return math.inf
    largest = _IOPS_PER_GIB[volume_type] * size_gib
    return max(largest, GP3_IOPS) if volume_type == "gp3" else largest


def _iops_hint(volume_type: str, size_gib: int | None) -> str:
    values = _EBS_RANGES[volume_type][1]
    if values is None or _max_iops(volume_type, size_gib) >= values[-1]:
        return _ebs_hint(values, "iops")
    largest = _max_iops(volume_type, size_gib)
    if largest < values[0]:
        return f"use size_gib={_EBS_RANGES[volume_type][0][0]} or more"  # which is enough for the smallest iops=
    way_out = _ebs_hint(range(values[0], int(largest) + 1), "iops") if largest > values[0] else f"use iops={values[0]}"
    return f"{way_out}, or a larger size_gib="


def _throughput_hint(throughput: int, volume_type: str, _iops: int) -> str:
    if volume_type != "gp3":
        return "leave throughput_mib= out, or use volume_type='gp3'"
    if 125 <= throughput <= 2000:
        return f"use iops={max(4 * throughput, GP3_IOPS)} or more, or a smaller throughput_mib="
    return "use a value of throughput_mib between 125 and 2,000, or leave throughput_mib= out"


EBS_TYPE = one_of(
    "ebs-type",
    _EBS_RANGES,
    hint="leave volume_type= out for 'gp3'",
    source=Botocore(
        "ecs", "ServiceManagedEBSVolumeConfiguration", "volumeType", "The following are the supported volume types."
    ),
)
EBS_SIZE = Limit(
    id="ebs-size",
    accepts=lambda pair: pair[0] in _EBS_RANGES[pair[1]][0],
    rule="must be within the range of volume_type",
    hint=lambda pair: _ebs_hint(_EBS_RANGES[pair[1]][0], "size_gib"),
    source="CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]!r} with volume_type={pair[1]!r}",
)
EBS_IOPS = Limit(
    id="ebs-iops",
    accepts=lambda volume: volume[0] in (_EBS_RANGES[volume[1]][1] or ()) and volume[0] <= _max_iops(*volume[1:]),
    rule="must be within the range that volume_type and size_gib allow, and left out for types without this setting",
    hint=lambda volume: _iops_hint(*volume[1:]),
    source="CDK aws-ecs ServiceManagedVolume; EBS user guide: 500 IOPS per GiB of gp3, 50 of io1, 1,000 of io2",
    format=lambda volume: f"{volume[0]!r} with volume_type={volume[1]!r}, size_gib={volume[2]}",
)
EBS_IOPS_GIVEN = Limit(
    id="ebs-iops-given",
    accepts=lambda pair: pair[0] is not None or pair[1] not in {"io1", "io2"},
    rule="must be given for io1 and io2",
    hint="set iops=, or use volume_type='gp3'",
    source=Botocore(
        "ecs",
        "ServiceManagedEBSVolumeConfiguration",
        "iops",
        "This parameter is required for io1 and io2 volume types.",
    ),
    format=lambda pair: f"None with volume_type={pair[1]!r}",
)
EBS_THROUGHPUT = Limit(
    id="ebs-throughput",
    accepts=lambda volume: volume[1] == "gp3" and 125 <= volume[0] <= min(2000, volume[2] / 4),
    rule="must be 125 to 2,000 MiB/s and at most a quarter of iops with 'gp3', and left out with other types",
    hint=lambda volume: _throughput_hint(*volume),
    source="CDK aws-ecs ServiceManagedVolume; EBS user guide, gp3: at least 125, at most 0.25 MiB/s per IOPS",
    format=lambda volume: f"{volume[0]} with volume_type={volume[1]!r}, iops={volume[2]}",
)
EBS_SOURCE = Limit(
    id="ebs-size-or-snapshot",
    accepts=any,
    rule="must be given if there is no snapshot_id",
    hint="set size_gib= or snapshot_id=",
    source=Botocore(
        "ecs",
        "ServiceManagedEBSVolumeConfiguration",
        "sizeInGiB",
        "You must specify either a volume size or a snapshot ID.",
    ),
    format=lambda _: "None",
)
EBS_SNAPSHOT = matching(
    "ebs-snapshot",
    r"snap-[0-9a-fA-F]+",
    rule="must be 'snap-' followed by hexadecimal digits",
    hint="copy the ID from the console",
    source="CDK aws-ecs ServiceManagedVolume",
)
EBS_INITIALIZATION = Limit(
    id="ebs-initialization-rate",
    accepts=lambda pair: pair[1] is not None and 100 <= pair[0] <= 300,
    rule="must be between 100 and 300 MiB/s, and needs a snapshot_id",
    hint="use a rate in this range with snapshot_id=, or leave initialization_rate_mib= out",
    source=Botocore(
        "ec2",
        "EbsBlockDevice",
        "VolumeInitializationRate",
        "Valid range: 100 - 300 MiB/s",
        also="CDK aws-ecs ServiceManagedVolume",
    ),
    format=lambda pair: f"{pair[0]} with snapshot_id={pair[1]!r}",
)
FILE_SYSTEM_TYPE = one_of(
    "file-system-type",
    ("xfs", "ext4", "ext3", "ntfs"),
    hint="leave file_system_type= out for 'xfs', or use 'ntfs' on Windows",
    source=Botocore("ecs", "TaskFilesystemType"),
)
