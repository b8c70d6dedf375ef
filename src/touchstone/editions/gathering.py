"""From a case to the facts of one edition: what the audience may read, and what it may not.

It reads no record and draws no page; what it shows follows from the visible entries alone.
"""

from touchstone.clearance import LABELS, PUBLIC
from touchstone.editions.audience_case import AudienceCase, Example
from touchstone.editions.page import ReportData, VerificationFacts
from touchstone.editions.sections.designation import designation_facts, finding_facts
from touchstone.editions.sections.flags import flag_facts
from touchstone.editions.sections.grading import grading_facts
from touchstone.editions.sections.loss_of_control import control_facts
from touchstone.editions.sections.only_reported import reported_facts
from touchstone.editions.sections.results import (
    curve_facts,
    elicitation_facts,
    mode_facts,
    not_measured,
    result_rows,
    stop_notice,
)
from touchstone.editions.sections.sandbox_events import noticed_facts
from touchstone.editions.sections.scope import (
    clock_facts,
    conflicts,
    framework_facts,
    model_facts,
    moment,
    party_facts,
)
from touchstone.editions.sections.spending import spent
from touchstone.editions.sections.summary import summary
from touchstone.editions.sections.timeline import accounting, newer_notice, timeline, withheld
from touchstone.editions.sentences import sentence
from touchstone.handin.shown_ids import short_case

__all__ = ["AudienceCase", "edition_marking", "gather", "invented", "untold"]


def gather(
    case: AudienceCase,
    made_at: str,
    verification: VerificationFacts,
    others: tuple[str, ...] | None = None,
) -> ReportData:
    """The facts of one edition, made at a UTC instant.

    `others` are the sentences on other cases of the same model, from `reporting.other_cases`; None:
    the one that most audiences get.
    """
    received = case.state.submission
    results = result_rows(case)
    return ReportData(
        title=sentence(
            "edition.title-example" if case.example == "all" else "edition.title",
            model=received.model if received else sentence("edition.no-model"),
        ),
        audience=case.name(case.audience.name),
        marking=edition_marking(case),
        case=short_case(case.id),
        made_at=moment(made_at),
        summary=summary(case, results),
        whole=case.whole,
        notices=(*invented(case.example), *newer_notice(case), *stop_notice(case)),
        model=model_facts(case),
        framework=framework_facts(case),
        conflicts=conflicts(case),
        parties=party_facts(case),
        # The same sentence whether there are other cases or not: its absence would tell (ADR 209).
        other_cases=(untold(),) if others is None else others,
        clock=clock_facts(case, made_at),
        timeline=timeline(case),
        modes=mode_facts(case),
        elicitation=(*elicitation_facts(case), *noticed_facts(case)),
        results=results,
        control=control_facts(case, results, hidden=not case.whole),
        findings=finding_facts(case),
        designation=designation_facts(case),
        flags=flag_facts(case),
        not_measured=not_measured(case, results),
        spent=spent(case),
        accounting=accounting(case),
        withheld=withheld(case),
        verification=verification,
        curves=curve_facts(case),
        reported=reported_facts(case),
        gradings=grading_facts(case),
    )


def untold() -> str:
    """What most editions say of other cases: the same bytes whether there are others or not."""
    return sentence("edition.untold")


def invented(example: Example) -> tuple[str, ...]:
    """What must be said of a case that is invented, or whose framework is."""
    said = {
        "framework": sentence("edition.invented-framework"),
        "all": sentence("edition.invented"),
    }
    return (said[example],) if example in said else ()


def edition_marking(case: AudienceCase) -> str:
    """The narrowest label of what the edition opens: page and bundle are handled by it."""
    # Whatever the public may read is for everybody, by whatever way a marking opened it.
    if case.audience == PUBLIC:
        return "TLP:CLEAR"
    labels = {
        reading.value["marking"]["label"]
        for entry in case.entries
        for reading in entry.parts
        if reading.allowed and reading.value
    }
    return f"TLP:{next((label for label in LABELS if label in labels), 'CLEAR')}"
