"""Write docs/reference/commands.md from the command line.

python scripts/make_reference.py           writes the page
python scripts/make_reference.py --check   says whether it is current
"""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import GenericAlias, UnionType
from typing import Any, Literal, get_args, get_origin

from cyclopts import App
from cyclopts.argument import Argument

from touchstone.cli.app import app

DOCS = Path(__file__).parents[1] / "docs"
COMMANDS = DOCS / "reference" / "commands.md"
TOP = """# Commands

Written by `scripts/make_reference.py` from the code; a test says when it is not current.

Each command also says this itself: `touchstone COMMAND --help`. `touchstone --version` gives the
version. State lives under `TOUCHSTONE_HOME` ([settings](settings.md)). A CASE is a case's id, or
enough of its beginning to be the only one.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the answer is no: altered, not trusted, refused, stopped, or missing something |
| 2 | bad input: one line on stderr says what and how to fix it |
| 70 | a defect in Touchstone itself: please report the line |
| 130 | interrupted by Ctrl-C; the same command goes on where this one stopped |

`bench` and `--json` print to stdout; progress and refusals go to stderr.
"""


def commands(group: App, path: tuple[str, ...] = ("touchstone",)) -> Iterator[tuple[str, App]]:
    """(full name, command) of every command, in the order in which they are declared."""
    for name in group:
        if name.startswith("-"):
            continue
        command = group[name]
        if command.default_command is None:
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def arguments(command: App) -> list[Argument]:
    """What a command takes, as people see it."""
    return [
        each for each in command.assemble_argument_collection(parse_docstring=True) if each.show
    ]


def options(command: App) -> list[str]:
    """The names of a command's options, those that switch off included."""
    return [name for each in arguments(command) if named(each) for name in each.names]


def named(argument: Argument) -> bool:
    """Whether it is given by its name, rather than by its place."""
    return argument.field_info.kind is argument.field_info.KEYWORD_ONLY


def value(argument: Argument) -> str:
    """What stands behind an option's name, such as `FOLDER`; empty for a switch."""
    # Of `Literal[...] | None`, too, which is neither kind of union that `kind_of` knows.
    for each in (argument.hint, *get_args(argument.hint)):
        if get_origin(each) is Literal:
            return "|".join(get_args(each))
    kind = kind_of(argument.hint)
    if kind is bool:
        return ""
    words = {Path: "PATH", int: "NUMBER", float: "NUMBER", Decimal: "NUMBER", str: "TEXT"}
    return words[kind]


def kind_of(hint: Any) -> type:
    """The plain type behind `X | None` and `tuple[X, ...]`."""
    if isinstance(hint, type) and not get_args(hint):
        return hint
    inner = [each for each in get_args(hint) if each not in (type(None), Ellipsis)]
    if len(inner) != 1 or not isinstance(hint, UnionType | GenericAlias):
        raise SystemExit(f"make_reference.py: say how {hint} is shown")
    return kind_of(inner[0])


def default(argument: Argument) -> str:
    """The default where one is worth showing."""
    standard = argument.field_info.default
    if argument.required:
        return "required"
    if standard in (None, False, ()) or standard is argument.field_info.empty:
        return ""
    return f"`{'.' if standard == Path() else standard}`"


def told(argument: Argument) -> str:
    """Its help. A command that says nothing about an option cannot be documented."""
    text = " ".join((argument.parameter.help or "").split())
    if not text:
        raise SystemExit(f"make_reference.py: {argument.name} has no help; write it in cli/app.py")
    return text.replace("|", r"\|")


def usage(name: str, command: App) -> str:
    """The line to type; what may be left out stands in brackets."""
    words = [name]
    for each in arguments(command):
        word = " ".join(filter(None, (each.names[0], value(each)))) if named(each) else place(each)
        many = "..." if isinstance(each.hint, GenericAlias) else ""
        words.append(f"{word}{many}" if each.required else f"[{word}]{many}")
    return " ".join(words)


def place(argument: Argument) -> str:
    """The name of an argument that is given by its place."""
    return argument.names[0].removeprefix("--").upper()


def section(name: str, command: App) -> list[str]:
    """One command: what it does, how it is typed, what it takes."""
    document = (command.default_command.__doc__ or "").partition("\n\n    Args:")[0]
    lines = ["", f"## {name}", "", " ".join(document.split()), "", "```text"]
    lines += [usage(name, command), "```"]
    found = arguments(command)
    if found:
        lines += ["", "| | meaning | default |", "|---|---|---|"]
    for each in found:
        names = ", ".join(f"`{one}`" for one in each.names) if named(each) else f"`{place(each)}`"
        lines.append(f"| {names} | {told(each)} | {default(each)} |")
    return lines


def commands_page() -> str:
    """The whole page of commands."""
    lines = [TOP.rstrip()]
    for name, command in commands(app):
        lines += section(name, command)
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """The written page and what it should hold."""
    return {COMMANDS: commands_page()}


def main(given: list[str]) -> int:
    """Write the pages, or with `--check` compare them."""
    if given == ["--check"]:
        stale = [path.name for path, text in pages().items() if not current(path, text)]
        print(f"run python scripts/make_reference.py: {', '.join(stale)}" if stale else "current")
        return 1 if stale else 0
    for path, text in pages().items():
        path.write_text(text, "utf-8")
        print(f"wrote {path.name}")
    return 0


def current(path: Path, text: str) -> bool:
    """Whether a file holds exactly this."""
    return path.is_file() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
