"""The findings about openings: new network access, new permissions in IAM, and lost protection.

The rules, the most serious first, are in `RULES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from moorage.review.comparison import Comparison
from moorage.review.finding import Finding
from moorage.review.opened.authentication import lost_authentication
from moorage.review.opened.deletion import deletable
from moorage.review.opened.iam_openings import iam_openings
from moorage.review.opened.network_acls import network_acl_openings
from moorage.review.opened.network_openings import network_openings
from moorage.review.opened.protection import lost_protection
from moorage.review.opened.reachable import reachable
from moorage.review.opened.two_sides import Sides

RULES: Mapping[str, str] = {
    "opened/iam-admin": "An identity may do anything or act as others, or another account controls a key.",
    "opened/internet": "The internet, or anyone with AWS credentials, can reach or use a resource.",
    "opened/other-account": "Another account may use a resource or assume a role.",
    "opened/public-access-block": "A bucket no longer blocks public access.",
    "opened/deny-removed": "A policy no longer denies what it denied, or a permissions boundary is removed.",
    "opened/firewall": "A web ACL no longer protects a resource, or it blocks fewer requests.",
    "opened/authentication": "Clients need no authentication, or anyone can sign up.",
    "opened/encryption": "Traffic is no longer encrypted, or a weaker protocol is allowed.",
    "opened/deletion": "A resource or a stack is no longer protected from deletion.",
    "opened/iam-trust": "A service or an identity may now assume a role.",
    "opened/iam-broadened": "An identity may do more than before.",
    "opened/resource-policy": "A service or an identity of the same account may now use a resource.",
    "opened/security-group": "A security group allows traffic that it did not allow before.",
    "opened/network": "A network ACL allows more traffic, or a network has a path to another network.",
    "opened/iam-new-identity": "A new identity has permissions.",
}
"""The meaning of each rule, the most serious rule first."""
_ORDER = {rule: number for number, rule in enumerate(RULES)}


def opened(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each opening, the most serious first.

    Args:
        comparison: The two assemblies.
    """
    sides = Sides.of(comparison)
    found = [
        *iam_openings(sides),
        *network_openings(sides),
        *network_acl_openings(sides),
        *reachable(sides),
        *lost_protection(sides),
        *lost_authentication(sides),
        *deletable(comparison),
    ]
    yield from sorted(found, key=lambda finding: _ORDER[finding.rule])
