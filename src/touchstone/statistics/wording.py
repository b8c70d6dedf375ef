"""How a rate and an interval are written, for people, wherever they are."""

_MOST_DIGITS = 6


def percent(rate: float, digits: int = 0) -> str:
    """A rate as a percentage of so many decimals; never 0% or 100% unless it is exactly that."""
    # Readers take 0% for never and 100% for always; neither is so before it is exact.
    least = 10.0**-digits
    half = least / 200
    if 0 < rate <= half:
        return f"<{least:g}%"
    if -half <= rate < 0:
        return f">-{least:g}%"
    if 1 - half <= rate < 1:
        return f">{100 - least:g}%"
    return f"{rate:.{digits}%}"


def percent_digits(low: float, high: float) -> int:
    """The decimals at which both ends of an interval can be told apart: none, for most."""
    # An interval that reads as one number would seem to be certain.
    return next(
        (each for each in range(_MOST_DIGITS) if percent(low, each) != percent(high, each)),
        0 if low == high else _MOST_DIGITS,
    )


def percent_interval(low: float, high: float) -> str:
    """Both ends of an interval of rates, as `<1% to 27%`: the same text in every place."""
    digits = percent_digits(low, high)
    return f"{percent(low, digits)} to {percent(high, digits)}"


def exact_percent(rate: float) -> str:
    """A rate that was laid down, as `50%` or `7.5%`: never rounded to another."""
    return f"{rate * 100:.6g}%"
