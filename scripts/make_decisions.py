"""Write docs/adr/index.md, by subject, from the first lines of each decision's page.

python scripts/make_decisions.py           writes the page
python scripts/make_decisions.py --check   says whether it is current

A decision begins with its number and title, its status and one of SUBJECTS:

    # 105. Unresponsive workers are killed before a receipt is signed

    **Status:** accepted, 2026-11. Amended by [130](0130-keeping-time-waits-for-nobody.md).

    **Subject:** gateway
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

DECISIONS = Path(__file__).parents[1] / "docs" / "adr"
PAGE = DECISIONS / "index.md"
# The closed list: what a page's `**Subject:**` may say, and its heading here.
SUBJECTS = {
    "house": "The code as a whole: rooms, dependencies, tools",
    "framework": "Frameworks and markings",
    "review": "What may happen in a case",
    "record": "The record: entries and signed deeds",
    "bundles": "Bundles and their verifier",
    "keys": "Keys and encryption",
    "storage": "Databases and transactions",
    "measuring": "Running samples",
    "evidence": "What an outcome is worth",
    "statistics": "Statistics and plans",
    "sandbox": "The sandbox",
    "families": "Task families and controls",
    "editions": "What each audience reads",
    "terms": "Terms of access and their policy",
    "directives": "Directives",
    "gateway": "The gateway",
    "server": "The server, its API and its accounts",
    "tests": "Tests and benchmarks",
}
FRONT = re.compile(
    r"# (?P<number>\d+)\. (?P<title>[^\n]+)\n\n"
    r"\*\*Status:\*\* accepted, \d{4}-\d\d\.(?P<since>[^*]*?)\n\n"
    r"\*\*Subject:\*\* (?P<subject>[a-z]+)\n\n"
)
LINK = re.compile(r"\]\(([^)]+)\)")
TOP = """# Decisions

Written by `scripts/make_decisions.py` from the pages themselves; a test says when it is not
current. One page each: status, context, decision, consequences. A decision that is taken back
keeps its page, which then names the one that replaces it. Nothing beside a title means that the
decision stands as it was taken.
"""


class Decision(NamedTuple):
    """What the first lines of a page say."""

    name: str
    """The page's file name."""
    title: str
    """Without its number."""
    since: str
    """What the status says beyond `accepted` and the month, with its links; may be empty."""
    subject: str
    """A key of SUBJECTS."""

    @property
    def number(self) -> int:
        """As in the file's name."""
        return int(self.name[:4])


def decision(name: str, text: str) -> Decision:
    """Read a page's first lines.

    Raises:
        SystemExit: They are not of the form above; the message says what to write.
    """
    front = FRONT.match(text)
    if front is None:
        raise SystemExit(
            f"{name}: begin as scripts/make_decisions.py shows: title, status, subject"
        )
    if int(front["number"]) != int(name[:4]):
        raise SystemExit(f"{name}: its title has the number {front['number']}")
    if front["subject"] not in SUBJECTS:
        raise SystemExit(f"{name}: the subject is one of {', '.join(SUBJECTS)}")
    return Decision(name, front["title"], " ".join(front["since"].split()), front["subject"])


def decisions() -> list[Decision]:
    """All of them, by number."""
    return [
        decision(path.name, path.read_text("utf-8")) for path in sorted(DECISIONS.glob("0*.md"))
    ]


def one_sided(every: Iterable[Decision]) -> list[str]:
    """Statuses that name a decision whose own status does not name them."""
    named = {each.name: {*LINK.findall(each.since)} for each in every}
    return [
        f"{other}: its status does not name {name}"
        for name, others in named.items()
        for other in sorted(others & named.keys())
        if name not in named[other]
    ]


def rows(every: Iterable[Decision]) -> Iterator[str]:
    """The lines of a subject's table."""
    yield from ("| | decision | since then |", "|---|---|---|")
    for each in every:
        since = each.since.replace("|", r"\|")
        yield f"| {each.number} | [{each.title}]({each.name}) | {since} |"


def page(every: Iterable[Decision] | None = None) -> str:
    """The whole list, a table a subject."""
    found = decisions() if every is None else list(every)
    lines = [TOP.rstrip()]
    for subject, heading in SUBJECTS.items():
        about = [each for each in found if each.subject == subject]
        if about:
            lines += ["", f"## {heading}", "", *rows(about)]
    return "\n".join(lines) + "\n"


def main(given: list[str]) -> int:
    """Write the page, or with `--check` compare it."""
    text = page()
    if given == ["--check"]:
        current = PAGE.is_file() and PAGE.read_text("utf-8") == text
        print("current" if current else "run python scripts/make_decisions.py")
        return 0 if current else 1
    PAGE.write_text(text, "utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
