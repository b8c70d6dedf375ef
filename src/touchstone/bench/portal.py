"""What each page costs a server at full size, against limits and against a bare Django page.

It is measured by `portal_measured` in a process of its own, as the API's bench is.
"""

from touchstone.bench.api import measured_apart
from touchstone.bench.table import BenchTable

CASES, ENTRIES, PEOPLE, PARTIES, LARGEST = 2_000, 100, 300, 150, 2_000


def run(
    cases: int = CASES,
    entries: int = ENTRIES,
    people: int = PEOPLE,
    parties: int = PARTIES,
    largest: int = LARGEST,
) -> BenchTable:
    """Measure every page at so many cases, entries of each, people, and at so large a case."""
    rows = measured_apart("portal_measured", (cases, entries, people, parties, largest))
    return BenchTable("portal (CPU time of one core, in the server's process)", rows)
