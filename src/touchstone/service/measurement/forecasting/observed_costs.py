"""Observed costs: what samples of earlier cases took, the only ground for an expectation."""

from collections import defaultdict
from collections.abc import Iterable

from touchstone.clearance import party_audience
from touchstone.deeds.known_case import participants_of
from touchstone.framework import Framework, NumericCriterion, framework_of
from touchstone.planning.costing import MeanCost, ObservedCosts
from touchstone.records import CaseReader
from touchstone.review.audience_view import read_entries_of, required, stored_entry
from touchstone.review.errors import MissingPartError
from touchstone.service.homes import home_folder
from touchstone.service.installation import Installation, open_installation


def observed_costs_here(developer: str) -> ObservedCosts:
    """What this installation's record says, if there is one; nothing is made where there is none.

    Only cases of the same developer count: what another developer's model takes is not this one's
    to read.
    """
    # Asked before anything is opened: opening would make keys, and a plan writes nothing.
    if not (home_folder() / "keys").is_dir():
        return {}
    with open_installation() as installation:
        return observed_costs(installation, developer)


def observed_costs(installation: Installation, developer: str) -> ObservedCosts:
    """Means over all samples of this developer's cases, by family and mode."""
    found: dict[tuple[str, str], list[tuple[str, float, float, float]]] = defaultdict(list)
    for listing in installation.records.cases():
        case = installation.records.case(listing.case)
        state = installation.state_in(case)
        if case.destroyed or developer not in state.having("developer"):
            continue
        try:
            families = _families(_framework(case))
        # An older record without a readable framework tells no family, and its tokens would be put
        # under a wrong one.
        except MissingPartError:
            continue
        centre = party_audience(participants_of(state).centre)
        for entry in read_entries_of(case, centre, ["outcomes-recorded"], use="look"):
            if not entry.kind:
                continue
            facts, details = entry.event.facts(), entry.content("details")
            family = families.get(facts["criterion"], facts["criterion"])
            for outcome in details["outcomes"] if details else ():
                used, seconds = outcome["usage"], float(outcome["seconds"])
                row = (listing.case, float(used["input"]), float(used["output"]), seconds)
                found[family, facts["mode"]].append(row)
                found[family, ""].append(row)
    return {key: _usual(rows) for key, rows in found.items()}


def _usual(rows: Iterable[tuple[str, float, float, float]]) -> MeanCost:
    cases, *columns = zip(*rows, strict=True)
    tokens_in, tokens_out, seconds = (sum(column) / len(cases) for column in columns)
    return MeanCost(len(cases), len(set(cases)), tokens_in, tokens_out, seconds)


def _families(framework: Framework) -> dict[str, str]:
    return {c.id: c.family for c in framework.criteria if isinstance(c, NumericCriterion)}


def _framework(case: CaseReader) -> Framework:
    return required(stored_entry(case, 0), "framework", framework_of)
