"""The components of EBS volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from moorage.assembly.values import Value
from moorage.cost.amounts import ONE, Range
from moorage.cost.parts import Part, monthly, unknown, used
from moorage.cost.resources import Item, number_of, text_of
from moorage.cost.usage import Use

FREE_IOPS, FREE_THROUGHPUT = 3000, 125
"""The IOPS and the MiB/s of a gp3 volume that its price contains (Amazon EBS pricing)."""
_WITH_IOPS = {"io1", "io2"}
_IO2_IOPS = Decimal(32_000)
"""The IOPS of an io2 volume above which another price applies (Amazon EBS pricing)."""


def volume(stated: Mapping[str, Value], copies: Range, *assumptions: str, default: str = "gp3") -> Iterator[Part]:
    """Yield the components of volumes.

    Args:
        stated: The resolved definition: `VolumeType`, `VolumeSize`, `Iops` and `Throughput`.
        copies: The number of volumes.
        *assumptions: The assumptions, one sentence each.
        default: The type of a volume that states none. Default: `gp3`, for ECS.
    """
    kind = str(text_of(stated.get("VolumeType"), "VolumeType", default))
    size = stated.get("VolumeSize")
    if size is None:
        yield unknown(f"EBS volume ({kind})", "the snapshot determines the size of the volume")
        return
    yield monthly(f"EBS volume ({kind})", f"ebs.{kind}_gb_month", copies * number_of(size, "VolumeSize"), *assumptions)
    if kind == "gp3":
        iops = number_of(stated.get("Iops"), "Iops", Decimal(FREE_IOPS)) - FREE_IOPS
        throughput = number_of(stated.get("Throughput"), "Throughput", Decimal(FREE_THROUGHPUT)) - FREE_THROUGHPUT
        if iops > 0:
            yield monthly("EBS IOPS (gp3)", "ebs.gp3_iops_month", copies * iops, f"the first {FREE_IOPS} are free")
        if throughput > 0:
            yield monthly(
                "EBS throughput (gp3)",
                "ebs.gp3_mbps_month",
                copies * throughput,
                f"the first {FREE_THROUGHPUT} MiB/s are free",
            )
    elif kind in _WITH_IOPS:
        iops = number_of(stated.get("Iops"), "Iops")
        first = min(iops, _IO2_IOPS) if kind == "io2" else iops
        yield monthly(f"EBS IOPS ({kind})", f"ebs.{kind}_iops_month", copies * first)
        if iops > first:
            yield unknown("EBS IOPS (io2)", f"AWS bills less for those above {_IO2_IOPS:,}, and the book has no price")
    elif kind == "standard":
        yield unknown("EBS requests (standard)", "AWS bills requests to magnetic volumes, and the book has no price")


def ec2_volume(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EC2::Volume`."""
    stated = {"VolumeSize": item.at("Size"), **{key: item.at(key) for key in ("VolumeType", "Iops", "Throughput")}}
    yield from volume(stated, ONE, default="gp2")


def file_system(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EFS::FileSystem`."""
    if item.text("AvailabilityZoneName", default=None):
        yield used("EFS storage (One Zone)", "efs.one_zone_gb_month", use, "file_gb")
    else:
        yield used("EFS storage", "efs.gb_month", use, "file_gb", "all files are in the Standard storage class")
    mode = item.text("ThroughputMode", default="bursting")
    if mode == "provisioned":
        yield monthly(
            "EFS provisioned throughput",
            "efs.provisioned_mbps_month",
            ONE * item.number("ProvisionedThroughputInMibps"),
            "the throughput that the storage includes is not subtracted",
        )
    elif mode == "elastic":
        yield used("EFS data read", "efs.read_gb", use, "file_read_gb")
        yield used("EFS data written", "efs.write_gb", use, "file_write_gb")
    if item.text("BackupPolicy", "Status", default="DISABLED") == "ENABLED":
        yield used("EFS backups", "backup.gb_month", use, "backup_gb")
