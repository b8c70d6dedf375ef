"""The texts of access, terms and directives, wherever a case is read: what is in force.

`CaseTexts` reads the record of this machine, `PartyTexts` what a party may read. Deeds carry these
texts whole; a document is a file that a party hands in, in `documents_handed_in`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property

from touchstone.handin.shown_ids import short_case
from touchstone.ledger import dumps
from touchstone.review import LAYOUTS, State
from touchstone.review.events.settling import BundlePublished, Carried
from touchstone.review.parts import MOST_TEXT
from touchstone.review.shapes import PeopleShape, TomlShape
from touchstone.service.errors import CannotOrderError, NotAgreedError
from touchstone.service.file_io import NamedText
from touchstone.terms import Directive, Registry, Terms, parse_directive, parse_terms
from touchstone.terms.bundle.policy_bundle import parse_body
from touchstone.terms.directives.pre_authorisation import StandingClasses, parse_standing

TEXTS: Mapping[str, tuple[str, str]] = {
    str(event.model_fields["type"].default): (fact, part.name)
    for event, layout in LAYOUTS.items()
    for part in layout.parts
    if part.shape is TomlShape
    for fact in part.digests
}
"""For each event that carries such a text: the fact that names its digest, and the part."""
COUNTED = frozenset(
    str(event.model_fields["type"].default)
    for event, layout in LAYOUTS.items()
    if any(part.shape is PeopleShape for part in layout.parts)
)
"""The events with which the number of people affected may go."""


def check_length(text: NamedText) -> None:
    """Refuse a text that no part of a deed can hold.

    Raises:
        CannotOrderError: it is too long for the record.
    """
    # As the part has it: escapes make a text longer than it looks.
    if len(dumps({"text": text.text})) > MOST_TEXT:
        raise CannotOrderError("text-too-long", source=text.source, most=MOST_TEXT)


class AccessTexts(ABC):
    """What a case says about terms and directives, as somebody may read it; read once."""

    def __init__(self, case: str, state: State) -> None:
        """`case` is its id, `state` what the entries that may be read come to."""
        self.case_id = case
        self.state = state
        self._own: dict[str, str] = {}

    @abstractmethod
    def _recorded(self, digest: str) -> str:
        """The text with this digest in the record. Raises CannotOrderError where there is none."""

    @abstractmethod
    def bundle(self, published: BundlePublished) -> bytes:
        """A policy bundle's bytes. Raises CannotOrderError where they are not to be had."""

    @abstractmethod
    def counts(self, directive: str) -> dict[str, int] | None:
        """How many people a directive affects, as went into the record with its newest deed."""

    def know(self, digest: str, text: str) -> None:
        """Take a text that is about to be recorded as recorded."""
        self._own[digest] = text

    def know_terms(self, text: NamedText) -> None:
        """Take the text of the terms in force from whoever has it: a destroyed case keeps none.

        Raises CannotOrderError where these are others, and TermsFileError where they are none.
        """
        # By digest: whoever has other terms would have the directive read in other words.
        given, agreed = parse_terms(text.text, text.source).digest, self.state.terms_in_force
        if given != agreed:
            code, named = "terms-not-in-force", agreed or "none"
            raise CannotOrderError(code, source=text.source, given=given, agreed=named)
        self.know(given, text.text)

    def text(self, digest: str) -> str:
        """The text with this digest. Raises CannotOrderError where the record has none."""
        # First, since of a destroyed case it is all that there is.
        return self._own[digest] if digest in self._own else self._recorded(digest)

    def terms(self, digest: str) -> Terms:
        """The terms with this digest."""
        return parse_terms(self.text(digest), "the terms in the record")

    @cached_property
    def agreed(self) -> Terms:
        """The terms in force. Raises NotAgreedError while none are agreed."""
        digest = self.state.terms_in_force
        if digest is None:
            code = "terms-not-agreed" if self.state.terms.on_table else "terms-not-offered"
            raise NotAgreedError(code, case=short_case(self.case_id))
        return self.terms(digest)

    def directive(self, name: str, digest: str) -> Directive:
        """A directive's order or a reading of it, in the words of the terms in force."""
        return parse_directive(self.text(digest), f"directive {name} in the record", self.agreed)

    def carried(self, at: str) -> tuple[Carried, ...]:
        """What is carried out at a time (UTC), in the order of issue."""
        return tuple(
            Carried(directive=name, order=text)
            for name, each in self.state.directives.items()
            if (text := each.carried(at)) is not None
        )

    def answered(self, at: str) -> list[Directive]:
        """The directives that are to be carried out at a time, as the developer reads them."""
        return self._read(self.carried(at))

    def enacted(self, at: str) -> list[Directive]:
        """The directives that the newest bundle carries out and that have not ended at a time."""
        return self._read(self.in_bundle(at))

    def in_bundle(self, at: str) -> list[Carried]:
        """The same as the facts name them: they need no text."""
        newest = self.state.bundles[-1].directives if self.state.bundles else ()
        known = self.state.directives
        return [
            e for e in newest if e.directive in known and known[e.directive].issued.expires > at
        ]

    def _read(self, carried: Sequence[Carried]) -> list[Directive]:
        return [self.directive(each.directive, each.order) for each in carried]

    def standing(self) -> StandingClasses:
        """The standing classes in force. Raises NotAgreedError where there are none."""
        newest = self.state.standing
        if newest is None or newest.classes is None:
            raise NotAgreedError("classes-not-authorised")
        return parse_standing(
            self.text(newest.classes), "the standing classes in the record", self.agreed
        )

    def registry(self) -> Registry:
        """Who belongs where, as the newest bundle has it. Raises CannotOrderError before one."""
        if not self.state.bundles:
            raise CannotOrderError("registry-missing")
        data = self.bundle(self.state.bundles[-1])
        return parse_body(data[: data.rfind(b"\n", 0, -1) + 1]).registry
