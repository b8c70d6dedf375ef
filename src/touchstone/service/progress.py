"""What long work says of itself while it goes on; whoever shows it implements `Observer`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class RunProgress:
    """How far one item set in one mode has come."""

    criterion: str
    mode: str
    total: int
    recorded: int
    """Outcomes in the record or in a chunk's journal."""
    solved: int
    in_flight: int


class Observer(Protocol):
    """Is told what happens. It must not raise, and must not keep the work waiting."""

    def step(self, text: str) -> None:
        """A step was taken; one line."""
        ...

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """How every run stands now; called often."""
        ...


class Silent:
    """Shows nothing."""

    def step(self, text: str) -> None:
        """Nothing."""

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """Nothing."""
