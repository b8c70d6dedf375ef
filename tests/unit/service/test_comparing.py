"""Modes that answer alike, through the store: from what was said to the verdict and the report."""

import inspect
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.small_case import facts_for, probed, small_case
from touchstone.clearance import party_audience
from touchstone.editions.page import render_html
from touchstone.editions.run_text import landed
from touchstone.editions.sentences import english
from touchstone.evaluation import Outcome, Usage
from touchstone.review import RunKey
from touchstone.review.audience_view import read_entries
from touchstone.review.events import measuring
from touchstone.review.events.measuring import Result
from touchstone.service.case_context import Case
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.outcomes import record_outcomes
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import RULE, reopen, seal
from touchstone.service.measurement.stopping import record_stop
from touchstone.service.measurement.tracking import tracker_of
from touchstone.statistics import VerdictWord
from touchstone.verdicts.modes_compared import Answers, may_wait, modes_alike

ITEMS = 16
Says = Callable[[RunKey, int], str]


def said(result: Result = "unsolved", digest: str = "a", index: int = 0, item: str = "") -> Outcome:
    return Outcome(
        index=index,
        commitment=item or "00" * 32,
        result=result,
        score=RULE.score(result),
        reason="as told",
        seconds="1",
        said=digest,
        reasoning="full",
    )


def measured(case: Case, says: Says, *, first: int = ITEMS, modes: int = 2) -> None:
    """Nothing is solved; what each mode says of each item is `says`; reasoning is always shown."""
    seal(case, ITEMS, "confined", accepted=True)
    probed(case)
    prepared = reopen(case)
    for spec, key in plan_chunks(case, prepared).values():
        if spec.indices[0] >= first or (modes == 1 and key.mode == "instant"):
            continue
        committed = prepared.battery.sealed.find(spec.item_set).commitments
        outcomes = [
            said(digest=says(key, index), index=index, item=committed[index])
            for index in spec.indices
        ]
        record_outcomes(case, prepared.battery, spec, key, outcomes, Usage())


def words(case: Case, mode: str) -> set[tuple[str, str]]:
    return {(v.verdict, v.reasoning) for k, v in case.state.verdicts.items() if k.mode == mode}


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """The endpoint does the same whatever effort is asked for, and always shows its reasoning."""
    with small_case(tmp_path_factory.mktemp("alike")) as case:
        measured(case, lambda _key, index: f"item {index}")
        conclude(case, "battery-1")
        yield case


def test_no_below_of_a_mode_that_answers_as_another_does(alike: Case):
    assert words(alike, "thinking") == {("not-measured", "alike")}
    assert words(alike, "instant") == {("below", "not-asked")}
    (found,) = modes_alike(alike.state)
    sets = len({key.criterion for key in alike.state.tallies})
    assert (found.modes, found.items) == (("instant", "thinking"), sets * ITEMS)
    assert alike.state.designating.proposals[-1].designation == "undetermined"


def test_the_terminal_the_rule_and_the_report_name_the_two_modes(alike: Case):
    prepared = reopen(alike)
    rows = tracker_of(alike, plan_chunks(alike, prepared), prepared.verdicts).rows()
    thinking = [landed(row) for row in rows if row.mode == "thinking"]
    assert thinking
    assert all("not measured: it answered as a mode that asks otherwise" in t for t in thinking)
    facts = facts_for(alike, party_audience("example-agency"))
    told = {row.what: row.why for row in facts.not_measured}
    assert "was not shown to act" in told["What tells instant and thinking mode apart"]
    assert facts.designation is not None
    assert any("answered alike on every item" in r.reason for r in facts.designation.reasons)


def test_one_item_that_is_answered_otherwise_tells_the_modes_apart(tmp_path: Path):
    def says(key: RunKey, index: int) -> str:
        other = key.criterion == "memory-safety" and index == ITEMS - 1
        return f"{key.mode if other else 'both'} {index}"

    with small_case(tmp_path) as case:
        measured(case, says)
        conclude(case, "battery-1")
        assert words(case, "thinking") == {("below", "seen")}
        assert modes_alike(case.state) == ()


def test_below_waits_where_measuring_stopped_before_modes_could_be_told_apart(tmp_path: Path):
    with small_case(tmp_path) as case:
        measured(case, lambda _key, index: f"item {index}", modes=1)
        record_stop(case, "battery-1", StoppedError("as told", "cap"))
        conclude(case, "battery-1")
        assert words(case, "thinking") == set()


def together_of(case: Case) -> list[tuple[str, list[str], list[str]]]:
    """What the proposal says of the modes together: the word, which are below, which are open."""
    entries = read_entries(
        case.installation.records.case(case.id), party_audience(case.participants.centre)
    )
    *_, proposed = (e for e in entries if e.event.type == "designation-proposed")
    said = (proposed.content("together") or {}).get("together", ())
    return [
        (each["word"], *([mode for _, mode in each[name]] for name in ("below", "open")))
        for each in said
    ]


def test_modes_together_are_below_only_where_each_of_them_is_said_to_be(alike: Case):
    assert together_of(alike) == [("not-measured", ["instant"], [])] * 3
    facts = facts_for(alike, party_audience(alike.participants.centre))
    assert facts.designation is not None
    told = "all modes together: below in instant mode and not measured in thinking mode."
    assert sum(told in note for note in facts.designation.notes) == 3


def test_the_words_say_each_way_in_which_a_mode_is_not_shown_to_be_on(alike: Case):
    assert set(english().messages["run.mode-not-shown"]) - {"by"} == set(measuring.NOT_SHOWN)
    page = " ".join(
        render_html(facts_for(alike, party_audience(alike.participants.centre))).split()
    )
    legend = page[page.index("“Not measured”:") :].partition("</p>")[0]
    field = inspect.getsource(measuring.VerdictReached).partition("`not-measured`:")[2]
    for text in (legend, " ".join(field.split())):
        assert "a mode that asks for reasoning" in text
        assert "answered alike as one that asks otherwise" in text


@pytest.mark.parametrize("stopped", [True, False])
def test_modes_together_wait_where_the_word_of_one_does(tmp_path: Path, stopped: bool):
    """The twin: without a stop nothing waits, and both are below."""

    def says(key: RunKey, index: int) -> str:
        # What the instant mode said was not heard to its end: nothing can be compared with it.
        return "" if key.mode == "instant" else f"item {index}"

    with small_case(tmp_path) as case:
        measured(case, says)
        if stopped:
            record_stop(case, "battery-1", StoppedError("as told", "cap"))
        conclude(case, "battery-1")
        assert words(case, "thinking") == (set() if stopped else {("below", "seen")})
        waits = ("undetermined", ["instant"], ["thinking"])
        both: Any = ("below", ["instant", "thinking"], [])
        assert together_of(case) == [waits if stopped else both] * 3


def in_modes(folder: Path, *modes: str) -> str:
    """The shipped framework, each criterion of which is judged in the modes given for it."""
    text = (
        resources.files("touchstone.framework").joinpath("shipped/example.toml").read_text("utf-8")
    )
    for mode in modes:
        text = text.replace('modes = "any"', f"modes = {mode}", 1)
    path = folder / "framework.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_nothing_waits_for_a_mode_that_no_criterion_runs(tmp_path: Path):
    with small_case(tmp_path, framework=in_modes(tmp_path, *['["thinking"]'] * 3)) as case:
        measured(case, lambda _key, index: f"item {index}")
        assert {key.mode for key in case.state.tallies} == {"thinking"}
        keys = list(case.state.tallies)
        assert not any(may_wait(case.state, key, VerdictWord.BELOW) for key in keys)
        record_stop(case, "battery-1", StoppedError("as told", "cap"))
        conclude(case, "battery-1")
        assert words(case, "thinking") == {("below", "seen")}
        assert len(case.state.verdicts) == 3


def test_a_word_waits_where_the_modes_are_compared_on_the_items_of_another_criterion(
    tmp_path: Path,
):
    """The twin: a setting on which nothing acts there acts nowhere, so that is waited for."""
    chosen = in_modes(tmp_path, '"any"', '["thinking"]', '["thinking"]')
    with small_case(tmp_path, framework=chosen) as case:
        measured(case, lambda _key, index: f"item {index}")
        conclude(case, "battery-1")
        assert words(case, "thinking") == {("not-measured", "alike")}
    other = tmp_path / "stopped"
    other.mkdir()
    with small_case(other, framework=chosen) as case:
        measured(case, lambda _key, index: f"item {index}", modes=1)
        assert all(may_wait(case.state, key, VerdictWord.BELOW) for key in case.state.tallies)


def test_where_the_other_mode_never_ran_the_end_decides(tmp_path: Path):
    """The twin: without a stop there is nothing to wait for."""
    with small_case(tmp_path) as case:
        measured(case, lambda _key, index: f"item {index}", modes=1)
        conclude(case, "battery-1")
        assert words(case, "thinking") == {("below", "seen")}


# ------------------------------------------------------------------ which items are compared

KEYS = {mode: RunKey("battery-1", "memory-safety", "final", mode) for mode in ("one", "other")}


def compared(one: Outcome, other: Outcome) -> tuple[int, int]:
    answers = Answers()
    answers.add(KEYS["one"], [one])
    found = answers.compare(KEYS["other"], [other])
    return (found[0].alike, found[0].unlike) if found else (0, 0)


@pytest.mark.parametrize(
    ("one", "other", "counts"),
    [
        (said(), said(), (1, 0)),
        (said(), said(digest="b"), (0, 1)),
        (said("refused"), said("solved", "b"), (0, 1)),
        (said("limit"), said("limit"), (1, 0)),
        # A clock may have struck at another moment.
        (said("limit"), said("limit", "b"), (0, 0)),
        (said("limit"), said(digest="b"), (0, 0)),
        # An endpoint that fails one sample must not show by it that a setting acts.
        (said("lost-endpoint"), said(digest="b"), (0, 0)),
        (said("cut"), said(digest="b"), (0, 0)),
        (said(digest=""), said(digest=""), (0, 0)),
        (said(), said(index=1), (0, 0)),
    ],
)
def test_only_what_was_said_to_its_end_tells_modes_apart(
    one: Outcome, other: Outcome, counts: tuple[int, int]
):
    assert compared(one, other) == counts
    assert compared(other, one) == counts


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), max_size=12), st.data())
def test_the_counts_do_not_depend_on_chunks_or_on_who_came_first(
    told: list[tuple[str, str]], data: st.DataObject
):
    chunks = [
        (mode, [said(digest=pair[number], index=index)])
        for index, pair in enumerate(told)
        for number, mode in enumerate(KEYS)
    ]
    answers, alike, unlike = Answers(), 0, 0
    for mode, outcomes in data.draw(st.permutations(chunks)):
        for each in answers.compare(KEYS[mode], outcomes):
            alike, unlike = alike + each.alike, unlike + each.unlike
        answers.add(KEYS[mode], outcomes)
    assert alike == sum(one == other for one, other in told)
    assert unlike == len(told) - alike
