"""One installation, opened: its record, keys, clock and random source."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import platformdirs

from touchstone.keys import Clock, Keyring, RandomSource, SystemClock, SystemRandom, utc_text
from touchstone.records import Records
from touchstone.review import State, fold, parse_event
from touchstone.service.errors import RefusedDeed

HOME = "TOUCHSTONE_HOME"


class HasEvents(Protocol):
    """A case that is read or written: its part 0s from any entry on."""

    case: str

    def events(self, start: int = 0) -> list[dict[str, object]]:
        """Part 0 of each entry from `start` on."""
        ...


@dataclass
class Installation:
    """What every deed needs. Use `open_installation`."""

    home: Path
    records: Records
    keyring: Keyring
    clock: Clock = field(default_factory=SystemClock)
    random: RandomSource = field(default_factory=SystemRandom)
    _states: dict[str, State] = field(default_factory=dict)

    def now(self) -> str:
        """The present moment as the record writes it."""
        return utc_text(self.clock.now())

    def state(self, case: str) -> State:
        """A case's state as it stands now.

        Raises:
            CaseMissingError: there is no such case.
        """
        return self.state_in(self.records.case(case))

    def state_in(self, case: HasEvents) -> State:
        """The state that a case's events fold to; only those not seen before are read."""
        known = self._states.get(case.case, State())
        state = fold((parse_event(facts) for facts in case.events(known.size)), known)
        self._states[case.case] = state
        return state

    def note_refusal(self, case: str, refusal: RefusedDeed) -> None:
        """Keep a refused deed in the side log, outside of every case."""
        second, event = int(self.clock.now().timestamp()), refusal.event
        self.records.refusals.note(second, event.actor, case, event.type, refusal.reason)


def home_folder() -> Path:
    """TOUCHSTONE_HOME, or the user's data folder."""
    named = os.environ.get(HOME)
    return Path(named) if named else platformdirs.user_data_path("touchstone", appauthor=False)


@contextlib.contextmanager
def open_installation(
    home: Path | None = None, clock: Clock | None = None, random: RandomSource | None = None
) -> Iterator[Installation]:
    """Open the installation at `home`; on its first day keys and record are made.

    Raises:
        KeyFileError: a key file cannot be trusted; the line says how to mend it.
        RecordsError: the record cannot be opened, and why.
    """
    folder = (home or home_folder()).resolve()
    with contextlib.suppress(OSError):
        # Work in progress lies here in the clear. Whatever is amiss, the keyring says it better.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ticking, drawing = clock or SystemClock(), random or SystemRandom()
    keyring = Keyring.open_or_create(folder / "keys", utc_text(ticking.now()), drawing)
    records = Records.open(folder, keyring)
    try:
        yield Installation(folder, records, keyring, ticking, drawing)
    finally:
        records.close()
