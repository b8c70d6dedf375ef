"""What the sandbox noticed while samples ran, as far as the audience may read their outcomes."""

from collections import Counter

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import Fact
from touchstone.editions.sentences import sentence
from touchstone.handin import printable_line

_LISTED = 12
"""Kinds of event that are named; what is beyond is summed."""


def noticed_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """By name: how often, and in how many samples; nothing where no outcomes are to be read."""
    times: Counter[str] = Counter()
    samples: Counter[str] = Counter()
    readable = False
    for entry in case.visible("outcomes-recorded"):
        told = entry.content("details")
        readable = readable or told is not None
        for outcome in (told or {}).get("outcomes", ()):
            found: Counter[str] = Counter()
            for event in outcome.get("events", ()):
                found[f"{event['kind']}: {event['detail']}"] += event.get("count", 1)
            times += found
            # Each name once a sample, however often it was noticed there: one loop may bring
            # thousands.
            samples.update(found.keys())
    if not readable:
        return ()
    lines = [
        sentence("noticed.event", event=printable_line(name), times=count, samples=samples[name])
        # By number and then by name, so that two editions of one record are the same bytes.
        for name, count in sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    if len(lines) > _LISTED:
        left = sum(sorted(times.values(), reverse=True)[_LISTED:])
        lines = [*lines[:_LISTED], sentence("noticed.rest", events=left)]
    text = sentence("list-of.semicolons", items=lines) if lines else sentence("noticed.none")
    return (Fact(sentence("noticed.label"), text),)
