"""Amazon Route 53: hosted zones, which are not deleted while they have records."""

from __future__ import annotations

from moorage.local.server.core.adapter import provisioners, route53
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource

_REQUIRED = ("NS", "SOA")


class HostedZone(Resource):
    """A hosted zone, with its tags."""

    type = "AWS::Route53::HostedZone"

    def create(self, properties: Properties, name: str) -> Made:
        made = Made(*provisioners.r53_hosted_zone_create(name, properties, name))
        self._tag(made.physical_id, {}, properties)
        return made

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        made = Made(*provisioners.r53_hosted_zone_update(physical_id, old, new, physical_id, physical_id))
        self._tag(made.physical_id, old, new)
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the zone if it has only the records that Route 53 made (API reference, DeleteHostedZone)."""
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
