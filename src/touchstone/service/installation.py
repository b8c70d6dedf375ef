"""One installation, opened: its record, keys, clock and random source."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from touchstone import review
from touchstone.deeds.agreed_readers import Readers
from touchstone.errors import TouchstoneError
from touchstone.framework import Framework
from touchstone.handin import utc_text
from touchstone.keys import Keyring, RandomSource, SystemClock, SystemRandom, TimeSource
from touchstone.records import SQLITE, Records, is_begun
from touchstone.records.remembered import Remembered
from touchstone.review import RecordedEvent, State, fold, read_event
from touchstone.review.packing import pack_state, unpack_state
from touchstone.service.errors import NoRecordError, RefusedDeed
from touchstone.service.homes import check_home, home_folder

if TYPE_CHECKING:
    from touchstone.evaluation.families.loading import LoadedFamilies
    from touchstone.evaluation.ports import EvidenceStaging
    from touchstone.service.reporting.looking import CaseGlance
    from touchstone.service.reporting.told_cases import ToldCase

KEEP_AFTER = 200
"""Entries: after so many that were folded anew, the state is kept."""


MOST_STATES = 200
"""Cases whose folded state is remembered: of a long case it is megabytes."""
MOST_TOLD = 256 << 20
"""Bytes of what was read of cases for pages, in one process."""
MOST_LOOKS = 50_000
"""Cases in which it is remembered what is next for a party."""


@dataclass(frozen=True)
class SeenState:
    """What the entries of a case that are open to a party come to."""

    state: State = field(default_factory=State)
    hidden: int = 0
    """How many entries are not open to it: each may have changed what is next."""
    size: int = 0
    """Of how many entries that is."""


class HasEvents(Protocol):
    """A case that is read or written: its part 0s from any entry on, with their times."""

    case: str

    def recorded_events(self, start: int = 0) -> list[tuple[dict[str, object], str]]:
        """Part 0 of each entry from `start` on, and when it was recorded (UTC)."""
        ...


@dataclass
class Installation:
    """What every deed needs. Use `open_installation`."""

    home: Path
    records: Records
    keyring: Keyring
    clock: TimeSource = field(default_factory=SystemClock)
    random: RandomSource = field(default_factory=SystemRandom)
    frameworks: dict[str, Framework] = field(default_factory=dict)
    """By digest, those that cases here are pinned to, as `service.frameworks` keeps them."""
    keys_made: dict[str, str] = field(default_factory=dict)
    """By party, the fingerprint of the key that was made for it here since this was opened."""
    agreed_readers: Remembered[Readers] = field(default_factory=lambda: Remembered(MOST_STATES))
    """By a text of an agreement, its digest, who may see what; see `Case.agreed_readers`."""
    seen_states: Remembered[Mapping[str, SeenState]] = field(
        default_factory=lambda: Remembered(MOST_STATES)
    )
    """Of a case by party, what is next followed from; `service.reporting.next_here` keeps it."""
    told_cases: "Remembered[ToldCase]" = field(
        default_factory=lambda: Remembered(MOST_TOLD, lambda told: told.bytes)
    )
    """By case, party and sight, what pages tell; `service.reporting.feed` keeps it."""
    looks: "Remembered[CaseGlance]" = field(default_factory=lambda: Remembered(MOST_LOOKS))
    """By party and case, what is next; `service.reporting.looking` keeps it."""
    witness_due: bool = False
    """Whether a deed stands, since this was opened, that witnesses should see soon."""
    _states: Remembered[State] = field(default_factory=lambda: Remembered(MOST_STATES))
    _kept_sizes: Remembered[int] = field(default_factory=lambda: Remembered(MOST_STATES))

    @property
    def amiss(self) -> tuple[str, ...]:
        """What does not fit together here, each with its fix; while there is any, it is read."""
        return self.records.amiss

    @property
    def staging(self) -> "EvidenceStaging":
        """What parties send before the deeds that it is evidence of.

        Raises:
            ReadOnlyError: nothing may be written here.
        """
        return self.records.staging

    @cached_property
    def families(self) -> "LoadedFamilies":
        """The families of tasks that its configuration names, loaded when first asked for.

        Raises:
            ConfigurationError: the configuration or one of them cannot be used.
        """
        # Most commands measure nothing, and need not wait for what measures.
        from touchstone.service.configuration import families_of  # noqa: PLC0415

        return families_of(self.home)

    def now(self) -> str:
        """The present moment as the record writes it."""
        return utc_text(self.clock.now())

    def state(self, case: str) -> State:
        """A case's state as it stands now.

        Raises:
            CaseMissingError: there is no such case.
        """
        reader = self.records.case(case)
        state = self.state_in(reader)
        if state.size - (self._kept_sizes.get(case) or 0) >= KEEP_AFTER:
            self._kept_sizes.keep(case, state.size)
            self.records.keep(reader, pack_state(state, folding_code()))
        return state

    def state_in(self, case: HasEvents) -> State:
        """The state that a case's events fold to; only those not seen before are read."""
        known = self._known(case.case)
        state = fold(_read(case.recorded_events(known.size)), known)
        self._states.keep(case.case, state)
        return state

    def folded_state(self, case: str, size: int | None = None) -> State:
        """The state as all events of the case, or the first so many, give it.

        Whatever was folded or kept before.
        """
        return fold(_read(self.records.case(case).recorded_events()[:size]))

    def kept_state(self, case: str) -> State | None:
        """What was kept of an earlier fold; None where there is none, or it is of no use."""
        kept = self.records.kept(case)
        return None if kept is None else unpack_state(kept, folding_code())

    def _known(self, case: str) -> State:
        """Where folding goes on from: what this process folded, else what was kept."""
        known = self._states.get(case)
        if known is None:
            known = self.kept_state(case) or State()
            self._states.keep(case, known)
            self._kept_sizes.keep(case, known.size)
        return known

    def remember_state(self, case: str, state: State) -> None:
        """Remember what a case's events fold to: of this state all of them stand in the record."""
        self._states.keep(case, state)

    def note_refusal(self, case: str, refusal: RefusedDeed) -> None:
        """Keep a refused deed in the side log, outside of every case."""
        second, event = int(self.clock.now().timestamp()), refusal.event
        self.records.refusals.note(second, event.actor, case, event.type, refusal.reason)


@contextlib.contextmanager
def open_installation(
    home: Path | None = None,
    clock: TimeSource | None = None,
    random: RandomSource | None = None,
    *,
    apart: bool = False,
    begins: bool = True,
) -> Iterator[Installation]:
    """Open the installation at `home`; on its first day keys and record are made.

    What is amiss with it stands in `Installation.amiss`: it can be read, and not be written.

    Args:
        home: The folder; None: TOUCHSTONE_HOME, or the user's data folder.
        clock: What tells the time.
        random: Where chance comes from.
        apart: Keep the record under `home` whatever TOUCHSTONE_DATABASE says: for what is invented.
        begins: Whether a party's home may become an installation's: else it is refused.

    Raises:
        UnsafeHomeError: others may write there.
        NoRecordError: it is a party's home, and does not begin there.
        KeyUnsafeError: others may read or write the keys; the line says how to fix it.
        RecordsError: the record cannot be opened, and why.
    """
    folder = check_home(home or home_folder())
    database = SQLITE if apart else None
    ticking, drawing = clock or SystemClock(), random or SystemRandom()
    keyring = Keyring(folder / "keys")
    if not keyring.begun and not is_begun(folder, database):
        if not begins and (folder / "parties").exists():
            # Whoever forgets --server is to be told, and not to become an installation.
            raise NoRecordError(folder)
        with contextlib.suppress(OSError):
            # Work in progress lies here in the clear. Whatever is amiss, the keyring says it.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keyring = Keyring.open_or_create(folder / "keys", utc_text(ticking.now()), drawing)
    records = Records.open(folder, keyring, database)
    try:
        yield Installation(folder, records, keyring, ticking, drawing)
    finally:
        with contextlib.suppress(TouchstoneError):
            # What moved meanwhile; if this cannot be done now, the next proof does it.
            records.publish()
        records.close()


def _read(facts: Iterable[tuple[dict[str, object], str]]) -> Iterator[RecordedEvent]:
    return ((read_event(each), at) for each, at in facts)


@cache
def folding_code() -> str:
    """Names the code by which events are folded: the digest of its sources."""
    digest = sha256()
    for file in sorted(Path(review.__path__[0]).rglob("*.py")):
        digest.update(sha256(file.read_bytes()).digest())
    return digest.hexdigest()
