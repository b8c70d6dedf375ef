"""The conditions that each run of the command recorded, as far as an audience may read them."""

from touchstone.editions.audience_case import AudienceCase
from touchstone.verdicts.conditions import Conditions
from touchstone.verdicts.content_parsers import conditions_of


def conditions_by_run(case: AudienceCase) -> list[tuple[str, Conditions]]:
    """When each run of the command began to measure, and under which conditions."""
    found: dict[str, Conditions] = {}
    for entry in case.visible("snapshot-seen"):
        told = entry.parsed("conditions", conditions_of)
        if told is not None:
            # Once a run, though older records hold them with each variant that was probed.
            found.setdefault(entry.event.at, told)
    return list(found.items())


def newest_conditions(case: AudienceCase) -> Conditions | None:
    """Those of the last run; None where none are to be read."""
    runs = conditions_by_run(case)
    return runs[-1][1] if runs else None
