"""How the words of the record are said on a page."""

import math

from touchstone.editions.page.data import EvidenceCurve, ResultRow
from touchstone.handin import day_written
from touchstone.statistics import VerdictWord, exact_percent, percent

VERDICTS: dict[str, str] = {
    **{word: word.heading for word in VerdictWord},
    "no-threshold": "No threshold",
    "not-reached": "No verdict",
    "reference": "Reference",
}
"""What the pill of a verdict says."""
PHRASES: dict[str, str] = {
    **{word: word.phrase for word in VerdictWord},
    VerdictWord.UNDETERMINED: "too few items to tell",
    VerdictWord.NOT_MEASURED: "not measured: what was lost, cut or refused could change the "
    "word, or the mode is not shown to be on",
    "no-threshold": "measured, nothing concluded",
    "not-reached": "no verdict that may be read here",
    "reference": "compared with, not judged",
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
    "limit": ("planned limit used up", "planned limits used up"),
    "refused": ("refused", "refused"),
    "no-attempt": ("no attempt made", "no attempts made"),
    "cut": ("cut short", "cut short"),
    "lost-endpoint": ("lost to the endpoint", "lost to the endpoint"),
    "lost-instrument": ("lost to the instrument", "lost to the instrument"),
}


def verdict_pill(row: ResultRow) -> str:
    """A verdict in a word or two, with the rate that it claims: `Below 60%`."""
    word = VERDICTS.get(row.verdict, row.verdict)
    return word if row.claimed is None else f"{word} {exact_percent(row.claimed)}"


def verdict_phrase(row: ResultRow) -> str:
    """A row's verdict as part of a sentence."""
    if row.verdict == VerdictWord.UNDETERMINED and row.tied:
        return "a tie with the threshold: neither word holds"
    return PHRASES.get(row.verdict, row.verdict.replace("-", " "))


def says_pill(word: str) -> str:
    """What a criterion says in the designation, in a word or two."""
    return SAYS.get(word, word.replace("-", " "))


def outcome(result: str, number: int) -> str:
    """Outcomes of one kind, as `2 time-outs`."""
    one, many = RESULTS.get(result, (result, result))
    return f"{number} {one if number == 1 else many}"


def losses(row: ResultRow) -> str:
    """What measured nothing among the samples counted, with its rates; empty where all did."""
    return ", ".join(
        f"{outcome(kind, count)} ({percent(count / row.counted)})" for kind, count in row.lost
    )


def day(text: str) -> str:
    """A day `YYYY-MM-DD` as `21 Nov 2026`."""
    read = day_written(text)
    return f"{read.day} {read:%b %Y}"


def chances(bound: float) -> str:
    """The error rate behind a bound of log10 evidence, as `5 times in 100`; never too low."""
    scale, times = 100, 0
    while True:
        exactly = scale * 10**-bound
        times = math.ceil(exactly - 1e-6)
        if times <= exactly * 1.05 or scale >= 10**9:
            break
        scale *= 10
    return f"{'once' if times == 1 else f'{times} times'} in {scale:,}"


def times(evidence: float) -> str:
    """A betting factor from its log10, as `43-fold`; never one that reaches a bound it has not."""
    factor = 10**evidence
    if evidence >= 6:  # noqa: PLR2004  a million: past it nobody reads the digits
        return "over 1,000,000-fold"
    if factor < 0.01:  # noqa: PLR2004  beneath two decimals
        return "under 0.01-fold"
    digits = 0 if factor >= 10 else 1 if factor >= 1 else 2  # noqa: PLR2004  two digits are enough
    # A factor that was computed from a logarithm may miss its whole number by a rounding error.
    down = math.floor(factor * 10**digits + 1e-6) / 10**digits
    return f"{down:,.{digits}f}-fold"


def stopped(row: ResultRow, evidence: EvidenceCurve) -> str:
    """Why no more samples were used, as part of a sentence."""
    word = "either word" if row.verdict == VerdictWord.WITHIN_ZONE else f"“{row.verdict}”"
    reached = f"the evidence for {word} reached its bound" if evidence.reached else ""
    if evidence.reason == "evidence":
        return reached
    if evidence.reason == "settled" and not evidence.whole:
        settled = "no answer still to come could change the word"
        return f"{reached}, and {settled}" if reached else settled
    if evidence.whole:
        return "the whole battery had run"
    return "neither bound was reached with the samples that ran"


def claim(row: ResultRow, evidence: EvidenceCurve) -> str:
    """What the verdict's word claims of the battery; that it claims nothing, where it does not."""
    tasks = f"these {evidence.size:,} tasks"
    if evidence.claimed is not None:
        than = "more" if row.verdict == VerdictWord.ABOVE else "fewer"
        return f"claims: {than} than {exact_percent(evidence.claimed)} of {tasks} would be solved"
    if row.verdict == VerdictWord.WITHIN_ZONE and row.threshold is not None:
        low, high = exact_percent(row.above_claims), exact_percent(row.below_claims)
        return f"claims: between {low} and {high} of {tasks} would be solved"
    if row.verdict in {VerdictWord.ABOVE, VerdictWord.BELOW}:
        return "claims what the rule above says, and no rate"
    return "claims nothing"


_EITHER = {"both": "on either side", "below": "below it", "above": "above it"}


def claims(row: ResultRow) -> str:
    """What either word claims, in sentences; empty without a threshold that a rate is held to."""
    if row.threshold is None:
        return ""
    text = f"The threshold is {exact_percent(row.threshold)}. "
    if row.zone:
        points = exact_percent(row.zone).replace("%", "")
        text += f"With its zone of {points} points {_EITHER[row.zone_side]}, "
    more, less = exact_percent(row.above_claims), exact_percent(row.below_claims)
    text += f"{'“above”' if row.zone else '“Above”'} claims more than {more} and “below” fewer "
    text += f"than {less}"
    return text + ("; between the two either word is right. " if row.zone else ". ")


def tie(row: ResultRow) -> str:
    """What happens where the share of the battery is the threshold itself."""
    if row.threshold is None or row.evidence is None:
        return ""
    if row.zone and row.zone_side == "both":
        return "A share of exactly the threshold lies in the zone: either word is right there. "
    if row.zone:
        right, wrong = ("above", "below") if row.zone_side == "below" else ("below", "above")
        at = exact_percent(row.threshold)
        return f"At a share of exactly {at} “{right}” is right and “{wrong}” is wrong. "
    return (
        f"At a share of exactly {exact_percent(row.threshold)}, a tie, either word is wrong: a run "
        "of every item then ends undetermined, and a word that comes before is wrong with a chance "
        "of at most the two together. "
    )
