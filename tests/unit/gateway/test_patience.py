"""Who is waited for: whoever took the order up, or had no processor; nobody who is stopped."""

import os
import subprocess
import sys

import pytest

from touchstone.gateway.patience import PROCESSOR, TAKEN_UP, Load, Patience

BEFORE = Load("S", ran=10.0, waited=5.0)


def why(now: Load | None, *, heard: bool = False, before: Load | None = BEFORE) -> str | None:
    looks = iter([before, now])
    return Patience(lambda: next(looks), 0.2).why(1.0, heard=heard)


@pytest.mark.parametrize(
    ("now", "heard", "reason"),
    [
        (Load("S", 10.1, 5.0), True, TAKEN_UP),
        (Load("R", 10.1, 5.0), True, TAKEN_UP),
        (Load("R", 10.1, 5.9), False, PROCESSOR),
        (Load("R", 10.5, 5.9), False, None),  # it had its share, and did not answer
        (Load("R", 10.1, 5.1), False, None),  # nothing kept it from answering
        (Load("S", 10.0, 5.0), False, None),
        (Load("T", 10.0, 5.0), True, None),
        (Load("t", 10.1, 5.9), False, None),
        (Load("Z", 10.0, 5.0), True, None),
        (None, True, None),
    ],
)
def test_something_must_speak_for_it(now: Load | None, heard: bool, reason: str | None):
    assert why(now, heard=heard) == reason


def test_where_the_kernel_says_nothing_only_its_own_word_counts():
    assert why(Load("R", 0.0, 9.0), before=None) is None
    assert why(Load("R", 0.0, 9.0), before=None, heard=True) == TAKEN_UP


def test_the_kernel_is_read_as_it_writes():
    load = Load.of(os.getpid())
    assert load is not None
    assert load.state in "RS"
    assert load.ran > 0
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert Load.of(ended.pid) is None
