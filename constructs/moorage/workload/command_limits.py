"""The limits of a container's entry point, commands, user, working directory and variables; rows of the table in
`limits`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from moorage.workload.limit import Botocore, Limit, matching

_SHELLS = {"sh", "ash", "bash", "dash", "zsh"}
_SHELLS_OF_WINDOWS = {"cmd", "powershell", "pwsh"}
_OPERATORS = {"&&", "||", "|", ";", ">", ">>", "<", "&"}


def _is_one_line(words: Sequence[str]) -> bool:
    """Return whether a list of words is one command line, which ECS would take for the name of a program."""
    return len(words) == 1 and any(character.isspace() for word in words for character in word.strip())


def _one_line_hint(line: str) -> str:
    return f"use {line.split()!r}, or a shell: entry_point=['sh', '-c'], command=[{line!r}]"


def _shell_drops_words(words: Sequence[str]) -> bool:
    """Return whether `sh -c` ignores the words after its script. A script with `$` or a space may use the words."""
    if len(words) <= 3 or not _is_run_by_shell(words) or words[1] != "-c":  # sh -c x
        return False
    return "$" not in words[2] and not any(character.isspace() for character in words[2])


def _is_run_by_shell(words: Sequence[str]) -> bool:
    return words[0].split("/")[-1] in _SHELLS


def _in_shell(words: Sequence[str]) -> str:
    """Return the arguments of a container that runs a list of words as one line of a shell."""
    return f"entry_point=['sh', '-c'], command=[{' '.join(words)!r}]"


def _has_unread_variable(words: Sequence[str]) -> bool:
    """Return whether a word contains a shell variable that nothing replaces, since no word is a shell."""
    programs = {re.split(r"[/\\]", word)[-1].removesuffix(".exe").lower() for word in words}
    if programs & (_SHELLS | _SHELLS_OF_WINDOWS):
        return False
    return any(re.fullmatch(r"\S*\$([A-Za-z_]\w*|\{[A-Za-z_]\w*\})\S*", word) for word in words)


COMMAND_WORDS = Limit(
    id="command-words",
    accepts=lambda words: not _is_one_line(words),
    rule="must be a list of words that starts with a program",
    hint=lambda words: _one_line_hint(*words),
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "command",
        "each argument is a separated string in the array.",
        also="Docker, CMD in exec form",
    ),
    format=lambda words: repr(*words),
)
COMMAND_SHELL = Limit(
    id="command-shell",
    accepts=lambda words: not _shell_drops_words(words),
    rule="must have one string after 'sh -c', which does not run further arguments",
    hint=lambda words: f"use entry_point={list(words[:2])!r}, command=[{' '.join(words[2:])!r}]",
    source="POSIX, sh: command_string is the first operand after -c",
    format=lambda words: repr(list(words)),
)
COMMAND_OPERATOR = Limit(
    id="command-operator",
    accepts=lambda words: _is_run_by_shell(words) or not _OPERATORS.intersection(words),
    rule="must not contain shell operators, since no shell interprets them",
    hint=lambda words: f"use a shell: {_in_shell(words)}",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "command",
        "each argument is a separated string in the array.",
        also="Docker, CMD in exec form: no shell processes it",
    ),
    format=lambda words: repr(list(words)),
)
COMMAND_VARIABLE = Limit(
    id="command-variable",
    accepts=lambda words: not _has_unread_variable(words),
    rule="should not contain shell variables, since no shell expands them",
    hint=lambda words: f"use a shell: {_in_shell(words)}",
    source="Docker, exec form: no shell processes it. The entry point of the image may be a shell",
    format=lambda words: repr(list(words)),
    confirmed=False,
)
COMMAND_BLANK = Limit(
    id="command-blank",
    accepts=lambda words: bool(words[0].strip()),
    rule="should not start with an empty string, which is run as the program if the image has no entry point",
    hint="leave command= out for the image's own command, or start with the program",
    source="moby daemon/create.go: without an entry point, the first word is the program",
    format=lambda words: repr(list(words)),
    confirmed=False,
)
PROGRAM = Limit(
    id="entry-point",
    accepts=lambda words: bool(words) and bool(words[0].strip()),
    rule="must start with a program",
    hint="use a form such as ['sh', '-c'], or leave entry_point= out for the image's own entry point",
    source="moby daemon/create.go: without a program, no command is specified",
    format=lambda words: repr(list(words)),
)
USER = Limit(
    id="user",
    accepts=lambda user: not user or bool(user.strip()),
    rule="must be a user of the image, or a user ID",
    hint="use a form such as '1000:1000', or leave user= out for the image's own user",
    source=Botocore("ecs", "ContainerDefinition", "user", "You can specify the user using the following formats."),
)
COMMAND_FORM = Limit(
    id="command-form",
    accepts=lambda words: words[0] not in {"CMD", "CMD-SHELL"},
    rule="must start with a program, not with CMD or CMD-SHELL, which are for health checks",
    hint="leave CMD or CMD-SHELL out, and use entry_point=['sh', '-c'] to run a command line in a shell",
    source=Botocore(
        "ecs",
        "HealthCheck",
        "command",
        "must start with CMD to run the command arguments directly, or CMD-SHELL",
        also="ContainerDefinition.command has neither",
    ),
    format=lambda words: repr(list(words)),
)
HEALTH_COMMAND = Limit(
    id="health-command",
    accepts=lambda command: (
        len(command) > 1
        and all(command)
        and (
            (command[0] == "CMD-SHELL" and len(command) == 2 and not command[1].startswith(("CMD ", "CMD-SHELL ")))
            or (command[0] == "CMD" and not _is_one_line(command[1:]) and not _shell_drops_words(command[1:]))
        )
    ),
    rule="must be CMD followed by a program and its arguments, or CMD-SHELL followed by one command line, without "
    "empty parts",
    hint="use a string to run it in a shell, or ['CMD', 'program', 'argument']",
    source=Botocore(
        "ecs",
        "HealthCheck",
        "command",
        "must start with CMD to run the command arguments directly, or CMD-SHELL",
        also="moby daemon/health.go, where a shell runs only the word after CMD-SHELL",
    ),
    format=lambda command: repr(list(command)),
)
WORKING_DIRECTORY = matching(
    "working-directory",
    r"(?s)([/\\]|[A-Za-z]:[/\\]).*",
    rule="must be an absolute path",
    hint="use a path such as '/srv', or 'C:\\\\srv' on Windows",
    source="moby container.verifyContainerSettings: it needs to be an absolute path",
)
ENVIRONMENT_NAME = matching(
    "environment-name",
    r"[^=\x00]+",
    rule="must not be empty or contain '='",
    hint="use a name without its value, such as {'NAME': ...}",
    source="POSIX environ; moby opts.ValidateEnv (invalid environment variable)",
)
