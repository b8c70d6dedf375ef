"""Observed costs: what samples of earlier cases took, the only ground for an expectation."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from touchstone.clearance import party_audience
from touchstone.deeds.known_case import participants_of
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.framework import Framework, NumericCriterion, framework_of
from touchstone.planning.costing import MeanCost, ObservedCosts
from touchstone.records import CaseReader
from touchstone.review.audience_view import Entry, read_entries_of, required, stored_entry
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
        usual = set[tuple[str, str]]()
        kinds = ["battery-sealed", "outcomes-recorded"]
        for entry in read_entries_of(case, centre, kinds, use="look"):
            if entry.kind == "battery-sealed":
                usual |= set(_drawn_out_as_usual(entry))
            facts = entry.event.facts()
            # What samples of another budget took is no expectation for the usual one.
            if (
                entry.kind != "outcomes-recorded"
                or (facts["battery"], facts["criterion"]) not in usual
            ):
                continue
            details = entry.content("details")
            family = families.get(facts["criterion"], facts["criterion"])
            for outcome in details["outcomes"] if details else ():
                used, seconds = outcome["usage"], float(outcome["seconds"])
                row = (listing.case, float(used["input"]), float(used["output"]), seconds)
                found[family, facts["mode"]].append(row)
                found[family, ""].append(row)
    return {key: _usual(rows) for key, rows in found.items()}


def _drawn_out_as_usual(entry: Entry) -> Iterator[tuple[str, str]]:
    """By battery and criterion, the sets on which models are drawn out as usual."""
    told = entry.content("registered") or {}
    for part in told.get("battery", {}).get("sets", ()):
        if _is_usual(part.get("elicitation") or told.get("elicitation", {})):
            yield entry.event.facts()["battery"], part["criterion"]


def _is_usual(told: Mapping[str, Any]) -> bool:
    names = ("agent", "message_limit", "token_limit", "working_seconds", "reasoning_effort")
    usual = all(told.get(name) == getattr(ELICITATION, name) for name in names)
    return usual and told.get("attempts") == ELICITATION.attempts


def _usual(rows: Iterable[tuple[str, float, float, float]]) -> MeanCost:
    cases, *columns = zip(*rows, strict=True)
    tokens_in, tokens_out, seconds = (sum(column) / len(cases) for column in columns)
    return MeanCost(len(cases), len(set(cases)), tokens_in, tokens_out, seconds)


def _families(framework: Framework) -> dict[str, str]:
    return {c.id: c.family for c in framework.criteria if isinstance(c, NumericCriterion)}


def _framework(case: CaseReader) -> Framework:
    return required(stored_entry(case, 0), "framework", framework_of)
