"""The components of databases, caches, tables, buckets and repositories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from moorage.assembly.values import Joined, Value, at
from moorage.cost.amounts import ONE, ZERO, Range
from moorage.cost.parts import Part, free, hourly, monthly, unknown, used
from moorage.cost.resources import Item, list_of, number_of, tables, text_of
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
    if item.number("BacktrackWindow", default=Decimal(0)):
        yield unknown("Aurora Backtrack", "AWS bills the change records, and the price book has no price of them")
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
    # io1 with Iops, else gp2 (CloudFormation, "AWS::RDS::DBInstance")
    storage = item.text("StorageType", default="gp2" if item.at("Iops") is None else "io1")
    size = copies * item.number("AllocatedStorage")
    yield monthly(f"Database storage ({storage})", f"rds.{storage}_gb_month", size, *assumptions)
    yield from _database_speed(item, storage, copies, assumptions)
    yield used(
        "Database backups", "rds.backup_gb_month", use, "backup_gb", "backups up to the size of the storage are free"
    )


def _database_speed(item: Item, storage: str, copies: Range, assumptions: Sequence[str]) -> Iterator[Part]:
    """Yield the IOPS of a database. For gp3, they are billed above what its size includes (Amazon RDS pricing)."""
    iops = item.number("Iops", default=None)
    if iops is not None and storage.startswith("io"):
        yield monthly(f"Database IOPS ({storage})", f"rds.{storage}_iops_month", copies * iops, *assumptions)
    elif storage == "gp3" and (iops is not None or item.at("StorageThroughput") is not None):
        yield unknown("Database IOPS and throughput (gp3)", "AWS bills what is above the size and engine include")


def table(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::DynamoDB::Table`."""
    yield from _table(item, {name: item.at(name) for name in item.resource.properties}, use)


def global_table(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::DynamoDB::GlobalTable`, as far as it is in one region."""
    replicas = list(tables(item.list("Replicas")))
    if len(replicas) != 1:
        yield unknown(f"Table in {len(replicas)} regions", "moorage has no rule for the replicas of a table")
        return
    yield from _table(item, replicas[0], use)


def _table(item: Item, replica: Mapping[str, Value], use: Use) -> Iterator[Part]:
    if text_of(replica.get("TableClass"), "TableClass", "STANDARD") != "STANDARD":
        yield unknown("Table (Standard-IA)", "the price book has no prices of this table class")
        return
    yield used("Table storage", "dynamodb.gb_month", use, "database_gb", "the first 25 GB of a region are free")
    if item.text("BillingMode", default="PROVISIONED") == "PAY_PER_REQUEST":
        yield used("Read request units", "dynamodb.read_request", use, "database_reads")
        yield used("Write request units", "dynamodb.write_request", use, "database_writes")
    elif item.type == "AWS::DynamoDB::Table":
        yield from _provisioned(item)
    else:
        yield unknown("Capacity units", "moorage has no rule for the provisioned capacity of global tables")
    recovery = at(replica.get("PointInTimeRecoverySpecification"), ("PointInTimeRecoveryEnabled",))
    if text_of(recovery, "PointInTimeRecoveryEnabled", "false") == "true":
        yield used("Continuous backups", "dynamodb.recovery_gb_month", use, "backup_gb")


def _provisioned(item: Item) -> Iterator[Part]:
    """Yield the capacity of a table and of its indexes. Each index can have a scaling of its own."""
    targets = {
        (target.text("ScalableDimension"), _index_of(target.at("ResourceId"))): target
        for target in item.by("AWS::ApplicationAutoScaling::ScalableTarget", "ResourceId")
    }
    for name in ("Read", "Write"):
        units = f"{name}CapacityUnits"
        parts = [(f"dynamodb:table:{units}", None, item.at("ProvisionedThroughput", units))]
        for index in tables(item.list("GlobalSecondaryIndexes")):
            stated = at(index, ("ProvisionedThroughput", units))
            parts.append((f"dynamodb:index:{units}", index.get("IndexName"), stated))
        count, said = ZERO, []
        for dimension, index_name, stated in parts:
            if target := targets.get((dimension, index_name)):
                count += Range(target.number("MinCapacity"), target.number("MaxCapacity"))
                said = ["from the least to the most capacity of the scaling"]
            else:
                count += Range.of(number_of(stated, units))
        yield hourly(f"{name} capacity units", f"dynamodb.{name.lower()}_capacity_hour", count, *said)


def _index_of(resource_id: Value) -> str | None:
    """Return the index in the resource ID of a scalable target, such as `table/NAME/index/INDEX`."""
    parts = resource_id.parts if isinstance(resource_id, Joined) else (resource_id,)
    _, found, index = str(parts[-1]).rpartition("/index/")
    return index if found else None


def cache_group(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElastiCache::ReplicationGroup`."""
    node = item.text("CacheNodeType")
    replicas = item.number("ReplicasPerNodeGroup", default=Decimal(0))
    groups = list(tables(item.list("NodeGroupConfiguration")))
    shards = item.number("NumNodeGroups", default=Decimal(len(groups) or 1))
    nodes = item.number("NumCacheClusters", default=None)
    own = sum((number_of(each.get("ReplicaCount"), "ReplicaCount", replicas) + 1 for each in groups), Decimal(0))
    count = nodes if nodes is not None else own or shards * (1 + replicas)
    engine = item.text("Engine", default="redis").lower()
    yield hourly(f"Cache nodes {node} ({engine})", f"elasticache.{engine}.{node}", Range.of(count))
    if item.number("SnapshotRetentionLimit", default=Decimal(0)):
        yield used("Cache backups", "elasticache.backup_gb_month", use, "backup_gb")


def cache_cluster(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElastiCache::CacheCluster`."""
    node, engine = item.text("CacheNodeType"), item.text("Engine").lower()
    yield hourly(f"Cache nodes {node} ({engine})", f"elasticache.{engine}.{node}", ONE * item.number("NumCacheNodes"))


def serverless_cache(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElastiCache::ServerlessCache`."""
    engine = item.text("Engine")
    least = Decimal("0.1") if engine == "valkey" else Decimal(1)
    least = max(least, item.number("CacheUsageLimits", "DataStorage", "Minimum", default=least))
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
