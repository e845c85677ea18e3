"""The warnings of an app, which the cdk CLI prints in each run, are shown once."""

from __future__ import annotations

import pytest

from moorage.local.messages import Messages

FIRST = ["WARNING a port is open (Construct Annotations)\n", "second line\n", "   Shop/Web\n", "\n"]
SECOND = ["WARNING a port is open (Construct Annotations)\n", "second line\n", "   Shop/Api\n"]
PLACE, OTHER_PLACE = "../../stacks/shop.ts:5:3\n", "or stacks/shop.ts:5:3\n"
END = ["Successfully synthesized to /project/.moorage/cdk.out\n"]
READ = ["\n", "✨  Synthesis time: 0.65s\n", "\n"]
EVENTS = ["Shop: deploying... [1/1]\n", *FIRST]


def _shown(synthesis: list[str], deployment: list[str]) -> list[str]:
    messages = Messages()
    assert list(messages.recorded(synthesis)) == synthesis
    return list(messages.unseen(deployment))


@pytest.mark.parametrize(
    "deployment",
    [[*FIRST, *SECOND], [*FIRST], [*SECOND], [*FIRST, OTHER_PLACE, *SECOND], ["\x1b[33m" + FIRST[0], *FIRST[1:]]],
    ids=["all", "first", "second", "another place", "in color"],
)
def test_a_deployment_does_not_repeat_the_messages_of_the_synthesis(deployment: list[str]) -> None:
    synthesis = ["Bundling asset\n", *FIRST, PLACE, *SECOND, *END]
    assert _shown(synthesis, [*deployment, *READ, *EVENTS]) == ["\n", *EVENTS]


def test_a_message_that_was_not_shown_is_shown() -> None:
    assert _shown([*FIRST, *END], [*FIRST, *SECOND, *READ]) == [*SECOND, "\n", "\n"]


def test_without_a_synthesis_everything_is_shown() -> None:
    assert list(Messages().unseen([*FIRST, *SECOND, *READ])) == [*FIRST, *SECOND, *READ]


def test_an_error_before_the_deployment_is_shown() -> None:
    assert _shown([*FIRST, *END], [*FIRST, "no credentials\n"]) == ["no credentials\n"]
