"""A review in a chosen elicitation: sealed with its agent, and gone on with by that agent alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from support.silent import Silent
from support.small_case import small_case
from touchstone.cli.app import run
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.battery_file import ChosenBattery, parse_battery
from touchstone.evaluation.elicitation import ELICITATION, AsSent, Elicitation
from touchstone.evaluation.profiles import FORMAT, shipped
from touchstone.evaluation.submission import Caps
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.reviews.measuring import measure_review, prepared_battery
from touchstone.service.reviews.requirements import check_as_it_stands, check_measuring
from touchstone.verdicts.errors import CannotRunError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
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
