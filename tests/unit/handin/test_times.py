"""One spelling of each time: what the standard readers take beside it is refused."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.handin import (
    day_written,
    moment_of,
    moment_with_offset,
    seconds_of,
    utc,
    utc_text,
)

ZONES = st.timezones() | st.just(timezone(timedelta(hours=-11, minutes=-30)))
NEAR = {"min_value": datetime(2, 1, 1), "max_value": datetime(9998, 1, 1)}  # noqa: DTZ001 - a bound


@given(st.datetimes(**NEAR, timezones=ZONES, allow_imaginary=False))
def test_a_moment_comes_back_to_the_second(moment: datetime):
    text = utc_text(moment)
    assert moment_of(text) == moment.astimezone(UTC).replace(microsecond=0)
    assert utc_text(moment_of(text)) == text


@given(st.integers(0, 253_402_300_799))
def test_seconds_come_back(at: int):
    assert seconds_of(utc(at)) == at


def test_a_time_without_a_zone_is_no_moment():
    with pytest.raises(ValueError, match="zone"):
        utc_text(datetime(2026, 11, 20))  # noqa: DTZ001 - that is what is refused


@pytest.mark.parametrize(
    "text",
    [
        "2026-1-1T1:1:1Z",
        "2026-01-01T00:00:60Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00z",
        "2026-01-01T00:00:00.0Z",
        "20260101T000000Z",
        "2026-01-01T00:00:00Z\n",
        "2026-01-01T00Z",
        "\u0662026-01-01T00:00:00Z",
        "2026-W01-4T00:00:00Z",
        "",
    ],
)
def test_another_spelling_of_a_time_is_refused(text: str):
    with pytest.raises(ValueError, match=r"^(is no|.*(range|hour|second|day))"):
        moment_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "20260101",
        "2026-W01-4",
        "2026-1-1",
        "2026-02-30",
        "2026-01-01\n",
        "\u0662\u0660\u0662\u0666-01-01",
    ],
)
def test_another_spelling_of_a_day_is_refused(text: str):
    assert day_written("2026-01-01") == date(2026, 1, 1)
    with pytest.raises(ValueError, match=r"^(is no|.*day)"):
        day_written(text)


@pytest.mark.parametrize(
    ("text", "utc_hour"),
    [
        ("2026-12-01T09:00:00Z", 9),
        ("2026-12-01 09:00Z", 9),
        ("2026-12-01T09:00:00+02:00", 7),
        ("2026-12-01T09:00:00.123456-01:00", 10),
    ],
)
def test_a_time_with_its_offset_is_taken(text: str, utc_hour: int):
    assert moment_with_offset(text).astimezone(UTC).hour == utc_hour


@pytest.mark.parametrize(
    "text", ["2026-12-01T09Z", "20261201T0900Z", "2026-W49-2T09:00Z", "2026-12-01T09:00:00,5Z"]
)
def test_another_spelling_of_a_time_with_offset_is_refused(text: str):
    assert moment_with_offset("2026-12-01T09:00:00").tzinfo is None
    with pytest.raises(ValueError, match="is no day and time"):
        moment_with_offset(text)
