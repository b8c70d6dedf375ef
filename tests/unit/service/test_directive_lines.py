"""What a directive's line says of people, by counts that a party put into the record."""

import pytest

from touchstone.service.access.directive_status import Followed

ISSUED = "2026-06-12T00:00:00Z"


def said(**counts: int) -> str:
    people = {"people": 9, "blocked": 2, "unknown": 1, "gaining": 0} | counts
    followed = Followed(
        directive="june-12",
        number=1,
        issuer="example-office",
        issued=ISSUED,
        expires="2026-12-01T00:00:00Z",
        answer=None,
        answered=None,
        bundle=None,
        published=None,
        lifted=None,
        ended=None,
        in_force=False,
        people=people,
        effects=(),
    )
    return "\n".join(followed.lines())


@pytest.mark.parametrize(("everyone", "spared"), [(3, 0), (8, 5)])
def test_who_is_spared_is_who_would_lose_and_does_not(everyone: int, spared: int):
    told = f"blocking everyone would take from {everyone}, so {spared} are spared"
    assert told in said(everyone=everyone)


@pytest.mark.parametrize("everyone", [0, 2])
def test_nobody_is_spared_by_a_negative_number(everyone: int):
    line = said(everyone=everyone)
    assert "2 blocked and 1 unknown of 9, 0 gain" in line
    assert "spared" not in line
