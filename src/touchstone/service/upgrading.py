"""What becomes of a home that earlier versions wrote."""

from touchstone.handin.shown_ids import short_cases
from touchstone.service.installation import Installation

NAMED = 3
"""How many cases the line names."""


def upgrade(installation: Installation) -> str:
    """One line on what there is to upgrade; the record itself is never rewritten.

    Tables are brought up to date when the record is opened. What was signed in record contract 1
    stays as it is: signing it anew would make another history of it.
    """
    records = installation.records
    names = records.names()
    earlier = [name for name in names if records.case(name).contract == 1]
    if not earlier:
        return f"Nothing to do: of {len(names)} cases all are of record contract 2."
    few = ", ".join(short_cases(earlier[:NAMED]).values()) + ", ..." * (len(earlier) > NAMED)
    return (
        f"{len(earlier)} of {len(names)} cases are of record contract 1 ({few}): they are listed, "
        "shown, verified and exported as before, and take no further deed; new cases are of "
        "contract 2."
    )
