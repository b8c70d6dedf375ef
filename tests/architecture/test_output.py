"""No command can print a stranger's text raw: one module writes, and it shows what is unseen."""

import ast
import io
import json
import logging
from pathlib import Path

import pytest
from rich.live import Live
from rich.text import Text

import touchstone
from touchstone.bench.table import BenchRow, BenchTable
from touchstone.cli import output, tables
from touchstone.cli.progress import Lines, ProgressScreen
from touchstone.gateway.logs import Plain
from touchstone.handin import is_unseen

PACKAGE = Path(touchstone.__file__).parent
SEAM = PACKAGE / "cli" / "output.py"
COMMANDS = sorted({*PACKAGE.glob("cli/*.py"), *PACKAGE.glob("demo/*.py")} - {SEAM})
ODD = "a\x1b[2Jb\x1b]0;owned\x07c\u202ed\x9b1me\u200bf\u3164g\U000e0041h\udc9b"


def writes(tree: ast.AST) -> list[str]:
    """What of a module would write past the seam: print, a console, a standard stream's write."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        to_stream = last in {"write", "writelines"} and "sys.std" in name
        if name in {"print", "pprint"} or last in {"Console", "rprint"} or to_stream:
            found.append(f"line {node.lineno}: {name}")
    return found


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_no_command_writes_but_through_the_seam(path: Path):
    assert writes(ast.parse(path.read_text("utf-8"))) == []


def test_the_walk_finds_what_writes():
    text = "import sys\nprint(1)\nsys.stderr.write('a')\nrich.console.Console().print(2)\n"
    assert len(writes(ast.parse(text))) == 3


def raw(text: str) -> list[str]:
    """What a terminal would get that a reader cannot see."""
    return sorted({ascii(c) for c in text if c != "\n" and is_unseen(c)})


def test_lines_and_json_show_what_is_unseen(capsys: pytest.CaptureFixture[str]):
    output.show(ODD)
    output.warn(ODD)
    output.ask(ODD)
    Lines().step(ODD)
    output.show_json({ODD: [ODD, "plain"]})
    said = capsys.readouterr()
    assert raw(said.out + said.err) == []
    assert json.loads(said.out[said.out.index("{") :]) == {ODD: [ODD, "plain"]}


def test_tables_and_what_is_redrawn_show_what_is_unseen(capsys: pytest.CaptureFixture[str]):
    tables.grid(("A",), [(ODD,)], ODD)
    tables.bench(BenchTable(ODD, (BenchRow(ODD, 1.0, ODD, None, "", "", None),), notes=(ODD,)))
    output.screen().print(Text(ODD))
    output.screen().print(ODD, markup=False)
    assert raw(capsys.readouterr().out) == []
    kept = io.StringIO()
    drawn = output.Screen(file=kept, force_terminal=True, width=200, color_system=None)
    with Live(console=drawn, auto_refresh=False) as live:
        ProgressScreen(live).step(ODD)
        live.update(Text(ODD), refresh=True)
    shown = kept.getvalue()
    assert "\x1b[2J" not in shown
    assert "\x1b]0" not in shown
    assert "\u202e" not in shown


def test_a_gateways_log_shows_what_is_unseen():
    record = logging.LogRecord("gateway", logging.INFO, "", 1, "%s", (ODD,), None)
    assert raw(Plain("%(message)s").format(record)) == []
