"""Resources that an app imports by ID: they exist in the app's AWS account, so they are created here too.

AWS assigns IDs itself, so no template can create these resources on AWS. `moorage.local up` creates them in a separate
stack. Only the properties in the app's templates are known.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from moorage.local.server.core.adapter import alb, ec2, provisioners
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import ec2_checks

_TYPES = {"net": "network", "gwy": "gateway"}
_SECURE = 443


class _Imported(Resource):
    """A resource with a given ID. It is deleted with its stack even if it is in use."""

    records: ClassVar[Any]

    def create(self, properties: Properties, name: str) -> Made:
        wanted = str(properties["Id"])
        if wanted in self.records:
            raise RefusedError(f"AlreadyExists: {wanted} already exists")
        made = self._make({each: properties[each] for each in properties if each != "Id"}, wanted)
        record = self.records.pop(made)
        key = next(each for each, value in record.items() if value == made)
        self.records[wanted] = record | {key: wanted, "_imported": True}
        ec2.tags[wanted] = [{"Key": "Name", "Value": wanted}]
        return Made(wanted)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return Made(physical_id, {each: new[each] for each in new})

    def delete(self, physical_id: str, properties: Properties) -> None:
        self.records.pop(physical_id, None)

    def _make(self, properties: Properties, name: str) -> str:
        raise NotImplementedError


class ImportedVpc(_Imported):
    """A VPC with an internet gateway and DNS hostnames; its CIDR block is not known here."""

    type = "Moorage::Local::Vpc"
    records = ec2.vpcs

    def create(self, properties: Properties, name: str) -> Made:
        made = super().create(properties, name)
        gateway, _ = provisioners.ec2_igw_create(name, {}, name)
        provisioners.ec2_vpc_gw_attach_create(
            name, {"VpcId": made.physical_id, "InternetGatewayId": gateway}, name, replacing=True
        )
        return made

    def delete(self, physical_id: str, properties: Properties) -> None:
        for gateway in ec2_checks.internet_gateways(physical_id):
            ec2.internet_gateways.pop(gateway)
        super().delete(physical_id, properties)

    def _make(self, properties: Properties, name: str) -> str:
        ec2.ensure_defaults_initialized()
        stated = {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True, "EnableDnsSupport": True, **properties}
        made: str = provisioners.ec2_vpc_create(name, stated, name)[0]
        for records in (ec2.route_tables, ec2.security_groups, ec2.network_acls):
            for record in records.values():
                if record["VpcId"] == made:
                    record["VpcId"] = name
        return made


class ImportedSubnet(_Imported):
    """A subnet of an imported VPC."""

    type = "Moorage::Local::Subnet"
    records = ec2.subnets

    def _make(self, properties: Properties, name: str) -> str:
        made: str = provisioners.ec2_subnet_create(name, properties, name)[0]
        return made


class ImportedSecurityGroup(_Imported):
    """A security group of an imported VPC, without the rules that it has in AWS."""

    type = "Moorage::Local::SecurityGroup"
    records = ec2.security_groups

    def _make(self, properties: Properties, name: str) -> str:
        stated = {"GroupName": f"imported {name}", "GroupDescription": "imported", **properties}
        made: str = provisioners.ec2_sg_create(name, stated, name)[0]
        return made


class ImportedRouteTable(_Imported):
    """A route table of an imported VPC."""

    type = "Moorage::Local::RouteTable"
    records = ec2.route_tables

    def _make(self, properties: Properties, name: str) -> str:
        made: str = provisioners.ec2_rtb_create(name, properties, name)[0]
        return made


class ImportedLoadBalancer(_Imported):
    """A load balancer in an imported VPC."""

    type = "Moorage::Local::LoadBalancer"
    records = alb.lbs

    def _make(self, properties: Properties, name: str) -> str:
        kind, label = name.split("/")[-3:-1]
        subnets = [each["SubnetId"] for each in ec2.subnets.values() if each["VpcId"] == properties["VpcId"]]
        stated = {"Name": label, "Type": _TYPES.get(kind, "application"), "Subnets": subnets, **properties}
        made: str = provisioners.elbv2_load_balancer_create(name, stated, name)[0]
        return made


class ImportedListener(_Imported):
    """A listener of an imported load balancer; its default action is a 404 response."""

    type = "Moorage::Local::Listener"
    records = alb.listeners

    def _make(self, properties: Properties, name: str) -> str:
        balancer = name.replace(":listener/", ":loadbalancer/").rpartition("/")[0]
        secure = "TLS" if "/net/" in name else "HTTPS"
        answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        taken = [each["Port"] for each in alb.listeners.values() if each["LoadBalancerArn"] == balancer]
        port = next(each for each in itertools.count(_SECURE) if each not in taken)
        stated = {"LoadBalancerArn": balancer, "Port": port, "Protocol": secure, "DefaultActions": [answer]}
        made: str = provisioners.elbv2_listener_create(name, stated, name)[0]
        for rule in alb.rules.values():
            if rule["ListenerArn"] == made:
                rule["ListenerArn"] = name
        return made


class ImportedTargetGroup(_Imported):
    """A target group of an imported VPC."""

    type = "Moorage::Local::TargetGroup"
    records = alb.tgs

    def _make(self, properties: Properties, name: str) -> str:
        stated = {"Name": name.split("/")[-2], "TargetType": "ip", **properties}
        made: str = provisioners.elbv2_target_group_create(name, stated, name)[0]
        return made


class ImportedZone(Resource):
    """CDK's placeholder for an Availability Zone that has not been looked up yet."""

    type = "Moorage::Local::AvailabilityZone"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.placeholders[str(properties["Id"])] = True
        return Made(str(properties["Id"]))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        ec2_checks.placeholders.pop(physical_id, None)
