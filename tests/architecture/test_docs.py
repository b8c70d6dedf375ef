"""The documentation is current: commands, settings, events, links; and each check can fail."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.scripted import script
from touchstone.review.rules import RULES
from touchstone.service.frameworks import shipped_ids

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
VARIABLE = re.compile(r"^TOUCHSTONE_[A-Z_]+$")
# Folders of somebody's machine, and hosts of registries.
PRIVATE = re.compile(
    r"(?<![\w.])/(?:home|root|Users|work|tmp|mnt|opt|srv)/|"
    # Written apart, so that this file names none of them itself.
    r"\b(?:py"
    r"pi\.org|python"
    r"hosted\.org|ghcr\.io|docker\.io|quay\.io|registry\.npm"
    r"js\.org)\b"
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FOREIGN = re.compile(
    r"<(?:link|script|img|iframe|source)\b[^>]*\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)"
)


reference = script("make_reference")
decisions = script("make_decisions")
structure = script("make_structure")
COMMANDS = dict(reference.commands(reference.app))


# ---------------------------------------------------------------- what each check looks for
def variables_read(source: str) -> set[str]:
    """The TOUCHSTONE_* names that a module's text holds as a string of their own."""
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and VARIABLE.match(node.value)
    }


def undocumented(names: set[str], page: str) -> list[str]:
    """The names that a page does not show as code or a heading."""
    shown = set(re.findall(r"`([^`\n]+)`", page)) | set(
        re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    )
    return sorted(names - shown)


def broken(page: Path, text: str) -> list[str]:
    """The relative links of a page that lead nowhere, their anchors included."""
    found = []
    for target in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text("utf-8"))):
            found.append(target)
    return found


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the site makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", one).strip().lower()) for one in titles}


def private(text: str) -> list[str]:
    """Absolute paths of a machine, and hosts of registries."""
    return PRIVATE.findall(text)


def table_commands(readme: str) -> set[str]:
    """The commands in README's table, with the choices written out."""
    found = set()
    for row in re.findall(r"^\| `(touchstone [^`]+)`", readme, re.MULTILINE):
        parts = [part.split() for part in row.replace("\\", "").split(" | ")]
        words = [word for word in parts[0] if word.islower()]
        stem = words[:-1]
        last = [words[-1], *(part[0] for part in parts[1:])]
        found |= {" ".join([*stem, word]) for word in last}
    return found


def unlisted(index: str, names: list[str]) -> list[str]:
    """The pages that a list of them does not link."""
    return [name for name in names if f"]({name})" not in index]


def misplaced(page: str) -> list[str]:
    """Rows of `question | module | name | ...` whose module does not define the name."""
    found = []
    for module, name in re.findall(r"^\| [^|`]+ \| `([\w.]+)` \| `(\w+)` \|", page, re.MULTILINE):
        path = structure.path_of(f"touchstone.{module}")
        if not (path.is_file() and structure.defined(ast.parse(path.read_text("utf-8")), name)):
            found.append(f"{module}: {name}")
    return found


# ---------------------------------------------------------------- the checks
def test_written_pages_are_current():
    events, api = script("make_events_reference"), script("make_api_reference")
    pages = reference.pages() | {
        written.PAGE: written.page() for written in (events, api, decisions, structure)
    }
    for path, text in pages.items():
        assert path.read_text("utf-8") == text, f"{path.name}: run the scripts/make_*.py it names"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_command_is_documented(command: str):
    page = (DOCS / "reference" / "commands.md").read_text("utf-8")
    _, _, after = page.partition(f"\n## {command}\n")
    section = after.partition("\n## ")[0]
    assert section
    assert undocumented(set(reference.options(COMMANDS[command])), section) == []


def test_every_setting_is_documented():
    read = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in variables_read(path.read_text("utf-8"))
    }
    assert "TOUCHSTONE_HOME" in read
    page = (DOCS / "reference" / "settings.md").read_text("utf-8")
    assert undocumented(read, page) == []
    named = set(re.findall(r"TOUCHSTONE_[A-Z_]+", page))
    assert named == read, "the page names a variable that nothing reads"


def test_every_event_is_documented():
    types = {str(event.model_fields["type"].default) for event in RULES} | {"case-opened"}
    page = (DOCS / "reference" / "events.md").read_text("utf-8")
    assert undocumented(types, page) == []


def test_every_shipped_framework_is_mentioned():
    text = (DOCS / "reference" / "framework-file.md").read_text("utf-8")
    assert [name for name in shipped_ids() if name not in text] == []


def test_every_decision_is_listed():
    names = sorted(path.name for path in (DOCS / "adr").glob("0*.md"))
    assert unlisted((DOCS / "adr" / "index.md").read_text("utf-8"), names) == []


def test_every_page_is_reached_from_the_first_one():
    pages = sorted(
        str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path.parent.name != "adr"
    )
    index = (DOCS / "index.md").read_text("utf-8")
    assert unlisted(index, pages) == ["index.md"]


def test_statuses_of_decisions_name_each_other():
    assert decisions.one_sided(decisions.decisions()) == []


def test_a_question_leads_to_its_module():
    page = (DOCS / "explanation" / "structure.md").read_text("utf-8")
    section = page.partition("\n## Where five things live\n")[2].partition("\n## ")[0]
    assert section.count("\n| ") > len(["the heading", *range(5)])
    assert misplaced(section) == []


def test_every_dependency_has_its_reasons():
    lines = (ROOT / "requirements" / "runtime.in").read_text("utf-8").splitlines()
    names = {re.split(r"[<>=\[ ]", line)[0] for line in lines if line and line[0] != "#"}
    page = (DOCS / "adr" / "0006-dependencies.md").read_text("utf-8")
    told = {
        word
        for row in re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
        for word in re.split(r"[, ]+", row)
    }
    assert sorted(names - told) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_nothing_private_is_named(page: Path):
    text = page.read_text("utf-8")
    assert broken(page, text) == []
    assert private(text) == []


def test_the_readme_names_the_commands():
    assert table_commands((ROOT / "README.md").read_text("utf-8")) == set(COMMANDS)


def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path):
    """Strictly: a page that is not in the navigation, or a dead link, is an error."""
    built = subprocess.run(
        [str(Path(sys.executable).with_name("mkdocs")), "build", "--strict", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))  # its 404 page besides
    assert {host for page in pages for host in FOREIGN.findall(page.read_text("utf-8"))} == set()
    styles = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", styles) == []
    # The theme's script would fetch these, but only for a diagram and for a repository's badge.
    assert not any(
        'class="mermaid"' in text or 'data-md-component="source"' in text
        for text in (page.read_text("utf-8") for page in pages)
    )


# ---------------------------------------------------------------- the checks see their defects
def test_a_missing_option_is_seen():
    options = set(reference.options(COMMANDS["touchstone review run"]))
    assert {"--out", "--framework", "--json"} <= options
    assert undocumented({"--out", "--colour"}, "| `--out` | somewhere |") == ["--colour"]


def test_a_page_that_is_not_current_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    stale = tmp_path / "commands.md"
    stale.write_text(reference.commands_page().replace("--trust", "--faith"), "utf-8")
    monkeypatch.setattr(reference, "COMMANDS", stale)
    assert reference.main(["--check"]) == 1
    stale.write_text(reference.commands_page(), "utf-8")
    assert reference.main(["--check"]) == 0


def test_a_new_setting_is_seen():
    assert variables_read('os.environ["TOUCHSTONE_COLOUR"]') == {"TOUCHSTONE_COLOUR"}
    assert variables_read('"""TOUCHSTONE_HOME, or the user\'s folder."""') == set()


@pytest.mark.parametrize("link", ["gone.md", "review.md#no-such-heading", "../adr/9999-gone.md"])
def test_a_dead_link_is_seen(link: str):
    page = DOCS / "explanation" / "record.md"
    assert broken(page, f"See [this]({link}).") == [link]
    assert broken(page, "See [this](review.md#the-clock) and [that](https://a.example).") == []


@pytest.mark.parametrize("text", ["`/srv/x`", "cd /home/me/src", "from ghcr.io", "(/tmp/demo)"])
def test_a_private_name_is_seen(text: str):
    assert private(text)
    assert not private(
        "`~/.local/share/touchstone`, `postgresql://a@db.example/record`, `src/tmp/`"
    )


def test_an_unlisted_decision_is_seen():
    assert unlisted("- [1. One](0001-one.md)", ["0001-one.md", "0002-two.md"]) == ["0002-two.md"]


FRONT = "# 7. One\n\n**Status:** accepted, 2026-11.\n\n**Subject:** keys\n\n**Context.** So.\n"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (FRONT.replace("**Subject:** keys\n\n", ""), "title, status, subject"),
        (FRONT.replace("keys", "colours"), "the subject is one of"),
        (FRONT.replace("accepted, 2026-11.", "fine"), "title, status, subject"),
        (FRONT.replace("# 7.", "# 8."), "has the number 8"),
    ],
)
def test_a_decision_without_its_first_lines_is_seen(wrong: str, says: str):
    assert decisions.decision("0007-one.md", FRONT).subject == "keys"
    with pytest.raises(SystemExit, match=says):
        decisions.decision("0007-one.md", wrong)


def test_a_status_that_only_one_side_tells_is_seen():
    old = FRONT.replace("11.", "11. Amended by [8](0008-two.md).")
    new = FRONT.replace("# 7", "# 8").replace("11.", "11. Amends [7](0007-one.md).")
    both = [decisions.decision("0007-one.md", old), decisions.decision("0008-two.md", new)]
    assert decisions.one_sided(both) == []
    assert "Amended by [8]" in decisions.page(both)
    alone = [decisions.decision("0007-one.md", FRONT), both[1]]
    assert decisions.one_sided(alone) == ["0007-one.md: its status does not name 0008-two.md"]


ROOM = '"""Says.\n\nBegin at `touchstone.tower.top`: `climb(1, steps=2)`.\n"""\n'
CLIMB = "def climb(floor, *, steps, rail=None): ...\nclass Tower:\n    def up(self): ...\n"


def house(tmp_path: Path, room: str, module: str = CLIMB) -> Path:
    """A package with two rooms: `errors`, and `tower` with one module."""
    source = tmp_path / "src" / "touchstone"
    (source / "tower").mkdir(parents=True)
    (source / "tower" / "__init__.py").write_text(room)
    (source / "tower" / "top.py").write_text(module)
    (source / "errors.py").write_text(
        '"""Faults.\n\nBegin at `touchstone.errors`: `Fault()`.\n"""\nclass Fault: ...\n'
    )
    (tmp_path / "pyproject.toml").write_text(
        "[[tool.importlinter.contracts]]\n"
        'type = "layers"\nlayers = ["(portal)", "tower", "errors"]\n'
    )
    return tmp_path


def test_rooms_are_shown_as_they_are_placed(tmp_path: Path):
    shown = structure.rooms(house(tmp_path, ROOM))
    assert "| `tower` | Says. | `errors` | `tower.top` | `climb(1, steps=2)` |" in shown
    assert "| `errors` | Faults. | no other room | `errors` | `Fault()` |" in shown
    assert "portal" not in shown
    (tmp_path / "src" / "touchstone" / "shed.py").write_text('"""A shed."""')
    with pytest.raises(SystemExit, match=r"place in pyproject.toml's layers: shed"):
        structure.rooms(tmp_path)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("climb(1)", "it also needs steps"),
        ("climb(1, 2, steps=3)", "it takes 1 arguments by place"),
        ("climb(1, steps=2, rope=3)", "it takes no rope"),
        ("fall(1)", "defines no fall"),
        ("Tower.down()", "Tower has no method down"),
        ("Tower.up(1)", "it takes 0 arguments by place"),
        ("climb", "it is no call"),
    ],
)
def test_a_call_that_a_room_does_not_take_is_seen(tmp_path: Path, call: str, says: str):
    root = house(tmp_path, ROOM.replace("climb(1, steps=2)", call))
    with pytest.raises(SystemExit, match=says):
        structure.rooms(root)


@pytest.mark.parametrize("room", ["", '"""Says."""', ROOM.replace("tower.top", "tower.attic")])
def test_a_room_that_says_too_little_is_seen(tmp_path: Path, room: str):
    with pytest.raises(SystemExit, match="tower: "):
        structure.rooms(house(tmp_path, room))


def test_a_name_that_moved_is_seen():
    row = "| Who reads? | `clearance.decide` | `{}` | x |"
    assert misplaced(row.format("may_read")) == []
    assert misplaced(row.format("may_write")) == ["clearance.decide: may_write"]
    assert misplaced("| Who reads? | `clearance.gone` | `may_read` | x |")


def test_a_command_missing_from_the_readme_is_seen():
    table = "| `touchstone demo` | x |\n| `touchstone review run \\| list` | y |\n"
    table += "| `touchstone verify BUNDLE` | z |\n"
    assert table_commands(table) == {
        "touchstone demo",
        "touchstone review run",
        "touchstone review list",
        "touchstone verify",
    }


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example/x.js">',
        '<link rel="stylesheet" href="//fonts.example/css">',
        "<img alt=x src=http://a.example/i.png>",
    ],
)
def test_a_fetch_from_elsewhere_is_seen(tag: str):
    assert FOREIGN.findall(tag)
    assert not FOREIGN.findall('<a href="https://a.example">x</a><script src="../x.js">')


def test_every_module_of_a_feature_has_its_place_on_the_structure_page():
    """By the row a newcomer finds it: a module that is not there is found by grep alone."""
    page = (DOCS / "explanation" / "structure.md").read_text("utf-8")
    part = page.partition("## Where to look in `service`")[2].partition("\n## ")[0]
    told = {
        cells[1].strip(" `"): set(re.findall(r"`(\w+)`", "|".join(cells[2:])))
        for line in part.splitlines()
        if line.startswith("| `") and (cells := line.split("|"))
    }
    service = DOCS.parent / "src" / "touchstone" / "service"
    there = {
        folder.name: {
            each.stem
            for each in folder.iterdir()
            if each.name[0] != "_" and (each.suffix == ".py" or (each / "__init__.py").is_file())
        }
        for folder in service.iterdir()
        if (folder / "__init__.py").is_file()
    }
    assert told == there
