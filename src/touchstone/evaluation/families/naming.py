"""How items are named, and what a prompt may say about them."""

import hashlib
import re

from touchstone.evaluation.families.base import MAX_DIFFICULTY, MIN_DIFFICULTY

SEEDS = 2**64
_ID = re.compile(r"(?P<family>[a-z0-9]+(?:-[a-z0-9]+)*)/(?P<difficulty>\d)-(?P<seed>[0-9a-f]{16})")


def item_id(family: str, seed: int, difficulty: int) -> str:
    """`<family>/<difficulty>-<seed as 16 hex digits>`.

    Raises:
        ValueError: seed or difficulty out of range.
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed {seed} is not in 0 to 2**64 - 1")
    if not MIN_DIFFICULTY <= difficulty <= MAX_DIFFICULTY:
        raise ValueError(f"difficulty {difficulty} is not {MIN_DIFFICULTY} to {MAX_DIFFICULTY}")
    return f"{family}/{difficulty}-{seed:016x}"


def parse_item_id(text: str) -> tuple[str, int, int]:
    """(family, seed, difficulty) of an item id.

    Raises:
        ValueError: the text is no item id.
    """
    match = _ID.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no item id, such as memory-safety/3-00000000000000ff")
    return match["family"], int(match["seed"], 16), int(match["difficulty"])


def task_label(identity: str) -> str:
    """A name for the item that a prompt may show: 12 hex digits that do not give the seed away.

    The generators are public, so a prompt that held the seed would hold the reference as well.
    """
    return hashlib.sha256(b"touchstone/task-label/1\0" + identity.encode()).hexdigest()[:12]
