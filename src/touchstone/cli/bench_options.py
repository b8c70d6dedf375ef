"""What may be asked of a bench otherwise than by default."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Each goes with the bench that its help names first; `bench.run` refuses it with another."""

    matrix: Path | None = None
    """For verdicts: models x items, CSV or Parquet; default: an invented population."""
    tau: float | None = None
    """For verdicts: one threshold for all models; default: 5, 10 and 20 points around each."""
    zone: float | None = None
    """For verdicts: half width of the zone; default 0."""
    alpha: float | None = None
    """For verdicts: chance allowed for a false "above"; default 0.05."""
    beta: float | None = None
    """For verdicts: chance allowed for a false "below"; default 0.05."""
    concurrency: int | None = None
    """For verdicts: samples in flight at once; default 1."""
    shuffle_items: Annotated[bool, Parameter(negative="")] = False
    """For verdicts: break what the other models tell of the items."""
    train: str | None = None
    """For verdicts: learn from others, weakest, few or none; default others."""
    items: int | None = None
    """For verdicts: items of the invented population; default 500."""
    rounds: int | None = None
    """For gateway: rounds of each measure, default 3. For directive: how many, default 20."""
    seconds: float | None = None
    """For gateway: under load, for each in each round; default 4."""
    entries: int | None = None
    """For ledger: of the case that is opened; default 10000. For portal: of each; default 100."""
    cases: int | None = None
    """For portal: how many; default 2000, which take four minutes to make."""
    family: str | None = None
    """For cheats: one shipped family of tasks; default: all."""
    level: int | None = None
    """For cheats: one difficulty, 1 to 5; default: all."""
    training: int | None = None
    """For cheats: items that a cheat learns from; default 500."""
    fresh: int | None = None
    """For cheats: items that it is then held to; default 200."""

    def given(self) -> dict[str, Any]:
        """Those that were asked for, by name, as the bench's `run` takes them."""
        every = {each.name: getattr(self, each.name) for each in fields(self)}
        # A number of 0 was given; a flag that is off was not.
        return {
            key: value for key, value in every.items() if value is not None and value is not False
        }


AS_USUAL = BenchOptions()
"""Nothing asked otherwise than by default."""
