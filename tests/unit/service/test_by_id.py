"""Two batteries and two agreements in one case: everybody takes the right one, by its id."""

from dataclasses import replace
from pathlib import Path

import pytest

from support.small_case import facts_for, measure, probed, record_chunk, small_case
from touchstone.clearance import party_audience
from touchstone.deeds.deed import Content, Deed
from touchstone.errors import TouchstoneError
from touchstone.evaluation import reveal
from touchstone.evaluation.digests import digest_value
from touchstone.service.case_context import Case
from touchstone.service.cases.agreement import agreed_terms, agreement_text
from touchstone.service.cases.case_admin import show_case
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import Prepared, reopen, seal

ALL, SECOND = "battery-1", "battery-2"


def measured_again(case: Case) -> Prepared:
    """A second battery, of another size, in which no mode solves anything."""
    seal(case, 9, "confined", accepted=True)
    prepared = reopen(case)
    for run in prepared.runs:
        size = len(prepared.battery.items[run.item_set])
        record_chunk(case, prepared, run, range(size), lambda _: False)
    conclude(case, prepared.name)
    return prepared


def test_two_batteries_are_measured_and_told_apart(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case)
        conclude(case, ALL)
        first, verdicts = reopen(case), dict(case.state.verdicts)
        probed(case, moment="after")
        second = measured_again(case)
        assert (first.name, second.name) == (ALL, SECOND)
        assert reopen(case, ALL) == first
        assert reopen(case, SECOND) == reopen(case) == second
        assert not plan_chunks(case, first).keys() & plan_chunks(case, second).keys()
        state = case.state
        assert [*state.batteries] == [ALL, SECOND]
        for key, verdict in state.verdicts.items():
            prepared = first if key.battery == ALL else second
            (item_set,) = {r.item_set for r in prepared.runs if r.criterion == key.criterion}
            assert verdict == verdicts.get(key, verdict)
            assert verdict.counted <= len(prepared.battery.items[item_set])
            assert verdict.solved == 0 or key.battery == ALL
        assert {key.battery for key in state.verdicts} == {ALL, SECOND}
        page = facts_for(case, party_audience(case.participants.centre))
        told = str(page.results)
        assert f", {ALL}" in told
        assert f", {SECOND}" in told
        (sizes,) = [fact.text for fact in page.elicitation if fact.label == "Battery"]
        assert sizes.startswith("9 items")


def test_a_reader_that_takes_the_other_one_does_not_open_its_seal(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case)
        first = reopen(case)
        second = measured_again(case)
        run = first.runs[0].item_set
        opened = reveal(second.battery.seed, run, second.battery.items[run], [0])[0]
        assert opened.item not in first.battery.sealed.find(run).commitments
        with pytest.raises(TouchstoneError, match="has no battery-sealed battery-9"):
            reopen(case, "battery-9")


def test_of_two_agreements_the_one_concluded_last_holds(tmp_path: Path):
    with small_case(tmp_path) as case:
        here = case.installation
        before = show_case(here, case.id).agreement
        wish = kept_for(case, before["retention_days"] - 5)
        for number, deed in enumerate(wish):
            case.record([deed])
            shown = show_case(here, case.id).agreement
            less = 5 if number == len(wish) - 1 else 0
            assert shown["retention_days"] == before["retention_days"] - less
        assert len(case.state.agreements) == 2
        assert [each.retention_days for each in case.state.concluded] == [
            before["retention_days"],
            before["retention_days"] - 5,
        ]


def kept_for(case: Case, days: int) -> list[Deed]:
    """Both parties' signatures of an agreement that keeps content for longer."""
    agreed = replace(agreed_terms(case.framework, case.submission), retention_days=days)
    text = agreement_text(case.framework, case.submission, case.participants, agreed)
    before = case.state.agreement
    assert before
    changed = {"agreement": digest_value(text), "retention_days": days, "at": case.now()}
    return [
        Deed(
            before.model_copy(update={**changed, "actor": party}), (Content(text, before.marking),)
        )
        for party in (case.participants.developer, case.participants.centre)
    ]
