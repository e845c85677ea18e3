"""The principals that policies may name: AWS services, and the users and roles of this account."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from ministack.core.responses import get_account_id

from moorage.local.server.core.adapter import iam

_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|aws\.dev)")
_OTHERS = frozenset(
    (
        "ac", "alexa-appkit", "alexa-connectedhome", "airflow-env", "assets", "automation", "aws-cloudwatch",
        "billingconsole", "billingreports", "chatbot", "cks", "config-conforms", "config-multiaccountsetup",
        "continuousexport", "costalerts", "databrew", "deepracer", "delivery", "diode", "dlm", "dnssec-route53",
        "drt", "ec2fleet", "ec2scheduled", "ecs-infrastructure", "ecs-tasks", "edge-lambda", "edgelambda",
        "eks-fargate", "eks-fargate-pods", "eks-nodegroup", "elasticache", "elasticfilesystem",
        "elasticloadbalancing", "elasticmapreduce", "elastictranscoder", "email", "evidently", "export", "fms",
        "freertos", "hooks", "inspector2", "iotevents", "jellyfish", "lex", "lexv2", "logger", "macie",
        "managedservices", "member", "migrationhub", "monitoring", "nimble", "opensearchservice", "ops", "opsworks",
        "opsworks-cm", "panorama", "pods", "pullthroughcache", "purchaseorders", "q", "ram", "replication",
        "replicator", "resource-groups", "robomaker", "scn", "scs", "servicecatalog-appregistry", "sms", "spot",
        "spotfleet", "states", "supply-chain", "support", "tagpolicies", "tasks", "thinkbox", "timestream",
        "topicbeat", "transitgateway", "trustedadvisor", "verified-access", "vmie", "voiceid", "vpc-flow-logs",
        "waf-regional", "wafv2", "website",
    )
)  # fmt: skip
"""The parts of service principals that are not names of APIs."""
_MISSPELT = 0.85
_PREFIXES = ("AIDA", "AROA", "AGPA", "ANPA", "ASCA", "AKIA", "ASIA")
_ENTITY = re.compile(
    r"arn:(aws[a-z-]*):iam::(\d{12}):(root|(user|role|federated-user|group)/.+)|arn:aws[a-z-]*:sts::\d{12}:.+"
)
_CLOUDFRONT = re.compile(r"arn:aws[a-z-]*:iam::cloudfront:user/.+")
_KINDS = frozenset(("AWS", "CanonicalUser", "Federated", "Service"))


def invalid(principal: Any) -> Iterator[str]:
    """Yield the invalid principals of a statement, as IAM shows them.

    AWS publishes no list of service principals, so a principal that contains the name of an AWS API is accepted. So are
    users and roles of other accounts.

    Args:
        principal: The statement's `Principal`.
    """
    if principal == "*":
        return
    if not isinstance(principal, dict):
        yield f'"{principal}"'
        return
    for kind, stated in principal.items():
        for name in stated if isinstance(stated, list) else [stated]:
            if (
                kind not in _KINDS
                or (kind == "Service" and not is_service(name))
                or (kind == "AWS" and not exists(name))
            ):
                yield f'"{"SERVICE" if kind == "Service" else kind}":"{name}"'


def exists(name: Any) -> bool:
    """Return whether a user, a role or an account is valid; users and roles of this account must exist."""
    if name == "*" or (isinstance(name, int) or re.fullmatch(r"\d{12}", str(name))):
        return True
    if str(name).startswith(_PREFIXES) or _CLOUDFRONT.fullmatch(str(name)):
        return True
    found = _ENTITY.fullmatch(str(name))
    if found is None or found[4] == "group":
        return False
    if found[2] != get_account_id() or found[4] not in ("user", "role"):
        return True
    kept = iam.users if found[4] == "user" else iam.roles
    wanted = str(name).rsplit("/", maxsplit=1)[-1]
    return "*" not in str(name) and (wanted in kept or str(found[3]).startswith("role/aws-service-role/"))


@functools.cache
def is_service(name: Any) -> bool:
    """Return whether a service principal may exist in AWS."""
    if not isinstance(name, str) or not _SERVICE.fullmatch(name):
        return False
    labels = re.split(r"\.(?:amazonaws|amazon|aws)\.", name)[0].split(".")
    known = _known()
    if name.endswith(".amazon.com"):
        return labels[0] not in known or labels[0].startswith("alexa-")
    if any(label in known for label in labels):
        return True
    if any(difflib.get_close_matches(label, known, 1, _MISSPELT) for label in labels):
        return False
    return any(part in known for label in labels for part in label.split("-"))


@functools.cache
def _known() -> frozenset[str]:
    loader = Loader()
    endpoints = (each for partition in loader.load_data("endpoints")["partitions"] for each in partition["services"])
    named = {label for each in endpoints for label in each.split(".")}
    return _OTHERS | named | set(loader.list_available_services("service-2"))
