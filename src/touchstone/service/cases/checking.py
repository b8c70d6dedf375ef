"""The whole record, recomputed: database, installation log, and each case with its evidence."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from touchstone.editions.case_summary import summarise_events
from touchstone.errors import TouchstoneError
from touchstone.service.installation import Installation


@dataclass(frozen=True)
class Amiss:
    """Something that does not hold."""

    where: str
    what: str


@dataclass(frozen=True)
class Checked:
    """What was looked at, and what was found."""

    cases: int
    entries: int
    evidence: int
    """Pieces of evidence, each opened and hashed."""
    faults: tuple[Amiss, ...]
    not_known: tuple[str, ...] = ()
    """Entries that a newer version wrote: whole and in place, but not to be understood here."""

    @property
    def sound(self) -> bool:
        """Whether nothing is amiss."""
        return not self.faults

    def lines(self) -> list[str]:
        """For people."""
        found = [f"amiss: {each.where}: {each.what}" for each in self.faults]
        looked = (
            f"Looked at {self.cases} cases, {self.entries:,} entries and {self.evidence:,} pieces "
            "of evidence: every part, deed, root, leaf and checkpoint, and the database."
        )
        newer = [f"not known to this version: {each}" for each in self.not_known]
        return [
            *found,
            *newer,
            looked,
            "Nothing is amiss." if self.sound else f"{len(found)} are amiss.",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            **asdict(self),
            "faults": [asdict(each) for each in self.faults],
            "sound": self.sound,
        }


def check(installation: Installation, step: Callable[[str], None]) -> Checked:
    """Recompute everything that is kept. Nothing is written, and nothing is fixed.

    Args:
        installation: Where; what is amiss with it as a whole is among what is found.
        step: Is told what is looked at next.
    """
    records = installation.records
    faults = [Amiss("installation", line) for line in installation.amiss]
    step("database and installation log")
    faults += _found("record", (Amiss(f.where, f.what) for f in records.check()))
    entries = evidence = 0
    not_known: list[str] = []
    try:
        names = records.names()
    except TouchstoneError as error:
        names = []
        faults.append(Amiss("record", str(error)))
    for number, case in enumerate(names, start=1):
        step(f"case {number} of {len(names)}: {case}")
        faults += _found(f"case {case}", _case(installation, case))
        try:
            reader = records.case(case)
            entries += reader.size
            evidence += 0 if reader.destroyed else len(reader.evidence_index())
            not_known += [f"case {case}: {each}" for each in installation.state(case).unknown]
        except TouchstoneError:
            # Told above.
            continue
    return Checked(len(names), entries, evidence, tuple(dict.fromkeys(faults)), tuple(not_known))


def _case(installation: Installation, case: str) -> Iterator[Amiss]:
    records = installation.records
    if case in records.destructions.unfinished():
        yield Amiss(
            f"case {case}",
            "destroyed, but its key may still lie in a file of the record: "
            f"touchstone review destroy {case}",
        )
    if records.case(case).destroyed:
        for folder in records.destructions.left_of(case):
            yield Amiss(
                f"case {case}",
                f"destroyed, but {folder} is left of it: touchstone review destroy {case}",
            )
    for fault in records.check_case(case, summarise_events):
        yield Amiss(fault.where, fault.what)
    kept = installation.kept_state(case)
    if kept is not None and kept != installation.folded_state(case, kept.size):
        folder = records.kept_folder(case)
        what = f"the state kept of it is not what its entries say: remove {folder}"
        yield Amiss(f"case {case}", what)
    installation.folded_state(case)


def _found(where: str, looking: Iterator[Amiss]) -> list[Amiss]:
    """All that is found; what ends the looking is found too."""
    found: list[Amiss] = []
    try:
        found.extend(looking)
    except TouchstoneError as error:
        found.append(Amiss(where, str(error)))
    return found
