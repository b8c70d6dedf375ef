"""Scores that decide nothing, apart from results: of each run that this audience may read."""

from collections.abc import Mapping

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import Fact
from touchstone.editions.run_text import reported_in_words
from touchstone.editions.sentences import sentence
from touchstone.review.state import RunKey
from touchstone.verdicts.reported_scores import ReportedScores, reported_scores


def reported_runs(case: AudienceCase) -> Mapping[RunKey, ReportedScores]:
    """Every run of which the scores are only reported, of all batteries."""
    return {
        key: said
        for battery in case.state.batteries
        for key, said in reported_scores(case.entries, battery).items()
    }


def reported_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """A line for each such run, with variant and battery where there are several."""
    found = reported_runs(case)
    many = len({key.variant for key in case.state.tallies}) > 1
    several = len(case.state.batteries) > 1
    facts = []
    for key, said in found.items():
        mode = key.mode
        if many:
            mode = sentence("designation.variant-mode", mode=mode, variant=key.variant)
        if several:
            mode = sentence("result.mode-battery", mode=mode, battery=key.battery)
        label = sentence("page.only-reported.of", title=case.title(key.criterion), mode=mode)
        facts.append(Fact(label, reported_in_words(said)))
    return tuple(facts)
