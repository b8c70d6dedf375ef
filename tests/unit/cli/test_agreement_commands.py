"""From an opened case to an assessed submission, each deed by its own party's machine."""

import json
from pathlib import Path

import pytest

from support.party_homes import SERVER, Machines
from support.party_server import CASE, FRAMEWORK
from support.small_case import SUBMISSION
from touchstone.editions.value_lines import value_lines
from touchstone.service.cases.case_admin import open_begun

from .conftest import Command, Sits

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
OPEN = ("case", "open", "example", "--developer", LAB, "--agency", AGENCY)
CHOSEN = ("--access", "endpoint", "--reasoning", "summary")


def test_a_case_from_its_opening_to_an_assessed_submission(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    tmp_path: Path,
):
    def does(party: str, *words: str | Path) -> str:
        at(party)
        said = command(*words, *by_server, "--yes", "--json")
        assert said.code == 0, said.err
        return said.out

    does(CENTRE, *OPEN, *CHOSEN, "--id", "new-1", "--model", "Example Model 3")
    for party, role in ((LAB, "developer"), (AGENCY, "agency")):
        expects = made.key(party).fingerprint
        does(CENTRE, "party", "invite", "new-1", party, "--role", role, "--expects", expects)
        does(party, "party", "join", "new-1", "--role", role)

    choices = tmp_path / "mine.toml"
    choices.write_text(
        'retention_days = 30\npublication = "nothing"\ntext = "Weights stay with us."\n'
        f'[readers]\nsubmission = ["{AGENCY}"]\n',
        "utf-8",
    )
    does(LAB, "agreement", "offer", "new-1", "--file", choices, "--reasoning", "full")
    at(CENTRE)
    shown = json.loads(command("agreement", "show", "new-1", *by_server, "--json").out)
    assert [each["signed"] for each in shown] == [[], [LAB]]
    first, second = (each["text"] for each in shown)
    assert first["template"]["id"] == second["template"]["id"]
    assert (first["reasoning"], first["model"]) == ("summary", "Example Model 3")
    assert (second["reasoning"], second["retention_days"]) == ("full", 30)
    assert (second["access"], second["model"]) == ("endpoint", "Example Model 3")
    assert second["readers"] == {"submission": [AGENCY]}
    assert not made.here.state("new-1").agreement

    # The centre counters, and the developer signs that.
    does(CENTRE, "agreement", "offer", "new-1", "--retention-days", "60")
    does(LAB, "agreement", "sign", "new-1")
    state = made.here.state("new-1")
    assert state.agreement
    assert (state.agreement.retention_days, state.agreement.publication) == (60, "nothing")

    file = tmp_path / "SUBMISSION.toml"
    file.write_text(SUBMISSION.format(framework="example"), "utf-8")
    does(LAB, "submission", "hand-in", "new-1", file)
    does(CENTRE, "submission", "assess", "new-1", "--missing", "A card of the model.")
    state = made.here.state("new-1")
    assert state.submission
    assert state.submission.model == "Example Model 3"
    assert state.assessment
    assert not state.assessment.complete
    # As they agreed, the agency reads what was handed in.
    handed_in = [
        json.loads(part.data)["marking"]["parties"]
        for n, event in enumerate(made.here.records.case("new-1").events())
        if event["type"] == "submission-received"
        for part in made.here.records.case("new-1").entry_parts(n)
        if part.data and "variants" in json.loads(part.data).get("content", {})
    ]
    assert handed_in == [[LAB, CENTRE, AGENCY]]
    known = open_begun(made.here, "new-1")
    assert known.agreed_readers("submission") == (AGENCY,)
    assert known.agreed_readers("outcomes") == ()
    words = [
        json.loads(part.data)["content"]["missing"]
        for part in made.here.records.case("new-1").entry_parts(state.size - 1)
        if part.data and "missing" in json.loads(part.data).get("content", {})
    ]
    assert "A card of the model." in words[0]


def test_an_operator_opens_a_case_and_is_told_whose_key_was_made(
    made: Machines, command: Command, at: Sits
):
    at(SERVER)
    said = command(*OPEN, *CHOSEN, "--id", "here-1", "--yes")
    assert said.code == 0, said.err
    assert f"made the key of {CENTRE} on this machine" in said.err
    invite = "Next: touchstone party invite here-1"
    assert f"{invite} example-lab --role developer --expects SHA256:...\n" in said.out
    assert made.events("here-1") == ["case-opened"]
    again = command(*OPEN, *CHOSEN, "--id", "here-2", "--yes")
    assert "made the key" not in again.err


def test_a_text_is_shown_whole_before_it_is_signed(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(CENTRE)
    assert (
        command(
            *("agreement", "offer", CASE, "--retention-days", "45", "--view-only", CENTRE),
            *(*by_server, "--yes"),
        ).code
        == 0
    )
    at(LAB)
    before = made.events()
    said = command("agreement", "sign", CASE, *by_server)
    assert said.code == 1
    assert "  publication: agreed-report\n" in said.err
    assert f"  view_only:\n    - {CENTRE}\n" in said.err
    assert FRAMEWORK.digest in said.err
    assert made.events() == before
    # What may be signed is shown by the same lines.
    value = json.loads(command("agreement", "show", CASE, *by_server, "--json").out)[-1]["text"]
    lines = [f"  {line}" for line in value_lines(value)]
    assert command("agreement", "show", CASE, *by_server).out.splitlines()[-len(lines) :] == lines
    assert set(lines) <= {*said.err.splitlines()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("agreement", "offer", CASE), "says what is on the table"),
        (("agreement", "offer", CASE, "--retention-days", "0"), "--retention-days"),
        (("agreement", "offer", CASE, "--reader", "submission"), "write WHAT=PARTY"),
        (("agreement", "offer", CASE, "--reader", "a b=example-lab"), "--reader"),
        (("agreement", "offer", CASE, "--file", "no-such.toml"), "no-such.toml"),
        (("agreement", "sign", CASE, "sha256:zz"), "0 texts of the case have such a digest"),
        (("submission", "hand-in", CASE, "no-such.toml"), "no-such.toml"),
        (OPEN, "does not say access and reasoning"),
        ((*OPEN[:-1], "example-ministry", *CHOSEN), "--agency: 'example-ministry'"),
        ((*OPEN[:4], CENTRE, *CHOSEN, "--as", CENTRE), "each party has one role in a case"),
        (("case", "open", "no-such", "--developer", LAB, *CHOSEN), "no-such"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    words: tuple[str, ...],
    told: str,
):
    at(LAB)
    before = made.events(), sorted(made.here.records.names())
    assert told in command(*words, *by_server, "--yes").refused()
    assert (made.events(), sorted(made.here.records.names())) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retention_day = 3\n", "retention_day"),
        ('retention_days = "3"\n', "retention_days"),
        ('access = "by post"\n', "access"),
        ("[readers]\nsubmission = 3\n", "submission"),
        ('[readers]\nsecrets = ["example-lab"]\n', "secrets"),
        ('text = "a\\u202eb"\n', "choices.toml"),
        ("= 3", "choices.toml"),
    ],
)
def test_a_file_of_choices_is_read_strictly(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    tmp_path: Path,
    text: str,
    told: str,
):
    at(LAB)
    file = tmp_path / "choices.toml"
    file.write_text(text, "utf-8")
    before = made.events()
    line = command("agreement", "offer", CASE, "--file", file, *by_server, "--yes").refused()
    assert told in line
    assert made.events() == before


def test_another_developers_submission_is_not_handed_in(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    at(LAB)
    file = tmp_path / "SUBMISSION.toml"
    text = SUBMISSION.format(framework="example")
    file.write_text(text.replace('id = "example-lab"', 'id = "other-lab"'), "utf-8")
    line = command("submission", "hand-in", CASE, file, *by_server, "--yes").refused()
    assert "developer.id is other-lab" in line
    file.write_text(SUBMISSION.format(framework="us-2026-06"), "utf-8")
    line = command("submission", "hand-in", CASE, file, *by_server, "--yes").refused()
    assert "the case is held to example" in line
    assert "submission-received" not in made.events()


def test_a_text_is_signed_once_and_who_makes_it_hold_is_told(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    sign = ("agreement", "sign", CASE)
    options = (*by_server, "--yes")
    at(CENTRE)
    offer = ("agreement", "offer", CASE, "--retention-days")
    assert command(*offer, "44", *options).code == 0
    size = len(made.events())
    line = command(*sign, *options).refused(1)
    assert f"{CENTRE} has signed this text already; it holds once the other party" in line
    at(LAB)
    told = "The agreement holds: both have signed the same text.\n"
    assert told in command(*sign, *options).out
    line = command(*sign, *options).refused(1)
    assert f"{LAB} has signed this text already; it holds, and nothing is recorded" in line
    assert len(made.events()) == size + 1
    # Twin: whoever offered another since signs this one again, which concludes nothing new.
    assert command(*offer, "43", *options).code == 0
    held = made.here.state(CASE).agreement
    assert held
    again = command(*sign, held.agreement, *options)
    assert (again.code, told in again.out) == (0, False)
    assert len(made.events()) == size + 3
