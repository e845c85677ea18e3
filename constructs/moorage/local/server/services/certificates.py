"""AWS Certificate Manager: certificates that are validated by a record in a hosted zone or by email.

ACM puts the record into the zone that `DomainValidationOptions` names (CloudFormation template reference,
"AWS::CertificateManager::Certificate DomainValidationOption"). On AWS the record stays when the certificate is deleted,
and then the zone cannot be deleted (aws/aws-cdk issue 7063). Here the record is deleted with the certificate, so that
an app that has both can be deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import acm, provisioners, route53
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import complete, guard


def install() -> None:
    """Create the validation records of certificates in hosted zones, and delete them with the certificates."""
    complete("AWS::CertificateManager::Certificate", _complete)
    guard("AWS::CertificateManager::Certificate", deletion=_clear)


def _complete(arn: str, _old: Properties, new: Properties) -> None:
    for name in ("CertificateAuthorityArn", "CertificateExport"):
        new.get(name)
    certificate = acm.certificates[arn]
    stated = {each["DomainName"]: each for each in new.get("DomainValidationOptions") or ()}
    for option in certificate["DomainValidationOptions"]:
        option.update(_only(stated.get(option["DomainName"], {}), "ValidationDomain"))
    for zone, record in _records(certificate, stated):
        known = [route53.rs_key(each) for each in route53.records[zone]]
        if route53.rs_key(record) not in known:
            route53.records[zone] = [*route53.records[zone], record]


def _clear(arn: str, properties: Properties) -> None:
    certificate = acm.certificates.get(arn)
    if certificate is None:
        return
    stated = {each["DomainName"]: each for each in properties.get("DomainValidationOptions") or ()}
    for zone, record in _records(certificate, stated):
        gone = route53.rs_key(record)
        route53.records[zone] = [each for each in route53.records[zone] if route53.rs_key(each) != gone]


def _only(option: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: option[name]} if name in option else {}


def _records(certificate: Mapping[str, Any], stated: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the zones that exist here and the records in them that validate a certificate."""
    for option in certificate["DomainValidationOptions"]:
        zone = str(stated.get(option["DomainName"], {}).get("HostedZoneId", "")).removeprefix("/hostedzone/")
        if zone in route53.records:
            made = option["ResourceRecord"]
            record = {"Name": made["Name"], "Type": made["Type"], "TTL": "300", "ResourceRecords": [made["Value"]]}
            yield zone, provisioners.r53_record_set_build_rs(record)
