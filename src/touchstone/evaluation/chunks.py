"""A chunk: 8 to 32 positions of the committed permutation, for one way of asking one model.

Where a set has several attempts at each item, a chunk is one attempt at each of its positions.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from touchstone.evaluation.digests import Frozen, digest_value

MIN_CHUNK = 8
MAX_CHUNK = 32


class ChunkSpec(Frozen):
    """What one idempotent Inspect run is about. Its id is the digest of everything in it."""

    case: str
    """The case that the outcomes belong to."""
    battery: str
    """Digest of the sealed battery's public part."""
    item_set: str
    """The item set's id in the battery."""
    variant: str
    """The variant's id in the submission."""
    mode: str
    """The mode's id in the submission."""
    endpoint: str
    """The mode's endpoint digest: base URL, model string and settings."""
    elicitation: str
    """The elicitation's digest."""
    rule: str
    """The adjudication rule's digest."""
    indices: Annotated[tuple[int, ...], Field(min_length=1, max_length=MAX_CHUNK)]
    """Consecutive positions in the committed permutation. The last chunk of a set may be short."""
    attempt: Annotated[int, Field(ge=1)] = 1
    """Which of the sealed attempts at each of these items it is, from 1."""

    @model_serializer(mode="wrap")
    def _without_the_only_attempt(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without attempt 1, so that chunks keep the ids that they had before there were more."""
        value: dict[str, Any] = plain(self)
        return {k: v for k, v in value.items() if k != "attempt" or v != 1}

    @model_validator(mode="after")
    def _consecutive(self) -> "ChunkSpec":
        first = self.indices[0]
        if first < 0 or self.indices != tuple(range(first, first + len(self.indices))):
            raise ValueError("indices must be consecutive positions, from 0 on")
        return self

    @property
    def id(self) -> str:
        """32 hex digits of the digest of the whole spec."""
        return _id_of(self)


@lru_cache(maxsize=1024)
def _id_of(spec: ChunkSpec) -> str:
    # Asked for several times a sample: digesting it anew was a fifth of what a review adds to one.
    return digest_value(spec.model_dump(mode="json")).removeprefix("sha256:")[:32]


def ranges(size: int, chunk: int = 16) -> Iterable[tuple[int, ...]]:
    """Cut `size` positions into runs of `chunk`; a rest shorter than 8 joins the run before it.

    Raises:
        ValueError: `chunk` is not within 8 and 24, so that a joined rest still fits in 32.
    """
    if not MIN_CHUNK <= chunk <= MAX_CHUNK - MIN_CHUNK:
        raise ValueError(f"a chunk holds {MIN_CHUNK} to {MAX_CHUNK - MIN_CHUNK} positions")
    starts = list(range(0, size, chunk))
    # A chunk of one or two samples would cost a start of Inspect for itself.
    if len(starts) > 1 and size - starts[-1] < MIN_CHUNK:
        starts.pop()
    ends = [*starts[1:], size] if starts else []
    return [tuple(range(start, end)) for start, end in zip(starts, ends, strict=True)]


def prefix(recorded: Sequence[int]) -> int:
    """Length of the contiguous prefix 0, 1, 2, ... of recorded positions, in any order.

    Only the prefix may decide whether to go on: outcomes arrive fastest first, and what is slow
    fails more often.
    """
    seen = set(recorded)
    length = 0
    while length in seen:
        length += 1
    return length
