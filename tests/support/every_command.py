"""Every command that takes a case, with something plausible in each place."""

from collections.abc import Iterator
from pathlib import Path

from cyclopts import App
from cyclopts.argument import Argument

from support.june import June
from touchstone.cli.app import app


def commands(group: App, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command with its words."""
    for name in group:
        if name.startswith("-"):
            continue
        command = group[name]
        if command.default_command is None:
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def arguments(command: App) -> list[Argument]:
    return [a for a in command.assemble_argument_collection(parse_docstring=True) if a.show]


def takes_a_case(command: App) -> bool:
    return any(each.names[0] in {"--case", "CASE", "case"} for each in arguments(command))


WITH_CASE = {words: command for words, command in commands(app) if takes_a_case(command)}
CHOICES = {
    "--contested": "no",
    "--yes": None,
    "--as": "example-lab",
    "--scope": "public",
    "--variant": "final",
}
"""Options that are not required, and yet make the command do what it is for."""


def words_for(words: tuple[str, ...], command: App, june: June, out: Path) -> list[str]:
    """The command with something plausible in each place."""
    given: dict[str, str] = {"--out": str(out), "--reason": "why"}
    typed = list(words)
    for each in arguments(command):
        name, keyword = each.names[0], each.field_info.kind is each.field_info.KEYWORD_ONLY
        if name.lower().strip("-") == "case":
            typed.append(june.case)
        elif not keyword:
            kind = "terms.toml" if words[0] == "terms" else "june-12.toml"
            is_path = "Path" in str(each.hint)
            typed.append(str(june.file(kind)) if is_path else "1")
        elif name in CHOICES:
            value = CHOICES[name]
            typed += [name] if value is None else [name, value]
        elif each.required or name == "--out":
            typed += [name, given[name]]
    return typed
