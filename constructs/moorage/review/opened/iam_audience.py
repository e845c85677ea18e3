"""The audience of a statement: the principals that may make the API calls that the statement allows."""

from __future__ import annotations

import attrs

from moorage.review.nouns import listed
from moorage.review.opened.iam_statements import Principal, Statement, own_account
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Constraint, Given, Scope

_LOAD_BALANCING = frozenset(
    {
        "009996457667",
        "027434742980",
        "033677994240",
        "037604701340",
        "048591011584",
        "054676820928",
        "076674570225",
        "091100254016",
        "098369216593",
        "114774131450",
        "121062877647",
        "127311923021",
        "156460612806",
        "190560391635",
        "383597477331",
        "412137745753",
        "507241528517",
        "582318560864",
        "589379963580",
        "600734575887",
        "635631232127",
        "638102146993",
        "652711504416",
        "718504428378",
        "740734521339",
        "754344448648",
        "770363063475",
        "783225319266",
        "797873946194",
        "897822967062",
        "985666609251",
    }
)
"""The accounts of Elastic Load Balancing that write access logs (`ELBV2_ACCOUNT` in aws-cdk-lib's region-info)."""
_OF_ACCOUNTS = {"aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "kms:calleraccount"}
_OF_ORGANIZATIONS = {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths"}
_LIMITING = {
    *_OF_ACCOUNTS,
    *_OF_ORGANIZATIONS,
    "aws:principalarn",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "elasticfilesystem:accessedviamounttarget",
    "kms:viaservice",
    "lambda:eventsourcetoken",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
}
"""The condition keys that limit a statement for any principal, so that the policy is not public.

The keys that begin with `aws:` and `s3:` are those of S3 ("Blocking public access to your Amazon S3 storage", the
meaning of "public"). The other keys belong to Lambda, EFS and KMS: the event source, the mount target, and the account
or service that makes the call.
"""
_EVERYWHERE = {"*", "0.0.0.0/0", "::/0"}


@attrs.frozen
class Audience:
    """Principals that may make API calls.

    Args:
        rule: The ID of the rule for findings about this audience.
        who: The words for the principals, without a capital letter.
        note: A further line of the finding. Default: no line.
    """

    rule: str
    who: str
    note: str = ""


def audience(sides: Sides, scope: Scope, piece: Statement) -> Audience:
    """Return the audience of a statement with one principal or with `NotPrincipal`.

    Args:
        sides: The two sides of the comparison.
        scope: The stack that contains the policy.
        piece: The statement.
    """
    if piece.principals.excluded:
        others = listed(sorted(_words(sides, scope, each) for each in piece.principals.values))
        return Audience("opened/internet", f"anyone but {others}")
    (principal,) = piece.principals.values
    if principal.kind == "*":
        return _anyone(scope, piece.given)
    who = _words(sides, scope, principal)
    if principal.kind == "AWS" and principal.account not in (None, own_account(scope), *_LOAD_BALANCING):
        unknown = scope.account is None
        note = "The account of the stack is not known: it may be the same account." if unknown else ""
        return Audience("opened/other-account", who, note)
    return Audience("opened/resource-policy", who)


def _words(sides: Sides, scope: Scope, principal: Principal) -> str:
    text = sides.readable(principal.text)
    words = {
        "*": "anyone",
        "Service": f"the service {text}",
        "Federated": f"an identity of the provider {text}",
        "CanonicalUser": f"the canonical user {text}",
    }
    return words.get(principal.kind) or _identity(sides, scope, principal)


def _identity(sides: Sides, scope: Scope, principal: Principal) -> str:
    """Return the words for an account, or for an identity of an account."""
    if principal.account in _LOAD_BALANCING:
        return "Elastic Load Balancing"
    own = principal.account == own_account(scope)
    if principal.is_account:
        return "an identity of the stack's own account" if own else f"the account {principal.account}"
    named = sides.named(principal.text)
    return named if own or principal.account is None else f"{named} of another account"


def _anyone(scope: Scope, given: Given) -> Audience:
    limits = [each for each in given if _limits(each)]
    for limit in limits:
        values = listed(sorted(limit.values))
        if limit.key in _OF_ACCOUNTS:
            if limit.values == {own_account(scope)}:
                return Audience("opened/resource-policy", "an identity or service of the stack's own account")
            return Audience("opened/other-account", f"the account {values}")
        if limit.key in _OF_ORGANIZATIONS:
            return Audience("opened/other-account", f"any account of the organization {values}")
    if limits:
        return Audience("opened/resource-policy", "anyone who meets its conditions")
    return Audience("opened/internet", "anyone")


def _limits(constraint: Constraint) -> bool:
    """Return whether a condition limits a statement for any principal, so that the policy is not public."""
    negated = "not" in constraint.operator or constraint.operator.endswith("ifexists")
    return constraint.key in _LIMITING and not negated and not constraint.values & _EVERYWHERE
