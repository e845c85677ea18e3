"""The settings of the previews of pull requests."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from stacks.settings.checks import A_HOST, SettingError, Settings, between

LAST_NUMBER = 999_999
MAX_HOURS = 720
_MAX_HOST = 128
"""The longest host name of a listener rule (botocore elbv2 RuleCondition)."""


@attrs.frozen(kw_only=True)
class PreviewSettings(Settings):
    """The previews that an environment hosts: the services of each on its cluster and its load balancer.

    Args:
        domain: The domain of the previews. The host name of each begins with the number of its pull request, such as
            `pr-123`.
        hours: The number of hours after which a preview is removed unless it is deployed again, 1 to 720. Default: 72.
    """

    domain: str = attrs.field(metadata=A_HOST)
    hours: int = attrs.field(default=72, metadata=between(1, MAX_HOURS))

    def host(self, number: int) -> str:
        """Return the host name of a preview.

        Args:
            number: The number of the pull request.
        """
        return f"pr-{number}.{self.domain}"

    def _problems(self) -> Iterator[SettingError]:
        longest = _MAX_HOST - len(self.host(LAST_NUMBER)) + len(self.domain)
        if longest < len(self.domain) <= _MAX_HOST:
            yield SettingError(
                f"must have at most {longest} characters, since the host names of previews are longer (got "
                f"{len(self.domain)} characters); use a shorter domain",
                "domain",
            )
