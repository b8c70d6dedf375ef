"""A lease ends by its holder's own clock, earlier than the log counts."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from touchstone.gateway.fleet import Lease, Member, MemberState, Renewal
from touchstone.terms import Position

HERE = Position(7, "sha256:07")
GRANTED = Renewal(granted=True, newest=7, digest="sha256:07")


def test_it_counts_from_asking_and_not_from_the_answer():
    lease = Lease(1.0)
    assert not lease.valid(0)
    assert lease.answered(GRANTED, 10.0, HERE) == "go-on"
    assert lease.valid(10.7)
    assert not lease.valid(10.75)
    lease.answered(GRANTED, 9.0, HERE)
    assert lease.until == 10.75


def test_what_the_log_says_decides_what_comes_next():
    def next_(renewal: Renewal, current: Position | None = HERE) -> tuple[str, bool]:
        lease = Lease(1.0)
        return lease.answered(renewal, 0.0, current), lease.valid(0.5)

    assert next_(GRANTED) == ("go-on", True)
    assert next_(replace(GRANTED, granted=False)) == ("go-on", False)
    assert next_(replace(GRANTED, newest=8, digest="sha256:08")) == ("catch-up", True)
    assert next_(replace(GRANTED, newest=6, digest="sha256:06")) == ("publish", False)
    assert next_(Renewal(granted=False, newest=None, digest=None)) == ("publish", False)
    assert next_(GRANTED, None) == ("catch-up", False)
    assert next_(Renewal(granted=False, newest=None, digest=None), None) == ("publish", False)


def test_another_bundle_under_the_same_number_ends_all():
    lease = Lease(1.0)
    lease.answered(GRANTED, 0.0, HERE)
    assert lease.answered(replace(GRANTED, digest="sha256:08"), 0.1, HERE) == "stop"
    assert not lease.valid(0.1)


@given(st.floats(0, 1e6), st.floats(0, 10), st.floats(0.2, 60))
def test_it_never_runs_longer_than_the_log_counts(asked: float, late: float, seconds: float):
    lease = Lease(seconds)
    lease.answered(GRANTED, asked, HERE)
    granted_at_the_log = asked + late
    assert lease.until < granted_at_the_log + seconds


def test_who_obeys_a_newer_bundle_or_may_serve_nothing_has_applied_it():
    assert MemberState("a", 7, alive=True, silent_seconds=0.1).applied(7)
    assert MemberState("a", 6, alive=False, silent_seconds=9.0).applied(7)
    assert not MemberState("a", 6, alive=True, silent_seconds=0.1).applied(7)


def test_of_a_log_that_nobody_hears_nothing_is_said_to_be_in_force_everywhere():
    fleet: Any = SimpleNamespace(dsn=lambda: "", lease_seconds=1.0)
    config: Any = SimpleNamespace(id="g", pin=SimpleNamespace(stream="s"), bundle_pin=None)
    intake: Any = SimpleNamespace(current=SimpleNamespace(number=2), position=None)
    member = Member(config, fleet, b"k" * 32, cast("Any", None), intake, lambda: 2)
    assert not member.status(0.0)["applied_everywhere"]
