"""A party that lost all its keys goes on with a new one, by two others' word; through the store."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.sending import deliver, recorded, signed
from support.small_case import AGENCIES, Minutes, facts_for, small_case
from touchstone.clearance import COMMUNITY, PUBLIC, Audience, party_audience
from touchstone.deeds.cases import (
    participation_noted,
    party_invited,
    party_joined,
    party_key_rotated,
    party_reinvited,
    party_rejoined,
    recovery_objected,
    signer_admitted,
    signer_removed,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.signing import prepare_deed
from touchstone.editions.case_summary import summarise_events
from touchstone.keys import FileSigner
from touchstone.ledger import fingerprint
from touchstone.ledger.contract2 import RefusedAnswer, keyacts
from touchstone.ledger.errors import UnpromisedError
from touchstone.records import refusals
from touchstone.review.guards import joining
from touchstone.service.case_context import Case
from touchstone.service.errors import RefusedDeed
from touchstone.service.reporting.edition_files import bundle_lines
from touchstone.verifier import Recovery, Verdict, verify_bundle

LAB, CENTRE = "example-lab", "example-centre"
AGENCY, TREASURY = AGENCIES
AUDITOR = "example-auditor"
WAIT = 72 * 60


@pytest.fixture(name="clock")
def _clock() -> Minutes:
    return Minutes()


@pytest.fixture(name="case")
def _case(tmp_path: Path, clock: Minutes) -> Iterator[Case]:
    with small_case(tmp_path, clock) as opened:
        yield opened


def do(case: Case, *deeds: Deed) -> None:
    for deed in deeds:
        case.record([deed])


def fresh(case: Case, party: str = AGENCY) -> FileSigner:
    return case.installation.keyring.new_party_key(party)


def old_key(case: Case, party: str = AGENCY) -> str:
    return fingerprint(bytes.fromhex(case.state.parties[party].key))


def says(case: Case, by: str, key: FileSigner, party: str = AGENCY) -> Deed:
    return party_reinvited(case, by, party, key.fingerprint)


def again(case: Case, key: FileSigner, party: str = AGENCY, **lasts: Any) -> Deed:
    following = "SHA256:" + "cd" * 32
    return party_rejoined(case, party, key.public_key.hex(), following, lasts.get("lasts", {}))


def joins(case: Case, party: str, role: Any) -> FileSigner:
    key, following = fresh(case, party), case.installation.keyring.next_party_key(party)
    do(case, party_invited(case, LAB, party, role))
    do(case, party_joined(case, party, role, key.public_key.hex(), following.fingerprint))
    return key


def refused(case: Case, deed: Deed, code: str) -> None:
    size = case.state.size
    with pytest.raises(RefusedDeed) as refusal:
        case.record([deed])
    assert refusal.value.code == code
    assert case.state.size == size


def verdict(case: Case, party: str, folder: Path) -> Verdict:
    proof = case.installation.records.installation.prove(case.id)
    file = folder / "bundle.jsonl"
    audience = party_audience(party, "GREEN")
    file.write_bytes(b"".join(bundle_lines(case, audience, proof, case.now())))
    return verify_bundle(file, trust=[case.installation.keyring.history.lines[0].fingerprint])


@pytest.mark.parametrize(
    ("lost", "by"),
    [
        (AGENCY, (LAB, CENTRE)),
        (AGENCY, (CENTRE, TREASURY)),
        (AGENCY, (TREASURY, LAB)),
        (LAB, (CENTRE, AGENCY)),
        (CENTRE, (LAB, TREASURY)),
    ],
)
def test_two_of_different_roles_let_a_party_go_on(
    case: Case, clock: Minutes, tmp_path: Path, lost: str, by: tuple[str, str]
):
    device, old = fresh(case, "a-device"), old_key(case, lost)
    kinds = ["participation-noted"]
    do(case, signer_admitted(case, lost, device.public_key.hex(), kinds, "device"))
    do(case, participation_noted(case, lost, "participating", "here"))
    stood_by = case.installation.records.deeds.last_deed(case.id, old)
    assert stood_by is not None
    key = fresh(case, lost)
    do(case, *(says(case, each, key, lost) for each in by))
    pending = verdict(case, TREASURY, tmp_path)
    assert pending.recoveries == (Recovery(lost, None, tuple(sorted(by))),)
    clock.pass_by(WAIT)
    do(case, again(case, key, lost, lasts={old: stood_by.seq - 1}))
    party = case.state.parties[lost]
    assert (party.key, party.recovered_by) == (key.public_key.hex(), tuple(sorted(by)))
    assert not party.signers
    do(case, participation_noted(case, lost, "declined", "by the new key"))
    found = verdict(case, TREASURY, tmp_path)
    assert found.word == "authentic"
    assert found.deeds_unchecked == 0
    n = case.state.size - 2
    assert found.recoveries == (Recovery(lost, n, tuple(sorted(by))),)
    assert [(one.party, one.type) for one in found.disavowed] == [(lost, "participation-noted")]
    assert f"key recovered: {lost} at entry {n}, by the word of" in "\n".join(found.lines())
    assert list(case.installation.records.check_case(case.id, summarise_events)) == []


def test_neither_one_alone_nor_who_is_not_asked(case: Case, clock: Minutes):
    key, other = fresh(case), fresh(case)
    refused(case, says(case, "somebody", key), "not-invited")
    do(case, party_invited(case, CENTRE, AUDITOR, "auditor"))
    refused(case, says(case, AUDITOR, key), "not-invited")
    joins(case, "example-observer", "auditor")
    refused(case, says(case, "example-observer", key), "not-your-role")
    refused(case, says(case, AGENCY, key), "keys")
    refused(case, again(case, key), "not-reinvited-by-two")
    do(case, says(case, LAB, key))
    refused(case, says(case, LAB, key), "reinvited-already")
    clock.pass_by(WAIT)
    refused(case, again(case, key), "not-reinvited-by-two")
    # Another fingerprint is another word: it replaces the first, and agrees with nobody's.
    do(case, says(case, CENTRE, other))
    clock.pass_by(WAIT)
    refused(case, again(case, key), "not-reinvited-by-two")
    refused(case, again(case, other), "not-reinvited-by-two")
    do(case, says(case, LAB, other))
    refused(case, again(case, other), "may-still-object")
    clock.pass_by(WAIT)
    refused(case, again(case, key), "not-reinvited-by-two")
    do(case, again(case, other))


def test_no_two_agencies_and_none_that_one_party_brought_in(case: Case, clock: Minutes):
    key = fresh(case, LAB)
    for by in (AGENCY, TREASURY):
        do(case, says(case, by, key, LAB))
    clock.pass_by(WAIT)
    refused(case, again(case, key, LAB), "not-reinvited-by-two")
    joins(case, "example-friend", "agency")
    refused(case, says(case, "example-friend", key, LAB), "agency-not-of-framework")


def test_it_may_object_for_three_days_to_the_second(case: Case, clock: Minutes):
    key = fresh(case)
    do(case, says(case, LAB, key))
    clock.pass_by(60)
    do(case, says(case, CENTRE, key))
    clock.pass_by(WAIT)
    clock.moment -= timedelta(seconds=1)
    refused(case, again(case, key), "may-still-object")
    clock.moment += timedelta(seconds=1)
    do(case, again(case, key))


@pytest.mark.parametrize("how", ["objects", "rotates"])
def test_who_still_has_its_key_ends_it(case: Case, clock: Minutes, how: str):
    newer = case.installation.keyring.promote_next_key(AGENCY)
    key = fresh(case)
    held = signed(case.installation, case.id, says(case, TREASURY, key))
    do(case, *(says(case, by, key) for by in (LAB, CENTRE)))
    if how == "objects":
        do(case, recovery_objected(case, AGENCY))
    else:
        following = "SHA256:" + "ab" * 32
        do(case, party_key_rotated(case, AGENCY, newer.public_key.hex(), following))
    # A word that was signed before and kept back counts no more.
    answer = deliver(case.installation, case.id, held, TREASURY).answer
    assert isinstance(answer, RefusedAnswer)
    assert answer.code == "topic-moved"
    clock.pass_by(WAIT)
    refused(case, again(case, key), "not-reinvited-by-two")
    refused(case, recovery_objected(case, AGENCY), "no-recovery")


def test_a_thief_of_the_old_keys_can_take_nothing_back(case: Case, clock: Minutes):
    here = case.installation
    stolen = here.keyring.promote_next_key(AGENCY)
    device, key = fresh(case, "a-device"), fresh(case)
    kinds = ["participation-noted"]
    do(case, signer_admitted(case, AGENCY, device.public_key.hex(), kinds, "device"))
    # All that the thief can make with what it stole: own key, device, and the next key.
    thefts = [
        signed(here, case.id, deed)
        for deed in (
            party_key_rotated(case, AGENCY, stolen.public_key.hex(), "SHA256:" + "ab" * 32),
            participation_noted(case, AGENCY, "declined", "by the thief"),
            party_reinvited(case, AGENCY, TREASURY, "SHA256:" + "ef" * 32),
        )
    ]
    third = signed(here, case.id, says(case, TREASURY, key))
    do(case, *(says(case, by, key) for by in (LAB, CENTRE)))
    thefts.append(signed(here, case.id, recovery_objected(case, AGENCY)))
    clock.pass_by(WAIT)
    do(case, again(case, key))
    size = case.state.size
    # The next key, too: its owner's rotation is over, and that deed is refused for good.
    rotation = deliver(here, case.id, thefts[0], AGENCY).answer
    assert isinstance(rotation, RefusedAnswer)
    for sent in thefts[1:]:
        with pytest.raises(UnpromisedError) as plain:
            deliver(here, case.id, sent, AGENCY)
        assert plain.value.code == "not-a-signer"
    # An old word is no second recovery's first.
    answer = deliver(here, case.id, third, TREASURY).answer
    assert isinstance(answer, RefusedAnswer)
    assert answer.code in ("topic-moved", "time")
    assert case.state.size == size
    refused(case, again(case, stolen), "not-reinvited-by-two")
    for by in (LAB, CENTRE):
        refused(case, says(case, by, key), "key-seen-before")


def test_an_old_word_is_no_new_one(case: Case, clock: Minutes):
    """The third party's word was signed in time and kept back: the recovery has moved its topic."""
    here, key = case.installation, fresh(case)
    do(case, *(says(case, by, key) for by in (LAB, CENTRE)))
    clock.pass_by(WAIT)
    late = signed(here, case.id, says(case, TREASURY, key))
    do(case, again(case, key))
    answer = deliver(here, case.id, late, TREASURY).answer
    assert isinstance(answer, RefusedAnswer)
    assert answer.code == "topic-moved"


def test_what_a_lost_key_said_of_others_counts_no_more(case: Case, clock: Minutes):
    key, of_lab = fresh(case), fresh(case, LAB)
    do(case, says(case, AGENCY, of_lab, LAB))
    do(case, *(says(case, by, key) for by in (LAB, CENTRE)))
    clock.pass_by(WAIT)
    do(case, again(case, key), says(case, CENTRE, of_lab, LAB))
    clock.pass_by(WAIT)
    refused(case, again(case, of_lab, LAB), "not-reinvited-by-two")


def test_nobody_keeps_a_party_from_objecting_by_saying_it_again(case: Case):
    here, keys = case.installation, [fresh(case) for _ in range(3)]
    do(case, says(case, LAB, keys[0]))
    objection = signed(here, case.id, recovery_objected(case, AGENCY))
    do(case, says(case, LAB, keys[1]), says(case, CENTRE, keys[2]))
    recorded(deliver(here, case.id, objection, AGENCY))
    assert AGENCY not in case.state.reinvitations


def told(case: Case, audience: Audience) -> str:
    """What the lede of an edition says, and what it says beside each party."""
    page = facts_for(case, audience)
    return " ".join((*page.summary, *(each.asked for each in page.parties)))


@pytest.mark.parametrize("party", [TREASURY, AGENCY, LAB])
def test_editions_name_what_is_disavowed_and_who_was_recovered(
    case: Case, clock: Minutes, party: str
):
    audience, old, key = party_audience(party, "GREEN"), old_key(case), fresh(case)
    do(case, participation_noted(case, AGENCY, "participating", "by a thief"))
    n = case.state.size - 1
    assert "does not stand by" not in told(case, audience)
    do(case, *(says(case, by, key) for by in (LAB, CENTRE)))
    assert " lost its keys and is to go on with a new one" in told(case, audience)
    clock.pass_by(WAIT)
    do(case, again(case, key, lasts={old: 0}))
    said = told(case, audience)
    assert "does not stand by one entry that was signed with a key of its own" in said
    assert f"entry {n} (Participation noted)" in said
    assert "lost its keys and goes on with a new one, by the word of" in said
    assert "Goes on with a new key by the word of" in said
    assert "is to go on" not in said
    for stranger in (PUBLIC, COMMUNITY):
        heard = told(case, stranger)
        assert not any(word in heard for word in ("keys", "new key", "does not stand by"))


def test_editions_name_what_a_removal_and_a_rotation_disavow(case: Case):
    here, device = case.installation, fresh(case, "a-device")
    newer = here.keyring.promote_next_key(LAB).public_key.hex()
    key, kinds = device.public_key.hex(), ["participation-noted"]
    do(case, signer_admitted(case, LAB, key, kinds, "device"))
    noted = participation_noted(case, LAB, "declined", "by the device")
    sent = prepare_deed(noted, here.records.deeds.log(case.id), device, here.random, case.now())
    n = recorded(deliver(here, case.id, sent, LAB)).n
    do(case, participation_noted(case, LAB, "negotiating", "by the own key"))
    last = here.records.deeds.last_deed(case.id, old_key(case, LAB))
    assert last is not None
    do(case, signer_removed(case, LAB, device.fingerprint))
    assert f"one entry that was signed with a key of its own: entry {n} (" in told(
        case, party_audience(CENTRE)
    )
    do(case, party_key_rotated(case, LAB, newer, "SHA256:" + "ab" * 32, last.seq))
    said = told(case, party_audience(CENTRE))
    # The removal is by the own key, and after the last deed that is stood by.
    entries = f"entry {n} (Participation noted), entry {n + 2} (Signer removed)"
    assert f"does not stand by 2 entries that were signed with a key of its own: {entries}" in said


@pytest.mark.parametrize("name", ["RECOVERY_WAIT", "RECOVERY_VOUCHERS"])
def test_twins_without_the_wait_or_the_second_word(
    case: Case, clock: Minutes, monkeypatch: pytest.MonkeyPatch, name: str
):
    key = fresh(case)
    for each in (keyacts, joining):
        monkeypatch.setattr(each, name, timedelta(0) if name == "RECOVERY_WAIT" else 1)
    do(case, says(case, LAB, key))
    if name == "RECOVERY_WAIT":
        do(case, says(case, CENTRE, key))
    else:
        clock.pass_by(WAIT)
    do(case, again(case, key))


def admits_anothers(case: Case, by: str, key: FileSigner) -> None:
    """A party admits, as its own signer, a key of which it has the public half alone."""
    do(case, signer_admitted(case, by, key.public_key.hex(), ["review-halted"], "mine"))


def promoted(case: Case, party: str) -> FileSigner:
    """The key that a party announced, ready to sign."""
    keyring = case.installation.keyring
    keyring.next_party_key(party)
    return keyring.promote_next_key(party)


@pytest.mark.parametrize("removes", [False, True], ids=["admitted", "and-removed"])
def test_who_admits_anothers_key_keeps_its_owner_from_no_rotation(
    case: Case, tmp_path: Path, removes: bool
):
    following = promoted(case, AGENCY)
    admits_anothers(case, LAB, following)
    if removes:
        do(case, signer_removed(case, LAB, following.fingerprint))
    do(case, party_key_rotated(case, AGENCY, following.public_key.hex(), "SHA256:" + "ab" * 32))
    assert old_key(case) == following.fingerprint
    assert following.fingerprint not in case.state.parties[LAB].signers
    do(case, participation_noted(case, AGENCY, "participating", "here"))
    refused(case, signer_removed(case, LAB, following.fingerprint), "keys")
    assert verdict(case, TREASURY, tmp_path).word == "authentic"


def test_who_admits_anothers_key_keeps_nobody_out(case: Case):
    key = fresh(case, AUDITOR)
    hexed, following = key.public_key.hex(), "SHA256:" + "ab" * 32
    admits_anothers(case, AGENCY, key)
    do(case, party_invited(case, LAB, AUDITOR, "auditor"))
    do(case, party_joined(case, AUDITOR, "auditor", hexed, following))
    assert old_key(case, AUDITOR) == key.fingerprint
    assert case.state.parties[AGENCY].signers == {}
    # The twin: what was once a party's own is nobody's signer.
    refused(case, signer_admitted(case, LAB, hexed, ["review-halted"], "mine"), "keys")


@pytest.mark.parametrize("by", [LAB, AGENCY])
def test_who_admits_the_key_of_a_recovery_does_not_hinder_it(case: Case, clock: Minutes, by: str):
    key = fresh(case)
    admits_anothers(case, by, key)
    do(case, says(case, LAB, key), says(case, CENTRE, key))
    clock.pass_by(WAIT + 1)
    do(case, again(case, key))
    assert old_key(case) == key.fingerprint
    assert key.fingerprint not in case.state.parties[by].signers


def test_a_word_of_a_key_that_was_replaced_counts_no_more(case: Case, clock: Minutes):
    key = fresh(case)
    do(case, says(case, LAB, key))
    following = promoted(case, LAB)
    do(case, party_key_rotated(case, LAB, following.public_key.hex(), "SHA256:" + "ab" * 32))
    do(case, says(case, CENTRE, key))
    clock.pass_by(WAIT + 1)
    assert set(case.state.reinvitations[AGENCY]) == {CENTRE}
    with pytest.raises((RefusedDeed, UnpromisedError)):
        case.record([again(case, key)])
    # The twin: said anew, by the new key, it counts.
    do(case, says(case, LAB, key))
    clock.pass_by(WAIT + 1)
    do(case, again(case, key))


def test_refusals_of_keys_that_a_party_makes_up_are_counted_as_the_partys(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    """Or whoever makes keys could have refusals kept without end."""
    monkeypatch.setattr(refusals, "MOST_KEPT", 2)
    here, sent = case.installation, []
    for name in ("one", "two", "three"):
        key = here.keyring.new_party_key(name)
        log = here.records.deeds.log(case.id)
        sent.append(prepare_deed(again(case, key), log, key, here.random, case.now()))
    for each in sent[:2]:
        answer = deliver(here, case.id, each, AGENCY).answer
        assert isinstance(answer, RefusedAnswer)
        assert answer.code == "keys"
    with pytest.raises(UnpromisedError) as plain:
        deliver(here, case.id, sent[2], AGENCY)
    assert plain.value.code == "refused-often"
    # Its own key's deeds go on.
    do(case, participation_noted(case, AGENCY, "participating", "here"))
