"""Who joins a case later can check every deed before: it sees all acts on keys and the opening."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.second_verifier import second_opinion
from support.small_case import Minutes, small_case
from touchstone.clearance import (
    COMMUNITY,
    EVERY_PARTY,
    PUBLIC,
    Audience,
    Marking,
    party_audience,
    tlp,
)
from touchstone.deeds.cases import (
    party_invited,
    party_joined,
    party_key_rotated,
    party_reinvited,
    recovery_objected,
    signer_admitted,
    signer_removed,
)
from touchstone.deeds.deed import Deed
from touchstone.ledger import fingerprint, loads
from touchstone.review.audience_view import read_entries
from touchstone.review.decide import decide
from touchstone.service.case_context import Case
from touchstone.service.cases import opening
from touchstone.service.commit import record_opening
from touchstone.service.errors import RefusedDeed
from touchstone.service.reporting.edition_files import bundle_lines
from touchstone.verifier import Verdict, verify_bundle

LAB, CENTRE, LATE = "example-lab", "example-centre", "example-auditor"
DEVICE = "ab" * 32
KEY_ACTS = {
    "case-opened",
    "party-invited",
    "party-joined",
    "signer-admitted",
    "signer-removed",
    "party-key-rotated",
    "party-reinvited",
    "party-rejoined",
    "recovery-objected",
}


@pytest.fixture(name="case")
def _case(tmp_path: Path) -> Iterator[Case]:
    with small_case(tmp_path, Minutes()) as opened:
        yield opened


def admitted(case: Case) -> Deed:
    return signer_admitted(case, LAB, DEVICE, ["review-halted"], "device")


def removed(case: Case) -> Deed:
    return signer_removed(case, LAB, fingerprint(bytes.fromhex(DEVICE)))


def rotated(case: Case) -> Deed:
    newer = case.installation.keyring.promote_next_key(LAB)
    return party_key_rotated(case, LAB, newer.public_key.hex(), "SHA256:" + "cd" * 32)


def joined(case: Case) -> Deed:
    keyring = case.installation.keyring
    key, following = keyring.new_party_key(LATE), keyring.next_party_key(LATE)
    return party_joined(case, LATE, "auditor", key.public_key.hex(), following.fingerprint)


def invited(case: Case) -> Deed:
    return party_invited(case, CENTRE, LATE, "auditor")


ACTS = (admitted, removed, rotated, invited, joined)


def bundle(case: Case, audience: Audience) -> bytes:
    proof = case.installation.records.installation.prove(case.id)
    return b"".join(bundle_lines(case, audience, proof, case.now()))


def verified(case: Case, audience: Audience, folder: Path) -> Verdict:
    data = bundle(case, audience)
    file = folder / f"{audience.name}.jsonl"
    file.write_bytes(data)
    verdict = verify_bundle(file, trust=[case.installation.keyring.history.lines[0].fingerprint])
    assert verdict.word == "authentic", verdict.lines()
    assert second_opinion(data).unchecked == verdict.deeds_unchecked
    return verdict


def types_shown(data: bytes) -> list[str]:
    lines = (loads(line) for line in data.splitlines())
    facts = (loads(each["text"].encode()) for each in lines if each.get("line") == "part")
    return [each["type"] for each in facts if "type" in each]


def test_who_joins_last_checks_every_deed_that_it_is_shown(case: Case, tmp_path: Path):
    for act in ACTS:
        case.record([act(case)])
    case.record([party_reinvited(case, LAB, CENTRE, "SHA256:" + "ef" * 32)])
    case.record([recovery_objected(case, CENTRE)])
    late = party_audience(LATE, "GREEN")
    verdict = verified(case, late, tmp_path)
    assert verdict.deeds_unchecked == 0
    there = [facts["type"] for facts in case.installation.records.case(case.id).events()]
    acts = [each for each in there if each in KEY_ACTS]
    assert [each for each in types_shown(bundle(case, late)) if each in KEY_ACTS] == acts
    assert set(acts) == KEY_ACTS - {"party-rejoined"}
    # And no more than that of what was said before it came.
    entries = read_entries(case.installation.records.case(case.id), late)
    assert {each.event.type for each in entries if each.visible} == set(acts)


def test_before_it_joins_and_elsewhere_nothing_of_it_is_shown(case: Case, tmp_path: Path):
    case.record([admitted(case), removed(case), rotated(case), invited(case)])
    for stranger in (party_audience(LATE, "GREEN"), COMMUNITY, PUBLIC):
        data = bundle(case, stranger)
        assert not KEY_ACTS.intersection(types_shown(data)), stranger
    case.record([joined(case)])
    for stranger in (party_audience("somebody", "GREEN"), COMMUNITY, PUBLIC):
        data = bundle(case, stranger)
        assert not KEY_ACTS.intersection(types_shown(data)), stranger
        assert not any(party.encode() in data.split(b"\n", 1)[1] for party in (LATE, LAB, CENTRE))
        verified(case, stranger, tmp_path)


def narrow(case: Case) -> list[Marking]:
    """Markings that let everybody read it who is there now, or fewer."""
    there = {*case.state.parties, LATE}
    return [tlp("AMBER", *sorted(there)), tlp("RED", CENTRE), tlp("AMBER"), tlp("RED", "?")]


def marked(deed: Deed, marking: Marking) -> Deed:
    return Deed(deed.event.model_copy(update={"marking": marking}), deed.attachments)


@pytest.mark.parametrize("place", range(len(ACTS)), ids=lambda at: ACTS[at].__name__)
def test_an_act_on_keys_for_those_of_the_moment_alone_is_refused_and_the_twin(
    case: Case, monkeypatch: pytest.MonkeyPatch, place: int
):
    for act in ACTS[:place]:
        case.record([act(case)])
    deed, size = ACTS[place](case), case.state.size
    for marking in narrow(case):
        with pytest.raises(RefusedDeed, match="whose key is whose: take AMBER, and name @case"):
            case.record([marked(deed, marking)])
    assert case.state.size == size
    # The twin: without the demand it is recorded, and who joins later cannot check.
    monkeypatch.setitem(decide.__globals__, "not_for_every_party", lambda _: None)
    case.record([marked(deed, narrow(case)[0])])
    assert case.state.size == size + 1


@pytest.mark.parametrize(
    ("marking", "reader"),
    [
        (tlp("GREEN"), COMMUNITY),
        (tlp("CLEAR"), PUBLIC),
        (tlp("AMBER", EVERY_PARTY, "example-press"), party_audience("example-press")),
    ],
    ids=["community", "public", "named"],
)
@pytest.mark.parametrize("place", range(len(ACTS)), ids=lambda at: ACTS[at].__name__)
def test_an_act_on_keys_that_others_could_read_is_refused_and_the_twin(
    case: Case, monkeypatch: pytest.MonkeyPatch, place: int, marking: Marking, reader: Audience
):
    """Who takes part in a case is not for one party to tell."""
    for act in ACTS[:place]:
        case.record([act(case)])
    wide = marked(ACTS[place](case), marking)
    with pytest.raises(RefusedDeed, match="opens it to others than the parties") as refusal:
        case.record([wide])
    assert refusal.value.code == "beyond-the-case"
    monkeypatch.setitem(decide.__globals__, "not_for_every_party", lambda _: None)
    case.record([wide])
    assert wide.event.type in types_shown(bundle(case, reader))


def test_an_opening_that_a_later_party_could_not_read_is_refused_and_the_twin(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    here, framework = case.installation, case.framework
    fresh = Case(here, "another", framework, case.submission, case.participants)
    begun: list[Deed] = []
    with monkeypatch.context() as patch:
        patch.setattr(opening, "record_opening", lambda *args: begun.extend(args[-1]))
        patch.setattr(opening, "finish_opening", lambda found: found)
        opening.open_case(here, framework, case.submission, case.participants)
    (first,) = begun

    def begins(marking: Marking) -> Any:
        return record_opening(here, fresh.id, framework, [marked(first, marking)])

    for marking in (tlp("RED", CENTRE), tlp("AMBER", LAB, CENTRE), tlp("AMBER")):
        with pytest.raises(RefusedDeed, match="whose key is whose: take AMBER, and name @case"):
            begins(marking)
    for marking in (tlp("GREEN"), tlp("CLEAR"), tlp("AMBER", EVERY_PARTY, "example-press")):
        with pytest.raises(RefusedDeed, match="opens it to others than the parties"):
            begins(marking)
    assert fresh.id not in here.records.names()
    monkeypatch.setitem(decide.__globals__, "not_for_every_party", lambda _: None)
    begins(tlp("RED", CENTRE))
    opening.finish_opening(fresh)
    for act in (invited, joined):
        fresh.record([act(fresh)])
    # What the demand is for: the centre's deeds count as unchecked, and all that rests on them.
    verdict = verified(fresh, party_audience(LATE, "GREEN"), tmp_path)
    assert verdict.deeds_unchecked == verdict.deeds_checked + verdict.deeds_unchecked > 0
