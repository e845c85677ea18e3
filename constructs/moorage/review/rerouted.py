"""Requests that reach another target after an update in place: changed listener rules and default actions.

Sources: Elastic Load Balancing API reference, ModifyRule and ModifyListener (the conditions and actions are replaced in
place), RuleCondition and its members (a request must meet all conditions, and one value of each; `*` and `?` are
wildcards in host names, paths, headers and query strings); Application Load Balancer guide, "Listener rules".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.comparison import Comparison, Replacement
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import capitalized, listed
from moorage.review.opened.iam_statements import pattern_covers, range_covers
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Scope, root

_LISTENER, _RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
_DISTRIBUTION, _RECORD = "AWS::CloudFront::Distribution", "AWS::Route53::RecordSet"
_POINTS = {"A", "AAAA", "CNAME"}
"""The types of records whose values are addresses or names of hosts."""
_FIELDS = {
    "host-header": "for the host",
    "http-header": "with the header",
    "http-request-method": "with the method",
    "path-pattern": "for the path",
    "query-string": "with the query",
    "source-ip": "from the address",
}
"""The words for the fields of a condition."""
_Conditions = Mapping[str, frozenset[str]]
"""A mapping from each field to its values. Each header is a separate field."""
_Side = tuple[Scope, Resource]


def rerouted(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each listener rule or listener that sends requests somewhere else.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    sides = Sides.of(comparison)
    replaced = {id(each.after) for each in comparison.changes if each.replacement is not Replacement.NO}
    for scope, after in sides.head.resources(_LISTENER, _RULE, _DISTRIBUTION, _RECORD):
        found = sides.base.found(scope.token(after.logical_id))
        if found is None or found[1].type != after.type or id(after) in replaced:
            continue
        about = (scope, after)
        if after.type == _DISTRIBUTION:
            yield from _aliases(sides, found, about)
            continue
        if after.type == _RECORD:
            yield from _record(sides, found, about)
            continue
        if after.type == _RULE:
            yield from _conditions(sides, found, about)
        yield from _actions(sides, found, about)


def _finding(sides: Sides, about: _Side, sentence: str, rule: str = "interrupted/rerouted") -> Finding:
    path = sides.comparison.stacks[about[0].place].path
    return Finding(Kind.INTERRUPTED, rule, path, about[1], f"{capitalized(sentence)}.")


def _conditions(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    """Yield the finding for the values that the conditions of a rule no longer contain."""
    old, new = _stated(before), _stated(after)
    others = [_stated((scope, rule)) for scope, rule in _siblings(sides, after)]
    gone = {
        field: frozenset(value for value in values if not _matched(field, value, new, others))
        for field, values in old.items()
    }
    added = {field: values for field, values in new.items() if field not in old}
    subject = sides.named(after[0].token(after[1].logical_id))
    end = "reach another rule or the default action of the listener"
    if any(gone.values()):
        which = _requests(sides, gone)
        yield _finding(sides, after, f"{subject} no longer matches requests {which}: they {end}")
    elif added:
        which = _requests(sides, added)
        yield _finding(sides, after, f"{subject} now matches only requests {which}: others {end}")


def _requests(sides: Sides, conditions: _Conditions) -> str:
    """Return the words for the requests that meet conditions: `for the path /a and /b`."""
    phrases = []
    for field, values in conditions.items():
        name, _, header = field.partition(":")
        words = f"{_FIELDS.get(name, f'with {name}')} {header}".strip()
        if values:
            phrases.append(f"{words} {listed([sides.readable(value) for value in sorted(values)])}")
    return listed(phrases)


def _siblings(sides: Sides, rule: _Side) -> Iterator[_Side]:
    """Yield the other rules of the listener of a rule."""
    listener = rule[0].text(rule[1].properties.get("ListenerArn"))
    for scope, other in sides.head.resources(_RULE):
        if other is not rule[1] and scope.text(other.properties.get("ListenerArn")) == listener:
            yield scope, other


def _matched(field: str, value: str, new: _Conditions, others: Sequence[_Conditions]) -> bool:
    """Return whether requests with a value may still match the rule, or match another rule that names the value."""
    if field not in new or any("${" in each for each in {value, *new[field]}):
        return True
    covers = range_covers if field == "source-ip" else pattern_covers
    known = {*new[field], *(each for other in others for each in other.get(field, ()))}
    if field == "host-header":  # a host name is case insensitive
        known, value = {each.lower() for each in known}, value.lower()
    return any(covers(each, value) for each in known)


def _stated(rule: _Side) -> dict[str, frozenset[str]]:
    """Return the conditions of a rule."""
    scope, resource = rule
    found: dict[str, frozenset[str]] = {}
    for _, condition in scope.items(resource.properties.get("Conditions")):
        field = str(mapping(condition).get("Field", ""))
        values = set(scope.texts(mapping(condition).get("Values")))
        for name, config in mapping(condition).items():
            if not name.endswith("Config"):
                continue
            stated = mapping(config)
            if "HttpHeaderName" in stated:
                field = f"{field}:{scope.text(stated['HttpHeaderName']).lower()}"
            values |= {_value(scope, each) for _, each in scope.items(stated.get("Values"))}
        for regular in (condition, *mapping(condition).values()):
            expressions = mapping(regular).get("RegexValues")
            values |= {f"the expression {text}" for text in scope.texts(expressions)}
        if values:
            found[field] = found.get(field, frozenset()) | values
    return found


def _value(scope: Scope, value: Any) -> str:
    """Return the text of a value; `key=value` for an item of a query string."""
    stated = mapping(value)
    if "Key" not in stated and "Value" not in stated:
        return scope.text(value)
    return "=".join(scope.text(stated[name]) for name in ("Key", "Value") if name in stated)


def _actions(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    """Yield the finding for actions that send requests to other target groups, or to none."""
    name = "Actions" if after[1].type == _RULE else "DefaultActions"
    old, new = (_targets(side, name) for side in (before, after))
    if old is None or new is None or old <= new or not new:
        return
    what = "requests" if after[1].type == _RULE else "requests that match no rule"
    to, earlier = (listed([_target(sides, each) for each in sorted(each)]) for each in (new, old))
    subject = sides.named(after[0].token(after[1].logical_id))
    yield _finding(sides, after, f"{subject} answers {what} with {to} (before: {earlier})")


def _target(sides: Sides, text: str) -> str:
    return text.removeprefix("=") if text.startswith("=") else sides.named(text, "target group")


def _targets(side: _Side, name: str) -> set[str] | None:
    """Return what answers a request: target groups, redirects and fixed responses; None if it is not known."""
    scope, resource = side
    found: set[str] = set()
    for _, action in scope.items(resource.properties.get(name)):
        stated = mapping(action)
        kind = stated.get("Type")
        forward = mapping(stated.get("ForwardConfig"))
        if kind == "forward":
            groups = [mapping(each) for _, each in scope.items(forward.get("TargetGroups"))]
            weighed = [each for each in groups if str(each.get("Weight", 1)) != "0"]
            texts = [scope.text(each["TargetGroupArn"]) for each in (stated, *weighed) if "TargetGroupArn" in each]
            found |= {root(text) for text in texts}
        elif kind == "redirect":
            config = mapping(stated.get("RedirectConfig"))
            parts = ("Protocol", "Host", "Port", "Path", "Query")
            place = [scope.text(config[part]) for part in parts if part in config]
            found.add(f"=a redirect to {' '.join(place)}")
        elif kind == "fixed-response":
            code = scope.text(mapping(stated.get("FixedResponseConfig")).get("StatusCode"))
            found.add(f"=the status code {code}")
        elif not isinstance(kind, str):
            return None
    return None if any("${" in each and each.startswith("=") for each in found) else found


def _aliases(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    """Yield the finding for the names that no distribution answers for any more."""
    known = {
        name
        for scope, other in sides.head.resources(_DISTRIBUTION)
        for name in scope.texts(mapping(other.properties.get("DistributionConfig")).get("Aliases"))
    }
    scope, resource = before
    old = scope.texts(mapping(resource.properties.get("DistributionConfig")).get("Aliases"))
    gone = sorted(each for each in old if not any(pattern_covers(name, each) for name in known))
    if gone and not any("${" in name for name in (*gone, *known)):
        subject = sides.named(after[0].token(after[1].logical_id))
        sentence = f"{subject} no longer answers for {listed(gone)}: clients that use this name fail"
        yield _finding(sides, after, sentence, "interrupted/address")


def _record(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    """Yield the finding for a record whose name points somewhere else."""
    if after[1].properties.get("Type") not in _POINTS or before[1].properties.get("Name") != after[1].properties.get(
        "Name"
    ):
        return
    old, new = (_values(side) for side in (before, after))
    if not old or not new or old <= new:
        return
    subject = sides.named(after[0].token(after[1].logical_id))
    to, earlier = (listed([sides.readable(each) for each in sorted(each)]) for each in (new, old))
    yield _finding(sides, after, f"{subject} now points to {to} (before: {earlier})")


def _values(record: _Side) -> set[str]:
    """Return the values of a record, or the resource of its alias."""
    scope, resource = record
    alias = mapping(resource.properties.get("AliasTarget")).get("DNSName")
    texts = [scope.text(alias)] if alias is not None else scope.texts(resource.properties.get("ResourceRecords"))
    return {root(each) for each in texts}


def takes_over(before: _Side, after: Iterable[_Side]) -> bool:
    """Return whether other rules of the same listener match all requests that a rule matched.

    Args:
        before: The rule in the base.
        after: The rules in the head.
    """
    listener = before[0].text(before[1].properties.get("ListenerArn"))
    others = [_stated(each) for each in after if each[0].text(each[1].properties.get("ListenerArn")) == listener]
    old = _stated(before)
    matching = [other for other in others if other.keys() <= old.keys()]
    if any(all(_covered(field, old[field], [new]) for field in new) for new in matching):
        return True
    return len(old) == 1 and all(_covered(field, old[field], matching) for field in old)


def _covered(field: str, values: frozenset[str], rules: Sequence[_Conditions]) -> bool:
    """Return whether rules together match all values of a field."""
    covers = range_covers if field == "source-ip" else pattern_covers
    known = {value for rule in rules for value in rule.get(field, ())}
    if field == "host-header":  # a host name is case insensitive
        known, values = {each.lower() for each in known}, frozenset(each.lower() for each in values)
    return all(any(each == value or covers(each, value) for each in known) for value in values)
