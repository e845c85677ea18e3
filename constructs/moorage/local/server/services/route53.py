"""Amazon Route 53: hosted zones, groups of records, and records in hosted zones that exist only on AWS."""

from __future__ import annotations

import re

from ministack.core.responses import new_uuid

from moorage.local.server.core.adapter import provisioners, route53
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services.guards import complete, guard

_REQUIRED = ("NS", "SOA")
_IDENTITY = re.compile(r"(?:/hostedzone/)?(Z[A-Z0-9]{1,31})")
"""The form of a hosted zone's ID (HostedZoneId of Route 53's model in botocore has at most 32 characters)."""


class HostedZone(Resource):
    """A hosted zone, with its tags."""

    type = "AWS::Route53::HostedZone"

    def create(self, properties: Properties, name: str) -> Made:
        made = Made(*provisioners.r53_hosted_zone_create(name, properties, name))
        self._tag(made.physical_id, {}, properties)
        self._keep(made.physical_id, properties)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        made = Made(*provisioners.r53_hosted_zone_update(physical_id, old, new, physical_id, physical_id))
        self._tag(made.physical_id, old, new)
        self._keep(made.physical_id, new)
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the zone if it has only the records that Route 53 created (API reference, DeleteHostedZone)."""
        apex = route53.zones.get(physical_id, {}).get("name")
        for record in route53.records.get(physical_id, ()):
            if record["Type"] not in _REQUIRED or record["Name"] != apex:
                raise RefusedError(
                    "HostedZoneNotEmpty: The specified hosted zone contains non-required resource record sets and so "
                    f"cannot be deleted: {record['Name']} {record['Type']}"
                )
        provisioners.r53_hosted_zone_delete(physical_id, properties)
        route53.tags.pop(("hostedzone", physical_id), None)

    def _tag(self, zone: str, old: Properties, new: Properties) -> None:
        tags = route53.tags.setdefault(("hostedzone", zone), {})
        provisioners.reconcile_tag_map(tags, old, new, prop="HostedZoneTags")

    def _keep(self, zone: str, properties: Properties) -> None:
        """Store the VPCs of a private zone, and the query logging of a public zone."""
        record = route53.zones[zone]
        networks = [{"VPCId": each["VPCId"], "VPCRegion": each["VPCRegion"]} for each in properties.get("VPCs") or ()]
        record |= {"private": bool(networks), "vpcs": networks}
        record["query_logging"] = properties.get("QueryLoggingConfig")
        for name in ("DelegationSetId", "HostedZoneFeatures"):
            record[name] = properties.get(name)


class RecordSetGroup(Resource):
    """A group of records in a hosted zone."""

    type = "AWS::Route53::RecordSetGroup"

    def create(self, properties: Properties, name: str) -> Made:
        properties.get("Comment")
        for record in self._records(properties):
            _stand_in(record)
            provisioners.r53_record_set_create(name, record, name)
        return Made(name, {"Id": name})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self.delete(physical_id, old)
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        for record in self._records(properties):
            provisioners.r53_record_set_delete(physical_id, record)

    def _records(self, properties: Properties) -> list[Properties]:
        zone: Properties = {key: properties[key] for key in ("HostedZoneId", "HostedZoneName") if key in properties}
        return [{**zone, **record} for record in properties.get("RecordSets") or ()]


def install() -> None:
    """Accept records in hosted zones that a template imports by their ID."""
    guard("AWS::Route53::RecordSet", _stand_in)
    complete("AWS::Route53::RecordSet", lambda _, __, new: _read(new))


def _read(record: Properties) -> None:
    for name in ("Comment", "GeoProximityLocation"):
        record.get(name)


def _stand_in(record: Properties) -> None:
    """Create an empty zone for a record whose zone does not exist here, but may exist on AWS.

    The name of the zone is not known, so the new zone gets the last two labels of the record's name.
    """
    found = _IDENTITY.fullmatch(str(record.get("HostedZoneId", "")))
    zone = found[1] if found else ""
    if not zone or zone in route53.zones:
        return
    name = ".".join(str(record.get("Name", "")).rstrip(".").split(".")[-2:]) + "."
    reference = new_uuid()
    route53.zones[zone] = {
        "id": zone, "name": name, "caller_reference": reference, "comment": "imported by its id", "private": False,
    }  # fmt: skip
    route53.records[zone] = route53.default_records(name)
    route53.caller_refs[reference] = zone
