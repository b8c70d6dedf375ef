"""What the commands of a witness do: make and show its key, serve, look at what it holds."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from touchstone.handin import utc_text
from touchstone.ledger import VerifierKey
from touchstone.ledger.notes import COSIGNATURE_V1
from touchstone.witness.config import WitnessConfig, load_witness
from touchstone.witness.cosigning import SAID
from touchstone.witness.serving import open_cosigner, serve_cosigner
from touchstone.witness.state import ForkEvidence, WitnessState


@dataclass(frozen=True)
class WitnessKeyShown:
    """A witness's key, as policies and installations configure it."""

    name: str
    vkey: str

    def lines(self) -> list[str]:
        """For people."""
        return [self.vkey]

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class LogSeen:
    """The newest that was cosigned of one log; `at` is UTC, None where there is nothing yet."""

    origin: str
    size: int | None = None
    root: str = ""
    at: str | None = None


@dataclass(frozen=True)
class WitnessStatus:
    """What a witness holds."""

    name: str
    logs: tuple[LogSeen, ...]
    evidence: tuple[ForkEvidence, ...]

    @property
    def forked(self) -> bool:
        """Whether some of the evidence proves more than that a request came late."""
        # `unproven` anybody can send who spoils a proof: it is a lead, and proves nothing.
        return any(each.kind in {"fork", "keys"} for each in self.evidence)

    def lines(self) -> list[str]:
        """For people."""
        found = [self.name]
        for log in self.logs:
            seen = (
                f"{_counted(log.size or 0, 'head')}, root {log.root}, at {log.at}"
                if log.at
                else "nothing yet"
            )
            found.append(f"{log.origin}: {seen}")
        found += [
            f"evidence of {_utc(each.time)}: {each.origin}: {SAID[each.kind]}"
            for each in self.evidence
        ]
        return found

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: of evidence the notes, too."""
        evidence = [asdict(each) | {"time": _utc(each.time)} for each in self.evidence]
        return asdict(self) | {"evidence": evidence, "forked": self.forked}


def show_witness_key(path: Path) -> WitnessKeyShown:
    """The key of a configured witness; it is made, with its state, where there is neither.

    Raises WitnessConfigError, WitnessStateError, KeyFileError.
    """
    config = load_witness(path)
    # Opened as for serving, so that a key is never shown whose state is gone.
    state, _, public_key = open_cosigner(config)
    state.close()
    return _shown(config, public_key)


def serve_witness(path: Path, told: Callable[[str], None]) -> None:
    """Serve a configured witness until SIGTERM or Ctrl-C; `told` gets its key and address.

    Raises WitnessConfigError, WitnessStateError, KeyFileError.
    """
    config = load_witness(path)
    state, cosigner, public_key = open_cosigner(config)

    def ready(address: str) -> None:
        logs = _counted(len(config.logs), "log")
        told(f"{_shown(config, public_key).vkey}\nwitness for {logs} at {address}")

    try:
        asyncio.run(serve_cosigner(config, cosigner, ready))
    finally:
        state.close()


def witness_status(path: Path) -> WitnessStatus:
    """What a configured witness has cosigned of each log, and its evidence; it may be serving.

    Raises WitnessConfigError, WitnessStateError.
    """
    config = load_witness(path)
    state = WitnessState.look(config.state)
    try:
        logs = []
        for origin in config.log_keys:
            head = state.head(origin)
            logs.append(
                LogSeen(origin, head.size, head.root.hex(), _utc(head.time))
                if head
                else LogSeen(origin)
            )
        return WitnessStatus(config.name, tuple(logs), tuple(state.evidence()))
    finally:
        state.close()


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _shown(config: WitnessConfig, public_key: bytes) -> WitnessKeyShown:
    return WitnessKeyShown(config.name, str(VerifierKey(config.name, COSIGNATURE_V1, public_key)))


def _utc(seconds: int) -> str:
    return utc_text(datetime.fromtimestamp(seconds, UTC))
