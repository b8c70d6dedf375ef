"""A battery's seed from two sides: the centre commits, the developer contributes, the seed opens.

The centre commits first, so that it cannot answer what the developer gives; the developer gives its
contribution to the centre alone in the deed that commits to it, and learns the centre's only when
the seed is revealed.
"""

from typing import Literal

from touchstone.review.events.base import Digest, Event, Facts, Hex32, Name


class SeedOrigin(Facts):
    """What a battery's seed is made of: the digests of what each side contributed."""

    centre: Digest
    """Of the centre's contribution, as it committed to it."""
    developer: Digest | None = None
    """Of the developer's; null: it gave none, and the seed was the centre's alone."""


class SeedCommitted(Event):
    """The centre commits to its contribution to the next battery's seed, and opens it to nobody."""

    type: Literal["seed-committed"] = "seed-committed"
    battery: Name
    """The battery that is sealed next."""
    contribution: Digest
    """The digest of what the centre contributes."""


class SeedContributed(Event):
    """The developer contributes to a seed that the centre has committed to; the centre reads it."""

    type: Literal["seed-contributed"] = "seed-contributed"
    battery: Name
    """The battery."""
    answers: Digest
    """The centre's commitment that the developer has before it."""
    contribution: Digest
    """The digest of what the developer contributes."""


class SeedRevealed(Event):
    """The centre opens a sealed battery's seed: whoever reads it can draw the battery again."""

    type: Literal["seed-revealed"] = "seed-revealed"
    battery: Name
    """The battery. Nothing more is recorded of it."""
    seed: Hex32
    """The commitment to the seed, as in the sealed battery."""
    origin: SeedOrigin | None = None
    """What it is made of; null: the centre drew it and committed to nothing before."""


SEEDINGS: tuple[type[Event], ...] = (SeedCommitted, SeedContributed, SeedRevealed)
