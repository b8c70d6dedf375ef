"""Which parts of an item are flawed, and what shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from touchstone.evaluation.families.draws import Draws

COUNTS = (0, *(1,) * 4, *(2,) * 5, *(3,) * 6)
"""Of sixteen items one has no flaw: "none" must not be worth much, and must be right at times."""
PROOF_TRIES = 150

Part = dict[str, Any]
"""One numbered part: what it does, as JSON."""
Slip = tuple[int, str]
"""A part's place, from 0, and what of it is otherwise: a word, perhaps with `:` and a place."""
Steps = list[dict[str, Any]]
"""What a program is asked, oldest first."""


class ClaimModel(Protocol):
    """What the parts of a family come to. A module of this form is a family's `model.py`."""

    def open_slips(self, parts: Sequence[Part]) -> list[Slip]:
        """Everything that a program of these parts could have otherwise."""
        ...

    def slips_made(self, parts: Sequence[Part], slips: Sequence[Slip]) -> list[Part]:
        """The parts with some things otherwise."""
        ...

    def comes_to(self, facts: Mapping[str, Any], parts: Sequence[Part], steps: Steps) -> Any:
        """What is had after the steps, as JSON."""
        ...

    def steps_fault(self, facts: Mapping[str, Any], parts: Sequence[Part], steps: object) -> str:
        """Why something is no list of steps; empty: it is one."""
        ...

    def some_steps(
        self, draw: Draws, facts: Mapping[str, Any], parts: Sequence[Part], focus: int | None
    ) -> Steps:
        """Steps at random; with a focus, more often than not at the edges of that part."""
        ...


@dataclass(frozen=True)
class Shown:
    """Steps after which a slip shows, and what is had after them by the terms."""

    steps: Steps
    right: Any


@dataclass(frozen=True)
class ClaimPlan:
    """Everything that the program, its terms, the judge and the reference are made from."""

    title: str
    facts: Mapping[str, Any]
    """What all parts share, as JSON."""
    parts: tuple[Part, ...]
    """By the terms."""
    slips: tuple[Slip, ...]
    """0 to 3, at most one a part, in the order of the parts."""
    shown: tuple[Shown, ...]
    """One for each slip."""


def slip_kind(slip: Slip) -> str:
    """What kind of slip it is: its word alone."""
    return slip[1].partition(":")[0]


def planted(
    draw: Draws,
    model: ClaimModel,
    facts: Mapping[str, Any],
    parts: Sequence[Part],
    kinds: Sequence[str],
) -> tuple[tuple[Slip, ...], tuple[Shown, ...]]:
    """Slips of these kinds at different parts, a kind as often as it stands there; each is shown.

    One that no steps show is none.
    """
    wanted = draw.pick(COUNTS)
    rest = [slip for slip in model.open_slips(parts) if slip_kind(slip) in kinds]
    found: dict[Slip, Shown] = {}
    while len(found) < wanted and rest:
        there = sorted({slip_kind(slip) for slip in rest})
        kind = draw.pick([each for each in there for _ in range(kinds.count(each))])
        slip = draw.pick([each for each in rest if slip_kind(each) == kind])
        shown = _shown(draw, model, facts, parts, slip)
        rest = [s for s in rest if s != slip and (shown is None or s[0] != slip[0])]
        if shown is not None:
            found[slip] = shown
    slips = tuple(sorted(found))
    return slips, tuple(found[slip] for slip in slips)


def _shown(
    draw: Draws,
    model: ClaimModel,
    facts: Mapping[str, Any],
    parts: Sequence[Part],
    slip: Slip,
) -> Shown | None:
    wrong = model.slips_made(parts, [slip])
    for _ in range(PROOF_TRIES):
        steps = model.some_steps(draw, facts, parts, slip[0])
        right = model.comes_to(facts, parts, steps)
        if model.comes_to(facts, wrong, steps) != right:
            return Shown(steps, right)
    return None
