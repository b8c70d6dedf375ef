"""What models flagged that were asked about transcripts: counts beside their error, corrected."""

from collections.abc import Iterator

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page.grading_facts import GradingFacts, GradingRow, Shown
from touchstone.editions.sentences import sentence
from touchstone.evaluation.oversight.graded.accuracy import (
    CaseRate,
    GraderAccuracy,
    ToldCount,
    told_counts,
)
from touchstone.review.audience_view import Entry
from touchstone.review.events.detecting import TranscriptsGraded


def grading_facts(case: AudienceCase) -> tuple[GradingFacts, ...]:
    """The newest of each grader over the newest battery: none replaces another's."""
    battery = case.state.newest_battery
    newest: dict[tuple[str, str], tuple[Entry, TranscriptsGraded]] = {}
    for entry in case.visible("transcripts-graded"):
        event = entry.event
        if isinstance(event, TranscriptsGraded) and event.battery == battery:
            newest[event.questions, event.endpoint] = entry, event
    recorded = case.state.outcomes_of(battery) if battery else 0
    return tuple(_facts(entry, event, recorded) for entry, event in newest.values())


def _facts(entry: Entry, event: TranscriptsGraded, recorded: int) -> GradingFacts:
    known = entry.parsed("accuracy", GraderAccuracy.model_validate)
    return GradingFacts(
        transcripts=event.transcripts,
        looked_at=event.looked_at,
        model=known.model if known else sentence("grading.model-unread"),
        whose=sentence("grading.whose", whose=event.whose),
        spent=sentence("grading.spent", calls=event.calls, input=event.input, output=event.output),
        rows=tuple(_row(each) for each in told_counts(event.counts, known)),
        notes=tuple(_notes(event, recorded)),
    )


def _notes(event: TranscriptsGraded, recorded: int) -> Iterator[str]:
    if recorded > event.transcripts:
        yield sentence("flags.later", count=recorded - event.transcripts)


def _row(told: ToldCount) -> GradingRow:
    known = told.accuracy
    none = (sentence("grading.unmeasured"), "")
    return GradingRow(
        told.detector,
        sentence("grading.no-count") if told.flagged is None else str(told.flagged),
        sentence("grading.no-count") if told.unflagged is None else str(told.unflagged),
        told.not_looked_at,
        _rate(known.found) if known else none,
        _rate(known.false_alarms) if known else none,
        (_rate(known.talked_out)[0], _rate(known.talked_into)[0]) if known else none,
        _corrected(told),
    )


def _corrected(told: ToldCount) -> Shown:
    if told.corrected is None:
        return sentence("grading.why", why=told.why), ""
    share, low, high = told.corrected
    # Of so many: those that it was shown in parts are in no share.
    return (
        sentence("grading.share", share=share, of=told.alone),
        sentence("rate.interval", low=low, high=high),
    )


def _rate(rate: CaseRate) -> Shown:
    """A share of cases and its interval, with those of which there was no answer."""
    if rate.bounds is None:
        return sentence("grading.none-answered", missed=rate.not_looked_at), ""
    low, high = rate.bounds
    if rate.not_looked_at:
        counts = sentence(
            "grading.of-some", flagged=rate.flagged, of=rate.of, missed=rate.not_looked_at
        )
    else:
        counts = sentence("flags.of", flagged=rate.flagged, of=rate.of)
    return counts, sentence("rate.interval", low=low, high=high)
