"""What may be chosen for an item set beside its items: limits, models by role, expected cost."""

from typing import Annotated

from pydantic import Field

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.packs.manifest import PackLimits, PackScore
from touchstone.evaluation.submission import Mode, endpoint_digest


class SetLimits(PackLimits):
    """Limits of one sample, and of a pack's process. What is not said is as it is without them."""

    process_seconds: Annotated[int, Field(ge=1, le=10**7)] | None = None
    """Wall time of one process of a pack, which runs a chunk's samples."""

    def unlike_a_family(self) -> str:
        """The first limit that a family's samples do not have; empty where there is none."""
        named = ("seconds", "process_seconds")
        return next((name for name in named if getattr(self, name) is not None), "")

    @property
    def of_sample(self) -> PackLimits:
        """Without what is of the process."""
        return PackLimits.model_validate(self.model_dump(exclude={"process_seconds"}))


class ExpectedCost(Frozen):
    """What a sample is expected to take."""

    input: Annotated[int, Field(ge=0, le=10**12)]
    """Tokens."""
    output: Annotated[int, Field(ge=0, le=10**12)]
    seconds: Annotated[int, Field(ge=1, le=10**7)]
    """Wall time."""


class RoleMark(Frozen):
    """Which model a pack asks beside the subject."""

    model: str
    endpoint: str
    """Digest of its address, name and settings."""

    @classmethod
    def of(cls, mode: Mode) -> "RoleMark":
        """Of the model as it is asked."""
        return cls(model=mode.model, endpoint=endpoint_digest(mode))


class DeclaredScore(Frozen):
    """How a pack's scores are read, as its manifest declares it; numbers are decimals as text."""

    scorer: str
    key: str | None = None
    values: str
    range: tuple[str, str]
    solved_from: str | None = None
    """None: scores are only reported."""

    @classmethod
    def of(cls, score: PackScore) -> "DeclaredScore":
        """Of a manifest."""
        low, high = (f"{each:.17g}" for each in score.range)
        solved = None if score.solved_from is None else f"{score.solved_from:.17g}"
        return cls(
            scorer=score.scorer,
            key=score.key,
            values=score.values,
            range=(low, high),
            solved_from=solved,
        )
