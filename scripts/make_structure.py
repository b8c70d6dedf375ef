"""Write the picture and the table of rooms into docs/explanation/structure.md.

python scripts/make_structure.py           writes both, between the page's marks
python scripts/make_structure.py --check   says whether the page is current

The order is import-linter's, in pyproject.toml. What a room is for, and where to begin in it, its
own docstring says: its first line, and one line of the form

    Begin at `touchstone.framework.parse`: `parse_framework(text, source)`.

A room that is not placed, says neither, or names a call that its module does not take, is an error.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PAGE = ROOT / "docs" / "explanation" / "structure.md"
MARKS = ("<!-- rooms: written by scripts/make_structure.py -->\n", "<!-- end of rooms -->\n")
BEGIN = re.compile(r"Begin at `(touchstone[\w.]+)`: `(.+?)`\.", re.DOTALL)
WIDTH = 60
# It could import what stands below it, but an outsider's check shares no code with what it checks.
ALONE = {"verifier": "no other room"}


class Room(NamedTuple):
    """One row of the table."""

    name: str
    purpose: str
    """The first line of its docstring."""
    module: str
    """Where to begin, in dots."""
    call: str
    """One call of it, as code."""


def layers(root: Path = ROOT) -> list[list[str]]:
    """The rooms that exist, top first, siblings together; brackets mark those still to come."""
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    placed = next(each["layers"] for each in contracts if each["type"] == "layers")
    rows = [[name.strip() for name in row.split("|")] for row in placed]
    there = [[name.strip("()") for name in row if not planned(name, root)] for row in rows]
    return [row for row in there if row]


def planned(name: str, root: Path) -> bool:
    """Whether a name in brackets has no code yet."""
    return name.startswith("(") and not path_of(f"touchstone.{name.strip('()')}", root).is_file()


def path_of(module: str, root: Path = ROOT) -> Path:
    """The file of a module or package; one that need not exist."""
    stem = (root / "src").joinpath(*module.split("."))
    package = stem / "__init__.py"
    return package if package.is_file() else stem.with_suffix(".py")


def unplaced(root: Path = ROOT) -> list[str]:
    """Rooms in the code that no layer names."""
    placed = {name for row in layers(root) for name in row}
    found = {
        path.stem
        for path in (root / "src" / "touchstone").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    return sorted(found - placed - {"__init__"})


def room(name: str, root: Path = ROOT) -> Room:
    """What a room says of itself.

    Raises:
        SystemExit: It says not enough, or what is not so; the message says what to write.
    """
    path = path_of(f"touchstone.{name}", root)
    text = (path.is_file() and ast.get_docstring(ast.parse(path.read_text("utf-8")))) or ""
    begin = BEGIN.search(text)
    if begin is None:
        raise SystemExit(f"{name}: its docstring needs a line 'Begin at `module`: `call(...)`.'")
    module, call = begin[1], " ".join(begin[2].split())
    if module.split(".")[1] != name:
        raise SystemExit(f"{name}: {module} is in another room")
    fault = misfit(module, call, root)
    if fault:
        raise SystemExit(f"{name}: {call}: {fault}")
    return Room(name, " ".join(text.partition("\n\n")[0].split()), module, call)


def misfit(module: str, call: str, root: Path = ROOT) -> str | None:
    """Why a call cannot be one of the module's; None if it can."""
    path = path_of(module, root)
    if not path.is_file():
        return f"there is no module {module}"
    made = ast.parse(call, mode="eval").body
    if not isinstance(made, ast.Call):
        return "it is no call"
    name, _, method = ast.unparse(made.func).partition(".")
    found = defined(ast.parse(path.read_text("utf-8")), name)
    if found is None:
        return f"{module} defines no {name}"
    if method and isinstance(found, ast.ClassDef):
        found = defined(found, method)
    if method and not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"{name} has no method {method}"
    if isinstance(found, ast.ClassDef):
        return None
    return arguments_misfit(made, found.args, skip=1 if method else 0)


def defined(
    where: ast.Module | ast.ClassDef, name: str
) -> ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The class or function of that name in a module's or class' own body."""
    for node in where.body:
        if (
            isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == name
        ):
            return node
    return None


def arguments_misfit(made: ast.Call, takes: ast.arguments, skip: int) -> str | None:
    """Why these arguments are not taken; `skip` leaves out `self` or `cls`."""
    by_place = [each.arg for each in (*takes.posonlyargs, *takes.args)][skip:]
    by_name = [each.arg for each in takes.kwonlyargs]
    if len(made.args) > len(by_place) and takes.vararg is None:
        return f"it takes {len(by_place)} arguments by place"
    given = {*by_place[: len(made.args)], *(each.arg for each in made.keywords)}
    unknown = given - {*by_place, *by_name}
    if unknown and takes.kwarg is None:
        return f"it takes no {', '.join(sorted(map(str, unknown)))}"
    free = by_place[: len(by_place) - len(takes.defaults)]
    needed = [
        name for name, default in zip(by_name, takes.kw_defaults, strict=True) if default is None
    ]
    missing = [name for name in (*free, *needed) if name not in given]
    return f"it also needs {', '.join(missing)}" if missing else None


def picture(rows: list[list[str]]) -> Iterator[str]:
    """The layers as boxes, top first."""
    edge = "+" + "-" * (WIDTH - 2) + "+"
    yield edge
    for row in rows:
        wide, rest = divmod(WIDTH - 1, len(row))
        cells = [f"| {name}".ljust(wide + (place < rest)) for place, name in enumerate(row)]
        yield "".join(cells) + "|"
        yield edge


def below(rows: list[list[str]], place: int) -> str:
    """What a room in that row may import, in words."""
    if place + 1 == len(rows):
        return "no other room"
    names = ", ".join(f"`{name}`" for name in rows[place + 1])
    return names if place + 2 == len(rows) else f"{names} and all below"


def rooms(root: Path = ROOT) -> str:
    """The picture and the table."""
    rows = layers(root)
    if unplaced(root):
        raise SystemExit(f"place in pyproject.toml's layers: {', '.join(unplaced(root))}")
    lines = ["", "```text", *picture(rows), "```", ""]
    lines += [
        "| room | what it is for | may import | begin at | one call |",
        "|---|---|---|---|---|",
    ]
    for place, row in enumerate(rows):
        for each in (room(name, root) for name in row):
            may = ALONE.get(each.name, below(rows, place))
            module = each.module.removeprefix("touchstone.")
            lines.append(f"| `{each.name}` | {each.purpose} | {may} | `{module}` | `{each.call}` |")
    return "\n".join([*lines, "", ""])


def page() -> str:
    """The whole page, its rooms written anew."""
    text = PAGE.read_text("utf-8")
    before, found, after = text.partition(MARKS[0])
    _, end, rest = after.partition(MARKS[1])
    if not (found and end):
        raise SystemExit(f"{PAGE.name}: keep the two marks: {' '.join(MARKS)}")
    return before + found + rooms() + end + rest


def main(given: list[str]) -> int:
    """Write the page, or with `--check` compare it."""
    text = page()
    if given == ["--check"]:
        current = PAGE.read_text("utf-8") == text
        print("current" if current else "run python scripts/make_structure.py")
        return 0 if current else 1
    PAGE.write_text(text, "utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
