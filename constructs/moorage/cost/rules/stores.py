"""The components of databases, caches, tables, buckets and repositories."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from moorage.assembly.values import at
from moorage.cost.amounts import ONE, Range
from moorage.cost.parts import Part, free, hourly, monthly, unknown, used
from moorage.cost.resources import Item, list_of, number_of, tables
from moorage.cost.usage import Use

_FREE_INSIGHTS_DAYS = 7
"""The days that Performance Insights keeps data without a charge (Amazon RDS Performance Insights pricing)."""
_SERVERLESS = "db.serverless"


def database_cluster(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::RDS::DBCluster`. Its instances are resources of their own."""
    engine = item.text("Engine")
    if not engine.startswith("aurora"):
        yield unknown(f"Multi-AZ DB cluster ({engine})", "moorage has no rule for clusters that are not Aurora")
        return
    is_optimized = item.text("StorageType", default="aurora") == "aurora-iopt1"
    if is_optimized:
        yield used("Aurora storage (I/O-Optimized)", "aurora.io_optimized_gb_month", use, "database_gb")
    else:
        yield used("Aurora storage", "aurora.gb_month", use, "database_gb")
        yield used("Aurora I/O requests", "aurora.io_request", use, "database_ios")
    days = item.number("BackupRetentionPeriod", default=Decimal(1))
    if days > 1:
        yield used("Aurora backups", "aurora.backup_gb_month", use, "backup_gb", "one day of backups is free")
    if item.text("EngineMode", default="provisioned") == "serverless":
        yield unknown("Aurora Serverless v1", "AWS has ended Aurora Serverless v1")


def database_instance(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::RDS::DBInstance`."""
    cluster = item.target("DBClusterIdentifier")
    if cluster is None and item.at("DBClusterIdentifier") is not None:
        yield unknown("Database instance", "its cluster, which determines the price, is not in the app")
        return
    instance_class = item.text("DBInstanceClass")
    if cluster is None:
        yield from _single_instance(item, use, instance_class)
    elif instance_class == _SERVERLESS:
        yield from _serverless(cluster, use)
    else:
        is_optimized = cluster.text("StorageType", default="aurora") == "aurora-iopt1"
        family = "aurora_io_optimized" if is_optimized else "aurora"
        yield hourly(f"Aurora instance {instance_class}", f"{family}.{instance_class}")
    yield from _insights(item, cluster)


def _serverless(cluster: Item, use: Use) -> Iterator[Part]:
    scaling = "ServerlessV2ScalingConfiguration"
    bounds = Range(cluster.number(scaling, "MinCapacity"), cluster.number(scaling, "MaxCapacity"))
    is_optimized = cluster.text("StorageType", default="aurora") == "aurora-iopt1"
    average = use.get("average_acus")
    if average is not None:
        bounds, said = Range.of(average), "average_acus of the usage file"
    else:
        said = "from the minimum to the maximum capacity"
        if not bounds.least:
            said += "; an instance with a minimum of 0 pauses only while it has no connections"
    item = "aurora.io_optimized_acu_hour" if is_optimized else "aurora.acu_hour"
    yield hourly("Aurora capacity units", item, bounds, said)


def _insights(item: Item, cluster: Item | None) -> Iterator[Part]:
    sources = [each for each in (item, cluster) if each]
    days = max(each.number("PerformanceInsightsRetentionPeriod", default=Decimal(0)) for each in sources)
    mode = {each.text("DatabaseInsightsMode", default="standard") for each in sources}
    if "advanced" in mode:
        yield unknown("CloudWatch Database Insights (advanced)", "AWS bills each vCPU or capacity unit of the database")
    elif days > _FREE_INSIGHTS_DAYS:
        yield unknown(
            "Performance Insights", f"AWS bills more than {_FREE_INSIGHTS_DAYS} days by the size of the database"
        )


def _single_instance(item: Item, use: Use, instance_class: str) -> Iterator[Part]:
    engine = item.text("Engine")
    zones = 2 if item.is_true("MultiAZ") else 1
    assumptions = ["a standby in a second zone costs the same"] if zones > 1 else []
    copies = Range.of(zones)
    yield hourly(
        f"Database instance {instance_class} ({engine})", f"rds.{engine}.{instance_class}", copies, *assumptions
    )
    storage = item.text("StorageType", default="gp2")
    size = copies * item.number("AllocatedStorage")
    yield monthly(f"Database storage ({storage})", f"rds.{storage}_gb_month", size, *assumptions)
    yield used(
        "Database backups", "rds.backup_gb_month", use, "backup_gb", "backups up to the size of the storage are free"
    )


def table(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::DynamoDB::Table`."""
    yield used("Table storage", "dynamodb.gb_month", use, "database_gb", "the first 25 GB of a region are free")
    if item.text("BillingMode", default="PROVISIONED") == "PAY_PER_REQUEST":
        yield used("Read request units", "dynamodb.read_request", use, "database_reads")
        yield used("Write request units", "dynamodb.write_request", use, "database_writes")
    else:
        yield from _provisioned(item)
    if item.is_true("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"):
        yield used("Continuous backups", "dynamodb.recovery_gb_month", use, "backup_gb")


def _provisioned(item: Item) -> Iterator[Part]:
    targets = {
        target.text("ScalableDimension"): target
        for target in item.by("AWS::ApplicationAutoScaling::ScalableTarget", "ResourceId")
    }
    for name in ("Read", "Write"):
        count = Range.of(item.number("ProvisionedThroughput", f"{name}CapacityUnits"))
        for index in tables(item.list("GlobalSecondaryIndexes")):
            units = at(index, ("ProvisionedThroughput", f"{name}CapacityUnits"))
            count += Range.of(number_of(units, f"{name}CapacityUnits of an index"))
        target = targets.get(f"dynamodb:table:{name}CapacityUnits")
        said = []
        if target:
            count = Range(target.number("MinCapacity"), target.number("MaxCapacity"))
            said = ["from the least to the most capacity of the scaling"]
        yield hourly(f"{name} capacity units", f"dynamodb.{name.lower()}_capacity_hour", count, *said)


def cache_group(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElastiCache::ReplicationGroup`."""
    node = item.text("CacheNodeType")
    shards = item.number("NumNodeGroups", default=Decimal(1))
    replicas = item.number("ReplicasPerNodeGroup", default=None)
    nodes = item.number("NumCacheClusters", default=None)
    count = nodes if nodes is not None else shards * (1 + (replicas or 0))
    engine = item.text("Engine", default="redis")
    yield hourly(f"Cache nodes {node} ({engine})", f"elasticache.{engine}.{node}", Range.of(count))
    if item.number("SnapshotRetentionLimit", default=Decimal(0)):
        yield used("Cache backups", "elasticache.backup_gb_month", use, "backup_gb")


def cache_cluster(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElastiCache::CacheCluster`."""
    node, engine = item.text("CacheNodeType"), item.text("Engine")
    yield hourly(f"Cache nodes {node} ({engine})", f"elasticache.{engine}.{node}", ONE * item.number("NumCacheNodes"))


def serverless_cache(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElastiCache::ServerlessCache`."""
    engine = item.text("Engine")
    least = Decimal("0.1") if engine == "valkey" else Decimal(1)
    stated = use.get("cache_gb")
    size = least if stated is None else max(least, stated)
    reason = f"AWS bills at least {least} GB; cache_gb of a usage file states more"
    yield hourly(f"Serverless cache ({engine})", f"elasticache.{engine}_serverless_gb_hour", Range.of(size), reason)
    yield used("Cache requests", f"elasticache.{engine}_serverless_ecpu", use, "cache_requests")


def bucket(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::S3::Bucket`."""
    yield used(
        "Bucket storage",
        "s3.gb_month",
        use,
        "storage_gb",
        "all objects are in S3 Standard; requests are left out",
    )


def repository(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECR::Repository`."""
    yield used("Image storage", "ecr.gb_month", use, "image_gb", "the copies of a replication are not included")


def public_repository(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECR::PublicRepository`."""
    yield used("Image storage", "ecr.public_gb_month", use, "image_gb", "the first 50 GB of an account are free")


def scanning(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECR::RegistryScanningConfiguration`."""
    if item.text("ScanType", default="BASIC") == "ENHANCED":
        yield used(
            "Amazon Inspector image scans",
            "inspector.image_scan",
            use,
            "image_scans",
            "repeated scans are not included",
        )
    else:
        yield free("Basic scanning", "AWS does not bill basic scanning")


def replication(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECR::ReplicationConfiguration`."""
    destinations = 0
    for rule in tables(list_of(item.at("ReplicationConfiguration", "Rules"), "Rules")):
        destinations += len(list_of(rule.get("Destinations"), "Destinations"))
    yield used(
        f"Image storage in {destinations} destinations",
        "ecr.gb_month",
        use,
        "image_gb",
        "every image is copied to each destination; data between regions is not included",
        factor=destinations,
    )
