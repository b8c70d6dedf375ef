"""What detectors flagged in transcripts, each beside how much it finds of what is planted."""

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import DetectorRow, FlagFacts, PowerFacts
from touchstone.editions.sentences import sentence
from touchstone.evaluation.oversight.power import DetectorPower, MeasuredPower, MeasuredRate
from touchstone.review.audience_view import Entry
from touchstone.review.events.detecting import TranscriptsScanned

CANARY = "canary"
"""The detector that looks for marks of the items, and finds none where there are none."""


def flag_facts(case: AudienceCase) -> FlagFacts | None:
    """The newest scan of the newest battery; None where none is to be read."""
    battery = case.state.newest_battery
    scans = [
        (entry, entry.event)
        for entry in case.visible("transcripts-scanned")
        if isinstance(entry.event, TranscriptsScanned) and entry.event.battery == battery
    ]
    if battery is None or not scans:
        return None
    entry, event = scans[-1]
    power = _power(entry)
    notes = []
    if case.state.outcomes_of(battery) > event.transcripts:
        notes.append(
            sentence("flags.later", count=case.state.outcomes_of(battery) - event.transcripts)
        )
    if not event.canaries and any(each.detector == CANARY for each in event.counts):
        notes.append(sentence("flags.no-canary"))
    return FlagFacts(
        transcripts=event.transcripts,
        looked_at=event.looked_at,
        rows=tuple(
            DetectorRow(
                each.detector,
                each.flagged,
                each.unflagged,
                each.not_looked_at,
                power.get(each.detector),
            )
            for each in event.counts
        ),
        notes=tuple(notes),
    )


def _power(entry: Entry) -> dict[str, PowerFacts]:
    """By detector what was recorded of its power; nothing where that is not to be read."""
    known = entry.parsed("power", MeasuredPower.model_validate)
    return {each.detector: _told(each) for each in known.detectors} if known else {}


def _told(power: DetectorPower) -> PowerFacts:
    return PowerFacts(*(_rate(each) for each in (power.easy, power.hard, power.false_alarms)))


def _rate(rate: MeasuredRate) -> tuple[str, str]:
    """A share and its interval, in words; no interval where nothing was planted."""
    if rate.bounds is None:
        return sentence("flags.none-planted"), ""
    low, high = rate.bounds
    counts = sentence("flags.of", flagged=rate.flagged, of=rate.of)
    return counts, sentence("rate.interval", low=low, high=high)
