"""Each kind of slip in a framework file gives one line: the file, the key, the fix."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.frameworks import example_with, text_of
from touchstone.errors import BadInputError
from touchstone.framework import Framework, FrameworkFileError, kinds, parse, parse_framework
from touchstone.handin import toml


def refusal(text: str) -> str:
    with pytest.raises(FrameworkFileError) as refused:
        parse_framework(text, "mine.toml")
    assert isinstance(refused.value, BadInputError)
    line = str(refused.value)
    assert line.isprintable()
    return line.removeprefix("mine.toml: ")


SLIPS = tomllib.loads(
    (Path(__file__).parents[2] / "vectors" / "framework" / "refusals.toml").read_text("utf-8")
)


@pytest.mark.parametrize("slip", SLIPS)
def test_one_line_names_the_place_and_the_mend(slip: str):
    old, new, line = (SLIPS[slip][key] for key in ("old", "new", "line"))
    assert refusal(example_with(old, new)) == line


@pytest.mark.parametrize("key", ["retention_days = 365", 'publication = "agreed-report"'])
def test_an_agreement_without_its_numbers_is_refused(key: str):
    line = refusal(example_with(f"{key}\n", ""))
    assert f'"{key.split(maxsplit=1)[0]}" is missing: use = "agreement" needs it' in line


def test_a_name_too_long_is_refused():
    line = refusal(example_with('"Example Lab"', f'"{"x" * 2001}"'))
    assert line == 'parties 1 ("example-lab"), key "name" has 2001 characters: at most 2000'


def test_a_number_of_thousands_of_digits_is_refused():
    line = refusal(example_with("days = 30", f"days = 1{'0' * 5000}"))
    assert line == "holds a number with too many digits: write a shorter one"


@pytest.mark.parametrize("opening", ["[", "{a="])
def test_deep_nesting_is_refused_without_a_crash(opening: str):
    text = example_with("example = true", "example = " + opening * 50_000)
    assert refusal(text) == "is nested too deeply: at most 8 levels"


def test_nesting_that_toml_can_read_is_refused_too():
    text = example_with("example = true", f"example = {'[' * 12}{']' * 12}")
    assert refusal(text).startswith('is nested too deeply at key "example", item 1')


def test_a_file_too_long_is_refused_before_it_is_read():
    assert refusal("#" * 200_001) == "has 200001 characters, and at most 200000 are read"


def test_the_longest_file_still_has_a_digest():
    """The canonical content must fit a line of the record whatever the file is full of."""
    room = parse.MAX_CHARACTERS - len(text_of("example")) - 2_000
    rows = room // (kinds.MAX_LINE + 40)
    more = ", ".join(f"'{chr(0x1F512) * kinds.MAX_LINE}'" for _ in range(rows))
    text = example_with('["safeguards plan"', f'[{more}, "safeguards plan"')
    assert len(text) > parse.MAX_CHARACTERS * 0.9
    assert parse_framework(text, "mine.toml").digest.startswith("sha256:")


def test_a_key_of_many_parts_is_refused_before_it_fills_the_memory():
    line = refusal(f"gate = 1\n{'a.' * 90_000}a = 1")
    assert line == "line 2 has more than 100 dots: break it in two"


def test_half_a_character_is_refused():
    assert refusal('title = "\ud800"') == "is not UTF-8 text: save it as UTF-8"


def test_an_error_at_the_end_has_no_line_to_look_at():
    assert refusal('gate = "“none').startswith("is not TOML: ")


def test_what_is_out_of_order_is_called_by_its_own_name():
    negotiating = 'status = "negotiating"\ndate = '
    line = refusal(example_with(f'{negotiating}"2026-08"', f'{negotiating}"2026-11"'))
    assert line.startswith('"participations" has 2026-10-01 after 2026-11')


def test_an_empty_file_names_the_first_key_it_lacks():
    assert refusal("").startswith('the key "format" is missing: add it')


def test_a_key_of_any_length_gives_a_short_line():
    assert len(refusal(example_with("example = true", f"{'x' * 100_000} = true"))) <= 600


def test_a_file_name_cannot_break_the_line():
    with pytest.raises(FrameworkFileError) as refused:
        parse_framework("", "mine\n\u202e.toml")
    assert str(refused.value).startswith(r"mine\n\u202e.toml: ")


def test_without_its_guard_an_unseen_character_would_pass(monkeypatch: pytest.MonkeyPatch):
    probe = example_with('name = "Example Lab"', 'name = "Example \\u202eLab"')
    assert "U+202E" in refusal(probe)
    monkeypatch.setattr(kinds, "unseen", lambda _: None)
    assert "U+202E" in refusal(probe)
    monkeypatch.setattr(toml, "unseen", lambda _: None)
    framework = parse_framework(probe, "mine.toml")
    assert framework.parties[0].name == "Example \u202eLab"


def test_without_its_guard_a_path_would_pass_as_a_time_zone(monkeypatch: pytest.MonkeyPatch):
    probe = example_with('timezone = "Europe/London"', 'timezone = "../../etc/passwd"')
    assert "no known time zone" in refusal(probe)
    monkeypatch.setattr(kinds, "time_zones", lambda: frozenset({"../../etc/passwd"}))
    assert parse_framework(probe, "mine.toml").window.timezone == "../../etc/passwd"


@pytest.mark.parametrize("zone", ["localtime", "right/Europe/London"])
def test_what_says_another_time_on_another_machine_is_no_time_zone(zone: str):
    text = example_with('timezone = "Europe/London"', f'timezone = "{zone}"')
    assert "no known time zone" in refusal(text)


def test_without_its_guard_the_zone_of_this_machine_would_pass(monkeypatch: pytest.MonkeyPatch):
    text = example_with('timezone = "Europe/London"', 'timezone = "localtime"')
    monkeypatch.setattr(kinds, "time_zones", lambda: frozenset({"localtime"}))
    assert parse_framework(text, "mine.toml").window.timezone == "localtime"


@given(st.text())
def test_any_text_is_refused_in_one_line(text: str):
    with pytest.raises(FrameworkFileError) as refused:
        parse_framework(text, "mine.toml")
    assert str(refused.value).isprintable()


@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(data: st.DataObject):
    text = text_of("example")
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 40))
    put = data.draw(st.sampled_from(["", '"', "]", "=", "\n", "1", "[[facts]]\n", "\u202e", "0.5"]))
    try:
        framework = parse_framework(text[:start] + put + text[start + length :], "mine.toml")
    except FrameworkFileError as refused:
        assert str(refused).isprintable()  # noqa: PT017 - either outcome is right, both are checked
    else:
        assert isinstance(framework, Framework)
        assert framework.gate == "none"
