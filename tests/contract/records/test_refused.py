"""Refusals as kept: whose they are, how many there are, and what a stranger is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support import deeds
from support.deed_server import AT, Hand, drawn, key_act, topics_of
from support.ledger_signer import Signer
from support.record_place import Place
from support.stored_deeds import (
    CASE,
    InBatch,
    StoredScene,
    StoredServer,
    judge,
    opened,
)
from touchstone.ledger import RefusedDeedError, UnpromisedError, fingerprint
from touchstone.ledger.contract2 import (
    DeedStatement,
    RecordedAnswer,
    RefusedAnswer,
    SignedAnswer,
    SubmittedDeed,
    refuse_deed,
)
from touchstone.records import DeedRefusedError, DeedTaking, refusals
from touchstone.records import deeds as taking
from touchstone.records.models import AnswerRow, RefusedSignerRow
from touchstone.records.settings import connect

NEXT = "2026-11-21T09:00:01Z"


@pytest.fixture
def scene(place: Place) -> StoredScene:
    return opened(place)


def faults(scene: StoredScene) -> list[str]:
    """What is amiss."""
    records = scene.place.open()
    (listed,) = (one.summary for one in records.cases() if one.case == CASE)
    return [str(each) for each in records.check_case(CASE, lambda *_: listed)]


def kept(scene: StoredScene) -> int:
    """How many answers are stored."""
    return AnswerRow.objects.using(connect(scene.place.home, scene.place.database)).count()


def refused(answer: SignedAnswer) -> RefusedAnswer:
    assert isinstance(answer.answer, RefusedAnswer), answer.answer
    return answer.answer


def unlawful(_: DeedTaking) -> None:
    raise RefusedDeedError("law", "not now")


def opening(server: StoredServer, hand: Hand) -> SubmittedDeed:
    """What opens a case by that hand's key."""
    joins = key_act(
        server,
        hand.party,
        act="joined",
        party=hand.party,
        role="centre",
        key=hand.signer.public_key.hex(),
        next=fingerprint(Signer(f"{hand.key} next").public_key),
    )
    facts = {
        "agreement": "sha256:" + drawn("agreement").hex(),
        "nonce": drawn("nonce", hand.key).hex(),
        "installation_key": server.installation.public_key.hex(),
    }
    return hand.sign(server, "case-opened", **joins | {"facts": facts | joins["facts"]})


def begun_in_vain(server: StoredServer) -> SignedAnswer:
    """The refusal of a deed that stands in one batch with the one that opens its case."""
    hand = Hand("example-centre", Signer("first"))
    try:
        with server.records.deeds.together(CASE, begins=True) as batch:
            first = opening(server, hand)
            batch.take(first, asker=hand.party, now=AT, topics=topics_of, judge=judge)
            hand.done(first)
            second = hand.sign(InBatch(server, batch.writer.past), "review-halted")
            batch.take(second, asker=hand.party, now=AT, topics=topics_of, judge=unlawful)
    except DeedRefusedError as error:
        return error.answer
    raise AssertionError("it was not refused")


def test_a_refusal_beside_the_deed_that_opens_names_no_log(place: Place):
    server = StoredServer(place.open(), place.keyring)
    answer = refused(begun_in_vain(server))
    assert (answer.log, answer.size, server.records.names()) == (None, 0, [])
    assert faults(opened(place)) == []


def test_twin_with_the_log_that_never_was_the_record_seems_damaged(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    def of_the_deed(statement: DeedStatement, *given: Any) -> RefusedAnswer:
        return replace(refuse_deed(statement, *given), log=statement.log)

    monkeypatch.setattr(taking, "refuse_deed", of_the_deed)
    begun_in_vain(StoredServer(place.open(), place.keyring))
    (fault,) = faults(opened(place))
    assert "about another log" in fault


def test_an_answer_is_its_actors(scene: StoredScene):
    answer = scene.lab.act(scene.server, "review-halted").answer
    assert faults(scene) == []
    change = "UPDATE records_answerrow SET party = 'example-centre' WHERE digest = "
    if scene.place.server:
        lifted = "ALTER TABLE records_answerrow DISABLE TRIGGER ALL"
    else:
        lifted = "DROP TRIGGER records_answerrow_no_update"
    scene.place.owner(lifted, f"{change}'{answer.deed}'")
    (fault,) = faults(scene)
    assert "the receipt of entry 4 is another's" in fault


def forks(scene: StoredScene, hand: Hand, count: int) -> list[SubmittedDeed]:
    """As many deeds at the seq of one of the hand's that stands."""
    first = replace(hand)
    hand.act(scene.server, "review-halted")
    return [
        first.sign(scene.server, "review-halted", facts={"why": str(number)})
        for number in range(count)
    ]


@pytest.mark.parametrize("removed", [False, True])
def test_of_forks_nothing_is_kept_and_each_is_answered_the_same(scene: StoredScene, removed: bool):
    second = forks(scene, scene.device, 5)
    if removed:
        gone = key_act(scene.server, "example-lab", act="removed", key=scene.device.key, last=None)
        scene.lab.act(scene.server, "signer-removed", **gone)
    before = kept(scene)
    answers = [scene.server.submit(each, "example-lab") for each in second]
    assert {refused(each).code for each in answers} == {"fork"}
    # Of the head with the deed that stands, whenever it is asked.
    assert {(refused(each).size, refused(each).at) for each in answers} == {(5, AT)}
    scene.lab.act(scene.server, "review-halted")
    again = StoredServer(scene.place.open(), scene.place.keyring)
    assert [again.submit(each, "example-lab", NEXT) for each in second] == answers
    for each in answers:
        each.verify(scene.server.installation.public_key)
    assert kept(scene) == before + 1
    assert faults(scene) == []


def test_a_fork_within_one_batch_is_kept_for_what_it_forks_is_taken_back(scene: StoredScene):
    first = scene.lab.sign(scene.server, "review-halted")
    second = scene.lab.sign(scene.server, "review-halted", facts={"why": "x"})

    def both() -> None:
        with scene.records.deeds.together(CASE) as batch:
            for each in (first, second):
                batch.take(each, asker="example-lab", now=AT, topics=topics_of, judge=judge)

    with pytest.raises(DeedRefusedError) as raised:
        both()
    assert refused(raised.value.answer).code == "fork"
    assert isinstance(scene.server.submit(first, "example-lab").answer, RecordedAnswer)
    assert scene.server.submit(second, "example-lab") == raised.value.answer
    assert faults(scene) == []


def often(scene: StoredScene, count: int, first: int = 0) -> list[str]:
    """The codes of as many unlawful deeds of the lab, one after the other."""
    strict, codes = replace(scene.server, judge=unlawful), []
    for number in range(first, first + count):
        deed = scene.lab.sign(scene.server, "review-halted", facts={"why": str(number)})
        try:
            codes.append(refused(strict.submit(deed, "example-lab")).code)
        except UnpromisedError as error:
            codes.append(error.code)
    return codes


def test_refusals_are_kept_up_to_a_bound_until_something_is_recorded(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refusals, "MOST_KEPT", 3)
    before = kept(scene)
    assert often(scene, 5) == ["law"] * 3 + ["refused-often"] * 2
    assert kept(scene) == before + 3
    # What was not promised may be recorded, and then refusals are kept again.
    deed = scene.lab.sign(scene.server, "review-halted", facts={"why": "4"})
    assert isinstance(scene.server.submit(deed, "example-lab").answer, RecordedAnswer)
    scene.lab.done(deed)
    assert often(scene, 1) == ["law"]
    assert faults(scene) == []


def test_processes_count_together_and_the_twin(scene: StoredScene, monkeypatch: pytest.MonkeyPatch):
    """Each asks a record of its own, as several server processes do."""
    monkeypatch.setattr(refusals, "MOST_KEPT", 2)

    def asked(number: int) -> str:
        here = replace(scene, server=StoredServer(scene.place.open(), scene.place.keyring))
        (code,) = often(here, 1, first=number)
        return code

    assert [asked(number) for number in range(4)] == ["law", "law"] + ["refused-often"] * 2
    # What is not kept is not counted, and a day by the database's clock later it begins anew.
    scene.place.owner("UPDATE records_refusedsignerrow SET since = since - 86400")
    assert [asked(number) for number in range(4, 7)] == ["law", "law", "refused-often"]
    monkeypatch.setattr(refusals.RefusalBound, "take", lambda *_: True)
    assert asked(7) == "law"


def test_of_many_names_that_open_no_more_is_kept_than_of_all_together(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refusals, "MOST_BEGINNINGS", 3)
    alias = connect(place.home, place.database)

    def asked(number: int, judging: Any = unlawful) -> str:
        server = StoredServer(place.open(), place.keyring, case=f"case-{number}", judge=judging)
        party = f"party-{number}"
        try:
            answer = server.submit(opening(server, Hand(party, Signer(party))), party).answer
        except UnpromisedError as error:
            return error.code
        return answer.code if isinstance(answer, RefusedAnswer) else "recorded"

    assert [asked(number) for number in range(5)] == ["law"] * 3 + ["refused-often"] * 2
    assert RefusedSignerRow.objects.using(alias).count() == 3
    # Nobody is kept from opening by it; and a day later the rows are gone.
    assert asked(5, judge) == "recorded"
    place.owner("UPDATE records_refusedsignerrow SET since = since - 86400")
    assert asked(6) == "law"
    assert RefusedSignerRow.objects.using(alias).count() == 1


def test_whoever_opens_is_bounded_whatever_its_keys(place: Place, monkeypatch: pytest.MonkeyPatch):
    server = StoredServer(place.open(), place.keyring, judge=unlawful)
    monkeypatch.setattr(refusals, "MOST_KEPT", 2)
    codes = []
    for number in range(3):
        deed = opening(server, Hand("example-centre", Signer(f"key {number}")))
        try:
            codes.append(refused(server.submit(deed, "example-centre")).code)
        except UnpromisedError as error:
            codes.append(error.code)
    assert codes == ["law", "law", "refused-often"]


def test_refusals_are_noted_beside_the_record(scene: StoredScene):
    assert often(scene, 1) == ["law"]
    (noted,) = scene.records.refusals.newest()
    assert (noted.actor, noted.case, noted.deed) == ("example-lab", CASE, "review-halted")
    assert noted.reason == "not now"


STRANGER = "example-agency"


def told(server: StoredServer, deed: SubmittedDeed, asker: str) -> set[tuple[str, str]]:
    """What is said to who sends a deed, or takes it back."""
    said = set()
    with pytest.raises(UnpromisedError) as raised:
        server.submit(deed, asker)
    said.add((raised.value.code, raised.value.why))
    with pytest.raises(UnpromisedError) as raised:
        server.records.deeds.cancel(server.case, deed.envelope, asker=asker, now=AT)
    return said | {(raised.value.code, raised.value.why)}


Sent = Callable[[StoredScene, Hand], SubmittedDeed]
SENT: dict[str, Sent] = {
    "of this log": lambda scene, hand: hand.sign(scene.server, "review-halted"),
    "of another log": lambda scene, hand: hand.sign(
        scene.server, "review-halted", change=lambda one: replace(one, log="ab" * 32)
    ),
    "ahead": lambda scene, hand: hand.sign(
        scene.server, "review-halted", change=lambda one: replace(one, seq=7, before="ab" * 32)
    ),
    "whose head is no past": lambda scene, hand: hand.sign(
        scene.server,
        "review-halted",
        change=lambda one: replace(one, seen=replace(one.seen, root="ab" * 32)),
    ),
    "that opens": lambda scene, hand: opening(replace(scene.server, case="none"), hand),
}


@pytest.mark.parametrize("sent", SENT)
def test_a_stranger_is_told_the_same_whether_or_not_there_is_a_case(scene: StoredScene, sent: str):
    deeds.open_case(scene.records)
    stranger = Hand(STRANGER, Signer("stranger"))
    deed = SENT[sent](scene, stranger)
    said = told(scene.server, deed, STRANGER)
    said |= told(replace(scene.server, case="case-1"), deed, STRANGER)
    if sent != "that opens":
        said |= told(replace(scene.server, case="none"), deed, STRANGER)
    ((code, why),) = said
    assert code == "unknown"
    assert why.startswith("there is no case of that name that takes deeds of yours; fix: ")


@pytest.mark.parametrize("case", [CASE, "case-1", "none"])
def test_what_is_anothers_is_taken_from_nobody_else(scene: StoredScene, case: str):
    deeds.open_case(scene.records)
    deed = scene.lab.sign(scene.server, "review-halted")
    scene.server.submit(deed, "example-lab")
    other = scene.lab.sign(scene.server, "review-resumed")
    for each in (deed, other):
        for asker in ("example-centre", STRANGER):
            said = told(replace(scene.server, case=case), each, asker)
            assert said == {("not-yours", "a deed is taken from its own party alone")}
    assert scene.records.case(CASE).size == 5


def test_who_is_invited_is_told_what_is_wrong(scene: StoredScene):
    said = key_act(
        scene.server, STRANGER, act="invited", party=STRANGER, role="agency", expects=None
    )
    scene.centre.act(scene.server, "party-invited", **said)
    deed = SENT["of another log"](scene, Hand(STRANGER, Signer("stranger")))
    assert {code for code, _ in told(scene.server, deed, STRANGER)} == {"another-log"}


def test_twin_without_the_look_a_stranger_learns_that_there_is_a_log(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("touchstone.ledger.contract2.admission._check_known", lambda *_: None)
    deed = SENT["of this log"](scene, Hand(STRANGER, Signer("stranger")))
    assert {code for code, _ in told(scene.server, deed, STRANGER)} == {"not-a-signer"}
