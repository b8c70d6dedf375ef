"""The server's checks of contract 2: which failure promises nothing, which one is final.

Each check has a twin: taken away, the deed that it refuses is recorded.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.deed_server import AT, Hand, Scene, Server, key_act, opened, with_other
from support.ledger_signer import Signer
from touchstone import ledger
from touchstone.ledger import contract2
from touchstone.ledger.contract2 import (
    DeedStatement,
    RecordedAnswer,
    RefusedAnswer,
    SeenHead,
    SignedAnswer,
    SubmittedDeed,
    admission,
)
from touchstone.ledger.contract2.keyacts import CaseKeys

Forgery = Callable[[Scene], tuple[SubmittedDeed, str]]


def changed(**changes: Any) -> Callable[[DeedStatement], DeedStatement]:
    return lambda statement: replace(statement, **changes)


def held(scene: Scene) -> tuple[SubmittedDeed, str]:
    """C2: the resume of one halt, held back until there is another."""
    scene.lab.act(scene.server, "review-halted")
    resume = scene.device.sign(scene.server, "review-resumed")
    scene.lab.act(scene.server, "review-resumed")
    scene.lab.act(scene.server, "review-halted")
    return resume, "example-lab"


def forked(scene: Scene) -> tuple[SubmittedDeed, str]:
    """C3: two deeds of one key with one seq."""
    first = scene.device.sign(scene.server, "review-halted")
    second = scene.device.sign(scene.server, "review-halted", facts={"why": "x"})
    scene.server.submit(first, "example-lab")
    return second, "example-lab"


def by_lab(deed: str = "review-halted", **said: Any) -> Forgery:
    return lambda scene: (scene.lab.sign(scene.server, deed, **said), "example-lab")


def by_device(deed: str, **said: Any) -> Forgery:
    return lambda scene: (scene.device.sign(scene.server, deed, **said), "example-lab")


def another_past(scene: Scene) -> tuple[SubmittedDeed, str]:
    return by_lab(change=changed(seen=SeenHead(2, "ab" * 32)))(scene)


def seen_less(scene: Scene) -> tuple[SubmittedDeed, str]:
    scene.lab.act(scene.server, "review-halted")
    return by_lab(seen=1)(scene)


def another_before(scene: Scene) -> tuple[SubmittedDeed, str]:
    return by_lab(change=changed(before="ab" * 32))(scene)


def stale_destruction(scene: Scene) -> tuple[SubmittedDeed, str]:
    return by_lab("case-destroyed", seen=scene.server.size - 1)(scene)


def second_invitation(scene: Scene) -> tuple[SubmittedDeed, str]:
    said = key_act(
        scene.server,
        "example-lab",
        act="invited",
        party="example-lab",
        role="developer",
        expects=None,
    )
    return scene.centre.sign(scene.server, "party-invited", **said), "example-centre"


def unnamed_invitation(scene: Scene) -> tuple[SubmittedDeed, str]:
    said = key_act(
        scene.server,
        "example-agency",
        act="invited",
        party="example-agency",
        role="agency",
        expects=None,
    )
    return scene.centre.sign(scene.server, "party-invited", **said | {"on": {}}), "example-centre"


LATE = "2026-11-21T10:00:00Z"
FINAL: dict[str, tuple[Forgery, str, str]] = {
    "before": (another_before, "before", AT),
    "fork": (forked, "fork", AT),
    "seen of another past": (another_past, "seen", AT),
    "seen beyond the log": (by_lab(change=changed(seen=SeenHead(99, "ab" * 32))), "seen", AT),
    "seen less than before": (seen_less, "seen", AT),
    "until passed": (by_lab(until=AT), "time", LATE),
    "from the future": (by_lab(facts={"at": "2026-11-21T09:05:01Z"}), "time", AT),
    "valid for too long": (by_lab(until="2026-11-28T09:00:01Z"), "time", AT),
    "exact elsewhere": (stale_destruction, "exact", AT),
    "not exact": (by_lab("case-destroyed", exact=False), "exact", AT),
    "held": (held, "topic-moved", AT),
    "topic not named": (by_lab("review-resumed", on={}), "topics", AT),
    "touches more": (by_lab(touches=("halt", "status")), "topics", AT),
    "touches less": (by_lab(touches=()), "topics", AT),
    "key topic not named": (unnamed_invitation, "topics", AT),
    "invited after joining": (second_invitation, "keys", AT),
}
PLAIN: dict[str, tuple[Forgery, str]] = {
    "no envelope": (lambda _scene: (SubmittedDeed({}, ()), "example-lab"), "malformed"),
    "no parts": (
        lambda scene: (
            replace(scene.lab.sign(scene.server, "review-halted"), parts=()),
            "example-lab",
        ),
        "parts",
    ),
    "other parts": (
        lambda scene: (
            with_other(
                scene.lab.sign(scene.server, "review-halted"),
                scene.lab.sign(scene.server, "review-halted", facts={"why": "x"}).parts[0].data,
            ),
            "example-lab",
        ),
        "parts",
    ),
    "another event": (by_lab(facts={"type": "review-resumed"}), "parts"),
    "another log": (by_lab(change=changed(log="ab" * 32)), "another-log"),
    "seq ahead": (by_lab(change=changed(seq=7)), "seq-ahead"),
    "out of scope": (by_device("finding-made"), "not-a-signer"),
    "never admitted": (
        lambda scene: (
            Hand("example-lab", Signer("nobody")).sign(scene.server, "review-halted"),
            "example-lab",
        ),
        "not-a-signer",
    ),
    "another party": (
        lambda scene: (
            Hand("example-centre", Signer("device")).sign(scene.server, "review-halted"),
            "example-centre",
        ),
        "not-a-signer",
    ),
}


@pytest.mark.parametrize("name", FINAL)
def test_a_final_refusal_is_signed_stored_and_never_taken_back(name: str):
    forge, code, now = FINAL[name]
    scene = opened()
    deed, asker = forge(scene)
    size = scene.server.size
    answer = scene.server.submit(deed, asker, now)
    assert isinstance(answer.answer, RefusedAnswer)
    assert (answer.answer.code, scene.server.size) == (code, size)
    answer.verify(scene.server.installation.public_key)
    # Whatever time it is by then, the same bytes get the same answer.
    assert scene.server.submit(deed, asker, AT) == answer
    assert contract2.parse_answer(answer.line) == answer


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_failure_promises_nothing(name: str):
    forge, code = PLAIN[name]
    scene = opened()
    deed, asker = forge(scene)
    before = (scene.server.size, dict(scene.server.answers))
    with pytest.raises(ledger.UnpromisedError) as raised:
        scene.server.submit(deed, asker)
    assert raised.value.code == code
    assert (scene.server.size, scene.server.answers) == before


def nothing(*_given: Any, **_named: Any) -> None:
    """A check that was taken away."""


# The check that is taken away, and the forgery that is then recorded.
TWINS: dict[str, tuple[str, Forgery, str]] = {
    "seen": ("check_seen", another_past, AT),
    "exact": ("check_exact", stale_destruction, AT),
    "topics": ("check_topics", held, AT),
    "chain": ("check_chain", another_before, AT),
    "log": ("check_log_id", by_lab(change=changed(log="ab" * 32)), AT),
    "until": ("check_recorded_time", by_lab(until=AT), LATE),
    "times": ("check_dates", by_lab(facts={"at": "2026-11-21T09:05:01Z"}), AT),
    "parts": ("_check_parts", PLAIN["other parts"][0], AT),
    "signer": ("_check_signer", by_device("finding-made"), AT),
}


@pytest.mark.parametrize("name", TWINS)
def test_without_its_check_the_forgery_is_recorded(name: str, monkeypatch: pytest.MonkeyPatch):
    check, forge, now = TWINS[name]
    scene = opened()
    deed, asker = forge(scene)
    monkeypatch.setattr(admission, check, nothing)
    assert isinstance(scene.server.submit(deed, asker, now).answer, RecordedAnswer)


def test_without_the_look_for_answers_a_key_forks(monkeypatch: pytest.MonkeyPatch):
    scene = opened()
    deed, asker = forked(scene)
    monkeypatch.setattr(admission, "_answered", nothing)
    monkeypatch.setattr(admission, "check_chain", nothing)
    assert isinstance(scene.server.submit(deed, asker).answer, RecordedAnswer)


def test_without_the_law_of_keys_a_party_is_invited_twice(monkeypatch: pytest.MonkeyPatch):
    scene = opened()
    deed, asker = second_invitation(scene)
    monkeypatch.setattr(CaseKeys, "after", lambda self, *_given, **_named: self)
    assert isinstance(scene.server.submit(deed, asker).answer, RecordedAnswer)


def test_a_fork_that_the_key_did_not_sign_is_refused_to_nobody():
    """Or anyone could fill the store with refusals of made-up payloads."""
    scene = opened()
    deed, asker = forked(scene)
    envelope: Any = deed.envelope
    signature = envelope["signatures"][0] | {"sig": ledger.canonical.b64encode(bytes(64))}
    unsigned = replace(deed, envelope=envelope | {"signatures": [signature]})
    with pytest.raises(ledger.UnpromisedError) as raised:
        scene.server.submit(unsigned, asker)
    assert raised.value.code == "not-a-signer"


def test_who_holds_a_payload_without_its_parts_cannot_have_it_refused():
    """C3: a stranger sends it with made-up parts; what the signer sends is recorded."""
    scene = opened()
    deed = scene.lab.sign(scene.server, "review-halted")
    other = scene.lab.sign(scene.server, "review-halted", facts={"why": "x"})
    for made_up in ((), other.parts, (*deed.parts, *other.parts)):
        with pytest.raises(ledger.UnpromisedError):
            scene.server.submit(replace(deed, parts=made_up), "example-lab")
    assert isinstance(scene.server.submit(deed, "example-lab").answer, RecordedAnswer)


def test_another_logs_deed_is_never_refused_by_this_log():
    """The key and seq are known here; a refusal signed here would be about the other log."""
    scene = opened()
    scene.lab.act(scene.server, "review-halted")
    deed = scene.lab.sign(
        scene.server, "review-halted", change=changed(log="ab" * 32, seq=0, before=None)
    )
    with pytest.raises(ledger.UnpromisedError) as raised:
        scene.server.submit(deed, "example-lab")
    assert raised.value.code == "another-log"


def test_an_answer_is_for_its_own_party_alone():
    scene = opened()
    deed = scene.lab.sign(scene.server, "review-halted")
    answer = scene.server.submit(deed, "example-lab")
    assert scene.server.submit(deed, "example-lab").line == answer.line
    with pytest.raises(ledger.UnpromisedError) as raised:
        scene.server.submit(deed, "example-centre")
    assert raised.value.code == "not-yours"


def test_a_signer_that_was_removed_is_judged_by_the_state_now():
    """C12: signed before the removal, sent after it."""
    scene = opened()
    deed = scene.device.sign(scene.server, "review-halted")
    scene.lab.act(
        scene.server,
        "signer-removed",
        **key_act(scene.server, "example-lab", act="removed", key=scene.device.key, last=None),
    )
    with pytest.raises(ledger.UnpromisedError) as raised:
        scene.server.submit(deed, "example-lab")
    assert raised.value.code == "not-a-signer"
    assert scene.server.disavowed == 0


def test_a_removal_disavows_what_its_party_does_not_stand_by():
    scene = opened()
    for _time in range(3):
        scene.device.act(scene.server, "review-halted")
    scene.lab.act(
        scene.server,
        "signer-removed",
        **key_act(scene.server, "example-lab", act="removed", key=scene.device.key, last=0),
    )
    assert scene.server.disavowed == 2


def rotation(scene: Scene, name: str = "lab next") -> tuple[Hand, dict[str, Any]]:
    hand = Hand("example-lab", Signer(name))
    following = ledger.fingerprint(Signer("lab next but one").public_key)
    return hand, key_act(
        scene.server,
        "example-lab",
        act="rotated",
        last=scene.lab.seq - 1,
        key=hand.signer.public_key.hex(),
        next=following,
    )


def test_the_announced_key_takes_over_and_the_old_one_ends():
    scene = opened()
    hand, said = rotation(scene)
    hand.act(scene.server, "party-key-rotated", **said)
    hand.act(scene.server, "review-halted")
    with pytest.raises(ledger.UnpromisedError):
        scene.server.submit(scene.lab.sign(scene.server, "review-halted"), "example-lab")
    # The signers that it admitted go on.
    scene.device.act(scene.server, "review-resumed")


@pytest.mark.parametrize("thief", ["lab", "someone else"])
def test_who_stole_the_current_key_cannot_rotate_the_owner_out(thief: str):
    """C12: neither by the stolen key, nor by a key of the thief's own."""
    scene = opened()
    hand, said = rotation(scene, thief)
    if thief == "lab":
        hand.seq, hand.before = scene.lab.seq, scene.lab.before
    refused = scene.server.submit(
        hand.sign(scene.server, "party-key-rotated", **said), "example-lab"
    ).answer
    assert isinstance(refused, RefusedAnswer)
    assert refused.code == "keys"
    _hand, named = rotation(scene, "someone else")
    with pytest.raises(ledger.UnpromisedError):
        scene.server.submit(
            scene.lab.sign(scene.server, "party-key-rotated", **named), "example-lab"
        )


def test_a_clock_set_back_is_no_fault_of_a_deed():
    scene = opened()
    scene.server.submit(deed := scene.lab.sign(scene.server, "review-halted"), "example-lab", LATE)
    scene.lab.done(deed)
    answer = scene.lab.act(scene.server, "review-halted")
    assert answer.answer.at == LATE


def test_an_honest_deed_with_others_between_is_recorded():
    """C7: what is exact would starve; topics do not."""
    scene = opened()
    scene.lab.act(scene.server, "review-halted")
    resume = scene.device.sign(scene.server, "review-resumed")
    for _time in range(5):
        scene.centre.act(scene.server, "finding-made")
    assert isinstance(scene.server.submit(resume, "example-lab").answer, RecordedAnswer)


def test_a_deed_that_is_withheld_shows_nothing_by_its_shape():
    scene = opened()
    scene.centre.act(scene.server, "finding-made")
    shapes = {
        (len(each.entry.parts), len(each.entry.line) - len(str(each.entry.n)))
        for each in scene.server.entries[1:]
    }
    assert shapes == {(contract2.PARTS, 631)}


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[int, str, int, int]]:
    """Who does what, how stale, and after how many others it arrives."""
    deeds = st.sampled_from(
        ["review-halted", "review-resumed", "finding-made", "finding-responded", "case-destroyed"]
    )
    step = st.tuples(st.integers(0, 2), deeds, st.integers(0, 4), st.integers(0, 2))
    return draw(st.lists(step, max_size=14))


def bundle_of(server: Server) -> bytes:
    """What the server would hand to somebody who may read all of it."""
    keys = ledger.KeyHistory.start(server.installation, AT, "installed")
    entries = [each.entry for each in server.entries]
    head = ledger.CaseHead(
        server.log or "", server.size, server.root(server.size).hex(), keys.keyset
    )
    tree = ledger.Tree([ledger.leaf_hash(ledger.blind_head(bytes(32), head))])
    note = ledger.sign_checkpoint(
        ledger.Checkpoint(keys.origin, 1, tree.root()), server.installation
    )
    published = ledger.PublishedHead(head, bytes(32), 0, (), note)
    parts = [
        ledger.Opened(n, i, each.parts[i].salt, each.parts[i].data)
        if i < len(each.parts)
        else contract2.HiddenPart(n, i)
        for n, each in enumerate(server.entries)
        for i in range(contract2.PARTS)
    ]
    return b"".join(
        contract2.write_deed_bundle(
            server.installation,
            audience="example-lab",
            at=AT,
            keys=keys,
            entries=entries,
            parts=parts,
            published=published,
            answers=server.answers.values(),
        )
    )


@settings(max_examples=30)
@given(schedules())
def test_whatever_is_recorded_and_refused_makes_a_bundle_that_holds(
    schedule: list[tuple[int, str, int, int]],
):
    """Signers elsewhere, stale and late: one deed a seq, each answer met, all checks agreed on."""
    scene = opened()
    hands = (scene.centre, scene.lab, scene.device)
    waiting: list[tuple[int, Hand, SubmittedDeed]] = []
    for who, deed, stale, delay in [*schedule, *[(0, "finding-made", 0, 0)] * 3]:
        hand = hands[who]
        size = max(hand.sight, scene.server.size - stale)
        waiting.append((delay, hand, hand.sign(scene.server, deed, seen=size)))
        due = [each for each in waiting if each[0] == 0]
        waiting = [(left - 1, who, what) for left, who, what in waiting if left > 0]
        for _left, sender, signed in due:
            send(scene.server, sender, signed)
    assert len(scene.server.by_seq) == scene.server.size
    summary = contract2.check_deed_bundle([bundle_of(scene.server)])
    assert (summary.deeds, summary.unchecked, summary.hidden) == (scene.server.size, 0, 0)
    assert summary.answers == len(scene.server.answers)


def send(server: Server, hand: Hand, signed: SubmittedDeed) -> SignedAnswer | None:
    """Send twice: the second answer is the first one, or both promise nothing."""
    answers: list[SignedAnswer | None] = []
    for _time in range(2):
        try:
            answers.append(server.submit(signed, hand.party))
        except ledger.UnpromisedError:
            answers.append(None)
    assert answers[0] == answers[1]
    if answers[0] and isinstance(answers[0].answer, RecordedAnswer):
        hand.done(signed)
    return answers[0]
