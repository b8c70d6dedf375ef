"""How much of what was planted the instrument saw, beside what rests on it."""

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import Fact
from touchstone.editions.sections.measured_under import newest_conditions
from touchstone.editions.sentences import sentence
from touchstone.verdicts.calibration import CalibratedRow, Calibration, shown_interval


def calibration_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """What the calibration found that the last run names; that it names none, where it does not.

    Nothing of a run from before there were any.
    """
    ran = newest_conditions(case)
    if ran is None or not ran.detectors:
        return ()
    found, label = ran.calibration, sentence("calibration.label")
    if found is None:
        return (Fact(label, sentence("calibration.none")),)
    told = sentence("calibration.of", digest=found.digest, items=found.items, grade=found.grade)
    return (
        Fact(label, told),
        *_of_another(found, ran.detectors, _elicitation(case)),
        *(Fact(sentence("calibration.row-label", name=row.name), _row(row)) for row in found.rows),
    )


def newest_calibration(case: AudienceCase, detectors: str) -> tuple[Calibration | None, bool]:
    """The calibration that the last run names, and whether it is of what ran.

    That is of these detectors, and of the elicitation that was sealed.
    """
    ran = newest_conditions(case)
    found = ran.calibration if ran else None
    return found, found is not None and not found.differs(detectors, _elicitation(case))


def calibration_note(case: AudienceCase) -> str:
    """What bears on a result alone: holding back, and modes that are none; empty where unknown."""
    ran = newest_conditions(case)
    found, holds = newest_calibration(case, ran.detectors if ran else "")
    if found is None:
        return ""
    if not holds:
        return sentence("calibration.beside-unequal")
    back, modes = found.row("sandbagging"), found.row("alike-modes")
    if back is None or modes is None:
        return ""
    return sentence(
        "calibration.beside",
        plain=shown_interval(back.plain),
        hard=shown_interval(back.hard),
        modes=shown_interval(modes.plain),
        pretending=shown_interval(modes.hard),
    )


def _elicitation(case: AudienceCase) -> str:
    """The digest of the elicitation that was sealed last; empty where nothing was sealed."""
    sealed = [*case.state.batteries.values()]
    return sealed[-1].elicitation if sealed else ""


def _of_another(found: Calibration, detectors: str, elicitation: str) -> list[Fact]:
    """What it was of that ran otherwise here."""
    label = sentence("calibration.unequal-label")
    said = {
        "detectors": sentence("calibration.detectors"),
        "elicitation": sentence("calibration.elicitation"),
    }
    return [Fact(label, said[each]) for each in found.differs(detectors, elicitation)]


def _row(row: CalibratedRow) -> str:
    told = {"plain": shown_interval(row.plain), "alarms": shown_interval(row.false_alarms)}
    if not row.hard.of:
        return sentence("calibration.row-plain", **told)
    return sentence("calibration.row", hard=shown_interval(row.hard), **told)
