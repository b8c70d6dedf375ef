"""After the last sample: detectors look at every transcript of a battery, and that is recorded.

Logs come out of the record, each opened here in memory, and go into a process that holds nothing
else. Whatever becomes of that process, every outcome of the battery has its row.
"""

from collections.abc import Iterable, Iterator, Sequence

from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import transcripts_scanned
from touchstone.editions.event_text import flags_in_words
from touchstone.editions.sentences import sentence
from touchstone.errors import TouchstoneError
from touchstone.evaluation.oversight.canaries import canary_marks
from touchstone.evaluation.oversight.detectors import detectors_digest
from touchstone.evaluation.oversight.labelled.power import measure_power
from touchstone.evaluation.oversight.power import MeasuredPower, measured_power
from touchstone.evaluation.oversight.scanning import ChunkLog, scan_chunks
from touchstone.evaluation.oversight.sightings import ScannedTranscript
from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.service.access.transcripts import ShownTranscript, shown_transcripts
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import Prepared
from touchstone.verdicts.modes_compared import ANSWERED
from touchstone.verdicts.run_progress import Observer

SCANNED = "transcripts-scanned"
AT_ONCE = 4 << 20
"""Bytes of packed logs that are in memory together; unpacked they take twenty times as much."""


def scan_transcripts(case: Case, prepared: Prepared, observer: Observer) -> None:
    """Have every transcript of a battery looked at, and record what was flagged.

    Where that stands in the record already nothing is done; where this process ends before it is
    recorded, whoever goes on with the review begins it anew.
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
    rows = _rows(case, battery, canaries, observer)
    power = _power()

    def deeds(state: State) -> list[Deed]:
        # Under the lock: another process may have recorded a scan, or outcomes that this one lacks.
        if not _is_open(state, battery) or state.outcomes_of(battery) != len(rows):
            return []
        return [transcripts_scanned(case, battery, rows, power, len(canaries))]

    state = case.record(deeds)
    if (said := state.scans.get(battery)) is not None:
        looked, of, flags = said.looked_at, said.transcripts, flags_in_words(said)
        observer.step(sentence("step.scanned", looked=looked, of=of, flags=flags))


def _is_open(state: State, battery: str) -> bool:
    """Whether there are outcomes that no scan by these detectors has counted."""
    recorded, before = state.outcomes_of(battery), state.scans.get(battery)
    if before is None or before.detectors != detectors_digest():
        return recorded > 0
    return before.transcripts < recorded


def _power() -> MeasuredPower:
    """What is known of the detectors that look here."""
    kept = measured_power()
    # Whoever changed them here has other detectors than those that were measured.
    return kept if kept.digest == detectors_digest() else measure_power()


def _rows(
    case: Case, battery: str, canaries: tuple[str, ...], observer: Observer
) -> dict[str, ScannedTranscript]:
    """By the name of each transcript, in the record's order, what was done with it."""
    uuids: dict[tuple[int, int], str] = {}
    shown = shown_transcripts(_answered(case, battery, uuids))
    observer.step(sentence("step.scanning", count=len(shown)))
    found: dict[str, ScannedTranscript] = {}
    for some in _batches(shown):
        logs = [_chunk_log(case, each, uuids) for each in some]
        scanned = scan_chunks(logs, canaries)
        for group in some:
            by_place = {row.index: row for row in scanned[_place(group[0])]}
            found |= {each.name: by_place[each.position] for each in group}
        if len(found) < len(shown):
            observer.step(sentence("step.scanned-so-far", count=len(found), of=len(shown)))
    return {each.name: found[each.name] for each in shown}


def _answered(case: Case, battery: str, uuids: dict[tuple[int, int], str]) -> Iterator[Entry]:
    """The outcomes of a battery; notes by entry and position the uuids of their transcripts."""
    for entry in case.entries_of(ANSWERED):
        if entry.event.facts()["battery"] == battery:
            for each in (entry.content("details") or {}).get("outcomes", ()):
                uuids[entry.n, each["index"]] = str(each.get("uuid", ""))
            yield entry


Group = Sequence[ShownTranscript]
"""The transcripts of one log; or of one chunk, where it has none."""


def _batches(shown: Iterable[ShownTranscript]) -> Iterator[list[Group]]:
    """Transcripts by their logs, and so many logs together as may be."""
    groups: dict[str, list[ShownTranscript]] = {}
    for each in shown:
        groups.setdefault(_place(each), []).append(each)
    batch, size = list[Group](), 0
    for group in groups.values():
        if batch and size + group[0].log_size > AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(group)
        size += group[0].log_size
    if batch:
        yield batch


def _place(each: ShownTranscript) -> str:
    # Of one chunk alone: two chunks may have logs of the same bytes.
    return f"{each.chunk} {each.log}"


def _chunk_log(case: Case, group: Group, uuids: dict[tuple[int, int], str]) -> ChunkLog:
    log = None
    if group[0].log:
        try:
            log = case.installation.records.case(case.id).evidence(group[0].log)
        # Gone, or damaged: those transcripts are not looked at, and the others are.
        except TouchstoneError:
            log = None
    wanted = {each.position: uuids.get((each.n, each.position), "") for each in group}
    return ChunkLog(_place(group[0]), log, wanted)
