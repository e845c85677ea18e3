"""Exports that a deployed stack imports and that an update removes or changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import attrs

from moorage.assembly.values import Place, Value, places
from moorage.review.comparison import Replacement, ResourceChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import listed, named, noun
from moorage.review.template.side import Scope, Side

_LISTED = 5


@attrs.frozen
class _Reason:
    """The reason for which exports of one stack are refused, and the stacks that import them.

    Args:
        stack: The path of the exporting stack.
        users: The paths of the importing stacks in the base.
        is_removed: True if the exports are removed, and False if their values change.
        cause: The replaced resource whose attributes the exports have; None if there is no such resource.
        is_certain: False if the value may stay the same.
    """

    stack: str
    users: tuple[str, ...]
    is_removed: bool = False
    cause: ResourceChange | None = None
    is_certain: bool = False


def changed_exports(base: Side, head: Side, replaced: Mapping[Place, ResourceChange]) -> Iterator[Finding]:
    """Yield a finding for the exports of a stack that are refused for the same reason.

    Source: CloudFormation User Guide, "Get exported outputs from a deployed CloudFormation stack": a referenced output
    can be neither modified nor removed.

    Args:
        base: The stacks before the update.
        head: The stacks after the update.
        replaced: The changes that replace a resource, or may replace it.
    """
    importers: dict[tuple[str | None, str | None, str], list[str]] = defaultdict(list)
    for scope in base.scopes.values():
        for name in scope.imports():
            importers[scope.account, scope.region, name].append(scope.stack.path)
    found: dict[_Reason, list[str]] = defaultdict(list)
    for position, scope in base.scopes.items():
        later = head.scopes.get(position)
        for name, value in scope.exports().items() if later else ():
            users = tuple(importers.get((scope.account, scope.region, name), ()))
            if later and users and (reason := _reason(later, users, name, value, replaced)):
                found[reason].append(name)
    paths = {scope.stack.path for scope in head.scopes.values()}
    for reason, names in found.items():
        gone = [user for user in reason.users if user not in paths]
        yield _finding(reason, names, tuple(_ways(reason, gone, [user for user in reason.users if user in paths])))


def _reason(
    later: Scope, users: tuple[str, ...], name: str, value: Value, replaced: Mapping[Place, ResourceChange]
) -> _Reason | None:
    """Return the reason for which an export is refused; None if it stays as it is."""
    path, exports = later.stack.path, later.exports()
    if name not in exports:
        return _Reason(path, users, is_removed=True, is_certain=True)
    if exports[name] != value:
        return _Reason(path, users)
    causes = [replaced[each] for each in places(value) if each in replaced]
    if not causes:
        return None
    is_certain = any(cause.replacement is Replacement.YES for cause in causes)
    return _Reason(path, users, cause=causes[0], is_certain=is_certain)


def _finding(reason: _Reason, names: Sequence[str], ways: tuple[str, ...]) -> Finding:
    one = len(names) == 1
    change = f"{'is' if one else 'are'} removed" if reason.is_removed else f"change{'s' if one else ''}"
    may = "is" if reason.is_certain else "may be"
    if reason.cause:
        change += f", because the {named(reason.cause.resource)} {may} replaced"
    sentence = (
        f"The update of {reason.stack} {may} refused: its export{'' if one else 's'} {listed(names, _LISTED)} "
        f"{change}, but {listed(reason.users, len(reason.users))} import{'s' if len(reason.users) == 1 else ''} "
        f"{'it' if one else 'them'}."
    )
    return Finding(Kind.REFUSED, "refused/export", reason.stack, None, sentence, ways)


def _ways(reason: _Reason, gone: Sequence[str], users: Sequence[str]) -> Iterator[str]:
    """Yield the ways to remove or change exports that stacks import, including stacks that are no longer in the app."""
    if gone:
        until = ", or keep the export with `export_value` until then" if reason.is_removed else ""
        yield f"Destroy {listed(gone, len(gone))} with the base first (`cdk destroy -e {gone[0]}`){until}."
    if not users:
        return
    names = listed(users, len(users))
    if reason.is_removed:
        yield (
            f"Deploy {names} first (`cdk deploy -e {users[0]}`) if it no longer imports the value; otherwise keep the "
            "export with `export_value` until it is deployed."
        )
    elif reason.cause:
        yield (
            f"The value changes with the replacement: define the new {noun(reason.cause.type)} under another id beside "
            f"the old one, deploy {reason.stack}, then {names}, and then remove the old one."
        )
    else:
        yield (
            f"Export the new value under another name beside the old one, deploy {reason.stack}, then {names} with the "
            "new name, and then remove the old export."
        )
