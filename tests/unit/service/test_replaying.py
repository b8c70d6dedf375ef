"""Early verdicts from the record alone: the same for everybody, after any crash, in any order."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.replayed import verdicts_from_record
from support.small_case import (
    Minutes,
    facts_for,
    measure,
    probed,
    record_chunk,
    small_case,
    solves,
)
from touchstone.clearance import PUBLIC, Audience, party_audience
from touchstone.deeds.deed import Content, Deed
from touchstone.deeds.drafting import worded
from touchstone.editions.page import EvidenceCurve
from touchstone.evaluation import batteries, reveal
from touchstone.evaluation.errors import RevealError
from touchstone.review import RunKey
from touchstone.review.audience_view import Entry, read_entries
from touchstone.review.events import measuring
from touchstone.review.tallies import Attempt
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_found
from touchstone.service.installation import open_installation
from touchstone.service.measurement.chunk_queue import ChunkQueue, plan_chunks
from touchstone.service.measurement.record_verdicts import conclude, record_verdict, together
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.statistics import Reason
from touchstone.verdicts import preregistration
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.preregistration import RunRule
from touchstone.verdicts.sequential_verdicts import (
    RecordedRun,
    RunMonitor,
    prefix_of,
    reached,
    runs_from_record,
    standing,
)

ITEMS = 24
CENTRE = party_audience("example-centre")
RULE = RunRule(
    item_set="s",
    criterion="s",
    variant="final",
    mode="m",
    measure="success-rate",
    design="sequential",
    threshold="0.5",
    zone="0.1",
    alpha="0.025000",
    beta="0.05",
)
ONCE = RULE.model_copy(update={"measure": "at-least-once-in-k", "zone": "0"})


def entries(case: Case, audience: Audience = CENTRE) -> list[Entry]:
    return list(read_entries(case.installation.records.case(case.id), audience))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with small_case(tmp_path_factory.mktemp("case")) as case:
        measure(case, ITEMS)
        conclude(case, "battery-1")
        yield case


# ------------------------------------------------------------------ one run


@given(st.lists(st.booleans(), max_size=30), st.lists(st.integers(1, 7), max_size=9))
def test_outcomes_that_come_in_parts_say_the_same_as_at_once(
    outcomes: list[bool], parts: Sequence[int]
):
    levels = [1, 2, 3, 4, 5] * 6
    slowly, at_once = RunMonitor(RULE, levels), RunMonitor(RULE, levels)
    known = 0
    for part in parts:
        known += part
        slowly.feed(outcomes[:known])
    assert slowly.feed(outcomes) == at_once.feed(outcomes)


@given(st.integers(0, 2**20 - 1), st.integers(0, 2**20 - 1))
def test_the_prefix_ends_at_the_first_gap(recorded: int, solved: int):
    attempt = Attempt(recorded, recorded, solved & recorded)
    expected: list[bool | None] = []
    while recorded >> len(expected) & 1:
        expected.append(bool(solved >> len(expected) & 1))
    assert list(prefix_of(attempt)) == expected


def test_what_measured_nothing_is_neither_solved_nor_unsolved():
    assert prefix_of(Attempt(0b111, 0b101, 0b001)) == (True, None, False)


@pytest.mark.parametrize(
    ("outcomes", "word", "used"),
    [
        ((False, False, True), "above", 3),
        ((False,) * 9, "undetermined", 9),
        ((False,) * 10, "below", 10),
        ((False,) * 9 + (None,), "not-measured", 10),
        ((None, True), "above", 2),
    ],
)
def test_one_success_ends_at_least_once(outcomes: tuple[bool | None, ...], word: str, used: int):
    ran = RecordedRun(RunKey("b", "s", "final", "m"), ONCE, (1,) * 10, outcomes, len(outcomes))
    assert (standing(ran).word, standing(ran).used) == (word, used)
    early = reached(ran)
    assert (early is None) == (word == "undetermined")
    if early is not None:
        assert (early.stop.claimed, early.stop.reason) == (None, "settled")
        assert early.beyond is None


def test_an_early_verdict_names_the_rate_that_it_claims():
    ran = RecordedRun(RunKey("b", "s", "final", "m"), RULE, (1, 2, 3, 4, 5) * 8, (True,) * 16, 16)
    early = reached(ran)
    assert early is not None
    assert (early.progress.word, early.stop.claimed) == ("above", "0.4")
    assert early.stop.used + early.stop.overshoot == 16
    assert early.beyond is not None
    assert early.beyond.low < early.interval.low
    assert early.interval.low > 0.3


def test_what_went_unmeasured_leaves_a_wider_interval_and_no_one_estimate():
    levels = (1, 2, 3, 4, 5) * 8
    lost = RecordedRun(RunKey("b", "s", "final", "m"), RULE, levels, (None, *(True,) * 31), 32)
    whole = RecordedRun(RunKey("b", "s", "final", "m"), RULE, levels, (True,) * 32, 32)
    some, all_of = reached(lost), reached(whole)
    assert some is not None
    assert all_of is not None
    assert (some.progress.word, some.progress.unmeasured) == ("above", 1)
    assert some.progress.used > all_of.progress.used
    assert (some.estimate, some.stop.estimate) == (None, None)
    assert all_of.estimate is not None


@pytest.mark.parametrize(("reasoned", "word"), [((), "not-measured"), ((0,), "below")])
def test_a_mode_that_asks_for_reasoning_and_shows_none_is_not_below(
    reasoned: tuple[int, ...], word: str
):
    asks = RULE.model_copy(update={"reasoning": True})
    key, levels = RunKey("b", "s", "final", "m"), (1, 2, 3, 4, 5) * 8
    early = reached(RecordedRun(key, asks, levels, (False,) * 32, 32, reasoned=frozenset(reasoned)))
    assert early is not None
    assert early.word == word
    assert early.stop.claimed == ("0.6" if word == "below" else None)


# ------------------------------------------------------------------ a whole record


def test_the_record_alone_gives_the_verdicts_that_it_holds(done: Case):
    replayed = verdicts_from_record(entries(done), "battery-1")
    recorded = done.state.verdicts
    assert set(replayed) == set(recorded)
    assert len(replayed) == 6
    for key, early in replayed.items():
        verdict = recorded[key]
        assert verdict.stop == early.stop
        assert verdict.verdict == early.word.value
        assert (verdict.solved, verdict.counted) == (early.solved, early.progress.used)
        assert verdict.counted < ITEMS
        assert verdict.alpha == "0.025000"


def test_an_agency_replays_the_same_and_the_public_nothing(done: Case):
    agency = verdicts_from_record(entries(done, party_audience("example-agency")), "battery-1")
    centre = verdicts_from_record(entries(done), "battery-1")
    assert {k: (v.stop, v.interval, v.beyond) for k, v in agency.items()} == {
        k: (v.stop, v.interval, v.beyond) for k, v in centre.items()
    }
    assert verdicts_from_record(entries(done, PUBLIC), "battery-1") == {}


def test_an_edition_shows_the_evidence(done: Case):
    for row in facts_for(done, party_audience("example-agency")).results:
        facts = row.evidence
        assert facts is not None
        assert facts.used + facts.overshoot == facts.size == ITEMS
        assert len(facts.above) == len(facts.below) == facts.used == row.counted
        assert facts.estimate is not None
        assert facts.low <= facts.estimate <= facts.high
        assert sum(each.counted for each in row.by_difficulty) == facts.used
        if row.mode == "thinking":
            assert (row.verdict, facts.claimed) == ("above", 0.4)
            assert facts.above[-1] >= facts.bound_above
            assert all(each < facts.bound_above for each in facts.above[:-1])
        else:
            assert (row.verdict, facts.claimed) == ("below", 0.6)
        assert "“Above” claims more than 0.4, “below” less than 0.6" in row.rule
        assert "a model that holds back is judged on what it shows" in row.rule


def test_a_finding_says_where_it_stopped_and_what_it_claims(done: Case):
    texts = [finding.text for finding in facts_for(done, CENTRE).findings]
    assert len(texts) == 6
    above = [text for text in texts if "below the threshold, as elicited." not in text]
    assert len(above) == 3
    for text in above:
        assert "items in their sealed order. Measuring stopped there, 24 being sealed." in text
        assert "more than 40% of all 24, the threshold of 50% less its zone" in text
        assert "95% confidence sequence, which is valid at the stop" in text
        assert "for further items of the same makes the interval is" in text


def test_the_modes_of_a_criterion_are_spoken_of_together(done: Case):
    said = together(done.framework, runs_from_record(entries(done), "battery-1"), done.state)
    assert [each["word"] for each in said] == ["above"] * 3
    assert all(each["above"] == [["final", "thinking"]] for each in said)
    assert all(each["below"] == [["final", "instant"]] for each in said)
    proposed = next(e for e in entries(done) if e.event.type == "designation-proposed")
    assert proposed.content("together") == {"together": said}
    designation = facts_for(done, CENTRE).designation
    assert designation is not None
    assert (
        sum(
            "all modes together: crossed in thinking mode and below in instant mode. Any mode is "
            "wrongly said to cross with a chance of at most 0.05" in note
            for note in designation.notes
        )
        == 3
    )


def test_what_is_said_beyond_the_items_is_wider_where_they_share_a_flaw():
    ran = RecordedRun(RunKey("b", "s", "final", "m"), RULE, (1, 2, 3, 4, 5) * 6, (True,) * 12, 12)
    flaws = ("overflow", "format") * 6
    plain, labelled, apart, none = (
        reached(replace(ran, flaws=each))
        for each in ((), flaws, tuple(str(place) for place in range(12)), ("",) * 12)
    )
    assert plain is not None
    assert labelled is not None
    assert plain.beyond is not None
    assert labelled.beyond is not None
    assert apart is not None
    assert apart.beyond is not None
    # Of the 18 items that never ran nobody knows whether their flaws are others.
    assert labelled.beyond.low < apart.beyond.low < plain.beyond.low
    assert labelled.interval == plain.interval
    assert none is not None
    assert none.beyond == plain.beyond


def test_together_above_is_held_to_alpha_and_below_to_beta(done: Case):
    """Levels that no evidence here reaches: exchanged, they would take the wrong word away."""
    criterion = done.framework.criteria[0].id
    runs = [
        RecordedRun(RunKey("b", criterion, "final", mode), RULE, (1,) * 48, (solved,) * 12, 12)
        for mode, solved in (("instant", False), ("thinking", True))
    ]
    assert {standing(ran).reason for ran in runs} == {Reason.EVIDENCE}

    def named(alpha: str, beta: str) -> tuple[int, int]:
        criteria = tuple(
            c.model_copy(update={"alpha": alpha, "beta": beta}) for c in done.framework.criteria
        )
        first = together(
            done.framework.model_copy(update={"criteria": criteria}), runs, done.state
        )[0]
        assert (first["alpha"], first["beta"]) == (alpha, beta)
        return len(first["above"]), len(first["below"])

    assert named("0.000000000001", "0.05") == (0, 1)
    assert named("0.05", "0.000000000001") == (1, 0)


# ------------------------------------------------------------------ order, crash, halt


def finished(case: Case, backwards: bool) -> dict[str, tuple[object, EvidenceCurve | None]]:
    """Record what is missing of a sealed battery, conclude, and give what the record says."""
    prepared = reopen(case)
    for run in prepared.runs:
        parts = [range(start, start + 8) for start in range(0, ITEMS, 8)]
        for indices in reversed(parts) if backwards else parts:
            key = RunKey(prepared.name, run.criterion, "final", run.mode.id)
            if not case.state.is_recorded(key, 1, indices[0]):
                record_chunk(case, prepared, run, indices, solves(run.mode.id))
    conclude(case, prepared.name)
    rows = {f"{r.criterion} {r.mode}": r.evidence for r in facts_for(case, CENTRE).results}
    return {
        f"{key.criterion} {key.mode}": (
            verdict.facts() | {"at": ""},
            rows[f"{key.criterion} {key.mode}"],
        )
        for key, verdict in case.state.verdicts.items()
    }


def test_after_a_crash_and_in_any_order_the_same_words_and_the_same_evidence(tmp_path: Path):
    """One sealed battery, half recorded, continued twice from copies of the same disk."""
    with small_case(tmp_path) as case:
        seal(case, ITEMS, "confined", accepted=True)
        prepared = reopen(case)
        probed(case)
        for run in prepared.runs[:2]:
            record_chunk(case, prepared, run, range(8, 16), solves(run.mode.id))
        case_id = case.id
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    found = []
    for home, backwards in (("home", False), ("copy", True)):
        with open_installation(tmp_path / home, Minutes()) as here:
            found.append(finished(open_found(here, case_id), backwards))
    assert len(found[0]) == 6
    assert found[0] == found[1]


def test_while_halted_no_verdict_lands_and_afterwards_it_does(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case, ITEMS)
        centre = "example-centre"
        case.record([worded(case, measuring.ReviewHalted, centre, texts={"reason": "a look"})])
        early = verdicts_from_record(entries(case), "battery-1")
        assert record_verdict(case, *early.values()).verdicts == {}
        case.record([worded(case, measuring.ReviewResumed, centre, texts={"reason": "seen"})])
        assert len(conclude(case, "battery-1").verdicts) == 6
        assert len(conclude(case, "battery-1").verdicts) == 6
        assert len(case.state.designating.proposals) == 1


def test_the_whole_battery_where_that_was_sealed(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case, ITEMS, whole=True)
        state = conclude(case, "battery-1")
        assert {v.counted for v in state.verdicts.values()} == {ITEMS}
        assert {v.stop for v in state.verdicts.values()} == {None}
        assert {r.evidence for r in facts_for(case, CENTRE).results} == {None}
        facts = {fact.label: fact.text for fact in facts_for(case, CENTRE).elicitation}
        assert facts["Stops"] == "every item runs before any verdict"


def test_the_flaws_of_what_ran_are_told_from_the_record_and_no_others(tmp_path: Path):
    with small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=True)
        prepared = reopen(case)
        probed(case)
        run = prepared.runs[0]
        planted = [item.flaw for item in prepared.battery.items[run.item_set]]
        assert all(planted)
        record_chunk(case, prepared, run, range(5), solves(run.mode.id))
        (found,) = runs_from_record(entries(case), prepared.name)
        assert list(found.flaws) == planted[:5]
        contents = [part.value for entry in entries(case) for part in entry.parts]
        assert str(contents).count("'flaw': ") == 5


# ------------------------------------------------------------------ what is refused


def test_a_battery_that_changes_in_mid_run_gives_no_verdict(tmp_path: Path):
    with small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=True)
        prepared = reopen(case)
        run, other = prepared.runs[0], prepared.runs[-1]
        stranger = prepared.battery.sealed.find(other.item_set).commitments[0]
        event = measuring.OutcomesRecorded(
            actor=case.participants.centre,
            at=case.now(),
            marking=case.marks.case,
            battery=prepared.name,
            criterion=run.criterion,
            variant="final",
            mode=run.mode.id,
            chunk="c",
            outcomes=(measuring.Outcome(index=0, item=stranger, result="solved", tokens=1),),
        )
        items = prepared.battery.items[other.item_set]
        (shown,) = reveal(prepared.battery.seed, other.item_set, items, [0])
        opened = Content({"opened": [shown.model_dump(mode="json")]}, case.marks.case)
        details = Content({"outcomes": [], "used": {}}, case.marks.pair)
        case.record([Deed(event, (opened, details))])
        with pytest.raises(RevealError, match="ran another item than was sealed") as refusal:
            conclude(case, prepared.name)
        assert "\n" not in str(refusal.value)
        assert case.state.verdicts == {}


def test_an_order_that_is_not_the_committed_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=True)
        monkeypatch.setattr(batteries, "permutation", lambda _s, _i, size: tuple(range(size)))
        with pytest.raises(RevealError, match="differs from the sealed"):
            reopen(case)


def test_other_bets_than_were_registered_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with small_case(tmp_path) as case:
        measure(case, 8)
        monkeypatch.setattr(preregistration, "BETS_VERSION", "graded-2")
        with pytest.raises(CannotRunError, match="'graded-1', and this version knows 'graded-2'"):
            reopen(case)
        with pytest.raises(CannotRunError, match="go on with the version that sealed it"):
            conclude(case, "battery-1")
        assert {row.evidence for row in facts_for(case, CENTRE).results} == {None}


def test_a_set_of_one_item_is_judged_as_a_whole(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case, 2)
        state = conclude(case, "battery-1")
        assert {s.design for s in state.batteries["battery-1"].item_sets} == {"sequential"}
        # Two of two settle the battery, and say nothing of a model.
        words = {key.mode: verdict.verdict for key, verdict in state.verdicts.items()}
        assert words["thinking"] == "at-ceiling"


def test_who_measures_and_who_replays_know_the_same_of_a_run(done: Case):
    """A verdict is recorded from the one and held against the other."""
    prepared = reopen(done)
    agenda = ChunkQueue(prepared, plan_chunks(done, prepared), done.state)
    runs = runs_from_record(entries(done), prepared.name)
    assert any(ran.reasoned for ran in runs)
    for ran in runs:
        live = agenda.ran(ran.key)
        assert live is not None
        for known in ("outcomes", "recorded", "flaws", "reasoned"):
            assert getattr(live, known) == getattr(ran, known), known
