"""Deeds about who is given what to read: editions of the report, and the reads of a day.

Begin at `case.record([report_issued(case, by, audience, edition, report)])`; see
`touchstone.deeds.drafting`.
"""

from touchstone.clearance import tlp
from touchstone.deeds.deed import Content, Deed
from touchstone.deeds.drafting import event_of
from touchstone.deeds.known_case import KnownCase
from touchstone.ledger.contract2 import INSTALLATION
from touchstone.review.events import settling


def report_issued(
    case: KnownCase, by: str, audience: str, edition: int, report: str, at: str
) -> Deed:
    """An edition is given to an audience: its number for it, from 1, and the page's digest.

    `at` is when the edition was made (UTC), which stands in it.
    """
    facts = {"audience": audience, "edition": edition, "report": report, "at": at}
    return Deed(event_of(case, settling.ReportIssued, by, **facts))


def reads_digested(case: KnownCase, day: str, reads: int, digest: str, salt: bytes) -> Deed:
    """The installation's own: how many reads of a day (UTC) there were, and their digest.

    `salt` (32 bytes) is what the digest was made with; the developer alone is shown it, who is told
    the reads. To developer and centre the rest is open.
    """
    facts = {"day": day, "reads": reads, "digest": digest}
    event = event_of(case, settling.ReadsDigested, INSTALLATION, case.marks.pair, **facts)
    shown = Content({"salt": salt.hex()}, tlp("RED", case.participants.developer))
    return Deed(event, (shown,))
