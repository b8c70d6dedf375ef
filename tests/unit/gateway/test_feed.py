"""The feed: only the next bundle gets through, a restart goes on, and grace ends when agreed."""

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.ledger_signer import Signer
from support.terms_files import NOW, REGISTRY, terms
from touchstone.gateway.errors import FeedLostError, StateError
from touchstone.gateway.feed import (
    BundleAcceptance,
    Contact,
    EffectivePolicy,
    FolderSource,
    Grace,
    RejectedBundle,
    Store,
    bundle_acceptance,
    bundle_name,
    catch_up,
)
from touchstone.gateway.fleet.member import give
from touchstone.gateway.receipts import Receipt
from touchstone.terms import (
    Pin,
    PolicyBundle,
    Position,
    TermsFileError,
    accept_bundle,
    build_bundle,
    position,
)

DEVELOPER, STRANGER = Signer("example-lab"), Signer("stranger")
PIN = Pin(DEVELOPER.public_key, "example-model/production")
TERMS = terms({"id": "all", "effect": "permit", "staff": False})


def build(after: Position | None = None, signer: Signer = DEVELOPER, **changed: Any) -> bytes:
    kept: dict[str, Any] = {
        "stream": PIN.stream,
        "issued": NOW,
        "terms": TERMS,
        "registry": REGISTRY,
    }
    kept |= changed
    return build_bundle(**kept, signer=signer, after=after)


def chain(length: int) -> list[bytes]:
    found: list[bytes] = []
    at: Position | None = None
    for _ in range(length):
        found.append(build(at))
        at = position(accept_bundle(found[-1], PIN, at))
    return found


BUNDLES = chain(5)
AT = [position(accept_bundle(data, PIN, None)) for data in BUNDLES]
BAD: Mapping[str, bytes] = {
    "forged": build(AT[1], signer=STRANGER),
    "foreign": build(AT[1], stream="example-model/other"),
    "replayed": BUNDLES[0],
    "out-of-order": BUNDLES[4],
}


class Memory:
    """A feed in memory."""

    def __init__(self, *bundles: bytes) -> None:
        self.held = dict(enumerate(bundles, start=1))

    async def newest(self) -> int | None:
        return max(self.held, default=None)

    async def fetch(self, number: int) -> bytes | None:
        return self.held.get(number)


def run(work: Coroutine[Any, Any, Any]) -> None:
    """Run what never waits: unit tests have no sockets, and so no event loop."""
    with pytest.raises(StopIteration):
        work.send(None)


def fresh(current: PolicyBundle | None = None) -> BundleAcceptance:
    return BundleAcceptance(PIN, lambda _data, _bundle: None, current)


def at_two() -> BundleAcceptance:
    found = fresh()
    assert not isinstance(found.offer(BUNDLES[1]), RejectedBundle)
    return found


@pytest.mark.parametrize("reason", BAD)
def test_what_is_not_the_next_bundle_is_refused_once_and_the_last_stays(reason: str):
    found = at_two()
    refused = [found.offer(BAD[reason]) for _ in range(3)]
    assert [each.reason for each in refused if isinstance(each, RejectedBundle)] == [reason] * 3
    assert [each.new for each in refused if isinstance(each, RejectedBundle)] == [
        True,
        False,
        False,
    ]
    assert found.refused == {reason: 1}
    assert found.position == AT[1]


@pytest.mark.parametrize(
    ("reason", "guard"),
    [
        ("forged", "_check_signed"),
        ("foreign", "_check_stream"),
        ("replayed", "_check_new"),
        ("out-of-order", "_check_next"),
    ],
)
def test_twin_without_its_guard_each_gets_through(
    reason: str, guard: str, monkeypatch: pytest.MonkeyPatch
):
    found = at_two()
    monkeypatch.setattr(f"touchstone.terms.bundle.policy_bundle.{guard}", lambda *_: None)
    if reason == "replayed":
        # Another guard stands behind it: the order.
        monkeypatch.setattr("touchstone.terms.bundle.policy_bundle._check_next", lambda *_: None)
    if reason == "forged":
        monkeypatch.setattr(
            "touchstone.terms.bundle.policy_bundle.fingerprint", lambda _: _key(BAD[reason])
        )
    assert not isinstance(found.offer(BAD[reason]), RejectedBundle)


def _key(data: bytes) -> str:
    return data.decode().splitlines()[-1].split('"')[3]


def test_a_signed_bundle_that_cannot_be_used_is_refused_as_unreadable(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(bundle_acceptance, "Decider", _refusing)
    refused = at_two_or_refused()
    assert refused.reason == "unreadable"


def test_twin_without_the_trial_it_would_reach_the_workers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundle_acceptance, "Decider", lambda _policy: None)
    assert not isinstance(fresh().offer(BUNDLES[1]), RejectedBundle)


def _refusing(_policy: object) -> None:
    raise TermsFileError("the compiled policy does not fit its schema")


def at_two_or_refused() -> RejectedBundle:
    found = fresh().offer(BUNDLES[1])
    assert isinstance(found, RejectedBundle)
    return found


def test_a_bundle_is_kept_before_it_is_current():
    seen: list[Position | None] = []
    found = BundleAcceptance(PIN, lambda _data, _bundle: seen.append(found.position))
    found.offer(BUNDLES[0])
    found.offer(BUNDLES[1])
    assert seen == [None, AT[0]]


def test_what_cannot_be_kept_is_not_obeyed():
    def full(_data: bytes, _bundle: PolicyBundle) -> None:
        raise StateError("the disk is full")

    found = BundleAcceptance(PIN, full)
    with pytest.raises(StateError):
        found.offer(BUNDLES[0])
    assert found.current is None


def caught_up(source: Memory | FolderSource, into: BundleAcceptance) -> list[str]:
    told: list[str] = []
    try:
        run(catch_up(source, into, lambda each: told.append(each.reason)))
    except FeedLostError as error:
        told.append(str(error))
    return told


def test_a_new_gateway_takes_the_newest_and_then_each_in_turn():
    source, into = Memory(*BUNDLES[:2]), fresh()
    assert caught_up(source, into) == []
    assert into.accepted == 1
    source.held |= {3: BUNDLES[2], 4: BUNDLES[3], 5: BUNDLES[4]}
    assert caught_up(source, into) == []
    assert (into.position, into.accepted) == (AT[4], 4)


def test_a_gap_is_not_jumped():
    into = at_two()
    source = Memory(*BUNDLES)
    del source.held[3]
    assert "does not give bundle 3" in caught_up(source, into)[0]
    assert into.position == AT[1]


@pytest.mark.parametrize("held", [{}, {1: BUNDLES[0]}])
def test_a_feed_that_fell_behind_is_no_word(held: dict[int, bytes]):
    source = Memory()
    source.held = held
    assert "and 2 is in force" in caught_up(source, at_two())[0]


def test_a_feed_with_a_forged_bundle_is_no_word():
    told = caught_up(Memory(BUNDLES[0], BUNDLES[1], BAD["forged"]), at_two())
    assert told[0] == "forged"
    assert "bundle 3 of the feed is refused" in told[1]


def test_a_folder_gives_its_files_by_number(tmp_path: Path):
    source = FolderSource(tmp_path)
    into = fresh()
    (tmp_path / "notes.txt").write_text("no bundle")
    assert caught_up(source, into) == []
    for number, data in enumerate(BUNDLES[:3], start=1):
        (tmp_path / bundle_name(number)).write_bytes(data)
    assert source.changed(4) is None
    assert source.changed(3) is not None
    assert caught_up(source, into) == []
    assert into.position == AT[2]
    with pytest.raises(FeedLostError, match="No such file"):
        run(FolderSource(tmp_path / "gone").newest())


def receipt(number: int) -> Receipt:
    return Receipt("g", PIN.stream, number, AT[number - 1].digest, 0, None, 1, 2, ())


def kept(folder: Path, *bundles: bytes) -> Store:
    store = Store(folder)
    into = BundleAcceptance(PIN, store.keep)
    for data in bundles:
        assert not isinstance(into.offer(data), RejectedBundle)
    return store


def test_a_restart_goes_on_where_it_was(tmp_path: Path):
    assert Store(tmp_path).load(PIN) is None
    store = kept(tmp_path, BUNDLES[1], BUNDLES[2])
    store.keep_receipt(receipt(3).sign(STRANGER))
    found = Store(tmp_path).load(PIN)
    assert found is not None
    assert (position(found.bundle), found.contact) == (AT[2], None)
    contact = Contact(1_795_000_000, 77, "boot-1")
    store.keep_contact(found.bundle, contact)
    again = Store(tmp_path).load(PIN)
    assert again is not None
    assert again.contact == contact


def rolled_back(folder: Path) -> Store:
    """The state as an old backup brings it back, beside a receipt for a newer bundle."""
    store = kept(folder, BUNDLES[1])
    store.keep_receipt(receipt(3).sign(STRANGER))
    return store


def test_a_position_behind_a_receipt_is_refused(tmp_path: Path):
    with pytest.raises(StateError, match="it was rolled back"):
        rolled_back(tmp_path).load(PIN)
    (tmp_path / "position.json").unlink()
    with pytest.raises(StateError, match="its position is nothing"):
        Store(tmp_path).load(PIN)


def test_twin_without_the_look_at_receipts_it_would_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Store, "receipt_numbers", lambda _self: [])
    found = rolled_back(tmp_path).load(PIN)
    assert found is not None
    assert position(found.bundle) == AT[1]


DAMAGED = '{"contact":{},"digest":"sha256:00","format":"touchstone/gateway-position/1","number":1}'


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"number":1}', DAMAGED])
def test_a_damaged_position_is_said(tmp_path: Path, text: str):
    store = kept(tmp_path, BUNDLES[0])
    (tmp_path / "position.json").write_text(text)
    with pytest.raises(StateError, match="is damaged"):
        store.load(PIN)


def test_a_kept_bundle_is_checked_anew(tmp_path: Path):
    store = kept(tmp_path, BUNDLES[0])
    store.bundle_path(1).write_bytes(build(signer=STRANGER))
    with pytest.raises(StateError, match="the kept bundle is forged"):
        store.load(PIN)
    store.bundle_path(1).write_bytes(BUNDLES[1])
    with pytest.raises(StateError, match="is not about the bundle"):
        store.load(PIN)
    store.bundle_path(1).unlink()
    with pytest.raises(StateError, match="No such file"):
        store.load(PIN)


HOUR = 3600.0


def test_grace_counts_from_the_last_word():
    grace = Grace(overdue=20)
    assert grace.spent(0, HOUR)
    grace.contact(100)
    assert not grace.spent(100 + HOUR - 1, HOUR)
    grace.lose()
    assert not grace.spent(100 + HOUR - 1, HOUR)
    assert grace.spent(100 + HOUR, HOUR)
    grace.contact(200 + HOUR)
    assert not grace.spent(200 + HOUR, HOUR)


def test_no_grace_ends_with_the_feed_and_not_between_two_polls():
    grace = Grace(overdue=20)
    grace.contact(100)
    assert not grace.spent(110, 0)
    assert grace.spent(121, 0)
    grace.lose()
    assert grace.spent(110, 0)


AT_THOUSAND = Contact(wall=1000, steady=50, boot="boot-1")


def test_a_restart_brings_no_new_grace():
    grace = Grace(overdue=20)
    grace.resume(60, wall=0, boot="boot-1", kept=AT_THOUSAND)
    assert not grace.spent(49 + HOUR, HOUR)
    assert grace.spent(50 + HOUR, HOUR)
    grace.resume(5, wall=1000 + HOUR - 1, boot="boot-2", kept=AT_THOUSAND)
    assert not grace.spent(5, HOUR)
    assert grace.spent(6, HOUR)
    grace.resume(5, wall=1000, boot="boot-1", kept=None)
    assert grace.spent(5, HOUR)


def clock_went_back() -> bool:
    grace = Grace(overdue=20)
    grace.resume(5, wall=900, boot="boot-2", kept=AT_THOUSAND)
    return grace.spent(5, HOUR)


def test_a_wall_clock_that_went_back_leaves_no_grace():
    assert clock_went_back()


def test_twin_a_grace_that_trusts_the_wall_clock_goes_on(monkeypatch: pytest.MonkeyPatch):
    def trusting(self: Grace, now: float, wall: float, *, boot: str, kept: Contact) -> None:
        assert boot != kept.boot
        self.contact(now - (wall - kept.wall))

    monkeypatch.setattr(Grace, "resume", trusting)
    assert not clock_went_back()


def test_standing_is_the_shortest_of_all_limits():
    limit = [50.0]
    found = EffectivePolicy(at_two(), Grace(overdue=20), [lambda: limit[0]])
    assert found.in_force(0) is None
    found.grace.contact(0)
    assert found.until == 50.0
    assert found.in_force(49) is found.intake.current
    assert found.in_force(50) is None
    limit[0] = float("inf")
    assert found.until == 72 * HOUR
    assert EffectivePolicy(fresh(), found.grace).in_force(0) is None


def test_twin_without_the_limit_it_would_serve_on():
    found = EffectivePolicy(at_two(), Grace(overdue=20))
    found.grace.contact(0)
    assert found.in_force(50) is not None


class Log:
    """A fleet's log that takes everything."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    async def publish(self, bundle: PolicyBundle, data: bytes, gateway: str) -> None:
        del data, gateway
        self.taken.append(bundle.number)


@pytest.mark.enable_socket
@pytest.mark.parametrize("fault", ["missing", "damaged", "another"])
def test_a_kept_bundle_that_is_gone_or_altered_is_told_to_the_fleet_and_ends_nothing(
    tmp_path: Path, fault: str
):
    store, bundles = Store(tmp_path), (build(),)
    first = accept_bundle(bundles[0], PIN, None)
    second = build(position(first))
    for data in (bundles[0], second):
        store.keep(data, accept_bundle(data, PIN, None))
    log, path = Log(), store.bundle_path(2)
    asyncio.run(give(log, store, PIN, [1, 2], "one"))
    assert log.taken == [1, 2]
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(bundles[0] if fault == "another" else second[:-2])
    # What `run` takes for a log that is lost: it is told, and tried again.
    with pytest.raises(StateError, match=r"000002\.bundle: .*fix: restore it"):
        asyncio.run(give(log, store, PIN, [2], "one"))
    assert log.taken == [1, 2]
