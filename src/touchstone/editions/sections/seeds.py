"""Whose a battery's seed was, in words: what neither side could choose, and what one could."""

from touchstone.editions.sentences import paragraph, sentence
from touchstone.review import State
from touchstone.review.events.seeding import SeedOrigin


def whose_seed(origin: SeedOrigin | None) -> str:
    """Whose a sealed battery's seed is; None: the centre had committed to nothing before."""
    if origin is None:
        return sentence("elicitation.seed-of-centre")
    if origin.developer is None:
        return sentence("elicitation.seed-of-centre-committed")
    return sentence("elicitation.seed-of-both")


def seed_said(state: State, battery: str) -> str:
    """The same, and whether it was revealed, so that the other side could draw again what ran."""
    revealed = battery in state.seeds_revealed
    opened = (
        sentence("elicitation.seed-revealed") if revealed else sentence("elicitation.seed-closed")
    )
    return paragraph(whose_seed(state.batteries[battery].origin), opened)
