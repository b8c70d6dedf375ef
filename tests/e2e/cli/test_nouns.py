"""Six parties take one review from its window to its end, by commands and their own keys alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from support.party_server import CASE
from support.story_by_commands import (
    AGENCY,
    CENTRE,
    EVALUATOR,
    INSTITUTE,
    LAB,
    TREASURY,
    Hands,
    answers,
    hands,
)
from touchstone.deeds.measurement import identity_of, snapshot_seen
from touchstone.service.reviews import comparing

KEPT = b"transcripts that others could follow"
DECLARED = "safeguards-before-release"


@dataclass
class Told:
    """What was asked on the way, and what came of it."""

    hands: Hands
    begun: int
    """Entries before the first command."""
    shown: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    """What the law refused on the way, by what was tried."""

    @property
    def deeds(self) -> list[str]:
        """What the commands recorded, in order."""
        return self.hands.made.events()[self.begun :]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("nouns")
    with hands(folder) as each:
        found = Told(each, len(each.made.events()))
        for step in (_clock, _findings, _designation, _terms, _directives, _release, _end):
            step(found, folder)
        yield found


def refused(told: Told, what: str, party: str, *words: str | Path, code: int = 1) -> None:
    """Try what the law refuses, or what cannot be drafted; nothing is recorded."""
    before = len(told.hands.made.events())
    line = told.hands.at(party, *words[:2], CASE, *words[2:]).refused(code)
    told.codes[what] = line.partition("(")[2].partition(")")[0] if code == 1 else line[12:]
    assert len(told.hands.made.events()) == before


def _clock(told: Told, _folder: Path) -> None:
    does, shows = told.hands.does, told.hands.shows
    refused(told, "pause before", LAB, "clock", "pause", "--reason", "Down.")
    does(CENTRE, "clock", "lay")
    told.shown["clock laid"] = shows(AGENCY, "clock")
    does(LAB, "clock", "pause", "--reason", "Our endpoint is down.")
    told.shown["clock paused"] = shows(TREASURY, "clock")
    refused(told, "pause again", CENTRE, "clock", "pause", "--reason", "Down.")
    does(CENTRE, "clock", "resume")
    does(LAB, "clock", "extend", "--days", "3", "--reason", "One mode came late.")
    refused(told, "extend", CENTRE, "clock", "extend", "--days", "3", "--reason", "More.")
    does(LAB, "review", "halt", "--reason", "We look into a leak.")
    told.shown["clock halted"] = shows(LAB, "clock")
    does(LAB, "review", "resume", "--reason", "It was none.")


def _findings(told: Told, folder: Path) -> None:
    does, shows = told.hands.does, told.hands.shows
    kept = folder / "kept.zip"
    kept.write_bytes(KEPT)
    text = folder / "found.txt"
    text.write_text("It solves them.\nAll of them.\n", "utf-8")
    about = ("--domain", "cyber", "--criterion", "memory-safety", "--title", "Solves most")
    does(CENTRE, "finding", "sign", "f-1", *about, "--text-file", text)
    withheld = ("--withheld-evidence", kept, "--withheld-reason", "Others could follow it.")
    said = ("--domain", "cyber", "--title", "A way around", "--text", "It finds a way around.")
    does(EVALUATOR, "finding", "sign", "out-1", *said, *withheld)
    does(INSTITUTE, "finding", "sign", "in-1", *said)
    told.shown["findings"] = shows(TREASURY, "finding")["findings"]
    grounds = ("--grounds", "The items were trained on.\nAll of them.", "--rerun-wanted")
    refused(told, "not the developer", CENTRE, "finding", "dispute", "f-1", *grounds)
    does(LAB, "finding", "dispute", "f-1", *grounds)
    refused(
        told,
        "a finding that it may not read",
        INSTITUTE,
        *("finding", "rerun", "out-1", "--outcome", "upheld", "--text", "So."),
    )
    again = ("--outcome", "revised", "--text", "On fresh items it solves fewer.")
    does(CENTRE, "finding", "rerun", "f-1", *again)
    does(LAB, "finding", "respond", "f-1", "--stance", "accepted", "--text", "That is right.")
    does(LAB, "finding", "dispute", "out-1", "--grounds", "It is no way.")
    told.shown["disputed outside"] = shows(EVALUATOR, "finding", "out-1")["findings"]
    does(EVALUATOR, "finding", "rerun", "out-1", "--outcome", "upheld", "--text", "It is one.")
    does(LAB, "finding", "respond", "in-1", "--stance", "mitigated", "--text", "It is closed.")
    told.shown["answered ally"] = shows(INSTITUTE, "finding", "in-1")["findings"]
    told.shown["f-1"] = shows(AGENCY, "finding", "f-1")["findings"]
    plan = folder / "plan.pdf"
    plan.write_bytes(b"a plan")
    does(LAB, "evidence", "declare", DECLARED, plan, "--shows", "not-met")


def _designation(told: Told, _folder: Path) -> None:
    does, shows = told.hands.does, told.hands.shows
    refused(told, "nothing proposed", AGENCY, "designation", "concur")
    refused(told, "made too early", AGENCY, "designation", "make", "covered", "--reasons", "So.")
    does(CENTRE, "designation", "propose")
    told.shown["proposed"] = shows(TREASURY, "designation")
    does(TREASURY, "designation", "dissent", "--reason", "Nothing was measured.")
    told.shown["dissented"] = shows(LAB, "designation")
    refused(told, "not in question", AGENCY, "designation", "concur", "--of", "covered")
    does(AGENCY, "designation", "concur", "--of", "undetermined")
    refused(
        told,
        "not the designator",
        TREASURY,
        *("designation", "make", "covered", "--reasons", "So."),
    )
    does(AGENCY, "designation", "make", "covered", "--reasons", "By finding f-1.")
    told.shown["made"] = shows(LAB, "designation")
    does(AGENCY, "designation", "revise", "undetermined", "--reasons", "It was revised.")
    told.shown["revised"] = shows(CENTRE, "designation")


def june(folder: Path, name: str, old: str, new: str) -> Path:
    """A file of the June example with a passage replaced."""
    text = resources.files("touchstone.demo.june").joinpath(name).read_text("utf-8")
    assert old in text
    path = folder / f"{len([*folder.iterdir()])}-{name}"
    path.write_text(text.replace(old, new), "utf-8")
    return path


def _terms(told: Told, folder: Path) -> None:
    does, at = told.hands.does, told.hands.at
    wide = june(folder, "terms.toml", "version", "version")
    tiers = 'tiers = ["verified", "named-list"]'
    narrow = june(folder, "terms.toml", tiers, 'tiers = ["verified"]')
    refused(told, "empty table", LAB, "terms", "agree", code=2)
    refused(told, "nothing to counter", LAB, "terms", "counter", narrow, code=2)
    does(AGENCY, "terms", "offer", wide)
    countered = at(LAB, "terms", "counter", CASE, narrow)
    assert countered.code == 0, countered.err
    told.shown["countered"] = countered.err
    does(AGENCY, "terms", "agree")
    does(TREASURY, "terms", "decline", "--reason", "Too wide still.")


def _directives(told: Told, folder: Path) -> None:
    does = told.hands.does
    order = june(folder, "june-12.toml", "expires = 2027", "expires = 2036")
    classes = june(folder, "standing.toml", "until = 2027", "until = 2036")
    refused(told, "not an agency", LAB, "directive", "issue", order)
    refused(told, "no directive", AGENCY, "directive", "lift", "1", code=2)
    refused(told, "no gateway there", AGENCY, "directive", "issue", order, "--out", folder, code=2)
    does(AGENCY, "directive", "issue", order, "--marking", "AMBER+STRICT")
    refused(told, "another's directive", TREASURY, "directive", "lift", "june-12")
    does(LAB, "directive", "standing", classes)
    does(LAB, "directive", "standing", "--withdraw")
    does(AGENCY, "directive", "lift", "1")


def _release(told: Told, _folder: Path) -> None:
    does, shows = told.hands.does, told.hands.shows
    asked = ("more-time", "--until", "2027-02-01", "--reason", "Two criteria are open.")
    does(AGENCY, "postponement", "request", *asked)
    told.shown["postponement"] = shows(LAB, "clock")
    refused(told, "not asked", LAB, "postponement", "answer", "other", "declined")
    does(LAB, "postponement", "answer", "more-time", "declined")
    released = ("--scope", "public", "--variant", "final", "--same-model", "same")
    # Not refused, whatever it names (ADR 30): who typed it wrong is told, also without a question.
    said = told.hands.at(LAB, "release", "announce", CASE, *released, "--variant", "finl")
    assert (said.code, "no variant is called finl; those are: final" in said.err) == (0, True)
    told.shown["released"] = shows(AGENCY, "clock")
    centre = told.hands.made.parties[1]
    before = answers({"instant": "example-3", "thinking": "example-3"})(None, "final", "")
    centre.act(lambda seen: snapshot_seen(seen, "final", before, "before", {}, None, seen.now()))
    for name in ("example-3", "example-4"):
        with pytest.MonkeyPatch.context() as patch:
            asked_now = answers({"instant": name, "thinking": name})
            patch.setattr(comparing, "ask_released", asked_now)
            does(CENTRE, "release", "compare", "--variant", "final")


def _end(told: Told, _folder: Path) -> None:
    does = told.hands.does
    does(CENTRE, "clock", "end", "--reason", "All was said.")
    does(LAB, "review", "withdraw", "--publish")
    revised = ("designation", "revise", "covered", "--reasons", "So.")
    refused(told, "after it left", AGENCY, *revised)
    does(CENTRE, "review", "close", "--reason", "The developer has left.")
    refused(told, "halt when closed", LAB, "review", "halt", "--reason", "Late.")


# ------------------------------------------------------------------ what came of it


def test_each_command_did_the_deed_that_it_is_for(told: Told):
    assert told.deeds == [
        *("clock-anchored", "clock-paused", "clock-resumed", "clock-extended"),
        *("review-halted", "review-resumed"),
        *("finding-signed", "outside-finding-signed", "finding-signed"),
        *("finding-disputed", "finding-rerun", "finding-responded"),
        *("finding-disputed", "finding-rerun", "finding-responded", "evidence-declared"),
        *("designation-proposed", "designation-dissented", "designation-concurred"),
        *("designation-made", "designation-revised"),
        *("terms-offered", "terms-countered", "terms-agreed", "terms-declined"),
        *("directive-issued", "standing-classes-authorised", "standing-classes-authorised"),
        "directive-lifted",
        *("postponement-requested", "postponement-answered", "release-announced"),
        *("snapshot-seen", "release-compared", "release-compared"),
        *("clock-ended", "review-withdrawn", "case-closed"),
    ]


def test_no_key_of_a_party_was_at_the_server(told: Told):
    server = told.hands.made.folder / "server"
    disk = b"".join(path.read_bytes() for path in server.rglob("*") if path.is_file())
    assert not list(server.rglob("parties/*/*.pem"))
    for party in (LAB, CENTRE, AGENCY, TREASURY, EVALUATOR, INSTITUTE):
        pem = (told.hands.made.home(party) / "parties" / party / "0.pem").read_bytes()
        secret = b"".join(pem.splitlines()[1:-1])
        assert len(secret) > 60
        assert secret not in disk


def test_the_clock_tells_hour_zone_and_who_is_to_act(told: Told):
    laid = {each["what"]: each for each in told.shown["clock laid"]["dates"]}
    assert told.shown["clock laid"]["standing"] == "running"
    assert laid["window-ends"]["local"] == "2027-01-05T23:59:59+00:00"
    assert laid["window-ends"]["timezone"] == "Europe/London"
    assert laid["window-ends"]["by"] == [CENTRE]
    paused = told.shown["clock paused"]
    assert paused["standing"] == "paused"
    assert next(d["by"] for d in paused["dates"] if d["what"] == "paused") == [CENTRE, LAB]
    halted = {each["what"]: each["by"] for each in told.shown["clock halted"]["dates"]}
    assert halted["window-ends"] == [LAB]
    assert told.shown["clock halted"]["window"]["extension_days"] == 3


def test_terms_are_negotiated_each_by_its_own_key_and_say_what_they_change(told: Told):
    state = told.hands.made.here.state(CASE)
    assert state.terms.offered_by == LAB
    assert set(state.terms.agreed) == {LAB, AGENCY}
    assert set(state.terms.declined) == {TREASURY}
    assert state.agreed_terms == state.terms.on_table
    assert "example-lab offers" in told.shown["countered"]
    assert "Against what was on the table:" in told.shown["countered"]


def test_a_postponement_refused_and_a_release_despite_it(told: Told):
    asked = {each["what"]: each for each in told.shown["postponement"]["dates"]}
    assert (asked["postponement"]["by"], asked["postponement"]["about"]) == ([LAB], "more-time")
    released = {each["what"]: each["by"] for each in told.shown["released"]["dates"]}
    assert "postponement" not in released
    assert released["public-release"] == []
    state = told.hands.made.here.state(CASE)
    assert state.postponements["more-time"].answer is not None
    assert [each.scope for each in state.releases] == ["public"]


def test_what_was_released_is_held_against_what_was_reviewed(told: Told):
    state = told.hands.made.here.state(CASE)
    assert [each.compared for each in state.comparisons] == ["same", "changed"]
    other = answers({"instant": "example-4", "thinking": "example-4"})(None, "final", "")
    assert state.comparisons[1].digest == identity_of(other)


def test_findings_of_the_centre_an_outsider_and_an_ally_are_told_apart(told: Told):
    by = {each["finding"]: each for each in told.shown["findings"]}
    assert {name: each["role"] for name, each in by.items()} == {
        "f-1": "centre",
        "out-1": "independent-evaluator",
        "in-1": "co-evaluator",
    }
    assert by["out-1"]["withheld_evidence"] == f"sha256:{sha256(KEPT).hexdigest()}"
    assert by["out-1"]["withheld_reason"] == "Others could follow it."
    assert by["out-1"]["text"] == "A way around\n\nIt finds a way around."
    assert (by["f-1"]["title"], by["f-1"]["text"]) == (
        "Solves most",
        "It solves them.\nAll of them.",
    )
    assert by["in-1"]["withheld_evidence"] is None
    server = told.hands.made.folder / "server"
    assert not any(KEPT in path.read_bytes() for path in server.rglob("*") if path.is_file())


def test_a_dispute_leads_to_a_second_look_and_everybody_reads_what_came_of_it(told: Told):
    (found,) = told.shown["f-1"]
    assert found["stands"] == "revised"
    assert found["dispute"]["rerun_wanted"]
    assert found["dispute"]["text"] == "The items were trained on.\nAll of them."
    assert (found["rerun"]["word"], found["rerun"]["text"]) == (
        "revised",
        "On fresh items it solves fewer.",
    )
    assert (found["response"]["word"], found["response"]["by"]) == ("accepted", LAB)


def test_what_answers_an_evaluator_from_outside_reaches_it(told: Told):
    """It is no party of the case's usual marking: without its name on it, it could not answer."""
    (disputed,) = told.shown["disputed outside"]
    assert (disputed["stands"], disputed["dispute"]["text"]) == ("disputed", "It is no way.")
    (answered,) = told.shown["answered ally"]
    assert answered["response"]["text"] == "It is closed."
    state = told.hands.made.here.state(CASE)
    assert state.findings["out-1"].stands == "upheld"


def test_a_dissent_and_silence_are_told_apart_and_a_decision_waits_for_neither(told: Told):
    def said(when: str) -> dict[str, str]:
        return {each["agency"]: each["word"] for each in told.shown[when]["agencies"]}

    assert set(said("proposed").values()) <= {"silent", "not-to-be-read"}
    assert said("dissented")[TREASURY] == "dissented"
    treasury = next(e for e in told.shown["dissented"]["agencies"] if e["agency"] == TREASURY)
    assert treasury["reason"] == "Nothing was measured."
    lacking = {each["lack"]: each for each in told.shown["dissented"]["missing"]}
    assert lacking["concurrence"] == {"lack": "concurrence", "by": [TREASURY], "stops": False}
    assert lacking["decision"]["by"] == [AGENCY]
    assert told.shown["made"]["made"] == "covered"
    assert told.shown["made"]["missing"] == []
    assert said("made")[AGENCY] == "of-another-question"
    decided = told.shown["revised"]["decisions"]
    assert [(e["designation"], e["reasons"]) for e in decided] == [
        ("covered", "By finding f-1."),
        ("undetermined", "It was revised."),
    ]


def test_what_the_law_refuses_says_its_code_and_stands_nowhere(told: Told):
    assert told.codes == {
        "pause before": "window-not-laid",
        "pause again": "clock-paused",
        "extend": "not-your-role",
        "not the developer": "not-your-role",
        "a finding that it may not read": "topic-moved",
        "nothing proposed": "nothing-proposed",
        "made too early": "nothing-proposed",
        "not in question": "not-in-question",
        "not the designator": "not-the-designator",
        "empty table": "nothing is on the table: touchstone terms offer CASE TERMS.toml",
        "nothing to counter": "nothing is on the table to counter: touchstone terms offer CASE",
        "not an agency": "not-your-role",
        "no directive": "no directive '1' is issued; issued are: none",
        "no gateway there": "--out: is for the record of this machine: leave it out",
        "another's directive": "directive-of-another",
        "not asked": "request-unknown",
        "after it left": "case-withdrawn",
        "halt when closed": "case-closed",
    }


# ------------------------------------------------------------------ what is bad input

SIGN = ("finding", "sign", CASE, "new-1", "--domain", "cyber", "--title", "A title")
WHY = ("--reason", "Why.")
ZERO = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("party", "words", "says"),
    [
        (LAB, ("clock", "extend", CASE, "--days", "0", *WHY), "--days: write how many"),
        (LAB, ("clock", "pause", CASE, "--reason", " "), "--reason: write one line"),
        (LAB, ("review", "resume", CASE, "--reason", "a\x1bb"), "--reason: holds the unseen"),
        (
            CENTRE,
            ("finding", "sign", CASE, "a b", *SIGN[4:], "--text", "x"),
            "FINDING: write an id",
        ),
        (CENTRE, SIGN, "say it once: --text TEXT or --text-file FILE"),
        (CENTRE, (*SIGN, "--text", "x", "--text-file", "y"), "say it once"),
        (CENTRE, (*SIGN, "--text", "  "), "--text: there are no words"),
        (CENTRE, (*SIGN, "--text-file", "/nowhere"), "/nowhere: cannot be read"),
        (EVALUATOR, (*SIGN, "--text", "x"), "an independent evaluator names the evidence"),
        (
            CENTRE,
            (*SIGN, "--text", "x", "--withheld-digest", ZERO, "--withheld-reason", "So."),
            "example-centre is no independent evaluator",
        ),
        (
            EVALUATOR,
            (*SIGN, "--text", "x", "--withheld-digest", "SHA", "--withheld-reason", "So."),
            "--withheld-digest: write sha256:",
        ),
        (
            EVALUATOR,
            (*SIGN, "--text", "x", "--withheld-digest", ZERO),
            "--withheld-reason: write one line",
        ),
        (
            EVALUATOR,
            (*SIGN, "--text", "x", "--withheld-reason", "So."),
            "name what is kept back, once",
        ),
        (EVALUATOR, (*SIGN, "--text", "x", "--withheld-evidence", "/nowhere"), "--withheld-reason"),
        (CENTRE, ("finding", "rerun", CASE, "f-1", "--outcome", "maybe", "--text", "x"), "maybe"),
        (LAB, ("finding", "show", CASE, "f-9"), "FINDING: no finding 'f-9' is shown here"),
        (LAB, ("evidence", "declare", CASE, DECLARED, "/nowhere", "--shows", "met"), "/nowhere"),
        (LAB, ("evidence", "declare", CASE, DECLARED, "/dev/null", "--shows", "met"), "is empty"),
        (AGENCY, ("designation", "concur", CASE, "--proposal", "0"), "--proposal: proposals are"),
        (AGENCY, ("designation", "make", CASE, "perhaps", "--reasons", "So."), "perhaps"),
        (AGENCY, ("designation", "dissent", CASE, "--reason", ""), "--reason: write"),
        (CENTRE, ("designation", "propose", CASE), "exactly this is proposed already"),
        (
            AGENCY,
            ("postponement", "request", CASE, "p-2", "--until", "2027-02-30", *WHY),
            "--until: write a day as YYYY-MM-DD",
        ),
        (LAB, ("release", "announce", CASE, "--scope", "public", "--variant", "a b"), "variants"),
        (CENTRE, ("release", "compare", CASE, "--variant", "other"), "names no mode of it"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_bad_input_is_one_line_and_leaves_nothing(
    told: Told, party: str, words: tuple[str, ...], says: str
):
    made = told.hands.made
    before = len(made.events()), len(made.server(party).sent)
    line = told.hands.at(party, *words, yes=words[1] != "show").refused(2)
    assert says in line
    assert (len(made.events()), len(made.server(party).sent)) == before


# ------------------------------------------------------------------ for people, and in files


def test_people_are_shown_tables_with_zone_words_and_who_is_to_act(told: Told):
    shown = told.hands.at(LAB, "clock", "show", CASE, yes=False)
    assert (shown.code, shown.err) == (0, "")
    assert "The review window has ended." in shown.out
    dates = {line[:24].strip(): line[24:].split() for line in shown.out.splitlines()[3:]}
    assert dates["window ends"][:3] == ["2027-01-08", "23:59", "Europe/London"], "it was extended"
    found = told.hands.at(EVALUATOR, "finding", "show", CASE, "out-1", yes=False).out
    assert "signed by example-evaluator (independent-evaluator) at 20" in found
    assert "Its evidence is kept back: sha256:" in found
    assert "Looked at again by example-evaluator" in found
    listed = told.hands.at(CENTRE, "finding", "show", CASE, yes=False).out
    assert "disputes it; accepted" in listed
    assert "mitigated" in listed
    stands = told.hands.at(AGENCY, "designation", "show", CASE, yes=False).out
    assert "Proposal 1 by example-centre" in stands
    assert "dissents" in stands
    assert "Nothing was measured." in stands
    assert "Decided by example-agency" in stands


def test_a_deed_goes_into_a_file_for_a_machine_that_reaches_no_server(told: Told, tmp_path: Path):
    file, before = tmp_path / "request.deed", len(told.hands.made.events())
    words = ("finding", "respond", CASE, "f-1", "--stance", "noted", "--text", "Seen.")
    said = told.hands.at(LAB, *words, "--to-file", file, yes=False)
    assert (said.code, len(told.hands.made.events())) == (0, before), said.err
    assert "Seen." in file.read_text("utf-8")
    signed = told.hands.typed(told.hands.made.home(LAB), "deed", "sign", file, "--yes")
    assert signed.code == 0, signed.err
    sent = told.hands.at(LAB, "deed", "send", file, yes=False)
    assert sent.code == 0, sent.err
    assert told.hands.made.events()[-1] == "finding-responded"
