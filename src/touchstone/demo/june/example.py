"""An invented case to try directives on: terms, a user base of any size, orders, and parties.

Everything is drawn from one seed: the same size and seed give the same files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from touchstone.deeds.known_case import Participants
from touchstone.errors import BadInputError
from touchstone.evaluation import load_submission
from touchstone.handin.shown_ids import short_case
from touchstone.keys import SystemClock
from touchstone.keys.files import write_file
from touchstone.records import DATABASE
from touchstone.service.cases.opening import open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import open_installation

LEAST, MOST = 100, 1_000_000
CAST = Participants("example-lab", "example-centre", ("example-agency", "example-treasury"))
_FILES = (
    "SUBMISSION.toml",
    "terms.toml",
    "june-12.toml",
    "june-12-narrowly.toml",
    "june-20.toml",
    "june-26.toml",
    "standing.toml",
    "gateway.toml",
)
_KEY = "DEVELOPER-KEY"
"""In the shipped gateway.toml: the public key of the developer, which is not made yet."""
_DAYS = {"2027-06-30": 180, "2027-12-31": 360}
"""Days in the shipped files that are so many days ahead in those written."""
_ABROAD = tuple(f"X{letter}" for letter in "BCDEFGHIJK")
"""Invented countries, the first of concern."""
_KINDS = {"national": 0.70, "foreign": 0.155, "dual": 0.055, "unknown": 0.085, "stateless": 0.005}
_STAFF, _PARTNERS, _OFFICIALS, _NAMED = 250, 100, 2000, 500
"""One in so many people; of the named list, one in so many besides the partners."""


@dataclass(frozen=True)
class JuneExample:
    """Where the invented case lies."""

    out: Path
    case: str
    people: int
    staff: int
    partners: int

    def lines(self) -> list[str]:
        """For people."""
        who = f"{self.staff:,} own staff and {self.partners:,} with partners"
        case = short_case(self.case)
        return [
            f"{self.people:,} invented people, {who} among them: {self.out / 'people.csv'}",
            f"Case {case} is open, in an installation of its own. From now on:",
            f"  cd {self.out}; unset {DATABASE}; export TOUCHSTONE_HOME=home CASE={case}",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "out": str(self.out),
            "home": str(self.out / "home"),
            "case": self.case,
            "people": self.people,
            "staff": self.staff,
            "partners": self.partners,
        }


def make_example(out: Path, people: int, seed: int = 12) -> JuneExample:
    """Write the files of an invented June case into a new folder and open its case there.

    Raises:
        BadInputError: the folder is not empty, or the number of people is out of bounds.
    """
    if not LEAST <= people <= MOST:
        raise BadInputError(f"--people {people}: write a number from {LEAST} to {MOST}")
    # A folder in use might hold real terms or people, which invented ones would replace.
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(f"--out {out}: is not empty: name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    shipped = resources.files("touchstone.demo.june")
    today = SystemClock().now().date()
    for name in _FILES:
        text = shipped.joinpath(name).read_text("utf-8")
        # Dates ahead of today: an order that has ended bars nobody, and there would be nothing to
        # see.
        for written, days in _DAYS.items():
            text = text.replace(written, (today + timedelta(days)).isoformat())
        write_file(out / name, [text.encode()])
    base = _Base(people, seed)
    # A line at a time: a million people are never in memory as one text.
    write_file(out / "people.csv", (f"{row}\n".encode() for row in base.rows()))
    write_file(out / "entities.toml", [base.entities().encode()])
    framework = load_framework("example")
    with open_installation(out / "home", apart=True) as here:
        case = open_case(here, framework, load_submission(out / "SUBMISSION.toml"), CAST)
        key = case.state.parties[CAST.developer].key
    pinned = (out / "gateway.toml").read_text("utf-8").replace(_KEY, key)
    write_file(out / "gateway.toml", [pinned.encode()])
    write_file(out / "keys.toml", [b"# No caller has a key.\n"])
    (out / "bundles").mkdir()
    return JuneExample(out, case.id, people, len(base.staff), sum(map(len, base.partners.values())))


class _Base:
    """The people: their numbers, and who belongs where."""

    def __init__(self, people: int, seed: int) -> None:
        self._drawn = np.random.default_rng(seed)
        self._people = people
        self._kinds = self._drawn.choice(list(_KINDS), size=people, p=list(_KINDS.values()))
        # One permutation for all groups, so that nobody is a member of two organisations.
        order = iter(self._drawn.permutation(people).tolist())

        def some(share: int) -> list[str]:
            return sorted(_id(next(order)) for _ in range(max(2, people // share)))

        self.staff = some(_STAFF)
        half = 2 * _PARTNERS
        self.partners = {"example-bank": some(half), "example-grid": some(half)}
        self.officials = some(_OFFICIALS)
        self.named = some(_NAMED)

    def rows(self) -> Iterator[str]:
        """The lines of people.csv."""
        size = self._people
        abroad = self._drawn.choice(_ABROAD, size=size)
        others = self._drawn.choice(_ABROAD, size=size)
        here = self._drawn.random(size) < np.where(self._kinds == "national", 0.95, 0.45)
        verified = self._drawn.random(size) < np.where(self._kinds == "unknown", 0.1, 0.8)
        yield "id,nationalities,residence,verified"
        held = {"national": "XA", "unknown": "", "stateless": "stateless"}
        for number, kind in enumerate(self._kinds.tolist()):
            first = abroad[number]
            nationality = held.get(kind, first if kind == "foreign" else f"XA {first}")
            home = "" if kind == "unknown" else "XA" if here[number] else others[number]
            yield f"{_id(number)},{nationality},{home},{str(verified[number]).lower()}"

    def entities(self) -> str:
        """The text of entities.toml."""
        organisations = (
            ("example-lab", "named-list", (), self.staff),
            *(
                (name, "trusted-partner", ("early-partners",), members)
                for name, members in self.partners.items()
            ),
            ("example-office", "government", (), self.officials),
        )
        lines = ['format = "touchstone/entities/1"', 'developer = "example-lab"']
        for name, tier, programmes, members in organisations:
            lines += [
                "",
                "[[organisations]]",
                f'id = "{name}"',
                f'tier = "{tier}"',
                f"programmes = {_listed(programmes)}",
                'end_user = "civil"',
                f"members = {_listed(members)}",
            ]
        lines += [
            "",
            "[[lists]]",
            'id = "restored"',
            'organisations = ["example-bank"]',
            f"people = {_listed(self.named)}",
            "",
        ]
        return "\n".join(lines)


def _id(number: int) -> str:
    return f"p{number:06d}"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
