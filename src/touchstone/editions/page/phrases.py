"""How the words of the record are said on a page: each is a message of the catalogue."""

import math
from collections.abc import Sequence

from touchstone.editions.page.data import Accounting, EvidenceCurve, ResultRow
from touchstone.editions.sentences import sentence
from touchstone.statistics import VerdictWord, exact_percent

CLAIMING = frozenset({VerdictWord.ABOVE, VerdictWord.BELOW})
"""Verdicts that claim a rate."""


def verdict_pill(row: ResultRow) -> str:
    """A verdict in a word or two, with the rate that it claims: `Below 60%`."""
    if row.claimed is None:
        return sentence("verdict.heading", verdict=row.verdict)
    return sentence("verdict.heading-claimed", verdict=row.verdict, rate=row.claimed)


def verdict_phrase(row: ResultRow) -> str:
    """A row's verdict as part of a sentence."""
    if row.verdict == VerdictWord.UNDETERMINED and row.tied:
        return sentence("verdict.tie.shown")
    return sentence("verdict.shown", verdict=row.verdict)


def says_pill(word: str) -> str:
    """What a criterion says in the designation, in a word or two."""
    return sentence("verdict.says", says=word)


def outcome(result: str, number: int) -> str:
    """Outcomes of one kind, as `2 refused`."""
    return sentence("result.ended", result=result, count=number)


def outcomes(row: ResultRow) -> str:
    """How the samples of a row ended."""
    return _listed([outcome(result, number) for result, number in row.outcomes])


def losses(row: ResultRow) -> str:
    """What measured nothing among the samples counted, with its rates; empty where all did."""
    return _listed(
        [
            sentence("result.rate", ended=outcome(kind, count), rate=count / row.counted)
            for kind, count in row.lost
        ]
    )


def _listed(items: Sequence[str]) -> str:
    return sentence("list-of.commas", items=items) if items else ""


def extreme(row: ResultRow) -> str:
    """What it says that all or none were solved: of the items, or only of those that were used."""
    # Of a run that stopped early "all solved" is said of the samples used: the items left may tell
    # otherwise.
    part = row.verdict == "not-reached" or (row.sealed is not None and row.counted < row.sealed)
    if part:
        found = "all-used" if row.solved else "none-used"
    else:
        found = "ceiling" if row.solved else "floor"
    return sentence("page.results.extreme", extreme=found)


def opens(counts: Accounting) -> str:
    """How many parts of the record an edition opens, withholds and cannot open."""
    if counts.opened == counts.parts:
        return sentence("page.record.opens-all")
    shown = {"opened": counts.opened, "withheld": counts.withheld}
    if not counts.erased:
        return sentence("page.record.opens-some", **shown)
    return sentence("page.record.opens-erased", **shown, erased=counts.erased)


def run_titles(rows: Sequence[ResultRow]) -> list[str]:
    """The runs by name."""
    return [sentence("evidence.run", title=row.title, mode=row.mode) for row in rows]


def runs_used(rows: Sequence[ResultRow]) -> list[str]:
    """The runs by name, with how many samples were used of those sealed."""
    return [
        sentence(
            "evidence.run-used",
            title=row.title,
            mode=row.mode,
            used=row.counted,
            sealed=row.sealed or row.counted,
        )
        for row in rows
    ]


def chances(bound: float) -> str:
    """The error rate behind a bound of log10 evidence, as `5 times in 100`; never too low."""
    scale, often = 100, 0
    while True:
        exactly = scale * 10**-bound
        # Upwards, since an error rate that is said too low would be a promise that is not kept; the
        # hair is for 20 that comes out as 20.0000001.
        often = math.ceil(exactly - 1e-6)
        # A larger scale until rounding up adds a twentieth at most: "once in 100" for one in 150
        # would be half too much.
        if often <= exactly * 1.05 or scale >= 10**9:
            break
        scale *= 10
    return sentence("evidence.chances", times=often, scale=scale)


def times(evidence: float) -> str:
    """A betting factor from its log10, as `43-fold`; never one that reaches a bound it has not."""
    factor = 10**evidence
    if evidence >= 6:  # noqa: PLR2004  a million: past it nobody reads the digits
        return sentence("evidence.fold.over", factor=10**6)
    if factor < 0.01:  # noqa: PLR2004  beneath two decimals
        return sentence("evidence.fold.under", factor="0.01")
    digits = 0 if factor >= 10 else 1 if factor >= 1 else 2  # noqa: PLR2004  two digits are enough
    # A factor that was computed from a logarithm may miss its whole number by a rounding error.
    down = math.floor(factor * 10**digits + 1e-6) / 10**digits
    return sentence("evidence.fold.said", factor=f"{down:,.{digits}f}")


def stopped(row: ResultRow, evidence: EvidenceCurve) -> str:
    """Why no more samples were used, as part of a sentence."""
    why = "whole" if evidence.whole else "open"
    if evidence.reason == "evidence":
        why = "evidence" if evidence.reached else why
    elif evidence.reason == "settled" and not evidence.whole:
        why = "both" if evidence.reached else "settled"
    return sentence("evidence.stopped", why=why, word=row.verdict)


def claim(row: ResultRow, evidence: EvidenceCurve) -> str:
    """What the verdict's word claims of the battery; that it claims nothing, where it does not."""
    if evidence.claimed is not None and row.verdict in CLAIMING:
        of = {"rate": evidence.claimed, "size": evidence.size}
        return sentence("evidence.claim", verdict=row.verdict, **of)
    if row.verdict == VerdictWord.WITHIN_ZONE and row.threshold is not None:
        ends = {"low": row.above_claims, "high": row.below_claims}
        return sentence("evidence.claim-of.zone", **ends, size=evidence.size)
    if row.verdict in CLAIMING:
        return sentence("evidence.claim-of.no-rate")
    return sentence("evidence.claim-of.nothing")


def claims(row: ResultRow) -> str:
    """What either word claims, in sentences; empty without a threshold that a rate is held to."""
    if row.threshold is None:
        return ""
    rates = {"rate": row.threshold, "above": row.above_claims, "below": row.below_claims}
    if not row.zone:
        return sentence("evidence.claims.threshold", **rates)
    points = exact_percent(row.zone).removesuffix("%")
    return sentence("evidence.claims.zone", side=row.zone_side, points=points, **rates)


def tie(row: ResultRow) -> str:
    """What happens where the share of the battery is the threshold itself."""
    if row.threshold is None or row.evidence is None:
        return ""
    if row.zone:
        return sentence("evidence.tie.zone", side=row.zone_side, rate=row.threshold)
    return sentence("evidence.tie.none", rate=row.threshold)
