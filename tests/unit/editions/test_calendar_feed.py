"""A calendar of ends: programs read it back; where anybody may fetch it, it holds dates alone."""

from dataclasses import replace

import icalendar

from support.review_case import LAB, Case, shipped_framework
from support.review_probes import directive, opened, postponement, then
from touchstone.editions.calendar_feed import CalendarEntry, calendar_text
from touchstone.review.next_deeds import next_deeds

NOON = "2026-10-02T12:00:00Z"
CASE = "c" * 32


def entries(name: str = "d1") -> list[CalendarEntry]:
    setup = then(opened, directive(directive=name), postponement())
    case = setup(Case(shipped_framework("example")))
    found = next_deeds(case.framework, case.state, LAB, NOON)
    return [CalendarEntry(CASE, LAB, deed) for deed in found]


def read(data: bytes) -> list[icalendar.Component]:
    events: list[icalendar.Component] = icalendar.Calendar.from_ical(data).walk("VEVENT")
    return events


def test_what_has_no_end_is_left_out_and_the_rest_is_told():
    every = entries()
    events = read(calendar_text(every, "Next deeds", NOON))
    assert len(events) == sum(each.deed.due is not None for each in every) < len(every)
    first = events[0]
    assert str(first["SUMMARY"]) == "example-lab: Answer directive d1."
    assert first["DTSTART"].to_ical() == b"20261201T000000Z"
    assert first["DTSTAMP"].to_ical() == b"20261002T120000Z"
    assert "Until 2026-12-01 00:00 UTC." in str(first["DESCRIPTION"])


def test_what_is_long_or_special_is_folded_and_escaped():
    name = "d" * 100
    data = calendar_text(entries(name), "Deeds; all, of them", NOON)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert b"X-WR-CALNAME:Deeds\\; all\\, of them" in data
    assert str(read(data)[0]["SUMMARY"]) == f"example-lab: Answer directive {name}."


def test_dates_alone_tell_nothing_of_a_case():
    every = entries()
    data = calendar_text(every, "Next deeds", NOON, dates_only=True)
    for told in (b"directive", b"d1", b"p1", b"postpone", CASE[:12].encode()):
        assert told not in data
    shown = read(data)
    assert [str(event["SUMMARY"]) for event in shown] == ["example-lab: something is due"] * 2
    full = read(calendar_text(every, "Next deeds", NOON))
    assert [event["UID"] for event in shown] == [event["UID"] for event in full]


def test_of_what_others_owe_it_says_that_entries_are_hidden():
    def descriptions(hidden: int) -> list[str]:
        awaited = [replace(each.deed, stance="awaited") for each in entries()]
        every = [CalendarEntry(CASE, LAB, deed, hidden) for deed in awaited]
        return [str(each["DESCRIPTION"]) for each in read(calendar_text(every, "Next", NOON))]

    assert all(each.startswith("As far as example-lab may read: ") for each in descriptions(1))
    assert not any("As far as" in each for each in descriptions(0))
