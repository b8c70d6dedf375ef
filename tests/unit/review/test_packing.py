"""A state packed and read again is the same state, and nothing else is taken for one.

That every state which deeds can bring about comes back is a law of `test_laws`.
"""

from dataclasses import replace
from typing import Any

import pytest

from support.review_case import Case, shipped_framework
from support.review_probes import measured
from touchstone.review import State, read_event
from touchstone.review.events.measuring import BatterySealed
from touchstone.review.packing import pack_state, unpack_state
from touchstone.review.state import RunKey
from touchstone.review.tallies import Attempt, Tally

FORM = "here"
LONG = 50_000
"""Items of a battery, each a bit."""


@pytest.fixture(scope="module")
def state() -> State:
    case = Case(shipped_framework("example"))
    measured(case)
    return case.state


def test_a_state_comes_back(state: State):
    assert unpack_state(pack_state(state, FORM), FORM) == state
    assert unpack_state(pack_state(State(), FORM), FORM) == State()


def test_a_long_battery_comes_back(state: State):
    bits = (1 << LONG) - 1
    attempt = Attempt(recorded=bits, measured=bits, solved=bits >> 9)
    key = RunKey("battery-1", "exploit-memory", "final", "thinking")
    long = replace(state, tallies={key: Tally({1: attempt}, {"solved": LONG - 9}, 5)})
    assert unpack_state(pack_state(long, FORM), FORM) == long


def test_facts_that_this_version_does_not_know_come_back(state: State):
    """As they came: what a fact is decided on may be asked for by the next version."""
    facts = {**next(iter(state.batteries.values())).facts(), "of_later": [{"n": 3}, None]}
    battery = read_event(facts)
    assert isinstance(battery, BatterySealed)
    later = replace(state, batteries={"battery-1": battery})
    found = unpack_state(pack_state(later, FORM), FORM)
    assert found == later
    assert found is not None
    assert found.batteries["battery-1"].facts() == facts


def test_an_event_in_the_place_of_another_is_not_packed(state: State):
    wrong: Any = {"batteries": {"battery-1": state.submission}}
    with pytest.raises(TypeError, match="in the place of a BatterySealed"):
        pack_state(replace(state, **wrong), FORM)


def test_what_was_packed_in_another_form_is_not_read(state: State):
    assert unpack_state(pack_state(state, FORM), "another") is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[1]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_packed_state_is_not_read(data: bytes):
    assert unpack_state(data, FORM) is None


def test_a_packed_state_that_lacks_something_is_not_read(state: State):
    packed = pack_state(state, FORM)
    for cut in range(1, len(packed), 997):
        assert unpack_state(packed[:-cut], FORM) is None
