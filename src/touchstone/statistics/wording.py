"""How a rate and an interval are written, for people, wherever they are."""


def percent(rate: float) -> str:
    """A rate as a whole percentage; never 0% or 100% unless it is exactly that."""
    # Readers take 0% for never and 100% for always; neither is so before it is exact.
    if 0 < rate < 0.005:  # noqa: PLR2004  half of one percent: the rounding step
        return "<1%"
    if 0.995 <= rate < 1:  # noqa: PLR2004  the same at the other end
        return ">99%"
    return f"{rate:.0%}"


def percent_interval(low: float, high: float) -> str:
    """Both ends of an interval of rates, as `<1% to 27%`: the same text in every place."""
    return f"{percent(low)} to {percent(high)}"


def exact_percent(rate: float) -> str:
    """A rate that was laid down, as `50%` or `7.5%`: never rounded to another."""
    return f"{rate * 100:.6g}%"
