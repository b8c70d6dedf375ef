"""What a scan of a transcript found, and what it did not look at: values, no I/O, no Inspect.

A detector flags, with a power that was measured. It clears nothing: "not flagged" is no finding.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.errors import UnmatchedCaseError
from touchstone.handin import printable_line

WHY_LENGTH = 200
QUOTE_LENGTH = 400
MOST_SIGHTINGS = 50
"""Of one detector in one transcript; further ones are counted, and not kept."""
MOST_OF_FILE = 64 << 20
"""Bytes of what is kept of one scan."""
FORMAT = "touchstone/sightings/1"
NO_LOG = "no transcript of it could be read"


class Sighting(Frozen):
    """One place that a detector flags."""

    detector: str
    message: str
    """The id of the message that it stands at; empty where there is none."""
    why: str
    """One plain line, which repeats nothing of the transcript."""
    quote: str = ""
    """What is flagged, as it stands there: it may be a secret, so it is sealed as logs are."""


class Look(Frozen):
    """What one detector did with one transcript."""

    detector: str
    flagged: Annotated[int, Field(ge=0)] = 0
    """How many places; `sightings` holds at most `MOST_SIGHTINGS` of them."""
    sightings: tuple[Sighting, ...] = ()
    fault: str = ""
    """Why it did not look, in one line; empty: it looked. What was not looked at is not clean."""

    @property
    def looked(self) -> bool:
        """Whether the detector came to its end."""
        return not self.fault


class ScannedTranscript(Frozen):
    """All that was done with one transcript."""

    sample: str
    """The sample's uuid, by which it is joined to its outcome."""
    index: Annotated[int, Field(ge=0)]
    """The sample's position."""
    looks: tuple[Look, ...]
    """One for each detector, in their order."""


class DetectorCount(Frozen):
    """One detector over the samples of a journal: the three numbers add up to all of them."""

    detector: str
    flagged: Annotated[int, Field(ge=0)] = 0
    """Transcripts in which it flagged something."""
    unflagged: Annotated[int, Field(ge=0)] = 0
    """Transcripts that it looked at, and flagged nothing in. That clears nothing."""
    not_looked_at: Annotated[int, Field(ge=0)] = 0
    """Samples of which it saw no transcript, or not to the end."""


def not_looked(sample: str, index: int, detectors: Sequence[str], why: str) -> ScannedTranscript:
    """A transcript that no detector looked at, and why."""
    looks = tuple(Look(detector=name, fault=why[:WHY_LENGTH]) for name in detectors)
    return ScannedTranscript(sample=sample, index=index, looks=looks)


def cover(
    wanted: Mapping[int, str], scanned: Sequence[ScannedTranscript], detectors: Sequence[str]
) -> tuple[ScannedTranscript, ...]:
    """One row for each sample that the journal knows, whatever a scan gave.

    Args:
        wanted: By position the uuid of each sample that has an outcome, from the journal; an empty
            uuid where its outcome names none.
        scanned: What a scan gave, in any order.
        detectors: Every detector that was to look.

    Returns:
        By position. Where the scan gave a sample twice, under another uuid than the journal has, or
        without one of the detectors, that is not looked at.
    """
    found: dict[int, list[ScannedTranscript]] = {}
    for each in scanned:
        found.setdefault(each.index, []).append(each)
    rows = []
    for index in sorted(wanted):
        given = [each for each in found.get(index, []) if each.sample == wanted[index] != ""]
        if len(given) == 1:
            rows.append(_whole(given[0], detectors))
        else:
            why = "two transcripts bear its uuid" if given else NO_LOG
            rows.append(not_looked(wanted[index], index, detectors, why))
    return tuple(rows)


def _whole(scanned: ScannedTranscript, detectors: Sequence[str]) -> ScannedTranscript:
    looks = {look.detector: look for look in scanned.looks}
    kept = (
        looks.get(name, Look(detector=name, fault="the scan left this detector out"))
        for name in detectors
    )
    return scanned.model_copy(update={"looks": tuple(kept)})


def match_cases(
    cases: Iterable[str], rows: Iterable[ScannedTranscript]
) -> dict[str, ScannedTranscript]:
    """The row of each labelled case, by its sample.

    Raises:
        UnmatchedCaseError: a case has no row, or two. Scout says nothing of such a case, and its
            numbers would be of fewer cases than they say.
    """
    found: dict[str, list[ScannedTranscript]] = {}
    for row in rows:
        found.setdefault(row.sample, []).append(row)
    matched = {}
    for case in cases:
        given = found.get(case, [])
        if len(given) != 1:
            raise UnmatchedCaseError(
                f"the labelled case {printable_line(case, WHY_LENGTH)!r} matches {len(given)}"
                " scanned transcripts, and is to match one; correct its uuid, or scan its log"
            )
        matched[case] = given[0]
    return matched


def count_sightings(
    rows: Sequence[ScannedTranscript], detectors: Sequence[str]
) -> tuple[DetectorCount, ...]:
    """Flagged, unflagged and not looked at, by detector."""
    counts = []
    for name in detectors:
        looks = [look for row in rows for look in row.looks if look.detector == name]
        looked = [look for look in looks if look.looked]
        flagged = sum(look.flagged > 0 for look in looked)
        counts.append(
            DetectorCount(
                detector=name,
                flagged=flagged,
                unflagged=len(looked) - flagged,
                not_looked_at=len(rows) - len(looked),
            )
        )
    return tuple(counts)


def sightings_file(
    rows: Mapping[str, ScannedTranscript],
    most: int = MOST_OF_FILE,
    parts: Mapping[str, int] = MappingProxyType({}),
) -> bytes:
    """What was flagged and what was not looked at, as it is sealed: JSON of at most `most` bytes.

    Args:
        rows: By the name of each transcript, in order.
        most: Where all that was seen would be more, less of each look is kept; the counts stay.
        parts: In how many parts a grader was shown a transcript, where that is not one.
    """
    data = b""
    for kept in (MOST_SIGHTINGS, 5, 1, 0):
        told = {
            "format": FORMAT,
            "transcripts": [
                _row_told(name, row, kept) | ({"parts": parts[name]} if name in parts else {})
                for name, row in rows.items()
            ],
        }
        data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )
        if len(data) <= most:
            break
    return data


def _row_told(name: str, row: ScannedTranscript, kept: int) -> dict[str, Any]:
    told: dict[str, Any] = {"transcript": name, "uuid": row.sample}
    faults = {look.fault for look in row.looks}
    if len(faults) == 1 and "" not in faults:
        return {**told, "fault": faults.pop()}
    looks = [_look_told(look, kept) for look in row.looks if look.flagged or look.fault]
    return {**told, "looks": looks} if looks else told


def _look_told(look: Look, kept: int) -> dict[str, Any]:
    if look.fault:
        return {"detector": look.detector, "fault": look.fault}
    seen = [each.model_dump(exclude={"detector"}) for each in look.sightings[:kept]]
    return {"detector": look.detector, "flagged": look.flagged, "sightings": seen}
