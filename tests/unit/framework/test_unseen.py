"""One table says what a reader cannot see: what is shown as a code is refused in what is signed."""

import pytest
from pydantic import TypeAdapter, ValidationError

from touchstone.framework.kinds import Line, Prose
from touchstone.handin import is_unseen, unseen
from touchstone.verifier.strict import shown

POINTS = [*range(0x30000), *range(0xDFF00, 0xE1100), 0xF0000, 0x10FFFF]
"""The planes with characters of their own, and what lies about the tags."""
ODD = "\x07\x85\xa0\xad\u034f\u115f\u17b4\u180b\u200b\u202e\u2800\u3000\u3164\ufe0f\uffa0\U000e0101"


def test_what_is_shown_as_a_code_is_unseen_in_a_framework_too():
    assert [p for p in POINTS if (unseen(chr(p)) is not None) != is_unseen(chr(p))] == []


def test_the_verifiers_copy_of_the_table_is_equal():
    assert [p for p in POINTS if (shown(chr(p)) != chr(p)) != is_unseen(chr(p))] == []


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("kind", [Line, Prose], ids=["line", "prose"])
def test_no_text_of_a_framework_holds_it(kind: type[str], odd: str):
    taken = TypeAdapter(kind)
    assert taken.validate_python("Example Lab") == "Example Lab"
    with pytest.raises(ValidationError, match=rf"unseen character U\+{ord(odd):04X}"):
        taken.validate_python(f"Example{odd}Lab")
