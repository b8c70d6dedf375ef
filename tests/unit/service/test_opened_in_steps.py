"""A case is opened by deeds of several hands; a crash between two leaves one that is gone on with.

Each deed is a commit of its own, by its own party's key. Whatever a crash lets stand, the same call
makes of it what it would have made at once, and asks nobody for a second case.
"""

from pathlib import Path
from typing import Any

import pytest

from support.small_case import AGENCIES, SUBMISSION, Minutes
from touchstone.clearance import party_audience
from touchstone.deeds.cases import review_halted
from touchstone.deeds.known_case import Participants
from touchstone.editions.case_summary import summarise_events
from touchstone.evaluation import Submission, load_submission
from touchstone.framework import Framework
from touchstone.ledger import loads
from touchstone.ledger.contract2 import check_deed_bundle, parse_statement_envelope
from touchstone.service import case_context as cases
from touchstone.service.case_context import Case
from touchstone.service.cases import opening
from touchstone.service.cases.opening import completed, default_centre, find_case, open_case
from touchstone.service.commit import record, record_opening
from touchstone.service.errors import RefusedDeed
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation, open_installation
from touchstone.service.reporting.edition_files import bundle_lines

STEPS = (
    ("case-opened", "example-centre"),
    ("party-invited", "example-centre"),
    ("party-joined", "example-lab"),
    ("party-invited", "example-centre"),
    ("party-joined", "example-agency"),
    ("party-invited", "example-centre"),
    ("party-joined", "example-treasury"),
    ("agreement-signed", "example-lab"),
    ("agreement-signed", "example-centre"),
    ("submission-received", "example-lab"),
    ("submission-assessed", "example-centre"),
    ("clock-anchored", "example-centre"),
)


class Killed(BaseException):
    """The process dies: nothing of ours catches it."""


@pytest.fixture(name="standard")
def _standard() -> Framework:
    return load_framework("example")


def submitted(folder: Path, **instead: str) -> Submission:
    text = SUBMISSION.format(framework="example")
    for old, new in instead.items():
        text = text.replace(old, new)
    path = folder / "SUBMISSION.toml"
    path.write_text(text, "utf-8")
    return load_submission(path)


def opened(here: Installation, standard: Framework, submission: Submission) -> Case:
    """As `review run` does: what was begun is gone on with, and else a case is opened."""
    participants = Participants("example-lab", default_centre(standard), AGENCIES)
    found = find_case(here, standard, submission) or completed(here, standard, submission)
    return (
        opening.finish_opening(found)
        if found
        else open_case(here, standard, submission, participants)
    )


def dies_after(patch: pytest.MonkeyPatch, deeds: int) -> None:
    """Let the process die once so many deeds stand."""
    left = [deeds]

    def counted(done: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return done

    def recorded(*args: Any) -> Any:
        return counted(record(*args))

    def begun(*args: Any) -> Any:
        return counted(record_opening(*args))

    patch.setattr(cases, "record", recorded)
    patch.setattr(opening, "record_opening", begun)


def told(here: Installation, case: str) -> list[tuple[Any, Any]]:
    return [(facts["type"], facts["actor"]) for facts in here.records.case(case).events()]


@pytest.mark.parametrize("deeds", range(1, len(STEPS) + 1))
def test_a_crash_after_each_deed_leaves_a_case_that_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standard: Framework, deeds: int
):
    submission = submitted(tmp_path)
    with open_installation(tmp_path / "home", Minutes()) as here, monkeypatch.context() as patch:
        dies_after(patch, deeds)
        with pytest.raises(Killed):
            opened(here, standard, submission)
    with open_installation(tmp_path / "home", Minutes()) as here:
        (half,) = here.records.names()
        assert told(here, half) == list(STEPS[:deeds])
        assert list(here.records.check_case(half, summarise_events)) == []
        case = opened(here, standard, submission)
        assert here.records.names() == [case.id] == [half]
        assert told(here, half) == list(STEPS)
        assert case.state.agreement
        assert case.state.clock
        assert list(here.records.check_case(half, summarise_events)) == []
        # Once it is open, another submission of the same opens another case.
        assert opened(here, standard, submission).id == half


def test_what_was_begun_for_something_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standard: Framework
):
    with open_installation(tmp_path / "home", Minutes()) as here:
        submission = submitted(tmp_path)
        with monkeypatch.context() as patch:
            dies_after(patch, 4)
            with pytest.raises(Killed):
                opened(here, standard, submission)
        (half,) = here.records.names()
        other = submitted(tmp_path, **{"Example Model 3": "Example Model 4"})
        assert opened(here, standard, other).id != half
        assert told(here, half) == list(STEPS[:4])


def test_each_deed_is_by_the_key_of_its_own_party_and_the_next_key_is_announced(
    tmp_path: Path, standard: Framework
):
    with open_installation(tmp_path / "home", Minutes()) as here:
        case = opened(here, standard, submitted(tmp_path))
        keys: dict[str, set[str]] = {}
        for n, facts in enumerate(here.records.case(case.id).events()):
            parts = here.records.case(case.id).entry_parts(n)
            envelope = loads(parts[-2].data or b"")["envelope"]
            statement = parse_statement_envelope(envelope).statement
            assert statement.actor == facts["actor"]
            keys.setdefault(statement.actor, set()).add(statement.key)
        for party, found in keys.items():
            signer, following = here.keyring.party(party), here.keyring.next_party_key(party)
            assert found == {signer.fingerprint}
            assert case.state.parties[party].next == following.fingerprint != signer.fingerprint
        assert len(keys) == len(case.participants.roles)
        for party in keys:
            proof = here.records.installation.prove(case.id)
            lines = bundle_lines(case, party_audience(party, "GREEN"), proof, case.now())
            summary = check_deed_bundle(lines)
            # Whoever signs is open to every party of the case, or its deeds could not be checked.
            assert (summary.deeds, summary.unchecked, summary.hidden) == (len(STEPS), 0, 0)


def test_deeds_of_two_hands_in_one_call_stand_whole_or_not_at_all(
    tmp_path: Path, standard: Framework
):
    with open_installation(tmp_path / "home", Minutes()) as here:
        case = opened(here, standard, submitted(tmp_path))
        size = case.state.size
        parties = ("example-centre", "example-lab", "example-lab")
        halts = [review_halted(case, party, "x") for party in parties]
        with pytest.raises(RefusedDeed, match="halted"):
            case.record(halts)
        assert case.state.size == size
        assert case.record(halts[:2]).size == size + 2
