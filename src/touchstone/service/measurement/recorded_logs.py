"""The logs of a battery's transcripts, out of the record: opened in memory, a few at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from touchstone.errors import TouchstoneError
from touchstone.evaluation.oversight.scanning import ChunkLog
from touchstone.evaluation.oversight.sightings import ScannedTranscript
from touchstone.review.audience_view import Entry
from touchstone.service.access.transcripts import ShownTranscript, shown_transcripts
from touchstone.service.case_context import Case
from touchstone.verdicts.modes_compared import ANSWERED

AT_ONCE = 4 << 20
"""Bytes of packed logs that are in memory together; unpacked they take twenty times as much."""
Group = Sequence[ShownTranscript]
"""The transcripts of one log; or of one chunk, where it has none."""


class RecordedLogs:
    """The transcripts of a battery that the record names, and their logs.

    Args:
        case: The case.
        battery: The battery.
        given: What stands as a secret in the item of a transcript.
    """

    def __init__(
        self,
        case: Case,
        battery: str,
        given: Callable[[ShownTranscript], Sequence[str]] = lambda _: (),
    ) -> None:
        self._case, self._given = case, given
        self._uuids: dict[tuple[int, int], str] = {}
        self.shown = shown_transcripts(self._answered(battery))
        """Every transcript, in the record's order."""

    def _answered(self, battery: str) -> Iterator[Entry]:
        """The outcomes of a battery; notes by entry and position the uuids of transcripts."""
        for entry in self._case.entries_of(ANSWERED):
            if entry.event.facts()["battery"] == battery:
                for each in (entry.content("details") or {}).get("outcomes", ()):
                    self._uuids[entry.n, each["index"]] = str(each.get("uuid", ""))
                yield entry

    def batches(self, shown: Iterable[ShownTranscript]) -> Iterator[list[Group]]:
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

    def uuid_of(self, each: ShownTranscript) -> str:
        """By which its sample is found; empty where its outcome names none."""
        return self._uuids.get((each.n, each.position), "")

    def opened(self, group: Group) -> ChunkLog:
        """The log of a group with the samples that are wanted of it."""
        log = None
        if group[0].log:
            try:
                log = self._case.installation.records.case(self._case.id).evidence(group[0].log)
            # Gone, or damaged: those transcripts are not looked at, and the others are.
            except TouchstoneError:
                log = None
        wanted = {each.position: self.uuid_of(each) for each in group}
        given = {each.position: self._given(each) for each in group}
        return ChunkLog(_place(group[0]), log, wanted, given)


def by_name(
    groups: Sequence[Group], rows: Mapping[str, Sequence[ScannedTranscript]]
) -> dict[str, ScannedTranscript]:
    """The rows of groups by the names of their transcripts; given are those of each log."""
    found: dict[str, ScannedTranscript] = {}
    for group in groups:
        by_position = {row.index: row for row in rows[_place(group[0])]}
        found |= {each.name: by_position[each.position] for each in group}
    return found


def log_place(each: ShownTranscript) -> tuple[str, int]:
    """The log of a transcript, as `ChunkLog` calls it, and its position there."""
    return _place(each), each.position


def _place(each: ShownTranscript) -> str:
    # Of one chunk alone: two chunks may have logs of the same bytes.
    return f"{each.chunk} {each.log}"
