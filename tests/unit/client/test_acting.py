"""Parties act from their own machines, through the store of a server that holds no key of theirs.

What a server does that is not honest stands in `test_caught.py`.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from support.party_server import CASE, ROLES, Begun, OneParty, halts, noted, party
from touchstone.clearance import Marking, tlp
from touchstone.client import acting
from touchstone.client.errors import (
    CaseBegunError,
    CaughtError,
    KeyMayNotSignError,
    UnheardError,
    UnreadableDeedError,
    WaitingError,
    WrongInstallationError,
)
from touchstone.deeds.cases import (
    case_closed,
    clock_paused,
    participation_noted,
    party_reinvited,
    party_rejoined,
    review_halted,
    review_resumed,
    signer_admitted,
    signer_removed,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.seen_case import SeenCase
from touchstone.keys import FileSigner
from touchstone.ledger import fingerprint
from touchstone.ledger.errors import RefusedDeedError, UnpromisedError
from touchstone.service.installation import open_installation


def events(case: Begun) -> list[str]:
    return [each["type"] for each in case.here.records.case(CASE).events()]


def test_three_parties_begin_a_case_each_by_its_own_hand(case: Begun, tmp_path: Path):
    assert case.lab.act(halts("example-lab")) == len(events(case)) - 1
    assert events(case)[-1] == "review-halted"
    state = case.here.state(CASE)
    assert {name: each.role for name, each in state.parties.items()} == dict(ROLES)
    secrets = [
        cast("Ed25519PrivateKey", load_pem_private_key(path.read_bytes(), None)).private_bytes_raw()
        for each in case.parties
        for path in (each.home / "keys").glob("*.pem")
    ]
    disk = b"".join(p.read_bytes() for p in (tmp_path / "server").rglob("*") if p.is_file())
    assert len(secrets) == 6
    assert not any(secret in disk or secret.hex().encode() in disk for secret in secrets)
    assert not list((tmp_path / "server").rglob("parties/*/*.pem"))


def test_what_a_centre_does_meanwhile_makes_nobody_sign_again(case: Begun):
    def drafts(seen: SeenCase) -> Deed:
        # After the lab has seen the case, and before it signs.
        noted(case.centre)
        return review_halted(seen, "example-lab", "We look into a leak.")

    before = len(case.lab.server.sent)
    assert case.lab.act(drafts) == len(events(case)) - 1
    assert events(case)[-2:] == ["participation-noted", "review-halted"]
    assert len(case.lab.server.sent) == before + 1


def test_an_answer_that_was_lost_is_asked_for_with_the_same_bytes(case: Begun):
    case.lab.server.mute = True
    with pytest.raises(WaitingError) as waiting:
        case.lab.act(halts("example-lab"))
    assert events(case).count("review-halted") == 1
    again = case.lab.again()
    with pytest.raises(WaitingError):
        again.act(lambda seen: review_resumed(seen, "example-lab", "It was none."))
    case.lab.server.mute = False
    assert again.client.send(waiting.value.deed).n == len(events(case)) - 1
    first, *repeated = case.lab.server.sent
    assert repeated == [first] * len(repeated)
    assert repeated
    again.act(lambda seen: review_resumed(seen, "example-lab", "It was none."))
    assert events(case)[-2:] == ["review-halted", "review-resumed"]


def test_nothing_is_sent_that_is_not_remembered(case: Begun):
    case.lab.server.down = True
    with pytest.raises(UnheardError):
        case.lab.act(halts("example-lab"))
    case.lab.server.down = False
    assert "review-halted" not in events(case)
    assert case.lab.again().act(halts("example-lab")) == len(events(case)) - 1


def test_a_refusal_is_for_good_and_the_next_deed_takes_its_place(case: Begun):
    with pytest.raises(RefusedDeedError):
        case.agency.act(lambda seen: clock_paused(seen, "example-agency", "We need time."))
    assert noted(case.agency) == len(events(case)) - 1
    assert noted(case.agency.again()) == len(events(case)) - 1


def test_a_deed_may_be_taken_back_while_it_has_no_answer(case: Begun):
    case.lab.server.deaf = True
    with pytest.raises(WaitingError) as waiting:
        case.lab.act(halts("example-lab"))
    case.lab.server.deaf = False
    for ask in (case.lab.client.cancel, case.lab.client.send):
        with pytest.raises(RefusedDeedError, match="took it back") as refused:
            ask(waiting.value.deed)
        assert refused.value.code == "cancelled"
    assert "review-halted" not in events(case)
    assert case.lab.act(halts("example-lab"))


def desk_of(case: Begun, kind: str) -> FileSigner:
    """A key that the lab lets sign deeds of one type."""
    desk = FileSigner.create(case.lab.home / "desk.pem")
    key = desk.public_key.hex()
    case.lab.act(lambda seen: signer_admitted(seen, case.lab.id, key, [kind], "desk"))
    return desk


def test_a_key_that_may_not_sign_a_type_signs_none(case: Begun):
    desk = desk_of(case, "participation-noted")
    sent, size = len(case.lab.server.sent), len(events(case))
    with pytest.raises(KeyMayNotSignError, match="may not sign review-halted for example-lab"):
        case.lab.client.act(CASE, desk, halts("example-lab"))
    assert (len(case.lab.server.sent), case.lab.client.unanswered) == (sent, ())
    drafts = lambda seen: participation_noted(seen, case.lab.id, "participating", "x")  # noqa: E731
    assert case.lab.client.act(CASE, desk, drafts).n == size


def test_what_its_key_may_never_sign_is_dropped_and_blocks_no_later_deed(
    case: Begun, monkeypatch: pytest.MonkeyPatch
):
    desk, client = desk_of(case, "participation-noted"), case.lab.client
    drafts = lambda seen: participation_noted(seen, case.lab.id, "participating", "x")  # noqa: E731
    with monkeypatch.context() as patch:
        # As machines did that did not hold it against the case.
        patch.setattr(acting, "require_able", lambda *_: None)
        with pytest.raises(UnpromisedError, match="may not sign a deed of type"):
            client.act(CASE, desk, halts("example-lab"))
    (kept,) = client.unanswered
    with pytest.raises(UnpromisedError):
        client.act(CASE, desk, drafts)
    with pytest.raises(RefusedDeedError, match="may not sign") as refused:
        client.cancel(kept.digest)
    assert (refused.value.code, client.unanswered) == ("not-a-signer", ())
    assert case.lab.again().client.act(CASE, desk, drafts).n == len(events(case)) - 1
    assert "review-halted" not in events(case)


def test_what_a_removed_key_signed_is_dropped(case: Begun):
    desk, client = desk_of(case, "review-halted"), case.lab.client
    case.lab.server.deaf = True
    with pytest.raises(WaitingError) as waiting:
        client.act(CASE, desk, halts("example-lab"))
    case.lab.server.deaf = False
    own = fingerprint(desk.public_key)
    case.lab.act(lambda seen: signer_removed(seen, case.lab.id, own))
    with pytest.raises(RefusedDeedError, match="was removed"):
        client.cancel(waiting.value.deed)
    assert client.unanswered == ()


def test_no_word_of_a_server_drops_a_deed_that_may_be_recorded(
    case: Begun, monkeypatch: pytest.MonkeyPatch
):
    """Else it could have its key sign another deed in the same place, and show both."""
    case.lab.server.deaf = True
    with pytest.raises(WaitingError) as waiting:
        case.lab.act(halts("example-lab"))
    case.lab.server.deaf = False

    def lies(*_: object) -> bytes:
        raise UnpromisedError("not-a-signer", "the deed's key may not sign")

    monkeypatch.setattr(case.lab.server, "cancel", lies)
    with pytest.raises(UnpromisedError):
        case.lab.client.cancel(waiting.value.deed)
    assert [kept.digest for kept in case.lab.client.unanswered] == [waiting.value.deed]


def test_two_processes_with_one_key_never_fork_it(case: Begun):
    first, second = case.lab, case.lab.again()
    first.client.look(CASE)
    first.server.mute = True
    with suppress(WaitingError):
        first.act(halts("example-lab"))
    with pytest.raises(WaitingError):
        second.act(halts("example-lab", "Another reason."))
    first.server.mute = False
    second.act(lambda seen: review_resumed(seen, "example-lab", "It was none."))
    assert events(case)[-2:] == ["review-halted", "review-resumed"]


def test_who_has_joined_reads_whose_key_is_whose_of_before(case: Begun):
    assert case.agency.client.look(CASE).hidden == ()
    # It goes on from what it remembers.
    assert case.agency.again().client.look(CASE).state == case.here.state(CASE)


def hidden_from_centre(case: Begun) -> int:
    """What the agency says to itself alone, and so nobody else reads."""
    only = tlp("RED", "example-agency")
    return case.agency.act(
        lambda seen: participation_noted(seen, "example-agency", "negotiating", "A note.", only)
    )


def test_a_topic_that_a_hidden_entry_moved_is_named_by_its_number(case: Begun):
    hidden = hidden_from_centre(case)
    assert case.centre.client.look(CASE).hidden == (hidden,)
    case.centre.act(lambda seen: case_closed(seen, "example-centre", "It is over."))
    assert events(case)[-1] == "case-closed"


def test_twin_who_is_told_no_number_signs_in_vain(case: Begun, monkeypatch: pytest.MonkeyPatch):
    hidden_from_centre(case)
    monkeypatch.setattr(OneParty, "newest", lambda *_: [None])
    with pytest.raises(RefusedDeedError) as refused:
        case.centre.act(lambda seen: case_closed(seen, "example-centre", "It is over."))
    assert refused.value.code == "topic-moved"


def test_of_a_topic_of_which_it_reads_nothing_a_party_is_told_nothing(case: Begun):
    hidden = hidden_from_centre(case)
    own = "participation:example-agency"
    asked = (own, "keys:example-lab", "people")
    told = case.centre.server.newest(CASE, asked)
    assert told == (None, case.centre.client.look(CASE).log.newest("keys:example-lab"), hidden)
    assert case.agency.server.newest(CASE, asked)[0] == hidden


@pytest.mark.parametrize(("scheme", "label"), [("OTHER:1", "CLEAR"), ("TLP:2.0", "WHITE")])
def test_what_its_own_signer_could_not_read_is_not_signed(case: Begun, scheme: str, label: str):
    """Recorded, it would be hidden by any honest server, which the client would then accuse."""
    size = case.here.records.case(CASE).size
    marking = Marking(scheme=scheme, label=label)
    with pytest.raises(UnreadableDeedError, match=f"under the marking {scheme} {label} nobody"):
        case.lab.act(lambda seen: participation_noted(seen, case.lab.id, "declined", "x", marking))
    assert (case.here.records.case(CASE).size, case.lab.client.unanswered) == (size, ())
    noted(case.lab)


def test_twin_without_it_an_honest_server_is_accused(case: Begun, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(acting, "require_shown", lambda _: None)
    marking = Marking(scheme="OTHER:1", label="CLEAR")
    with pytest.raises(CaughtError, match="is the party's own deed, and is not shown to it"):
        case.lab.act(lambda seen: participation_noted(seen, case.lab.id, "declined", "x", marking))


def test_a_case_is_opened_once(case: Begun):
    with pytest.raises(CaseBegunError):
        case.centre.client.begin(CASE, case.centre.signer, halts("example-centre"))


def test_a_stranger_learns_nothing(case: Begun, tmp_path: Path):
    stranger = party(case.here, tmp_path, "example-stranger", "auditor")
    said = []
    for name in (CASE, "case-2"):
        with pytest.raises(UnpromisedError) as told:
            stranger.client.look(name)
        said.append((told.value.code, str(told.value)))
    assert said[0] == said[1]


def test_another_installation_is_not_the_pinned_one(case: Begun, tmp_path: Path):
    with open_installation(tmp_path / "other", case.clock, apart=True) as other:
        case.lab.server.here = other
        with pytest.raises(WrongInstallationError):
            case.lab.client.greet()


def test_who_joins_anew_too_early_is_told_so_for_good_and_joins_in_time(case: Begun):
    new, after = (FileSigner.create(case.lab.home / f"{name}.pem") for name in ("new", "after"))

    def rejoins(seen: SeenCase) -> Deed:
        return party_rejoined(seen, "example-lab", new.public_key.hex(), after.fingerprint)

    def says(by: str) -> Callable[[SeenCase], Deed]:
        return lambda seen: party_reinvited(seen, by, "example-lab", new.fingerprint)

    for each in (case.centre, case.agency):
        each.act(says(each.id))
    client = case.lab.again("new-machine").client
    case.clock.pass_by(72 * 60 - 1)
    with pytest.raises(RefusedDeedError) as refused:
        client.act(CASE, new, rejoins)
    assert refused.value.code == "keys"
    case.clock.pass_by(2)
    assert client.act(CASE, new, rejoins).n == len(events(case)) - 1
