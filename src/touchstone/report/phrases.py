"""How the words of the record are said on a page."""

from datetime import date

VERDICTS = {
    "above": "Above",
    "below": "Below",
    "within-zone": "Within zone",
    "at-ceiling": "At ceiling",
    "undetermined": "Undetermined",
    "no-threshold": "No threshold",
    "not-reached": "No verdict",
}
"""What the pill of a verdict says."""
PHRASES = {
    "above": "above the threshold",
    "below": "below the threshold, as elicited",
    "within-zone": "within the zone around the threshold",
    "at-ceiling": "all or none solved, so these items cannot tell",
    "undetermined": "too few items to tell",
    "no-threshold": "measured, nothing concluded",
    "not-reached": "no verdict that may be read here",
}
SAYS = {
    "met": "Met",
    "not-met": "Not met",
    "undetermined": "Undetermined",
    "declared-met": "Declared met",
    "declared-not-met": "Declared not met",
    "not-declared": "Not declared",
}
"""What the pill of a criterion says in the designation."""
RESULTS = {
    "solved": ("solved", "solved"),
    "unsolved": ("unsolved", "unsolved"),
    "refusal": ("refusal", "refusals"),
    "time-out": ("time-out", "time-outs"),
    "limit": ("limit met", "limits met"),
    "error": ("error", "errors"),
}


def percent(rate: float) -> str:
    """A rate as a whole percentage; never 0% or 100% unless it is exactly that."""
    if 0 < rate < 0.005:  # noqa: PLR2004  half of one percent: the rounding step
        return "<1%"
    if 0.995 <= rate < 1:  # noqa: PLR2004  the same at the other end
        return ">99%"
    return f"{rate:.0%}"


def verdict_pill(word: str) -> str:
    """A verdict in a word or two."""
    return VERDICTS.get(word, word)


def verdict_phrase(word: str) -> str:
    """A verdict as part of a sentence."""
    return PHRASES.get(word, word.replace("-", " "))


def says_pill(word: str) -> str:
    """What a criterion says in the designation, in a word or two."""
    return SAYS.get(word, word.replace("-", " "))


def outcome(result: str, number: int) -> str:
    """Outcomes of one kind, as `2 time-outs`."""
    one, many = RESULTS.get(result, (result, result))
    return f"{number} {one if number == 1 else many}"


def day(text: str) -> str:
    """A day `YYYY-MM-DD` as `21 Nov 2026`."""
    read = date.fromisoformat(text)
    return f"{read.day} {read:%b %Y}"
