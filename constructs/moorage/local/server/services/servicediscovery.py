"""AWS Cloud Map: services, whose property `Type` ministack does not have."""

from __future__ import annotations

from moorage.local.server.core.adapter import provisioners, servicediscovery
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource


class Service(Resource):
    """A service of a namespace, discoverable by DNS or only through API calls."""

    type = "AWS::ServiceDiscovery::Service"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties)
        return Made(*provisioners.sd_service_create(name, {"Name": name, **properties}, name))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new)
        name = {"Name": servicediscovery.services[physical_id]["Name"]}
        return Made(*provisioners.sd_service_update(physical_id, name | old, name | new, physical_id, physical_id))

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.sd_service_delete(physical_id, properties)

    def _check(self, properties: Properties) -> None:
        """Refuse a DnsConfig of a service that is discoverable only through API calls (botocore, CreateService)."""
        if properties.get("Type") == "HTTP" and properties.get("DnsConfig"):
            raise RefusedError("InvalidInput: Services of type HTTP cannot have a DnsConfig")
