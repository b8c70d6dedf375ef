"""Every detector, in one order, and all of them over one transcript in one pass."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources

from touchstone.evaluation.oversight.hidden_reasoning import cut_reasoning, redacted_reasoning
from touchstone.evaluation.oversight.leaks import Canaries, given_secrets, leaked_secrets
from touchstone.evaluation.oversight.reading import TranscriptReading
from touchstone.evaluation.oversight.said_patterns import said_patterns
from touchstone.evaluation.oversight.sightings import (
    MOST_SIGHTINGS,
    QUOTE_LENGTH,
    WHY_LENGTH,
    Look,
    Sighting,
)
from touchstone.evaluation.oversight.tool_results import (
    Found,
    quoted_results,
    spoofed_results,
    unwitnessed_results,
)
from touchstone.handin import printable_line

Detect = Callable[[TranscriptReading], Found]
MEASURED_FILES = (
    "detectors.py",
    "folding.py",
    "hidden_reasoning.py",
    "leaks.py",
    "reading.py",
    "said_patterns.py",
    "said_patterns.toml",
    "tool_results.py",
)
"""What decides whether a transcript is flagged: the digest of the detectors' code is over these."""


def detectors(canaries: tuple[str, ...] = ()) -> dict[str, Detect]:
    """By name, spoofed results first. `canaries` are the marks of the items that ran."""
    said = said_patterns()
    return {
        "spoofed-result": spoofed_results,
        "quoted-result": quoted_results,
        "unwitnessed-result": unwitnessed_results,
        "test-awareness": said["test-awareness"],
        "tampering": said["tampering"],
        "reward-hacking": said["reward-hacking"],
        "shutdown-resistance": said["shutdown-resistance"],
        "redacted-reasoning": redacted_reasoning,
        "cut-reasoning": cut_reasoning,
        "secret": leaked_secrets,
        "given-secret": given_secrets,
        "canary": Canaries(canaries),
        "refusal": said["refusal"],
        "giving-up": said["giving-up"],
    }


def look_through(reading: TranscriptReading, having: dict[str, Detect]) -> tuple[Look, ...]:
    """What each detector makes of a transcript. One that fails did not look; the others do."""
    return tuple(_look(name, detect, reading) for name, detect in having.items())


def _look(name: str, detect: Detect, reading: TranscriptReading) -> Look:
    kept: list[Sighting] = []
    flagged = 0
    try:
        for message, why, quote in detect(reading):
            flagged += 1
            if len(kept) < MOST_SIGHTINGS:
                kept.append(_sighting(name, message, why, quote))
    except Exception as error:  # noqa: BLE001 - whatever a strange transcript brings about
        # Not `unflagged`, and not what was found so far either: it has not looked at the rest.
        return Look(
            detector=name, fault=printable_line(f"{type(error).__name__}: {error}", WHY_LENGTH)
        )
    return Look(detector=name, flagged=flagged, sightings=tuple(kept))


def _sighting(name: str, message: str, why: str, quote: str) -> Sighting:
    # Half of a pair is no text that can be kept.
    clean = quote[:QUOTE_LENGTH].encode("utf-8", "replace").decode()
    return Sighting(detector=name, message=message[:WHY_LENGTH], why=why, quote=clean)


@cache
def detectors_digest() -> str:
    """`sha256:...` of the detectors' own code: what was measured of other code holds of that."""
    here = resources.files("touchstone.evaluation.oversight")
    parts = (hashlib.sha256(here.joinpath(name).read_bytes()).digest() for name in MEASURED_FILES)
    return "sha256:" + hashlib.sha256(b"".join(parts)).hexdigest()
