"""What long work says of itself while it goes on; whoever shows it implements `Observer`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from touchstone.review.events.measuring import Reference


@dataclass(frozen=True)
class RunProgress:
    """How far one item set in one mode has come."""

    criterion: str
    mode: str
    total: int
    recorded: int
    """Outcomes in the record or in a chunk's journal."""
    solved: int
    """Of those that the verdict rests on; of all recorded where there is none."""
    in_flight: int
    verdict: str = ""
    """What was said of it; empty where nothing was so far."""
    used: int = 0
    """Samples that the verdict rests on."""
    claim: str = ""
    """The rate that the verdict's word is about, where it is not the threshold itself."""
    lost: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Samples that measured nothing, by kind: of those that the verdict rests on, else of all."""
    reasoning: str = "not-asked"
    """Whether the mode asks for reasoning, and whether any was seen."""
    may_stop: bool = False
    """Whether a verdict may stop it before all of its items have run."""
    reference: bool = False
    """Whether it is there to be compared with, so that nothing is said of it."""
    beside: tuple[Reference, ...] = ()
    """Each mode of the reference that the verdict compares with."""
    repeated: int = 0
    """Samples that were begun more than once: earlier executions were broken off."""
    scored: int | None = None
    """Items with a score that is only reported, where nothing is decided; None: results decide."""

    ran_solved: int | None = None
    """Of all recorded, which never falls; None: as `solved`."""

    @property
    def solved_so_far(self) -> int:
        """Of all recorded, whatever the verdict rests on."""
        return self.solved if self.ran_solved is None else self.ran_solved

    @property
    def counted(self) -> int:
        """Samples that the verdict rests on; all where there is none."""
        return self.used if self.verdict else self.recorded

    @property
    def rates(self) -> dict[str, float]:
        """The share of these samples that measured nothing, by kind."""
        return {kind: count / self.counted for kind, count in self.lost.items() if self.counted}

    @property
    def wanting_beside(self) -> tuple[Reference, ...]:
        """Modes of the reference of which something was lost, or that are not shown to be on."""
        return tuple(each for each in self.beside if each.unmeasured.total or not each.shown)

    @property
    def ended(self) -> bool:
        """Whether no more samples are issued."""
        return self.recorded >= self.total or (self.may_stop and bool(self.verdict))


class Observer(Protocol):
    """Is told what happens. It must not raise, and must not keep the work waiting."""

    def step(self, text: str) -> None:
        """A step was taken; one line."""
        ...

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """How every run stands now; called often."""
        ...
