"""What is next for a party in all its cases, at a glance: each case is looked into once.

    glance = glance_at(installation, "example-lab")
    glance.found, glance.unseen

A case is looked into again once it has moved, and once the time of a deed that is told has ended.
What else time alone brings is seen by the next look, and looks that are older than `LOOKED_AT` are
taken again, so many for each glance. Who must have it exactly asks `next_here`.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from touchstone.editions.next_text import NextInCase
from touchstone.handin import moment_of, utc_text
from touchstone.service.installation import Installation
from touchstone.service.reporting.next_here import models_of, next_in_case, next_invited

LOOKED_AT = timedelta(minutes=15)
LOOKS_AT_ONCE = 10
"""Cases that are looked into for one page."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CaseGlance:
    """What is next for a party in a case, as it was when somebody looked."""

    size: int
    """Of how many entries."""
    at: str
    """When that was (UTC)."""
    until: str
    """When the time of a deed ends that is told (UTC): then it is told no more; empty: never."""
    found: NextInCase | None
    model: str

    def holds(self, size: int, now: str) -> bool:
        """Whether it is still to be told."""
        return self.size == size and (not self.until or now <= self.until)


@dataclass(frozen=True)
class Glance:
    """What is next for a party in its cases."""

    found: Sequence[NextInCase]
    """By case."""
    unseen: int
    """Cases that moved and were not looked into: there were too many at once."""


def glance_at(installation: Installation, party: str, most: int | None = LOOKS_AT_ONCE) -> Glance:
    """What is next for a party; at most so many cases are looked into, None: all that moved."""
    now, told, unseen = installation.now(), list[NextInCase](), 0
    old = utc_text(moment_of(now) - LOOKED_AT)
    for case, size in installation.records.members.newest_sizes(party).items():
        look = installation.looks.get(_named(party, case))
        held = look is not None and look.holds(size, now)
        if most != 0 and (not held or (look and look.at < old)):
            look, held = _look(installation, party, case, size, now), True
            most = None if most is None else most - 1
        if look is None or not held:
            unseen += 1
        elif look.found:
            told.append(look.found)
    return Glance([*told, *next_invited(installation, party)], unseen)


class LookingOn:
    """Looks at what a page had no time for, so that the next need not: in a thread, by turns."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._parties = set[str]()
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def begin(self, party: str) -> None:
        """Look at all cases of a party that moved, unless that is under way."""
        with self._lock:
            if party in self._parties:
                return
            self._parties.add(party)
        threading.Thread(target=self._look, args=[party], name="looking", daemon=True).start()

    def _look(self, party: str) -> None:
        try:
            # One at a time: what is asked for in the meantime is answered by the others.
            with self._turn:
                glance_at(self._installation, party, None)
        except Exception:
            log.exception("a fault while looking at a party's cases")
        finally:
            self._installation.records.close()
            with self._lock:
                self._parties.discard(party)


def models_seen(installation: Installation, party: str, cases: Sequence[str]) -> dict[str, str]:
    """By case, what its model is called, where the party may read that; it has joined each."""
    return {case: model for case, model in _models(installation, party, cases) if model}


def _models(
    installation: Installation, party: str, cases: Sequence[str]
) -> Iterator[tuple[str, str]]:
    now, sizes = installation.now(), installation.records.members.newest_sizes(party)
    for case in cases:
        look, size = installation.looks.get(_named(party, case)), sizes[case]
        held = look if look and look.size == size else None
        yield case, (held or _look(installation, party, case, size, now)).model


def _look(installation: Installation, party: str, case: str, size: int, now: str) -> CaseGlance:
    found = next(iter(next_in_case(installation, case, [party])), None)
    model = models_of(installation, party, [case]).get(case, "")
    ends = [deed.due.at for deed in found.deeds if deed.due] if found else []
    until = min((end for end in ends if end > now), default="")
    look = CaseGlance(size, now, until, found, model)
    installation.looks.keep(_named(party, case), look)
    return look


def _named(party: str, case: str) -> str:
    return f"{party} {case}"
