"""What a process remembers of cases has an end."""

from touchstone.records.remembered import Remembered


def test_the_case_that_nobody_asked_for_longest_is_forgotten_first():
    kept: Remembered[int] = Remembered(2)
    kept.keep("a", 1)
    kept.keep("b", 2)
    assert kept.get("a") == 1
    kept.keep("c", 3)
    assert [kept.get(case) for case in "abc"] == [1, None, 3]
    kept.keep("a", 4)
    kept.keep("d", 5)
    assert (kept.get("a"), kept.get("c"), kept.get("d"), len(kept)) == (4, None, 5, 2)


def test_values_that_weigh_more_leave_room_for_fewer():
    kept: Remembered[bytes] = Remembered(10, len)
    kept.keep("a", b"123456")
    kept.keep("a", b"1234")
    kept.keep("b", b"123456")
    assert len(kept) == 2
    kept.keep("c", b"1")
    assert [kept.get(case) is None for case in "abc"] == [True, False, False]
    # Heavier than all room there is: nothing is left, and the next finds its place.
    kept.keep("d", b"12345678901")
    kept.keep("e", b"1234567890")
    assert (len(kept), kept.get("e")) == (1, b"1234567890")


def test_what_is_to_be_forgotten_is_and_weighs_nothing():
    kept: Remembered[bytes] = Remembered(10, len)
    for name in ("a 1", "a 2", "b 1"):
        kept.keep(name, b"123")
    kept.forget(lambda name: name.startswith("a "))
    assert [kept.get(name) for name in ("a 1", "a 2", "b 1")] == [None, None, b"123"]
    kept.keep("c", b"1234567")
    assert len(kept) == 2
