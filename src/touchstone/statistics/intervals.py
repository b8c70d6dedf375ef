"""Confidence intervals of a success rate and of a difference of two rates."""

from dataclasses import dataclass

from scipy.special import betaincinv, ndtri

from touchstone.statistics.errors import UnusableNumbersError


@dataclass(frozen=True)
class Interval:
    """A closed interval of rates (or of a difference of rates) at a confidence level."""

    low: float
    """Lower end; a rate lies in [0, 1], a difference in [-1, 1]."""
    high: float
    """Upper end, never below `low`."""
    confidence: float
    """Nominal coverage, strictly between 0 and 1."""


def require_counts(solved: int, counted: int) -> None:
    """Refuse counts that cannot be.

    Raises:
        UnusableNumbersError: a negative count, more solved than counted, or nothing counted.
    """
    if counted < 1:
        raise UnusableNumbersError(f"{counted} samples were counted: a rate needs at least one")
    if not 0 <= solved <= counted:
        raise UnusableNumbersError(f"{solved} of {counted} solved cannot be")


def require_level(level: float, what: str) -> None:
    """Refuse a level outside (0, 1).

    Raises:
        UnusableNumbersError: the level is 0, 1, outside, or not a number.
    """
    # Said in the positive, so that what is no number is refused as well.
    if not 0.0 < level < 1.0:
        raise UnusableNumbersError(f"{what} must lie strictly between 0 and 1, not {level}")


def clopper_pearson(solved: int, counted: int, confidence: float = 0.95) -> Interval:
    """The Clopper-Pearson interval: coverage is never below `confidence`.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    require_counts(solved, counted)
    require_level(confidence, "confidence")
    error = (1 - confidence) / 2
    low, high = lower_bound(solved, counted, error), upper_bound(solved, counted, error)
    return Interval(low, high, confidence)


def wilson(solved: int, counted: int, confidence: float = 0.95) -> Interval:
    """The Wilson score interval: shorter than the exact one, coverage right on average only.

    Source: Wilson, JASA 22 (1927).
    """
    require_counts(solved, counted)
    require_level(confidence, "confidence")
    rate, z = solved / counted, -float(ndtri((1 - confidence) / 2))
    centre, shrink = (rate + z**2 / (2 * counted)), 1 + z**2 / counted
    reach = z * (rate * (1 - rate) / counted + z**2 / (4 * counted**2)) ** 0.5
    # At no solved and all solved the ends are 0 and 1, where rounding would leave a hair.
    low = 0.0 if solved == 0 else (centre - reach) / shrink
    high = 1.0 if solved == counted else (centre + reach) / shrink
    return Interval(low, high, confidence)


def lower_bound(solved: float, counted: float, error: float) -> float:
    """The exact one-sided lower bound: the true rate is below it with chance at most `error`.

    Both counts may be fractions, as of a mean over clusters: the beta quantile runs between whole
    counts.
    """
    _require_share(solved, counted)
    require_level(error, "an error rate")
    # The beta quantile has no value where its first parameter is 0; the bound there is 0 by
    # definition.
    return 0.0 if solved <= 0 else float(betaincinv(solved, counted - solved + 1, error))


def upper_bound(solved: float, counted: float, error: float) -> float:
    """The exact one-sided upper bound: the true rate is above it with chance at most `error`."""
    _require_share(solved, counted)
    require_level(error, "an error rate")
    return 1.0 if solved >= counted else float(betaincinv(solved + 1, counted - solved, 1 - error))


def _require_share(solved: float, counted: float) -> None:
    """Refuse what is no share, whole or not."""
    if not counted >= 1:
        raise UnusableNumbersError(f"{counted:g} samples were counted: a rate needs at least one")
    if not 0 <= solved <= counted:
        raise UnusableNumbersError(f"{solved:g} of {counted:g} solved cannot be")


def difference_bounds(
    solved: int, counted: int, reference_solved: int, reference_counted: int, error: float
) -> tuple[float, float]:
    """One-sided bounds (low, high) of `rate - reference rate`, each wrong with chance <= `error`.

    Each rate gets half of the error (Bonferroni), so the bounds are conservative for independent
    and for paired samples alike.
    """
    # A product of two independent tests would be sharper, and wrong for two models on the same
    # items, whose rates hang together.
    half = error / 2
    low = lower_bound(solved, counted, half) - upper_bound(
        reference_solved, reference_counted, half
    )
    high = upper_bound(solved, counted, half) - lower_bound(
        reference_solved, reference_counted, half
    )
    return low, high
