"""From a case to the facts of one edition: what the audience may read, and what it may not.

It reads no record and draws no page; what it shows follows from the visible entries alone.
"""

from touchstone.clearance import LABELS, PUBLIC
from touchstone.editions.audience_case import AudienceCase, Example
from touchstone.editions.page import ReportData, VerificationFacts
from touchstone.editions.sections.designation import designation_facts, finding_facts
from touchstone.editions.sections.results import (
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

UNTOLD = (
    "Whether this developer handed this model in for other reviews, and what became of them, is "
    "told in the editions of the developer and the centre, and in no other."
)
"""The same bytes whether there are others or not."""
EXAMPLE = "Example: "
INVENTED = (
    "An invented example. The parties, the model and all numbers are made up; no model of anybody "
    "was reviewed."
)
INVENTED_FRAMEWORK = (
    "The framework is an invented example: its agencies, criteria and thresholds are made up, and "
    "nothing follows from its words."
)
EXAMPLES: dict[Example, tuple[str, ...]] = {
    "none": (),
    "framework": (INVENTED_FRAMEWORK,),
    "all": (INVENTED,),
}

__all__ = ["AudienceCase", "edition_marking", "gather"]


def gather(
    case: AudienceCase,
    made_at: str,
    verification: VerificationFacts,
    others: tuple[str, ...] = (UNTOLD,),
) -> ReportData:
    """The facts of one edition, made at a UTC instant.

    `others` are the sentences on other cases of the same model, from `reporting.other_cases`.
    """
    received = case.state.submission
    results = result_rows(case)
    return ReportData(
        title=f"{EXAMPLE if case.example == 'all' else ''}Pre-release review of "
        f"{received.model if received else 'a model'}",
        audience=case.name(case.audience.name),
        marking=edition_marking(case),
        case=case.id[:12],
        made_at=moment(made_at),
        summary=summary(case, results),
        whole=case.whole,
        notices=(*EXAMPLES[case.example], *newer_notice(case), *stop_notice(case)),
        model=model_facts(case),
        framework=framework_facts(case),
        conflicts=conflicts(case),
        parties=party_facts(case),
        other_cases=others,
        clock=clock_facts(case, made_at),
        timeline=timeline(case),
        modes=mode_facts(case),
        elicitation=(*elicitation_facts(case), *noticed_facts(case)),
        results=results,
        findings=finding_facts(case),
        designation=designation_facts(case),
        not_measured=not_measured(case, results),
        spent=spent(case),
        accounting=accounting(case),
        withheld=withheld(case),
        verification=verification,
    )


def edition_marking(case: AudienceCase) -> str:
    """The narrowest label of what the edition opens: page and bundle are handled by it."""
    if case.audience == PUBLIC:
        return "TLP:CLEAR"
    labels = {
        reading.value["marking"]["label"]
        for entry in case.entries
        for reading in entry.parts
        if reading.allowed and reading.value
    }
    return f"TLP:{next((label for label in LABELS if label in labels), 'CLEAR')}"
