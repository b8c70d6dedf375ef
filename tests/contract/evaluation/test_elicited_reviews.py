"""A review in a chosen elicitation: sealed with its agent, and gone on with by that agent alone."""

import json
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from support.endpoint import completion, serve
from support.reviews import write_submission
from support.silent import Silent
from support.small_case import facts_for, small_case
from touchstone.clearance import COMMUNITY, party_audience
from touchstone.cli.app import run
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.battery_file import ChosenBattery, load_battery, parse_battery
from touchstone.evaluation.elicitation import ELICITATION, AsSent, Elicitation
from touchstone.evaluation.errors import ElicitationError, PlanError
from touchstone.evaluation.profiles import FORMAT, shipped
from touchstone.evaluation.submission import Caps, load_submission
from touchstone.planning.costing import MeanCost
from touchstone.planning.options import PlanOptions
from touchstone.service.errors import CannotReviewError
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.forecasting.plan_review import plan_review
from touchstone.service.measurement.probing import ask_modes
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.reviews.measuring import measure_review, prepared_battery
from touchstone.service.reviews.requirements import check_as_it_stands, check_measuring
from touchstone.verdicts.budget_curves import _budgets
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.runs import battery_plan

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SEEN = MeanCost(10, 1, 100.0, 100.0, 1.0)
OPTIONS = ReviewOptions(items=4, accept_grade=True, elicitation="quick-1")


def test_what_was_chosen_is_sealed_with_its_agent_and_stands(tmp_path: Path):
    with small_case(tmp_path) as case:
        prepared = prepared_battery(case, OPTIONS, Silent(), None)
        sealed = next(iter(case.state.batteries.values()))
        assert prepared.elicitation == resolve(shipped("quick-1"))
        assert prepared.elicitation.code is not None
        assert sealed.elicitation == resolve(shipped("quick-1")).digest
        # The same again is no other choice, and nothing is chosen anew.
        for options in (OPTIONS, ReviewOptions()):
            check_as_it_stands(case, options, Silent(), measured=False)
            assert prepared_battery(case, options, Silent(), None) == prepared
        with pytest.raises(CannotRunError, match=r"was sealed with quick-1, .* open another case"):
            check_as_it_stands(
                case, replace(OPTIONS, elicitation="react-2"), Silent(), measured=False
            )


def test_a_battery_file_may_name_it_and_the_command_goes_before(tmp_path: Path):
    text = parse_battery(
        b'format = "touchstone battery 1"\nid = "b"\nelicitation = "quick-1"\n'
        b'[[sets]]\ncriterion = "memory-safety"\nfamily = "memory-safety"\nitems = 2\n'
    )
    options = ReviewOptions(accept_grade=True, battery=ChosenBattery(text, "ab" * 32))
    assert options.drawn_out == "quick-1"
    assert replace(options, elicitation="loop-1").drawn_out == "loop-1"
    with small_case(tmp_path) as case:
        prepared = prepared_battery(case, options, Silent(), None)
        assert prepared.elicitation == resolve(shipped("quick-1"))


def file_of(folder: Path, *sets: str) -> ReviewOptions:
    head = 'format = "touchstone battery 1"\nid = "b"\nelicitation = "react-2"\n'
    file = folder / "battery.toml"
    file.write_text(head + "".join(f"[[sets]]\n{each}\n" for each in sets), "utf-8")
    return ReviewOptions(accept_grade=True, battery=load_battery(file))


def family(name: str, *more: str) -> str:
    return "\n".join([f'criterion = "{name}"\nfamily = "{name}"\nitems = 2', *more])


OWN = family("memory-safety", 'elicitation = "curve-1"', "limits = { messages = 90 }")
USUAL = family("payment-logic")


def test_a_set_has_its_own_where_the_file_says_so(tmp_path: Path):
    with small_case(tmp_path) as case:
        prepared = prepared_battery(case, file_of(tmp_path, OWN, USUAL), Silent(), None)
        assert prepared_battery(case, ReviewOptions(), Silent(), None) == prepared
        usual, own = resolve(ELICITATION), resolve(shipped("curve-1"))
        assert prepared.elicitations == (usual, own)
        assert prepared.elicitation_of("payment-logic") == usual
        # With the set's own limit, which its file names beside it.
        shown = own.model_copy(update={"message_limit": 90})
        assert prepared.elicitation_of("memory-safety") == shown
        assert prepared.token_limit("memory-safety") == own.token_limit
        specs = [spec for spec, _ in plan_chunks(case, prepared).values()]
        assert {(spec.item_set, spec.elicitation) for spec in specs} == {
            ("memory-safety", shown.digest),
            ("payment-logic", usual.digest),
        }
        for audience in (COMMUNITY, party_audience("example-lab")):
            text = str(facts_for(case, audience).elicitation)
            said = "drawn out otherwise than the other sets: curve-1, agent react, 400 messages"
            assert (said in text) == (audience != COMMUNITY)
            assert "curve-1" in text or audience == COMMUNITY
        (entry,) = case.entries_of("battery-sealed")
        assert [*_budgets(entry.content("registered"))] == [("battery-1", "memory-safety")]


def test_the_agent_of_each_set_must_be_the_one_that_was_sealed(tmp_path: Path):
    own = resolve(shipped("curve-1"))
    assert own.code is not None
    other = own.model_copy(update={"code": own.code.model_copy(update={"version": "0.0.1"})})
    with small_case(tmp_path) as case:
        known = case.installation.families
        chosen = file_of(tmp_path, OWN, USUAL).battery
        plan = battery_plan(case.framework, known, 2, "battery-1", chosen=chosen)
        first, second = plan.sets
        changed = (first.model_copy(update={"elicitation": other}), second)
        plan = plan.model_copy(update={"sets": changed})
        usual = resolve(ELICITATION)
        seal(case, 2, "none", accepted=True, plan=plan, elicitation=usual)
        with pytest.raises(CannotRunError, match=r"curve-1 is here .* sealed as .* 0\.0\.1 "):
            measure_review(case, reopen(case), {}, OPTIONS, Silent(), None)


def test_each_mode_is_asked_with_the_tools_of_every_elicitation(tmp_path: Path):
    with (
        small_case(tmp_path) as case,
        serve(lambda _body, number: completion("x", number=number)) as at,
    ):
        modes = tuple(
            mode.model_copy(update={"base_url": at.url}) for mode in case.submission.modes
        )
        submission = case.submission.model_copy(update={"modes": modes[:1]})
        keys = {mode.api_key_env: "key" for mode in modes}
        hows = [ELICITATION, shipped("loop-1"), shipped("quick-1")]
        ask_modes(submission, keys, hows, accepted=True)
        tools = [len(each.get("tools", ())) for each in at.requests]
        # loop-1 sends what react-2 sends, and is not asked again.
        assert [len(list(same)) for _, same in groupby(tools)] == [len(tools) // 2] * 2
        with pytest.raises(CannotReviewError, match="called no tool when asked"):
            ask_modes(submission, keys, hows[1:], accepted=False)


def test_a_set_that_asks_for_another_effort_is_refused_before_anything(tmp_path: Path):
    dear = file_of(tmp_path, family("memory-safety", 'elicitation = "lead-10m"'), USUAL)
    with small_case(tmp_path) as case:
        known = case.installation.families
        with pytest.raises(CannotRunError, match="set memory-safety: elicitation lead-10m asks"):
            check_measuring(known, case.framework, case.submission, dear, Silent())
        capped = case.submission.model_copy(update={"caps": Caps(tokens=1_000_000)})
        check_measuring(known, case.framework, capped, file_of(tmp_path, USUAL), Silent())
        with pytest.raises(CannotRunError, match=r"1,6.* tokens, .* more than the caps"):
            check_measuring(known, case.framework, capped, file_of(tmp_path, OWN, USUAL), Silent())


def test_a_pack_has_no_elicitation_of_ours_and_unknown_ones_are_refused(tmp_path: Path):
    with pytest.raises(PlanError, match="a pack's own agent works on its items"):
        file_of(tmp_path, 'criterion = "x"\npack = "x"\nelicitation = "quick-1"')
    with pytest.raises(ElicitationError, match="none-such"):
        file_of(tmp_path, family("memory-safety", 'elicitation = "none-such"'))
    with pytest.raises(ElicitationError, match=r"ours\.toml: cannot be read"):
        file_of(tmp_path, family("memory-safety", 'elicitation = "ours.toml"'))


def test_a_set_may_name_a_file_beside_the_battery_s(tmp_path: Path):
    (tmp_path / "ours.toml").write_text(f'format = "{FORMAT}"\nid = "ours"\nnudges = 7\n', "utf-8")
    options = file_of(tmp_path, family("memory-safety", 'elicitation = "ours.toml"'))
    with small_case(tmp_path) as case:
        prepared = prepared_battery(case, options, Silent(), None)
        how = prepared.elicitation_of("memory-safety")
        assert (how.id, how.nudges, how.sent is None) == ("ours", 7, False)


def test_a_plan_reckons_with_the_limits_of_each_set(tmp_path: Path):
    submission = load_submission(write_submission(tmp_path, "http://127.0.0.1:9/v1"))
    sets = (family("memory-safety", 'elicitation = "curve-1"'), USUAL)
    options = PlanOptions(battery=file_of(tmp_path, *sets).battery)
    found = plan_review(submission, options, "2026-12-01T00:00:00Z", {("memory-safety", ""): SEEN})
    by_set = {run.criterion: run for run in found.runs}
    assert by_set["memory-safety"].worst.tokens == 2 * shipped("curve-1").token_limit
    assert by_set["payment-logic"].worst.tokens == 2 * ELICITATION.token_limit
    assert not by_set["memory-safety"].measured


@pytest.mark.parametrize("differs", ["code", "sent"])
def test_another_agent_than_was_sealed_measures_nothing(differs: str, tmp_path: Path):
    how = resolve(shipped("quick-1"))
    assert how.code is not None
    changed = {
        "code": how.code.model_copy(update={"version": "0.0.1"}),
        "sent": AsSent(system="sha256:" + "00" * 32, tools="sha256:" + "00" * 32),
    }
    other = how.model_copy(update={differs: changed[differs]})
    says = {"code": r"quick-1 is here .* sealed as .* 0\.0\.1 ", "sent": "sends other prompts"}
    with small_case(tmp_path) as case:
        seal(case, 4, "none", accepted=True, elicitation=other)
        with pytest.raises(CannotRunError, match=says[differs]):
            measure_review(case, reopen(case), {}, OPTIONS, Silent(), None)
        assert not case.state.tallies


def test_caps_that_hold_no_sample_of_it_are_refused_before_anything(tmp_path: Path):
    with small_case(tmp_path) as case:
        known, capped = case.installation.families, Caps(tokens=1_000_000)
        submission = case.submission.model_copy(update={"caps": capped})
        check_measuring(known, case.framework, submission, OPTIONS, Silent())
        dear = replace(OPTIONS, elicitation="lead-10m")
        with pytest.raises(CannotRunError, match="more than the caps allow"):
            check_measuring(known, case.framework, submission, dear, Silent())


def test_two_parties_print_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "ours.toml"
    file.write_text(f'format = "{FORMAT}"\nid = "react-2"\n', "utf-8")
    assert run(["elicitation", "show", "react-2"]) == 0
    centre = capsys.readouterr().out.splitlines()
    assert run(["elicitation", "show", str(file)]) == 0
    developer = capsys.readouterr().out.splitlines()
    assert centre == developer
    assert centre[0] == f"elicitation digest {resolve(ELICITATION).digest}"
    file.write_text(f'format = "{FORMAT}"\nid = "react-2"\nagent = "deepagent"\n', "utf-8")
    assert run(["elicitation", "show", str(file)]) == 0
    assert "may tell the model that it is under review: evaluate, evaluation" in (
        capsys.readouterr().out
    )
    assert run(["elicitation", "show", "react-2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    digest, announcing = told.pop("digest"), told.pop("announcing")
    # Whoever has the JSON can compute the digest of it.
    assert Elicitation.model_validate(told).digest == digest == resolve(ELICITATION).digest
    assert announcing == []


def test_a_file_that_cannot_be_used_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "x.toml"
    file.write_text(f'format = "{FORMAT}"\nid = "x"\nagent = "example:agent"\n', "utf-8")
    assert run(["elicitation", "show", str(file)]) == 2
    assert "not supported in-process" in capsys.readouterr().err
    assert run(["elicitation", "list"]) == 0
    (_, first, *_) = capsys.readouterr().out.splitlines()
    assert first.split() == ["quick-1", "loop", "1", "24", "40,000", "240"]
