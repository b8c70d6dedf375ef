"""The record entry by entry, and every part accounted for: opened, withheld or erased."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from touchstone.editions.audience_case import AudienceCase, plain
from touchstone.editions.event_text import LONGEST_TYPE, event_sentence, folded_sentence
from touchstone.editions.page import Accounting, TimelineEvent, WithheldParts
from touchstone.editions.sentences import sentence
from touchstone.review import UnknownEvent
from touchstone.review.audience_view import Entry, PartView

SHORTEST_RUN = 3


def newer_notice(case: AudienceCase) -> tuple[str, ...]:
    """What must be said first where the audience may read events that are not known here."""
    newer = [entry for entry in case.entries if entry.visible and is_unknown(entry)]
    which = [
        sentence("timeline.newer-entry", n=entry.n, type=entry.event.type[:LONGEST_TYPE])
        for entry in newer
    ]
    return (sentence("timeline.newer", which=which),) if newer else ()


def is_unknown(entry: Entry) -> bool:
    """Whether a newer version wrote its event."""
    return isinstance(entry.event, UnknownEvent)


def timeline(case: AudienceCase) -> tuple[TimelineEvent, ...]:
    """Every entry in order; runs of like ones are folded into a line that can be opened."""
    return tuple(
        line for _, run in groupby(case.entries, _alike) for line in _told(case, list(run))
    )


def _alike(entry: Entry) -> tuple[str, str]:
    if entry.visible:
        return entry.event.type, entry.event.actor
    # By the label alone: grouping by type would show where events of one kind lie that are
    # withheld.
    return "", entry.parts[0].label


def _told(case: AudienceCase, run: list[Entry]) -> Iterator[TimelineEvent]:
    first, last = run[0], run[-1]
    if not first.visible:
        text = sentence("timeline.withheld", label=first.parts[0].label)
        yield TimelineEvent(first.n, last.n, "", sentence("timeline.withheld-actor"), text)
        return
    texts = [event_sentence(entry.event, case.names, case.titles, entry.texts()) for entry in run]
    at, actor = _time(first), case.name(first.event.actor)
    if len(run) >= SHORTEST_RUN:
        kind = first.event.type
        text = (
            sentence("folded.unknown", count=len(run), type=kind[:LONGEST_TYPE])
            if is_unknown(first)
            else folded_sentence(kind, len(run))
        )
        folded = tuple(
            sentence("timeline.folded", n=entry.n, text=each)
            for entry, each in zip(run, texts, strict=True)
        )
        yield TimelineEvent(first.n, last.n, at, actor, text, folded)
        return
    for entry, text in zip(run, texts, strict=True):
        yield TimelineEvent(entry.n, entry.n, _time(entry), actor, text)


def _time(entry: Entry) -> str:
    return entry.event.at.replace("T", " ").removesuffix("Z")


def withheld(case: AudienceCase) -> tuple[WithheldParts, ...]:
    """What is not opened, by what it belongs to and its label. Each part is counted once."""
    counted: Counter[tuple[str, str, bool]] = Counter()
    for entry in case.entries:
        for reading in entry.parts:
            if not reading.allowed:
                counted[_what(entry, reading), reading.label, reading.erased] += 1
    return tuple(
        WithheldParts(what, label, parts, erased)
        for (what, label, erased), parts in counted.items()
    )


def _what(entry: Entry, reading: PartView) -> str:
    """What a part belongs to, as far as the audience may know: never what is in it."""
    if not entry.visible:
        happened = reading.part.i == 0
        return sentence("timeline.entry-event" if happened else "timeline.entry-rest")
    if is_unknown(entry):
        return sentence("timeline.rest-unknown", type=plain(entry.event.type).capitalize())
    return sentence("timeline.rest", type=entry.event.type)


def accounting(case: AudienceCase) -> Accounting:
    """The parts of the whole record in numbers."""
    parts = [reading for entry in case.entries for reading in entry.parts]
    erased = sum(reading.erased for reading in parts)
    opened = sum(reading.allowed for reading in parts)
    return Accounting(
        entries=len(case.entries),
        parts=len(parts),
        opened=opened,
        # What is left: so each part is in exactly one of the three numbers.
        withheld=len(parts) - opened - erased,
        erased=erased,
    )
