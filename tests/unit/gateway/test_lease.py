"""A lease ends by its holder's own clock, earlier than the log counts."""

from hypothesis import given
from hypothesis import strategies as st

from touchstone.gateway.fleet import Lease, MemberState


def test_it_counts_from_asking_and_not_from_the_answer():
    lease = Lease(1.0)
    assert not lease.valid(0)
    lease.granted(asked_at=10.0)
    assert lease.valid(10.7)
    assert not lease.valid(10.75)
    lease.granted(asked_at=9.0)
    assert lease.until == 10.75
    lease.lost()
    assert not lease.valid(10.0)


@given(st.floats(0, 1e6), st.floats(0, 10), st.floats(0.2, 60))
def test_it_never_runs_longer_than_the_log_counts(asked: float, late: float, seconds: float):
    lease = Lease(seconds)
    lease.granted(asked)
    granted_at_the_log = asked + late
    assert lease.until < granted_at_the_log + seconds


def test_who_obeys_a_newer_bundle_or_may_serve_nothing_has_applied_it():
    assert MemberState("a", 7, alive=True, silent_seconds=0.1).applied(7)
    assert MemberState("a", 6, alive=False, silent_seconds=9.0).applied(7)
    assert not MemberState("a", 6, alive=True, silent_seconds=0.1).applied(7)
