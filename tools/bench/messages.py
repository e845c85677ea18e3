"""Count the messages between Python and node for each service, and the callbacks into Python."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

from jsii._kernel.providers import process

APP = Path(__file__).with_name("moorage_app.py")


def main() -> None:
    """Run the moorage app with the given arguments, and print the counts as JSON on the last line."""
    counts = {"messages": 0, "callbacks": 0}
    send, receive = process._NodeProcess.send, process._NodeProcess._next_message

    def counted_send(self: Any, *arguments: Any) -> Any:
        counts["messages"] += 1
        return send(self, *arguments)

    def counted_receive(self: Any) -> Any:
        message = receive(self)
        counts["callbacks"] += "callback" in message
        return message

    setattr(process._NodeProcess, "send", counted_send)  # noqa: B010  # a private class, replaced for one run
    setattr(process._NodeProcess, "_next_message", counted_receive)  # noqa: B010  # a private class, replaced for one run
    sys.argv = [str(APP), *sys.argv[1:]]
    runpy.run_path(str(APP), run_name="__main__")
    print(json.dumps(counts))  # the only output


if __name__ == "__main__":
    main()
