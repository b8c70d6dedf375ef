"""Offers, counter-offers and answers to them: deeds of the parties, each by its own key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from touchstone.deeds.access import (
    terms_agreed,
    terms_countered,
    terms_declined,
    terms_offered,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import KnownCase
from touchstone.framework import Framework
from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.service.access.access_texts import check_length
from touchstone.service.access.terms_texts import population_from, terms_in
from touchstone.service.case_context import Case
from touchstone.service.errors import CannotOrderError
from touchstone.service.file_io import NamedText
from touchstone.terms import Terms, in_force, parse_terms
from touchstone.terms.analysis.difference import Difference, difference


@dataclass(frozen=True)
class Offered:
    """Terms on the table, and what they change."""

    party: str
    terms: Terms
    against: str | None
    """The digest of the terms that were on the table before; None: nothing was."""
    changes: Difference | None
    """None: nothing was, or the record lacks its text."""

    def lines(self) -> list[str]:
        """For people."""
        text = self.terms.text
        head = f"{self.party} offers {text.title}, version {text.version} ({self.terms.digest})."
        if self.changes is None and self.against is not None:
            return [head, f"What was on the table ({self.against}) cannot be read to compare."]
        if self.changes is None:
            return [head, "Nothing was on the table before."]
        return [head, "Against what was on the table:", *self.changes.lines()]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "party": self.party,
            "terms": self.terms.digest,
            "against": self.against,
            "changes": self.changes.as_dict() if self.changes else None,
        }


@dataclass(frozen=True)
class Answered:
    """What a party said to the terms on the table, and where they stand."""

    party: str
    terms: str
    answer: str
    agreed: bool
    """Whether the developer and another party agree to exactly these."""

    def lines(self) -> list[str]:
        """For people."""
        stand = "They are agreed." if self.agreed else "They are not agreed."
        return [f"{self.party} {self.answer} {self.terms}. {stand}"]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "party": self.party,
            "terms": self.terms,
            "answer": self.answer,
            "agreed": self.agreed,
        }


def offer(
    case: Case,
    text: NamedText,
    party: str,
    entities: NamedText | None = None,
    people: NamedText | None = None,
    *,
    counter: bool = False,
) -> Offered:
    """Lay terms on the table, or answer those of another party with a counter-offer.

    Raises:
        TermsFileError: the text holds no terms; its name, key and fix.
        CannotOrderError: they are for another developer or framework.
        Refused: this party may not do this now.
        KeyMissingError: its key is not on this machine.
    """
    deed, told = drafted_offer(case, party, text, entities, people, counter=counter)
    case.record([deed])
    return told


class TableCase(KnownCase, Protocol):
    """A case at whose table a party sits, wherever its record is."""

    @property
    def id(self) -> str:
        """The case's id."""

    @property
    def state(self) -> State:
        """What the party may read comes to."""

    @property
    def framework(self) -> Framework | None:
        """The framework of the case; None where it is not open to the party."""

    def entries_of(self, *types: str) -> Iterator[Entry]:
        """The entries of these types, as the party may read them."""


def drafted_offer(
    case: TableCase,
    party: str,
    text: NamedText,
    entities: NamedText | None = None,
    people: NamedText | None = None,
    *,
    counter: bool = False,
) -> tuple[Deed, Offered]:
    """The deed of an offer or counter-offer, and what it would change; nothing is recorded.

    Raises:
        TermsFileError: the text holds no terms; its name, key and fix.
        CannotOrderError: they are for another developer or framework, or there is nothing to
            counter.
    """
    terms, table = terms_in(text), case.state.terms.on_table
    _check(case, terms, text.source)
    check_length(text)
    if counter and table is None:
        raise CannotOrderError("nothing-to-counter")
    # Old terms whose text is gone keep nobody from offering new ones.
    before = None if table is None else terms_called(case, table)
    changes = None
    if before is not None:
        crowd = population_from(entities, terms, people)
        changes = difference(in_force(before), in_force(terms), crowd)
    # A counter names what it answers, and is refused where that has moved; an offer names nothing.
    deed = (
        terms_offered(case, party, terms.digest, text.text)
        if table is None or not counter
        else terms_countered(case, party, table, terms.digest, text.text)
    )
    return deed, Offered(party, terms, table, changes)


def drafted_answer(case: TableCase, party: str, *, agree: bool, reason: str | None = None) -> Deed:
    """The deed by which a party agrees to exactly the terms on the table, or declines them.

    Raises:
        BadEventError: the reason is no line for the record.
        CannotOrderError: nothing is on the table.
    """
    table = case.state.terms.on_table
    if table is None:
        raise CannotOrderError("nothing-on-table")
    if agree:
        return terms_agreed(case, party, table)
    return terms_declined(case, party, table, reason)


def terms_called(case: TableCase, digest: str) -> Terms | None:
    """The terms with this digest; None where the party may not read their text."""
    for entry in case.entries_of("terms-offered", "terms-countered"):
        content = entry.content("terms") if entry.event.facts()["terms"] == digest else None
        if content is not None:
            return parse_terms(content["text"], "the terms in the record")
    return None


def answer(case: Case, party: str, *, agree: bool, reason: str | None = None) -> Answered:
    """Agree to exactly the terms on the table, or decline them.

    Raises:
        BadEventError: the reason is no line for the record.
        CannotOrderError: nothing is on the table.
        Refused: this party may not do this now.
        KeyMissingError: its key is not on this machine.
    """
    table = case.state.terms.on_table or ""
    state = case.record([drafted_answer(case, party, agree=agree, reason=reason)])
    word = "agrees to" if agree else "declines"
    # By the record and not by this answer: it takes another party's to be agreed.
    return Answered(party, table, word, table in state.agreed_before)


def _check(case: TableCase, terms: Terms, source: str) -> None:
    if terms.text.developer != case.participants.developer:
        code, developer = "terms-of-another-developer", case.participants.developer
        raise CannotOrderError(code, source=source, named=terms.text.developer, developer=developer)
    if case.framework and terms.text.framework not in {None, case.framework.id}:
        code, framework = "terms-of-another-framework", case.framework.id
        raise CannotOrderError(code, source=source, named=terms.text.framework, framework=framework)
