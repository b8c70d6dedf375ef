"""Terms and directives as the record of this machine holds them: texts by digest."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from touchstone.handin.shown_ids import short_case
from touchstone.records import EvidenceMissingError
from touchstone.review import State
from touchstone.review.audience_view import known_facts, stored_entry
from touchstone.review.events.settling import BundlePublished
from touchstone.service.access.access_texts import COUNTED, TEXTS, AccessTexts
from touchstone.service.case_context import Case
from touchstone.service.errors import CannotOrderError


class CaseTexts(AccessTexts):
    """The same of the record of this machine, whoever may read it."""

    def __init__(self, case: Case, state: State | None = None) -> None:
        super().__init__(case.id, state or case.state)
        self.case = case
        self._reader = case.installation.records.case(case.id)

    def _recorded(self, digest: str) -> str:
        """The text with this digest. Raises CannotOrderError where the record has none."""
        self.case.require_content()
        why = ""
        # A text may have come more than once; one whole copy is enough.
        for n in self._entries.get(digest, ()):
            entry = stored_entry(self._reader, n)
            name = TEXTS[entry.event.type][1]
            if not (why := entry.lacking(name)):
                return str(entry.content(name)["text"])
        if not why:
            raise CannotOrderError("text-unknown", case=short_case(self.case.id), digest=digest)
        raise CannotOrderError("text-lacking", digest=digest, why=why)

    def bundle(self, published: BundlePublished) -> bytes:
        """A policy bundle's bytes. Raises CannotOrderError where the record has none."""
        self.case.require_content()
        at = next(
            n
            for n, facts in self._events
            if facts["type"] == published.type and facts["bundle"] == published.bundle
        )
        entry = stored_entry(self._reader, at)
        if why := entry.lacking("bundle"):
            raise CannotOrderError("bundle-lacking", number=published.number, why=why)
        try:
            return self._reader.evidence(entry.evidence("bundle"))
        except EvidenceMissingError as error:
            raise CannotOrderError("evidence-lacking", why=str(error)) from error

    def counts(self, directive: str) -> dict[str, int] | None:
        """How many people a directive affects, as went into the record with its newest deed."""
        # The newest first: an answer's numbers are of what is carried out, and not of the order.
        for n, facts in reversed(self._events):
            if facts["type"] in COUNTED and facts.get("directive") == directive:
                content = stored_entry(self._reader, n).content("people")
                if content is not None:
                    return dict(content["people"])
        return None

    @cached_property
    def _events(self) -> list[tuple[int, Mapping[str, Any]]]:
        published = str(BundlePublished.model_fields["type"].default)
        return [*known_facts(self._reader, {*TEXTS, *COUNTED, published})]

    @cached_property
    def _entries(self) -> dict[str, list[int]]:
        """From each text's digest to the entries that name it."""
        found: dict[str, list[int]] = defaultdict(list)
        for n, facts in self._events:
            digest = facts.get(TEXTS.get(facts["type"], ("", ""))[0])
            if digest:
                found[digest].append(n)
        return found
