"""What detectors flagged in transcripts, each beside how much it finds of what is planted."""

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import DetectorRow, FlagFacts, PowerFacts
from touchstone.editions.sections.calibration import newest_calibration
from touchstone.editions.sentences import sentence
from touchstone.evaluation.oversight.power import DetectorPower, MeasuredPower, MeasuredRate
from touchstone.review.audience_view import Entry
from touchstone.review.events.detecting import TranscriptsScanned
from touchstone.verdicts.calibration import Calibration, SeenRate

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
    notes = []
    found, calibrated = newest_calibration(case, event.detectors)
    if found is not None and not calibrated:
        notes.append(sentence("flags.calibrated-otherwise"))
    power = _calibrated(found) if found is not None and calibrated else _power(entry)
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
        calibration=found.digest if found is not None and calibrated else "",
    )


def _calibrated(found: Calibration) -> dict[str, PowerFacts]:
    """By detector what the calibration found: by the way that a model is measured."""
    return {
        row.name: PowerFacts(
            *(_share(each) for each in (row.plain, row.hard, row.false_alarms)),
        )
        for row in found.rows
        if row.kind == "detector"
    }


def _share(rate: SeenRate) -> tuple[str, str]:
    told = MeasuredRate(flagged=rate.flagged, of=rate.of)
    counts, interval = _rate(told)
    if not rate.not_looked_at or rate.bounds is None:
        return counts, interval
    low, high = rate.bounds
    # What was not looked at widens it: the exact interval of the counts alone would not say so.
    return counts, sentence("rate.interval", low=low, high=high)


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
