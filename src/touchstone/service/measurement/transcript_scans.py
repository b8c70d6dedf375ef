"""After the last sample: detectors look at every transcript of a battery, and that is recorded.

Logs come out of the record, each opened here in memory, and go into a process that holds nothing
else. Whatever becomes of that process, every outcome of the battery has its row.
"""

import os
from collections.abc import Iterator

from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import transcripts_scanned
from touchstone.editions.event_text import flags_in_words
from touchstone.editions.sentences import sentence
from touchstone.evaluation.oversight.canaries import canary_marks
from touchstone.evaluation.oversight.detectors import detectors_digest
from touchstone.evaluation.oversight.item_secrets import item_secrets
from touchstone.evaluation.oversight.labelled.power import measure_power
from touchstone.evaluation.oversight.power import MeasuredPower, measured_power
from touchstone.evaluation.oversight.scanning import scan_chunks
from touchstone.evaluation.oversight.sightings import ScannedTranscript
from touchstone.review import State
from touchstone.service.access.transcripts import ShownTranscript
from touchstone.service.case_context import Case
from touchstone.service.cases.endpoint_keys import endpoint_key_of
from touchstone.service.measurement.recorded_logs import RecordedLogs, by_name
from touchstone.service.measurement.sealing import Prepared
from touchstone.verdicts.run_progress import Observer

SCANNED = "transcripts-scanned"


def scan_transcripts(case: Case, prepared: Prepared, observer: Observer) -> None:
    """Have every transcript of a battery looked at, and record what was flagged.

    Where that stands in the record already nothing is done, unless that scan could look at nothing;
    where this process ends before it is recorded, whoever goes on with the review begins it anew.
    """
    battery, centre = prepared.name, case.participants.centre
    if not _is_open(case.state, battery):
        return
    if not case.signs_here(centre, SCANNED):
        observer.step(sentence("step.awaited", deed=SCANNED, party=centre))
        return
    items = [item for made in prepared.battery.items.values() for item in made]
    known = case.installation.families
    canaries = canary_marks(items, [known[name] for name in {item.family for item in items}])
    given = _Given(prepared, (*canaries, *_own_keys(case)))
    rows = _rows(RecordedLogs(case, battery, given), canaries, observer)
    power = _power()

    def deeds(state: State) -> list[Deed]:
        # Under the lock: another process may have recorded a scan, or outcomes that this one lacks.
        if not _is_open(state, battery) or state.outcomes_of(battery) != len(rows):
            return []
        looked = any(all(look.looked for look in row.looks) for row in rows.values())
        before = state.scans.get(battery)
        same = before is not None and (before.detectors, before.transcripts) == (
            power.digest,
            len(rows),
        )
        # A scan that could look at nothing was tried again, and again could not.
        if same and not looked:
            return []
        return [transcripts_scanned(case, battery, rows, power, len(canaries))]

    state = case.record(deeds)
    if (said := state.scans.get(battery)) is not None:
        looked, of, flags = said.looked_at, said.transcripts, flags_in_words(said)
        observer.step(sentence("step.scanned", looked=looked, of=of, flags=flags))


def _is_open(state: State, battery: str) -> bool:
    """Whether there are outcomes that no scan by these detectors has counted, or looked at."""
    before = state.scans.get(battery)
    if before is None or before.detectors != detectors_digest():
        return state.outcomes_of(battery) > 0
    return state.unscanned(battery) > 0


def _power() -> MeasuredPower:
    """What is known of the detectors that look here."""
    kept = measured_power()
    # Whoever changed them here has other detectors than those that were measured.
    return kept if kept.digest == detectors_digest() else measure_power()


def _own_keys(case: Case) -> Iterator[str]:
    """The keys by which this case's endpoints are asked, as far as they are here."""
    for variable in {mode.api_key_env for mode in case.submission.modes}:
        handed = endpoint_key_of(case.installation, case.id, variable)
        yield from (os.environ.get(variable, ""), handed.value if handed is not None else "")


class _Given:
    """What stands as a secret in the item of each transcript, looked for once in each item."""

    def __init__(self, prepared: Prepared, kept: tuple[str, ...]) -> None:
        plan = prepared.battery.plan
        self._items = {part.criterion: prepared.battery.items[part.id] for part in plan.sets}
        self._kept = kept
        self._found: dict[tuple[str, int], tuple[str, ...]] = {}

    def __call__(self, shown: ShownTranscript) -> tuple[str, ...]:
        place = (shown.criterion, shown.position)
        if place not in self._found:
            item = self._items[shown.criterion][shown.position]
            self._found[place] = item_secrets(item, self._kept)
        return self._found[place]


def _rows(
    logs: RecordedLogs, canaries: tuple[str, ...], observer: Observer
) -> dict[str, ScannedTranscript]:
    """By the name of each transcript, in the record's order, what was done with it."""
    every = len(logs.shown)
    observer.step(sentence("step.scanning", count=every))
    found: dict[str, ScannedTranscript] = {}
    for some in logs.batches(logs.shown):
        found |= by_name(some, scan_chunks([logs.opened(each) for each in some], canaries))
        if len(found) < every:
            observer.step(sentence("step.scanned-so-far", count=len(found), of=every))
    return {each.name: found[each.name] for each in logs.shown}
