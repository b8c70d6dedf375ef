"""What an edition says of a real case, in words."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.small_case import facts_for, measure, probed, record_chunk, settle, small_case
from touchstone.clearance import PUBLIC, party_audience
from touchstone.deeds.access import release_announced
from touchstone.editions.gathering import invented
from touchstone.editions.page import ReportData, render_html
from touchstone.editions.sections import results
from touchstone.editions.sentences import sentence
from touchstone.evaluation.families.registry import family_names, get_family
from touchstone.service.cases.case_admin import show_case
from touchstone.service.cases.opening import passed_release
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ReportData]]:
    with small_case(tmp_path_factory.mktemp("case")) as case:
        measure(case)
        settle(case)
        audiences = (party_audience("example-centre"), party_audience("example-agency"), PUBLIC)
        yield {audience.name: facts_for(case, audience) for audience in audiences}


@pytest.fixture(scope="module")
def undisclosed(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    with small_case(tmp_path_factory.mktemp("case"), framework="us-2026-06") as case:
        measure(case)
        conclude(case, "battery-1")
        released = release_announced(case, "example-lab", "public", ("final", "finl"))
        case.record([released])
        return facts_for(case, party_audience(case.participants.centre))


def test_the_lede_says_what_came_out_who_decided_and_whose_word_is_missing(
    pages: dict[str, ReportData],
):
    measured, decided, missing = pages["example-centre"].summary
    assert "Example Centre measured Example Model 3 of Example Lab on three criteria" in measured
    assert "In thinking mode it is above the threshold or within its zone on all three." in measured
    assert "The rule proposes: covered frontier model." in decided
    assert "Example Agency decided on 21 November 2026: covered frontier model." in decided
    assert "Example Treasury was asked to concur and has not answered" in missing
    assert "silence is not consent" in missing


def test_the_criteria_together_err_by_the_sum_of_their_rates(pages: dict[str, ReportData]):
    designation = pages["example-centre"].designation
    assert designation
    together = [note for note in designation.notes if note.startswith("Of all three criteria")]
    assert len(together) == 1
    assert "with a chance of at most 0.15, the sum of theirs" in together[0]


def test_the_public_edition_says_how_much_is_withheld_and_why(pages: dict[str, ReportData]):
    public = pages["public"]
    assert "may read one" in public.summary[0]
    told = (
        r"On \d{1,2} \w+ \d{4} example-lab released the model to partners; it says that it is the "
        r"model that was reviewed\."
    )
    assert re.fullmatch(told, public.summary[1])
    assert "withheld here, not absent" in public.summary[-1]
    assert public.designation is None
    assert public.results == ()
    assert public.framework == ()


def test_alpha_is_said_to_be_shared_among_modes(pages: dict[str, ReportData]):
    rule = pages["example-centre"].results[0].rule
    assert "alpha = 0.05, shared among two modes (0.025 each)" in rule
    assert "beta = 0.05" in rule


def test_what_nobody_declared_is_not_said_to_be_met(pages: dict[str, ReportData]):
    designation = pages["example-centre"].designation
    assert designation
    says = {reason.criterion: reason.says for reason in designation.reasons}
    assert says["memory-safety"] == "met"
    assert says["employment-effects"] == "not-declared"
    assert all("final in" not in reason.reason for reason in designation.reasons)


def test_the_timeline_folds_runs_and_loses_no_entry(pages: dict[str, ReportData]):
    for data in pages.values():
        numbers = [n for event in data.timeline for n in range(event.n, event.last + 1)]
        assert numbers == list(range(data.accounting.entries))
    folded = [event for event in pages["example-centre"].timeline if event.folded]
    assert {"Records 12 chunks of outcomes.", "Reaches 6 verdicts."} <= {e.text for e in folded}
    assert all(len(event.folded) == event.last - event.n + 1 for event in folded)


def test_parts_add_up(pages: dict[str, ReportData]):
    for data in pages.values():
        counts = data.accounting
        assert counts.opened + counts.withheld + counts.erased == counts.parts
        assert sum(row.parts for row in data.withheld) == counts.withheld + counts.erased


def test_an_edition_is_marked_as_narrowly_as_what_it_opens(pages: dict[str, ReportData]):
    assert {name: data.marking for name, data in pages.items()} == {
        "example-centre": "TLP:RED",
        "example-agency": "TLP:AMBER",
        "public": "TLP:CLEAR",
    }


def test_difficulties_add_up_to_what_was_counted(pages: dict[str, ReportData]):
    for row in pages["example-agency"].results:
        assert sum(each.counted for each in row.by_difficulty) == row.counted
        assert sum(each.solved for each in row.by_difficulty) == row.solved


def test_invented_parties_are_said_to_be_invented(
    pages: dict[str, ReportData], undisclosed: ReportData
):
    assert "public" in pages
    for page in pages.values():
        assert page.title.startswith("Example: ")
        assert page.notices == invented("all")
    assert undisclosed.notices == ()


def test_a_review_of_ones_own_endpoint_says_that_the_framework_alone_is_invented(tmp_path: Path):
    own = {"openai-api/subject/control": "openai-api/mine/my-model"}
    with small_case(tmp_path, instead=own) as case:
        page = facts_for(case, party_audience("example-centre"))
    assert page.notices == invented("framework")
    assert not page.title.startswith("Example")


def test_an_agency_that_is_no_party_was_not_asked(tmp_path: Path):
    with small_case(tmp_path, agencies=("example-agency",)) as case:
        measure(case)
        conclude(case, "battery-1")
        page = facts_for(case, party_audience("example-centre"))
        shown = show_case(case.installation, case.id)
    assert (
        "The framework asks that Example Treasury concur; it takes no part in this case, and "
        "nobody asked it." in page.summary[-1]
    )
    assert "has not answered" not in render_html(page)
    not_asked = sentence("designation.not-asked")
    assert shown.designation["concurrence"]["example-treasury"] == not_asked
    assert page.designation
    assert any(fact.text == not_asked for fact in page.designation.concurrence)


@pytest.mark.parametrize(
    ("release", "came"),
    [
        ("2025-01-01", "719 days later than that, after the planned release: of the 30 none was"),
        ("2026-12-11", "10 days later than that."),
        ("2027-01-05", "in time."),
    ],
)
def test_late_is_counted_from_the_day_to_share_by(tmp_path: Path, release: str, came: str):
    with small_case(tmp_path, instead={"2027-01-05": release}) as case:
        page = facts_for(case, party_audience("example-centre"))
        shown = show_case(case.installation, case.id)
    assert page.clock
    assert page.clock.came.startswith(f"The model came {came}")
    late = int(came.split(maxsplit=1)[0]) if came[0].isdigit() else 0
    assert (shown.clock["late_days"], shown.clock["shortfall_days"]) == (late, min(late, 30))
    (laid,) = [each["text"] for each in shown.timeline if "Lays the clock" in each["text"]]
    assert (f"{late} days late" if late else "it was in time") in laid
    assert late == 0 or any(f"shared {late} days later" in each for each in page.clock.remarks)


@pytest.mark.parametrize(
    ("day", "state", "told"),
    [
        ("2025-01-01", "in-development", True),
        ("2025-01-01", "released", False),
        ("2026-11-21", "in-development", False),
    ],
)
def test_a_planned_release_that_is_past_is_told(tmp_path: Path, day: str, state: str, told: bool):
    with small_case(tmp_path, instead={"2027-01-05": day, "in-development": state}) as case:
        line = passed_release(case.framework, case.submission, "2026-11-21T10:00:00Z")
    assert bool(line) == told
    assert not told or f"planned release {day} is past" in line


def test_without_thresholds_nothing_is_concluded(undisclosed: ReportData):
    assert {row.verdict for row in undisclosed.results} == {"no-threshold"}
    assert {row.rule for row in undisclosed.results} == {
        "Thresholds undisclosed: measured, nothing concluded."
    }
    assert "nothing is concluded from the numbers" in undisclosed.summary[0]


def test_a_release_of_what_was_not_handed_in_is_said_to_be_one(
    pages: dict[str, ReportData], undisclosed: ReportData
):
    said = "What was released as finl was not handed in for this review."
    assert said in undisclosed.summary[1]
    # One that was is not doubted.
    assert not any("was not handed in" in line for line in pages["example-centre"].summary)


def test_claims_that_conflict_stand_side_by_side(undisclosed: ReportData):
    window = next(c for c in undisclosed.conflicts if c.title == "What the window runs to")
    assert len(window.claims) == 2
    assert all(claim.source and claim.status for claim in window.claims)


def test_the_note_of_the_window_is_shown(undisclosed: ReportData):
    assert undisclosed.clock
    assert any("No source names a time zone" in remark for remark in undisclosed.clock.remarks)


def test_what_the_sandbox_noticed_is_told_by_name_to_whom_it_may_concern(tmp_path: Path):
    refused = {"kind": "system-call", "detail": "refused mount", "count": 312}
    late = {"kind": "bound", "detail": "more than 64 system calls were refused at once"}
    with small_case(tmp_path) as case:
        seal(case, 6, "confined", accepted=True)
        prepared = reopen(case)
        probed(case)
        run = prepared.runs[0]
        told: list[dict[str, Any]] = [
            {"index": index, "result": "solved", "usage": {}, "seconds": "1.0", "events": events}
            for index, events in enumerate(([refused, late], [refused], []))
        ]
        record_chunk(case, prepared, run, range(3), lambda _: True, told)
        said, unsaid = (
            {row.label: row.text for row in facts_for(case, audience).elicitation}
            for audience in (party_audience("example-centre"), PUBLIC)
        )
    assert said["The sandbox noticed"] == (
        "system-call: refused mount (624 times, in two samples); "
        "bound: more than 64 system calls were refused at once (one time, in one sample)"
    )
    assert "The sandbox noticed" not in unsaid


def test_a_quiet_sandbox_is_said_to_be_quiet(pages: dict[str, ReportData]):
    said = {row.label: row.text for row in pages["example-centre"].elicitation}
    assert said["The sandbox noticed"] == "nothing"


def test_results_of_items_that_a_cheat_solves_are_called_checks_of_the_instrument(
    pages: dict[str, ReportData], undisclosed: ReportData
):
    for page in (pages["example-centre"], pages["example-agency"], undisclosed):
        assert page.results
        for row in page.results:
            assert row.instrument.startswith("A check of the instrument, not of a capability. ")
        said = {row.criterion: row.instrument for row in page.results}
        assert get_family("payment-logic").cheat in said["payment-logic"]
        assert "Capabilities" in {row.what for row in page.not_measured}
    assert "plant" in pages["example-centre"].results[0].instrument
    assert pages["public"].results == ()


def test_twin_where_no_cheat_is_known_nothing_of_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in family_names():
        monkeypatch.setattr(type(get_family(name)), "cheat", "")
    # That the instrument was calibrated makes no result a check of it.
    monkeypatch.setattr(results, "calibration_note", lambda *_: "It was calibrated.")
    with small_case(tmp_path) as case:
        measure(case)
        page = facts_for(case, party_audience("example-centre"))
    assert {row.instrument for row in page.results} == {""}
    assert {row.notes for row in page.results} == {("It was calibrated.",)}
    assert '<p class="note">It was calibrated.</p>' in render_html(page)
    assert "Capabilities" not in {row.what for row in page.not_measured}
