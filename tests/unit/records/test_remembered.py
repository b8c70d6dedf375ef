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
