"""The decision as a call: under signed bundles in their order, while the feed is heard."""

from typing import Any

import pytest

from support.ledger_signer import Signer
from support.terms_files import NOW, REGISTRY, terms
from touchstone.gateway.authz import Gatekeeper, Question
from touchstone.gateway.authz.gatekeeper import NO_POLICY
from touchstone.gateway.feed import Grace
from touchstone.terms import Person, Pin, PolicyBundleError, Position, build_bundle, position
from touchstone.terms.bundle.policy_bundle import accept_bundle

DEVELOPER = Signer("developer")
PIN = Pin(DEVELOPER.public_key, "example-model/production")
HOME = {"id": "home", "effect": "permit", "nationality": ["domestic"], "dual": "any"}
NEVER = {"id": "never", "effect": "forbid", "modes": ["instant"]}
ANN = Person("ann", frozenset({"XA"}), "XA")
ASKED = Question("final", "instant")
GRACE = 2 * 3600


class Hours:
    """Both clocks, in seconds."""

    def __init__(self) -> None:
        self.wall, self.steady = float(NOW), 1000.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def bundle(*rules: dict[str, Any], after: Position | None = None, signer: Signer = DEVELOPER):
    return build_bundle(
        stream=PIN.stream,
        issued=NOW,
        terms=terms(*rules, grace_hours=2),
        registry=REGISTRY,
        signer=signer,
        after=after,
    )


FIRST = bundle(HOME)
AT_FIRST = position(accept_bundle(FIRST, PIN, None))
SECOND = bundle(HOME, NEVER, after=AT_FIRST)


def keeper(hours: Hours, **more: Any) -> Gatekeeper:
    return Gatekeeper(PIN, clock=lambda: hours.wall, steady=lambda: hours.steady, **more)


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def gate(hours: Hours) -> Gatekeeper:
    gate = keeper(hours)
    gate.obey(FIRST)
    gate.heard()
    return gate


def rule(gate: Gatekeeper, who: Person = ANN, asked: Question = ASKED) -> tuple[bool, str]:
    decision = gate.decide(who, asked)
    assert decision.sentence
    return decision.allowed, decision.rule


def test_it_decides_with_the_rule(gate: Gatekeeper):
    assert rule(gate) == (True, "home")
    assert rule(gate, Person("eve")) == (False, "default")
    assert rule(gate, asked=Question("final", "unheard")) == (False, "default")


def test_the_registry_of_the_bundle_counts(hours: Hours):
    gate = keeper(hours)
    gate.obey(bundle({"id": "bank", "effect": "permit", "organisations": ["example-bank"]}))
    gate.heard()
    assert rule(gate, Person("bo")) == (True, "bank")
    assert rule(gate, Person("example-bank")) == (False, "default")


def test_a_budget_needs_somebody_who_counts(hours: Hours):
    gate = keeper(hours)
    gate.obey(bundle({"id": "little", "effect": "permit", "budget": {"tokens": 100, "per": "day"}}))
    gate.heard()
    assert not gate.decide(ANN, ASKED).allowed
    assert gate.decide(ANN, ASKED, tokens_today=99).allowed
    assert not gate.decide(ANN, ASKED, tokens_today=100).allowed


def test_without_a_bundle_nothing_is_granted(hours: Hours):
    gate = keeper(hours)
    gate.heard()
    assert rule(gate) == (False, NO_POLICY)


def test_the_next_bundle_bars_at_once(gate: Gatekeeper):
    assert gate.obey(SECOND).number == 2
    assert rule(gate) == (False, "never")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (FIRST, "replayed"),
        (bundle(HOME, signer=Signer("stranger")), "forged"),
        (bundle(HOME, after=Position(2, "sha256:" + "0" * 64)), "out-of-order"),
    ],
)
def test_nothing_else_moves_it(gate: Gatekeeper, data: bytes, reason: str):
    before = gate.position
    with pytest.raises(PolicyBundleError) as caught:
        gate.obey(data)
    assert (caught.value.reason, gate.position) == (reason, before)
    assert rule(gate) == (True, "home")


def test_a_feed_that_is_silent_ends_it_after_its_grace(gate: Gatekeeper, hours: Hours):
    hours.pass_(GRACE - 1)
    assert rule(gate) == (True, "home")
    hours.pass_(1)
    assert rule(gate) == (False, NO_POLICY)
    gate.heard()
    assert rule(gate) == (True, "home")


def test_twin_of_the_grace(gate: Gatekeeper, hours: Hours, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Grace, "spent", lambda *_: False)
    hours.pass_(GRACE * 9)
    assert rule(gate) == (True, "home")


def test_a_wall_clock_that_jumps_lengthens_no_grace(gate: Gatekeeper, hours: Hours):
    hours.pass_(GRACE)
    hours.wall -= GRACE
    assert rule(gate) == (False, NO_POLICY)


def test_after_a_restart_the_same_bundle_is_taken_and_no_older_one(gate: Gatekeeper, hours: Hours):
    gate.obey(SECOND)
    hours.pass_(60)
    again = keeper(hours, after=gate.position, heard_at=gate.heard_at)
    with pytest.raises(PolicyBundleError):
        again.obey(FIRST)
    assert again.obey(SECOND).number == 2
    assert rule(again) == (False, "never")
    # The twin: whoever hands nothing back can be rolled back.
    rolled_back = keeper(hours, heard_at=gate.heard_at)
    assert rolled_back.obey(FIRST).number == 1


def test_after_a_restart_the_grace_goes_on(gate: Gatekeeper, hours: Hours):
    hours.pass_(GRACE - 60)
    again = keeper(hours, after=gate.position, heard_at=gate.heard_at)
    again.obey(FIRST)
    assert rule(again) == (True, "home")
    hours.pass_(60)
    assert rule(again) == (False, NO_POLICY)


def test_after_a_restart_a_clock_that_went_back_leaves_no_grace(gate: Gatekeeper, hours: Hours):
    hours.wall -= 1
    again = keeper(hours, after=gate.position, heard_at=gate.heard_at)
    again.obey(FIRST)
    assert rule(again) == (False, NO_POLICY)
