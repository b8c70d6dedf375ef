"""Cases that are shown together are told apart, and what a person chose is shown as it is."""

from hypothesis import given
from hypothesis import strategies as st

from touchstone.handin.shown_ids import short_case, short_cases, short_digest

DRAWN = "5d6a3d16f600261a536c6b47d7031779"


def test_a_drawn_id_is_short_and_a_chosen_one_whole():
    assert short_case(DRAWN) == "5d6a3d16f600"
    assert short_case("model-2026-11-a") == "model-2026-11-a"
    # A digit more than any that is drawn.
    assert short_case(f"{DRAWN}0") == f"{DRAWN}0"
    assert short_digest("ab" * 32) == "ab" * 6


def test_who_chooses_an_id_like_a_drawn_one_is_told_apart():
    other = f"{DRAWN[:20]}ffffffffffff"
    assert short_cases([DRAWN, other]) == {DRAWN: DRAWN[:21], other: other[:21]}
    assert short_cases([DRAWN, DRAWN[:12]]) == {DRAWN: DRAWN[:13], DRAWN[:12]: DRAWN[:12]}
    assert short_cases([DRAWN, DRAWN]) == {DRAWN: DRAWN[:12]}


IDS = st.one_of(st.text("ab-", min_size=1, max_size=14), st.text("ab", min_size=32, max_size=32))


@given(st.lists(IDS, max_size=12))
def test_no_two_are_shown_alike_and_each_by_its_own_beginning(cases: list[str]):
    shown = short_cases(cases)
    assert shown.keys() == set(cases)
    assert len(set(shown.values())) == len(shown)
    for case, text in shown.items():
        assert case.startswith(text)
        # The shortest that lets it be told apart.
        assert len(text) >= len(short_case(case))
