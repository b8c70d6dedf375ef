"""The entities file: organisations, their members, named lists, and real people."""

import csv
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from touchstone.framework.kinds import Identifier, Line, nearest
from touchstone.handin import unseen
from touchstone.terms.document.reading import Text, read_toml, refuse
from touchstone.terms.document.terms_file import Code, Terms
from touchstone.terms.policy.caller_attributes import (
    EndUser,
    Organisation,
    Person,
    Population,
    Registry,
    Tier,
)
from touchstone.terms.policy.countries import CODES, NATIONALITIES

MAX_CHARACTERS = 20_000_000
COLUMNS = ("id", "nationalities", "residence", "verified")
"""Of a file of people; only the first is required."""
_MAX_CELL = 500


class OrganisationText(Text):
    """One organisation."""

    id: Identifier
    tier: Tier
    end_user: EndUser | None = None
    programmes: tuple[Identifier, ...] = ()
    members: tuple[Line, ...] = ()
    """Ids of people, as tokens have them."""


class PersonText(Text):
    """One real person, as far as the developer knows."""

    id: Line
    nationalities: tuple[Code | Literal["stateless"], ...] = ()
    residence: Code | None = None
    verified: bool = False


class ListText(Text):
    """One named list."""

    id: Identifier
    people: tuple[Line, ...] = ()
    organisations: tuple[Identifier, ...] = ()


class EntitiesText(Text):
    """An entities file's top level."""

    format: Literal["touchstone/entities/1"]
    developer: Identifier
    organisations: tuple[OrganisationText, ...] = ()
    lists: tuple[ListText, ...] = ()
    people: Annotated[tuple[PersonText, ...], Field(max_length=100_000)] = ()


def parse_entities(text: str, source: str, terms: Terms) -> Population:
    """The registry and the people that a TOML text describes, in the words of `terms`.

    Raises:
        TermsFileError: one line that names the file, the key and the fix.
    """
    tables: dict[str, type[Text]] = {
        "organisations": OrganisationText,
        "lists": ListText,
        "people": PersonText,
    }
    content = read_toml(text, source, EntitiesText, tables, MAX_CHARACTERS)
    # Staff are whoever the registry puts in the developer's organisation: of another developer's
    # they would get what the terms give staff.
    if content.developer != terms.text.developer:
        refuse(
            source,
            f'key "developer" is "{content.developer}", and the terms\' is '
            f'"{terms.text.developer}": write the same',
        )
    organisations = _organisations(content, source, terms)
    registry = Registry(
        content.developer,
        organisations,
        _members(content, source),
        _lists(content, source, organisations),
    )
    return Population(registry, _people(content, source))


def parse_people(text: str, source: str) -> Iterator[Person]:
    """The people in a CSV text: a header, then a line each.

    Several nationalities stand in one cell, with blanks between them; an empty cell is unknown.

    Raises:
        TermsFileError: one line that names the file, the line, the column and the fix.
    """
    # With line ends kept: a break inside a quoted id would go unseen, and the id be another one.
    lines = (f"{line}\n" for line in text.removeprefix("\ufeff").split("\n"))
    # Strict, so that a stray quotation mark is an error and does not swallow the lines after it.
    rows = csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_header(header, source)
        seen: set[str] = set()
        for row in rows:
            if not any(row):
                continue
            where = f"line {rows.line_num}"
            if len(row) != len(header):
                refuse(source, f"{where} has {len(row)} cells, and the header {len(header)}")
            person = _person(dict(zip(header, row, strict=True)), where, source)
            if person.id in seen:
                refuse(source, f'{where}: the id "{person.id[:40]}" twice: take one out')
            seen.add(person.id)
            yield person
    except csv.Error as error:
        refuse(source, f"line {rows.line_num} is not CSV: {error}")


def _check_header(header: list[str], source: str) -> None:
    if "id" not in header or len(set(header)) < len(header):
        refuse(source, f"line 1: name the columns, each once: {', '.join(COLUMNS)}")
    for name in header:
        if name not in COLUMNS:
            hint = nearest(name, COLUMNS)
            refuse(source, f"line 1: unknown column {name[:40]!a}{hint}: fix it or take it out")


def _person(cells: Mapping[str, str], where: str, source: str) -> Person:
    def cell(name: str) -> str:
        value = cells.get(name, "").strip()
        if len(value) > _MAX_CELL:
            refuse(source, f"{where}, column {name}: is longer than {_MAX_CELL} characters")
        return value

    def known(codes: list[str], among: frozenset[str], name: str) -> None:
        for code in codes:
            if code not in among:
                refuse(
                    source,
                    f"{where}, column {name}: {code[:40]!a} is no two-letter country code: fix "
                    "it, or leave the cell empty where it is unknown",
                )

    name = cell("id")
    if not name:
        refuse(source, f"{where}, column id: is empty: write who it is")
    # The quick look first: of a hundred thousand ids nearly all are plain.
    if not (name.isascii() and name.isprintable()) and (bad := unseen(name)):
        refuse(source, f"{where}, column id: holds the unseen character {bad}: leave it out")
    nationalities, residence = cell("nationalities").split(), cell("residence")
    known(nationalities, NATIONALITIES, "nationalities")
    known([residence] if residence else [], CODES, "residence")
    verified = cell("verified").lower()
    if verified not in {"", "true", "false"}:
        refuse(source, f'{where}, column verified: write "true" or "false"')
    return Person(name, frozenset(nationalities), residence or None, verified == "true")


def _organisations(content: EntitiesText, source: str, terms: Terms) -> dict[str, Organisation]:
    found: dict[str, Organisation] = {}
    known = frozenset(terms.text.programmes)
    for number, each in enumerate(content.organisations, start=1):
        where = f'organisations {number} ("{each.id}")'
        if each.id in found:
            refuse(source, f"{where}: another organisation has the same id: rename one")
        for programme in each.programmes:
            if programme not in known:
                hint = nearest(programme, terms.text.programmes)
                refuse(
                    source,
                    f'{where}: programme "{programme}" is not defined in the terms{hint}: fix it',
                )
        found[each.id] = Organisation(each.id, each.tier, each.end_user, frozenset(each.programmes))
    return found


def _members(content: EntitiesText, source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, each in enumerate(content.organisations, start=1):
        for member in each.members:
            # Tier, programmes and lists follow from the organisation, so one person in two would be
            # decided by the order of the file.
            if member in found:
                refuse(
                    source,
                    f'organisations {number} ("{each.id}"): "{member}" is a member of '
                    f'"{found[member]}" already: take one out',
                )
            found[member] = each.id
    return found


def _lists(
    content: EntitiesText, source: str, organisations: dict[str, Organisation]
) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for number, each in enumerate(content.lists, start=1):
        where = f'lists {number} ("{each.id}")'
        if each.id in found:
            refuse(source, f"{where}: another list has the same id: rename one")
        for name in each.organisations:
            if name not in organisations:
                hint = nearest(name, list(organisations))
                refuse(source, f'{where}: there is no organisation "{name}"{hint}: fix it')
        # Prefixed, so that nobody gets onto a list by calling itself as an organisation.
        people = (f"person:{name}" for name in each.people)
        found[each.id] = frozenset(
            (*people, *(f"organisation:{name}" for name in each.organisations))
        )
    return found


def _people(content: EntitiesText, source: str) -> list[Person]:
    seen: set[str] = set()
    for number, each in enumerate(content.people, start=1):
        if each.id in seen:
            refuse(source, f'people {number} ("{each.id}"): the same id twice: take one out')
        seen.add(each.id)
    return [
        Person(each.id, frozenset(each.nationalities), each.residence, each.verified)
        for each in content.people
    ]
