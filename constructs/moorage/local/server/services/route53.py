"""Amazon Route 53: hosted zones, which are not deleted while they have records."""

from __future__ import annotations

from ministack.services import route53
from ministack.services.cloudformation import provisioners

from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource

_REQUIRED = ("NS", "SOA")


class HostedZone(Resource):
    """A hosted zone, with its tags."""

    type = "AWS::Route53::HostedZone"

    def create(self, properties: Properties, name: str) -> Made:
        made = Made(*provisioners._r53_hosted_zone_create(name, properties, name))
        self._tag(made.physical_id, {}, properties)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        made = Made(*provisioners._r53_hosted_zone_update(physical_id, old, new, physical_id, physical_id))
        self._tag(made.physical_id, old, new)
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the zone if it has only the records that Route 53 made (API reference, DeleteHostedZone)."""
        apex = route53._zones.get(physical_id, {}).get("name")
        for record in route53._records.get(physical_id, ()):
            if record["Type"] not in _REQUIRED or record["Name"] != apex:
                raise RefusedError(
                    "HostedZoneNotEmpty: The specified hosted zone contains non-required resource record sets and so "
                    f"cannot be deleted: {record['Name']} {record['Type']}"
                )
        provisioners._r53_hosted_zone_delete(physical_id, properties)
        route53._tags.pop(("hostedzone", physical_id), None)

    def _tag(self, zone: str, old: Properties, new: Properties) -> None:
        tags = route53._tags.setdefault(("hostedzone", zone), {})
        provisioners._reconcile_tag_map(tags, old, new, prop="HostedZoneTags")
