"""The findings about IAM: the permissions that policies grant after a change, but not before.

Statements are compared in pieces, each with one principal, one action and one resource. A piece of an Allow statement
is an opening unless an Allow statement of the base or a Deny statement of the head covers the piece. So a statement
that is narrowed, split, merged, reordered or moved to another policy of the same holder is not an opening. An explicit
deny overrides any allow (IAM user guide, "Policy evaluation logic"), so a Deny statement that is removed or narrowed is
an opening.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import attrs

from moorage.assembly.cloud_assembly import Resource
from moorage.review.finding import Finding
from moorage.review.nouns import listed
from moorage.review.opened.iam_audience import audience
from moorage.review.opened.iam_policies import POWERFUL, Field, Holder, Policies
from moorage.review.opened.iam_sentences import call_details, called, calls, conditions
from moorage.review.opened.iam_statements import EVERYTHING, Among, Statement, pattern_covers, patterns_meet
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Constraint, Scope

_ESCALATIONS = {
    "iam:passrole": "With iam:PassRole on any resource, the identity can run code with any role a service may assume.",
    "sts:assumerole": "With sts:AssumeRole on any resource, the identity can become any role that trusts it.",
}
"""The actions that let an identity act as others if they are allowed on any resource."""


def iam_openings(sides: Sides) -> Iterator[Finding]:
    """Yield a finding for each permission that IAM grants after the change, but not before.

    Args:
        sides: The two sides of the comparison.
    """
    before, after = Policies.of(sides.base), Policies.of(sides.head)
    for holder in dict.fromkeys((*after.statements, *after.attached)):
        gained = list(_gained(before.statements.get(holder, ()), after.statements.get(holder, ())))
        if holder.field is Field.IDENTITY:
            yield from _identity(sides, holder, gained, before, after)
        elif gained:
            yield from _of_resource(sides, holder, gained, before.statements.get(holder, ()))
    for holder, statements in before.statements.items():
        if sides.exists(holder.text):
            yield from _denials(sides, holder, statements, after)


def _gained(before: Sequence[Statement], after: Sequence[Statement]) -> Iterator[Statement]:
    """Yield the pieces that are allowed after the change, but not before."""
    known = set(before)
    denying = [each for each in after if not each.allows]
    seen = set()
    for statement in after:
        if not statement.allows or statement in known or any(each.covers(statement) for each in before):
            continue
        for piece in statement.single():
            denied = attrs.evolve(piece, allows=False)
            if piece in seen or _is_covered(piece, before) or any(each.covers(denied) for each in denying):
                continue
            seen.add(piece)
            yield piece


def _is_covered(piece: Statement, statements: Sequence[Statement]) -> bool:
    """Return whether a statement covers a piece, or two statements in the two branches of a template condition."""
    if any(each.covers(piece) for each in statements):
        return True
    branches = {each.key for statement in statements for each in statement.given if each.operator == "fn::if"}
    return any(
        all(
            any(each.covers(attrs.evolve(piece, given=piece.given | {branch})) for each in statements)
            for answer in ("true", "false")
            for branch in [Constraint("fn::if", key, frozenset({answer}))]
        )
        for key in branches
    )


_LOG_WRITES = {"logs:createlogstream", "logs:putlogevents"}


def _identity(
    sides: Sides, holder: Holder, gained: Sequence[Statement], before: Policies, after: Policies
) -> Iterator[Finding]:
    old, new = before.attached.get(holder, {}), after.attached.get(holder, {})
    managed = [text for text, given in new.items() if text not in old or not old[text] <= given]
    powerful = [text for text in managed if _name(text) in POWERFUL]
    admin = [piece for piece in gained if _is_admin(piece)]
    name = sides.named(holder.text, "identity")
    about = _about(sides, holder, gained, after)
    if about is None:
        return
    if admin:
        notes = [note for action, note in _ESCALATIONS.items() if any(_reaches(piece, action) for piece in admin)]
        everything = any(piece.actions == EVERYTHING for piece in admin)
        details = [*call_details(sides, admin), *([] if everything else notes)]
        yield sides.finding("opened/iam-admin", about, f"{name} may now {calls(sides, admin)}", details)
    if powerful:
        policies = listed([_name(text) for text in powerful])
        sentence = f"{name} may now do what AWS's managed policy {policies} allows"
        yield sides.finding("opened/iam-admin", about, sentence)
    rest = [piece for piece in gained if piece not in admin and not _writes_new_logs(sides, holder, piece)]
    ordinary = [text for text in managed if text not in powerful]
    if (rest or ordinary) and not sides.is_new_stack(holder.text):
        yield _broadened(sides, holder, about, rest, ordinary, before, after)


def _writes_new_logs(sides: Sides, holder: Holder, piece: Statement) -> bool:
    """Return whether a new identity may only write to a new log group, as each new service does."""
    return (
        sides.added(holder.text)
        and not piece.actions.excluded
        and piece.actions.values <= _LOG_WRITES
        and not piece.resources.excluded
        and all(sides.added(resource) for resource in piece.resources.values)
    )


def _broadened(
    sides: Sides,
    holder: Holder,
    about: tuple[Scope, Resource],
    pieces: Sequence[Statement],
    managed: Sequence[str],
    before: Policies,
    after: Policies,
) -> Finding:
    """Return the finding for an existing identity with more permissions, or for a new identity with permissions."""
    name = sides.named(holder.text, "identity")
    old = [each for each in before.statements.get(holder, ()) if each.allows]
    policies = f"do what the managed policy {listed([sides.readable(_name(each)) for each in managed])} allows"
    phrases = [*([calls(sides, pieces)] if pieces else []), *([policies] if managed else [])]
    details = [*call_details(sides, pieces)]
    if sides.added(holder.text):
        sentence = f"{name.replace('the ', 'the new ', 1)} may {' and '.join(phrases)}"
        return sides.finding("opened/iam-new-identity", about, sentence, details)
    looser = [each for piece in pieces for each in old if each.covers(piece, conditions=False)]
    details += [f"Before, only if {conditions(sides, each.given)}." for each in dict.fromkeys(looser)]
    lost = [each for each in before.attached.get(holder, {}) if each not in after.attached.get(holder, {})]
    if lost and pieces:
        names = listed([sides.readable(_name(each)) for each in lost])
        details.append(f"The managed policy {names}, which is no longer attached, may have allowed it before.")
    loosened = all(any(each.covers(piece, conditions=False) for each in old) for piece in pieces) and not managed
    how = " under other conditions" if loosened else ""
    sentence = f"{name} may now {' and '.join(phrases)}{how}"
    return sides.finding("opened/iam-broadened", about, sentence, details)


def _of_resource(
    sides: Sides, holder: Holder, gained: Sequence[Statement], old: Sequence[Statement]
) -> Iterator[Finding]:
    """Yield the findings about the policy of a resource or the trust policy of a role, one for each rule.

    A finding names all principals that get access under its rule.
    """
    about = _about(sides, holder, gained, None)
    if about is None:
        return
    trust = holder.field is Field.TRUST
    found = sides.head.found(holder.text)
    kind = found[1].type if found else ""
    by_rule: dict[str, list[Statement]] = defaultdict(list)
    who: dict[str, dict[str, None]] = defaultdict(dict)
    notes: dict[str, dict[str, None]] = defaultdict(dict)
    for piece in gained:
        heard = audience(sides, about[0], piece)
        rule = heard.rule
        if rule == "opened/resource-policy" and trust:
            rule = "opened/iam-trust"
        if kind == "AWS::EC2::VPCEndpoint":
            rule = "opened/resource-policy"
        if rule == "opened/other-account" and kind.startswith("AWS::KMS::") and _reaches(piece, "kms:*"):
            rule = "opened/iam-admin"
        by_rule[rule].append(piece)
        who[rule][heard.who] = None
        if heard.note:
            notes[rule][heard.note] = None
    for rule, pieces in by_rule.items():
        outside = any("provider" in each for each in who[rule]) and not sides.is_new_stack(holder.text)
        if rule in _WITHIN and sides.added(holder.text) and not (trust and outside):
            continue
        name = sides.named(holder.text, "role" if trust else "")
        verb = f"assume {name}" if trust and _assumes(pieces) else f"{called(pieces)} on {name}"
        looser = [each for piece in pieces for each in old if each.allows and each.covers(piece, conditions=False)]
        details = [
            *call_details(sides, pieces, shown=trust or _is_all(pieces), of_resource=True),
            *(f"Before, only if {conditions(sides, each.given)}." for each in dict.fromkeys(looser)),
            *notes[rule],
        ]
        yield sides.finding(rule, about, f"{listed(list(who[rule]), noun='principals')} may now {verb}", details)


_WITHIN = ("opened/resource-policy", "opened/iam-trust")
"""The rules that do not apply to a new resource. Access from its own account is expected, since it has no other use."""


def _denials(sides: Sides, holder: Holder, before: Sequence[Statement], after: Policies) -> Iterator[Finding]:
    """Yield the finding about the API calls that a policy no longer denies."""
    now = after.statements.get(holder, [])
    allowed = [each for each in now if each.allows]
    lost = [
        piece
        for statement in before
        if not statement.allows and not any(each.covers(statement) for each in now)
        for piece in statement.single()
        if not any(each.covers(piece) for each in now)
    ]
    if holder.field is Field.IDENTITY and not after.attached.get(holder):
        lost = [piece for piece in lost if any(_actions_meet(piece, each) for each in allowed)]
    about = sides.head.found(holder.text) or (_about(sides, holder, lost, None) if lost else None)
    if lost and about:
        name = sides.named(holder.text, holder.field.value)
        if holder.field is Field.IDENTITY:
            sentence = f"{name} is no longer denied to {calls(sides, lost)}"
        else:
            sentence = f"the policy of {name} no longer denies to {called(lost)}"
        of_resource = holder.field is not Field.IDENTITY
        details = call_details(sides, lost, shown=not of_resource or _is_all(lost), of_resource=of_resource)
        yield sides.finding("opened/deny-removed", about, sentence, details)


def _about(
    sides: Sides, holder: Holder, pieces: Sequence[Statement], after: Policies | None
) -> tuple[Scope, Resource] | None:
    """Return the resource that a finding is about: the holder, or the resource that contains the policy.

    Return None if neither template contains such a resource.
    """
    if found := sides.head.found(holder.text):
        return found
    sources = [each.source for each in (*pieces, *(after.statements.get(holder, ()) if after else ())) if each.source]
    for side in (sides.head, sides.base):
        for scope, resource in side.resources():
            if any(resource is source for source in sources):
                return scope, resource
    return None


def _is_admin(piece: Statement) -> bool:
    """Return whether a piece makes its holder an administrator.

    A piece that allows every action does. So does a piece for every resource that allows all actions except some, or an
    action with which the holder can act as another identity. A condition on `iam:PassedToService` prevents this.
    """
    if piece.actions == EVERYTHING:
        return True
    everywhere = piece.resources == EVERYTHING or piece.resources.excluded
    passed = any(each.key == "iam:passedtoservice" for each in piece.given)
    return everywhere and (piece.actions.excluded or any(_reaches(piece, each) for each in _ESCALATIONS)) and not passed


def _reaches(piece: Statement, action: str) -> bool:
    return piece.actions.covers(Among(frozenset({action})), pattern_covers, patterns_meet)


def _actions_meet(one: Statement, other: Statement) -> bool:
    """Return whether two statements have an action in common, as far as is known."""
    if one.actions.excluded or other.actions.excluded:
        return True
    return any(patterns_meet(mine, theirs) for mine in one.actions.values for theirs in other.actions.values)


def _is_all(pieces: Sequence[Statement]) -> bool:
    """Return whether all pieces apply to any resource."""
    return all(piece.resources == EVERYTHING for piece in pieces)


def _assumes(pieces: Sequence[Statement]) -> bool:
    return all(
        each.startswith("sts:assumerole") or each in ("sts:tagsession", "sts:setsourceidentity", "*", "sts:*")
        for piece in pieces
        for each in piece.actions.values
    )


def _name(policy: str) -> str:
    """Return the name of a managed policy from its ARN."""
    return policy.rpartition("/")[2] if policy.startswith("arn:") else policy
