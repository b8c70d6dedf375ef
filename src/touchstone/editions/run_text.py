"""What a run of a review says in lines: for the terminal while it goes on, and for its report."""

from collections.abc import Mapping, Sequence
from typing import Any

from touchstone.editions.sentences import sentence
from touchstone.review.events.measuring import Reference
from touchstone.review.state import RunKey
from touchstone.statistics import PassRate, VerdictWord
from touchstone.verdicts.modes_compared import Alike
from touchstone.verdicts.repeated_attempts import AttemptRates
from touchstone.verdicts.reported_scores import ReportedScores
from touchstone.verdicts.run_progress import RunProgress


def verdict_in_words(word: VerdictWord, claimed: str | None) -> str:
    """A verdict as part of a sentence; with the rate that it claims, where it claims one."""
    if claimed is None:
        return sentence("verdict.phrase", word=word)
    return sentence("verdict.phrase-claimed", word=word, rate=claimed)


def lost_beside(reference: Reference) -> str:
    """`of the reference in instant mode 9 of 20 lost to the endpoint (45%)`."""
    told = [
        sentence(
            "run.lost-of",
            kind=kind,
            count=count,
            counted=reference.counted,
            rate=count / reference.counted,
        )
        for kind, count in reference.unmeasured.by_kind.items()
    ]
    if not reference.shown:
        told.append(sentence("run.not-shown"))
    return sentence("run.beside", mode=reference.mode, told=told)


def landed(row: RunProgress) -> str:
    """`memory-safety, thinking: 8 of 8 solved, stopped after 8 of 48: above the threshold`."""
    about = {"criterion": row.criterion, "mode": row.mode, "facts": _facts(row)}
    ran = {"recorded": row.recorded, "total": row.total}
    partly = row.recorded < row.total
    if row.verdict == VerdictWord.NOT_MEASURED:
        return sentence("run.landed-not-measured", **about, why=_wanting(row))
    if row.verdict:
        return sentence("run.landed-verdict", **about, verdict=_claim(row))
    return _without_verdict(row, about, ran, partly=partly)


def _without_verdict(
    row: RunProgress, about: dict[str, Any], ran: dict[str, int], *, partly: bool
) -> str:
    if row.scored is not None:
        return sentence("run.landed-reported", **about, **ran)
    if row.reference and partly:
        return sentence("run.landed-reference-partly", **about, **ran)
    if row.reference:
        return sentence("run.landed-reference", **about)
    if partly:
        return sentence("run.landed-no-verdict", **about, **ran)
    return sentence("run.landed", **about)


def _facts(row: RunProgress) -> list[str]:
    """What came of the samples, and then what was lost of each mode of the reference."""
    if row.scored is None:
        first = [sentence("run.solved", solved=row.solved, counted=row.counted)]
    else:
        first = [sentence("run.scored", scored=row.scored, counted=row.recorded)]
    first += [
        sentence("run.lost-rate", kind=kind, count=row.lost[kind], rate=rate)
        for kind, rate in row.rates.items()
    ]
    if row.repeated:
        first.append(sentence("run.repeated", count=row.repeated))
    if row.verdict and row.may_stop and row.used < row.total:
        stop = {"used": row.used, "total": row.total}
        if row.recorded > row.used:
            first.append(sentence("run.stopped-after-ran", **stop, recorded=row.recorded))
        else:
            first.append(sentence("run.stopped-after", **stop))
    return [
        sentence("list-of.commas", items=first),
        *(lost_beside(each) for each in row.wanting_beside),
    ]


def _claim(row: RunProgress) -> str:
    word = VerdictWord(row.verdict)
    if row.claim:
        return sentence("run.claim", word=word, rate=row.claim)
    return sentence("verdict.phrase", word=word)


def _wanting(row: RunProgress) -> str:
    """Why a run was not measured."""
    lost = sum(row.lost.values())
    why = "lost"
    if row.wanting_beside:
        why = "both" if lost else "reference"
    if row.reasoning in {"not-seen", "alike"}:
        why = row.reasoning
    return sentence("run.wanting", why=why, lost=lost, counted=row.counted)


def attempts_in_words(said: AttemptRates) -> str:
    """`30 of 30 items tried 5 times each, ...: pass@1 40% (...), pass@5 73% (...)`."""
    if not said.rates:
        return sentence("run.attempts-none", attempts=said.attempts)
    about = {"items": said.items, "size": said.size, "attempts": said.attempts}
    rates = [_pass_rate(each) for each in said.rates]
    if said.lost:
        lost = [
            sentence("run.lost-in-attempt", attempt=each.number, lost=each.lost)
            for each in said.by_attempt
            if each.lost
        ]
        return sentence("run.attempts-lost", **about, lost=lost, rates=rates)
    return sentence("run.attempts", **about, rates=rates)


def _pass_rate(rate: PassRate) -> str:
    ends = {"k": rate.k, "low": rate.interval.low, "high": rate.interval.high}
    if rate.least == rate.most:
        return sentence("run.pass-rate", **ends, rate=rate.least)
    return sentence("run.pass-rates", **ends, least=rate.least, most=rate.most)


def tried_lines(found: Mapping[RunKey, AttemptRates]) -> list[str]:
    """A line for each run in which items are tried several times."""
    return [
        sentence(
            "run.attempts-of",
            criterion=key.criterion,
            mode=key.mode,
            said=attempts_in_words(said),
        )
        for key, said in found.items()
    ]


def reported_in_words(said: ReportedScores) -> str:
    """`mean 3.2 of -1 to 5 (further items: 2.6 to 3.8), 9 of 10 items scored; ...`."""
    lost = [sentence("run.lost", kind=kind, count=count) for kind, count in said.unmeasured.items()]
    about = {"scored": said.found.scored, "size": said.found.size, "lost": lost}
    unrun = said.found.size - said.ran
    if unrun:
        lost.append(sentence("run.unrun", unrun=unrun))
    if said.mean is None:
        return sentence("run.reported-none", **about)
    ends = {"low": said.interval.low, "high": said.interval.high}
    scale = {"least": said.low, "most": said.high}
    if not lost:
        del about["lost"]
        return sentence("run.reported-whole", mean=said.mean, **about, **ends, **scale)
    return sentence("run.reported", mean=said.mean, **about, **ends, **scale)


def reported_lines(found: Mapping[RunKey, ReportedScores]) -> list[str]:
    """A line for each run of which the scores decide nothing."""
    return [
        sentence(
            "run.reported-of",
            criterion=key.criterion,
            mode=key.mode,
            said=reported_in_words(said),
        )
        for key, said in found.items()
    ]


def alike_line(alike: Alike) -> str:
    """Two modes that answered alike on every item."""
    one, other = alike.modes
    return sentence("run.alike", one=one, other=other, items=alike.items)


def remarks(rows: Sequence[RunProgress]) -> list[str]:
    """What was saved, and what "below" does not say; nothing where neither is the case."""
    said = []
    if any(row.may_stop and row.verdict for row in rows):
        said.append(_saved(rows))
    if any(row.verdict == VerdictWord.BELOW for row in rows):
        said.append(sentence("run.remark.below"))
    return said


def _saved(rows: Sequence[RunProgress]) -> str:
    """How many samples ran, and on how many the early verdicts rest."""
    # Runs without a word saved nothing: what they did not run was not spared but is missing.
    given = [row for row in rows if row.verdict not in {"", VerdictWord.NOT_MEASURED}]
    early = [row for row in given if row.may_stop and row.used < row.total]
    ran, sealed = sum(row.recorded for row in rows), sum(row.total for row in rows)
    return sentence(
        "run.saved",
        early="early" if early else "none-early" if given else "none-given",
        ran=ran,
        sealed=sealed,
        share=ran / sealed,
        used=sum(row.used for row in early),
    )
