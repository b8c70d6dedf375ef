"""How likely so many independent matches are by chance alone."""

from collections.abc import Sequence

import numpy as np

from touchstone.statistics.errors import UnusableNumbersError


def chance_of_matches(chances: Sequence[float], at_least: int) -> float:
    """P(at least so many of independent matches), each with a chance of its own: exact.

    The tail of a Poisson binomial, by convolution; every term is positive, so that a tail of 1e-40
    keeps its digits.

    Args:
        chances: Of each match, from 0 to 1.
        at_least: How many there are.

    Raises:
        UnusableNumbersError: a chance is no probability.
    """
    if not all(0 <= each <= 1 for each in chances):
        raise UnusableNumbersError("a chance lies from 0 to 1")
    if at_least <= 0:
        return 1.0
    if at_least > len(chances):
        return 0.0
    exactly = np.zeros(len(chances) + 1)
    exactly[0] = 1.0
    for each in chances:
        exactly[1:] = exactly[1:] * (1 - each) + exactly[:-1] * each
        exactly[0] *= 1 - each
    return float(min(1.0, exactly[at_least:].sum()))
