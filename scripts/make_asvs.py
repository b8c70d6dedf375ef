"""Write docs/reference/asvs.md from tests/architecture/asvs.

python scripts/make_asvs.py           writes the page
python scripts/make_asvs.py --check   says whether it is current
"""

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "architecture" / "asvs"
PAGE = ROOT / "docs" / "reference" / "asvs.md"
CHAPTERS = {
    "V1": "Encoding and sanitization",
    "V2": "Validation and business logic",
    "V3": "Web frontend",
    "V4": "API and web service",
    "V5": "Files",
    "V6": "Authentication",
    "V7": "Sessions",
    "V8": "Authorization",
    "V9": "Self-contained tokens",
    "V10": "OAuth and OIDC",
    "V11": "Cryptography",
    "V12": "Communication",
    "V13": "Configuration",
    "V14": "Data protection",
    "V15": "Code and architecture",
    "V16": "Logging and errors",
    "V17": "WebRTC",
}
LEVEL_3 = frozenset({"V6", "V7", "V8", "V9", "V10", "V16"})
"""Chapters whose third level is asked for, too."""
STATUSES = {
    "met": "met",
    "operator": "the operator's",
    "portal": "with the portal",
    "not-applying": "not applying",
    "not-met": "**not met**",
}
STANDARD = "https://owasp.org/www-project-application-security-verification-standard/"
TOP = f"""\
# OWASP ASVS 5.0

What each requirement of the [OWASP Application Security Verification Standard]({STANDARD})
5.0.0 means for `touchstone serve`, and which test holds it: levels 1 and 2 of all chapters, and
level 3 of authentication, sessions, authorization, tokens and logging. Requirements are named by
their number; the words are ours, and short. A claim that no test or page holds is none: a test
reads this table, and fails where a requirement is missing, a test is gone or "met" has nothing
behind it.

It is our own look at our own server, and no certificate. **The operator's** means that the software
leaves it to who runs it, and says how. **With the portal** means that there is no
sign-in by others yet. What is **not met** is said with its reason.

Written by `scripts/make_asvs.py` from `tests/architecture/asvs/rows.toml`. Tests stand below
`tests/`.
"""


@dataclass(frozen=True)
class Row:
    """What one or more requirements mean here."""

    ids: tuple[str, ...]
    status: str
    here: str
    tests: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


def levels() -> dict[str, int]:
    """Each requirement's level."""
    lines = (DATA / "requirements.txt").read_text("utf-8").splitlines()
    pairs = [line.split() for line in lines if not line.startswith("#")]
    return {name: int(level) for name, level in pairs}


def rows(text: str | None = None) -> list[Row]:
    """Those of the table."""
    data = (DATA / "rows.toml").read_text("utf-8") if text is None else text
    return [
        Row(
            tuple(each["ids"].split()),
            each["status"],
            each["here"],
            tuple(each.get("tests", ())),
            tuple(each.get("says", ())),
        )
        for each in tomllib.loads(data)["row"]
    ]


def chapter_of(requirement: str) -> str:
    """`V6` of `V6.3.1`."""
    return requirement.partition(".")[0]


def asked_for() -> list[str]:
    """The requirements that the table has to have."""
    return [
        name
        for name, level in levels().items()
        if level <= 2 or chapter_of(name) in LEVEL_3  # noqa: PLR2004 - the level itself
    ]


def anchor(heading: str) -> str:
    """How a page's heading is linked."""
    return re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")


def page() -> str:
    """The page, as it should be."""
    found = rows()
    counts = Counter(each.status for each in found for _ in each.ids)
    lines = [TOP, "| | requirements |", "|---|---|"]
    lines += [f"| {STATUSES[each]} | {counts[each]} |" for each in STATUSES]
    lines.append(f"| all | {sum(counts.values())} |")
    for chapter, title in CHAPTERS.items():
        lines += ["", f"## {chapter} {title}", ""]
        lines += ["| requirement (level) | here | status | held by |", "|---|---|---|---|"]
        lines += _lines(chapter, found)
    return "\n".join(lines) + "\n"


def _lines(chapter: str, found: list[Row]) -> Iterator[str]:
    of = levels()
    for row in found:
        named = [each for each in row.ids if chapter_of(each) == chapter]
        if not named:
            continue
        ids = ", ".join(f"{each[1:]} ({of[each]})" for each in named)
        held = [f"`{each}`" for each in row.tests]
        for each in row.says:
            place, _, heading = each.partition("#")
            held.append(f"[{heading}](../{place}#{anchor(heading)})")
        yield f"| {ids} | {row.here} | {STATUSES[row.status]} | {'<br>'.join(held)} |"


def main() -> None:
    """Write the page, or say that it is not current."""
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text("utf-8") != text:
            sys.exit(f"{PAGE.name} is not current: python {Path(__file__).name}")
        return
    PAGE.write_text(text, "utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")


if __name__ == "__main__":
    main()
