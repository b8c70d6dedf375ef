"""The installation asks its witnesses to cosign the newest checkpoint, and keeps what they answer.

Never within a deed's transaction: a witness that is down costs a line, and no deed.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from touchstone.errors import BadInputError
from touchstone.handin import utc_text
from touchstone.ledger import VerifierKey, parse_checkpoint, parse_note, parse_vkey
from touchstone.ledger.notes import COSIGNATURE_V1, ED25519
from touchstone.service.configuration import CONFIGURATION, read_configuration
from touchstone.service.installation import Installation
from touchstone.witness.asking import AskedWitness, Offer, WitnessAnswer, ask_witnesses

ASK_SECONDS = 10.0
"""For each witness; they are asked at the same time."""


@dataclass(frozen=True)
class WitnessSaid:
    """How one witness answered; `at` is the time of its cosignature (UTC), by its own clock."""

    witness: str
    word: str
    says: str
    at: str = ""


@dataclass(frozen=True)
class WitnessesAsked:
    """How all of them answered about one checkpoint of the installation's log."""

    size: int
    answers: tuple[WitnessSaid, ...]

    @property
    def all_cosigned(self) -> bool:
        """Whether every witness did."""
        return all(each.word == "cosigned" for each in self.answers)

    @property
    def faults(self) -> list[str]:
        """A line for each that did not."""
        return [
            f"witness {each.witness} did not cosign: {each.says}"
            for each in self.answers
            if each.word != "cosigned"
        ]

    def lines(self) -> list[str]:
        """For people."""
        cosigned = [
            f"{each.witness} cosigned {self.size} heads at {each.at}"
            for each in self.answers
            if each.word == "cosigned"
        ]
        return [*cosigned, *self.faults]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"all_cosigned": self.all_cosigned}


def ask_configured(
    installation: Installation, only: Iterable[str] = (), seconds: float = ASK_SECONDS
) -> WitnessesAsked:
    """Ask the witnesses of touchstone.toml, or those named, and keep their cosignatures.

    The heads of all cases are published first. With no witness configured nothing is done.

    Raises:
        BadInputError: a witness is named that is not configured.
        ConfigurationError: touchstone.toml cannot be used.
        ReadOnlyError, DamagedError: nothing may be written here.
    """
    configured = {each.name: each for each in read_configuration(installation.home).witnesses}
    named = tuple(only)
    # Before any is asked: a slip in one name must not leave half of them asked.
    for name in named:
        if name not in configured:
            raise BadInputError(f"{name[:80]!a}: {CONFIGURATION} names no such witness")
    chosen = {name: configured[name] for name in named or configured}
    if not chosen:
        return WitnessesAsked(0, ())
    log, history = installation.records.installation, installation.keyring.history
    note = log.checkpoint()
    size = parse_checkpoint(parse_note(note).text).size
    asked = []
    for name, each in chosen.items():
        key = parse_vkey(each.vkey, COSIGNATURE_V1)
        # No more than there is here: after a restore a witness may have cosigned a larger log.
        asked.append(AskedWitness(name, each.url, key, min(size, log.cosigned_size(key))))
    offer = Offer(
        note=note,
        prove=log.consistency_of(size),
        keys=b"".join(line.line + b"\n" for line in history.lines),
        vkey=str(VerifierKey(history.origin, ED25519, history.current)),
    )
    answers = asyncio.run(ask_witnesses(asked, offer, seconds))
    # Whatever the others said: each cosignature counts by itself.
    if lines := "".join(each.lines for each in answers):
        log.keep_cosigned(note, lines)
    return WitnessesAsked(size, tuple(map(_said, answers)))


def _said(answer: WitnessAnswer) -> WitnessSaid:
    at = "" if answer.time is None else utc_text(datetime.fromtimestamp(answer.time, UTC))
    return WitnessSaid(answer.label, answer.word, answer.says, at)
