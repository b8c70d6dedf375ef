"""What binds, in words, before a party signs: the deed, who may read it, what follows from it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from touchstone.clearance import EVERY_PARTY, Marking, may_read, party_audience
from touchstone.client.known_framework import shipped_framework
from touchstone.deeds.deed import Attachment, Content, Deed, Evidence, SentEvidence, attached
from touchstone.deeds.seen_case import Foresight, SeenCase, foresee
from touchstone.editions.event_text import event_sentence
from touchstone.editions.sentences import sentence
from touchstone.editions.stage_text import stage
from touchstone.editions.value_lines import value_lines
from touchstone.framework import Framework
from touchstone.handin import printable, printable_line
from touchstone.review import State, evolve, layout_of
from touchstone.review.events.base import Event, EventWithTexts
from touchstone.review.events.settling import ReleaseAnnounced

_COMMON = frozenset({"type", "schema", "actor", "at", "marking", "key_act"})
_DRAWN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Preview:
    """A deed that is about to be signed, for people and for `--json`."""

    case: str
    deed: Deed
    roles: Mapping[str, str]
    """Who takes part, as far as is seen."""
    foreseen: Foresight
    then: str
    """Where the case then stands, in a few words; empty: that cannot be told."""
    cautions: tuple[str, ...] = ()
    """What binds as it is, and is seldom meant."""

    def lines(self) -> Iterator[str]:
        """All of it, a line each; a fact or a part that is no single text is several."""
        event = self.deed.event
        yield sentence("preview.signs", party=event.actor, case=self.case, name=event.type)
        # One line: what is beneath it has the words as they are.
        texts = {name: printable_line(text) for name, text in self.texts}
        yield event_sentence(event, texts=texts)
        for name, value in _facts(event):
            yield from _fact(name, value)
        yield sentence("preview.read-by", readers=self._readers(event.marking))
        yield from self._parts()
        yield from self.cautions
        yield from self._outlook()

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        told = self.foreseen
        return {
            "case": self.case,
            "event": self.deed.event.facts(),
            "readers": self._readers(self.deed.event.marking),
            "then": self.then,
            "cautions": list(self.cautions),
            "refused": told.refused,
            "code": told.code,
            "hidden": told.hidden,
            "unseen_topics": list(told.unseen_topics),
        }

    @property
    def _named(self) -> list[tuple[str, Attachment]]:
        parts = self.deed.attachments
        names = layout_of(self.deed.event).names(self.deed.event, len(parts))
        return list(zip(names, parts, strict=True))

    @property
    def texts(self) -> Iterator[tuple[str, str]]:
        """The words that the event's own sentence says."""
        event = self.deed.event
        texts = event.TEXTS if isinstance(event, EventWithTexts) else ()
        for name, part in self._named:
            if name in texts and isinstance(part, Content) and isinstance(part.value, dict):
                yield name, str(part.value.get("text", ""))

    def _parts(self) -> Iterator[str]:
        for name, part in self._named:
            readers = self._readers(part.marking)
            if isinstance(part, Evidence | SentEvidence):
                yield from _evidence(name, part, readers)
                continue
            yield sentence("preview.part-read-by", part=name, readers=readers)
            yield from _said(name, part.value)

    def _outlook(self) -> Iterator[str]:
        told, party = self.foreseen, self.deed.event.actor
        if told.refused:
            yield sentence("preview.refused", why=told.refused)
        elif self.then:
            yield sentence("preview.then", stage=self.then)
        else:
            yield sentence("preview.not-foreseen")
        if told.hidden:
            yield sentence("preview.hidden", count=told.hidden, party=party)
        if told.unseen_topics:
            yield sentence("preview.unseen-topics", topics=list(told.unseen_topics))

    def _readers(self, marking: Marking) -> list[str]:
        """Who may read what is marked so, of those who take part and whom it names."""
        if not marking.parties and marking.label == "CLEAR":
            return [sentence("preview.everybody")]
        if not marking.parties and marking.label == "GREEN":
            return [sentence("preview.community")]
        if EVERY_PARTY in marking.parties:
            return [sentence("preview.every-party")]
        author = self.deed.event.actor
        named = sorted({*self.roles, *marking.parties} - {author})
        found = [
            name
            for name in named
            if may_read(party_audience(name, "GREEN"), marking, author).allowed
        ]
        return found or [sentence("preview.its-author")]


def preview_of(
    case: str, seen: SeenCase, framework: Framework | None, deed: Deed, at: str
) -> Preview:
    """What binds in a deed, and what can be told of its answer at `at` (UTC), on what is seen.

    `framework` is the one that the case is held to; None where it is not open to the party, or the
    deed opens the case.
    """
    roles = {name: str(each.role) for name, each in seen.state.parties.items()}
    roles = {name: str(role) for name, role in seen.told} | roles
    if framework is None:
        return Preview(case, deed, roles, Foresight("", len(seen.hidden), ()), "")
    told = foresee(seen, framework, deed, at)
    then = "" if told.refused or 0 in seen.hidden else _then(seen.state, deed.event, at)
    return Preview(case, deed, roles, told, then, tuple(cautions_of(seen.state, deed.event)))


def cautions_of(state: State, event: Event) -> Iterator[str]:
    """What in an event is seldom meant, and binds all the same: a line each.

    No rule may refuse a release (ADR 301), though it be of what nobody reviewed: this tells of it.
    """
    if isinstance(event, ReleaseAnnounced) and (unknown := state.not_handed_in(event.variants)):
        yield sentence("preview.not-handed-in", variants=unknown, known=sorted(state.variants))


def sentence_of(deed: Deed) -> str:
    """What a deed does, in one line with its own words."""
    roles: Mapping[str, str] = {}
    preview = Preview("", deed, roles, Foresight("", 0, ()), "")
    return event_sentence(deed.event, texts=dict(preview.texts))


def _then(state: State, event: Event, at: str) -> str:
    try:
        return stage(evolve(state, event, max(at, state.recorded_at)))
    except KeyError:
        # It speaks to what an entry brought that is not shown.
        return ""


def _facts(event: Event) -> Iterator[tuple[str, Any]]:
    """The facts that are the deed's own, as they stand in it; digests of words are shown as words.

    An act on keys is a fact like others: each of its own is.
    """
    facts = event.facts()
    texts = event.TEXTS if isinstance(event, EventWithTexts) else ()
    act = facts.get("key_act")
    own = {name: value for name, value in facts.items() if name not in {*_COMMON, *texts}}
    yield from (own | (act if isinstance(act, dict) else {})).items()


def _fact(name: str, value: Any) -> Iterator[str]:
    # Of a name, too, nobody may make a line of its own: fields that are not known here are shown.
    return value_lines({name: sentence("preview.none-said") if value in (None, []) else value})


def _said(part: str, value: Any) -> Iterator[str]:
    """A part's content; of one that is a text and nothing beside it, the text."""
    # Shapes take fields that they do not know, and whatever is signed is shown.
    match value:
        case {"text": str(words), **rest} if not rest or _is_salt(rest):
            value = words
    if isinstance(value, str) and "\n" not in value:
        yield sentence("preview.says", said=printable(value))
    elif part == "framework" and (known := shipped_framework(value)):
        yield sentence(
            "preview.as-shipped", id=known.id, version=known.version, digest=known.digest
        )
    else:
        yield sentence("preview.says-in-lines")
        yield from _indented(value)


def _evidence(part: str, given: Evidence | SentEvidence, readers: list[str]) -> Iterator[str]:
    """What is signed of bytes: whoever signs can hold it against the file that they have."""
    told = attached(given).value
    yield sentence("preview.evidence-read-by", part=part, size=told["size"], readers=readers)
    media_type, name = printable_line(given.media_type), printable_line(given.name)
    facts = {"media_type": media_type, "digest": told["digest"]}
    if name:
        yield sentence("preview.evidence-is", **facts, name=name)
    else:
        yield sentence("preview.evidence-is-unnamed", **facts)


def _indented(value: Any) -> Iterator[str]:
    # Beneath what is said of it, so that no line of a stranger's passes for one of ours.
    return (f"  {line}" for line in value_lines(value))


def _is_salt(beside: Mapping[Any, Any]) -> bool:
    # What is drawn says nothing, and words that call themselves so do.
    return [*beside] == ["salt"] and _DRAWN.fullmatch(str(beside["salt"])) is not None
