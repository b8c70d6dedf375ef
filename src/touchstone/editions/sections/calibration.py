"""How much of what was planted the instrument saw, beside what rests on it."""

from collections.abc import Iterable

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import Fact
from touchstone.editions.sections.measured_under import newest_conditions
from touchstone.editions.sentences import sentence
from touchstone.evaluation.seals import SealedBattery
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
        *_of_another(found, ran.detectors, _elicitations(case).values()),
        *(Fact(sentence("calibration.row-label", name=row.name), _row(row)) for row in found.rows),
    )


def newest_calibration(case: AudienceCase, detectors: str) -> tuple[Calibration | None, bool]:
    """The calibration that the last run names, and whether it is of what ran.

    That is of these detectors, and of each elicitation that was sealed.
    """
    ran = newest_conditions(case)
    found = ran.calibration if ran else None
    holds = found is not None and not _differs(found, detectors, _elicitations(case).values())
    return found, holds


def calibration_note(case: AudienceCase, criterion: str) -> str:
    """What bears on a result alone: holding back, and modes that are none; empty where unknown."""
    ran = newest_conditions(case)
    found, sealed = ran.calibration if ran else None, _elicitations(case)
    if ran is None or found is None:
        return ""
    if _differs(found, ran.detectors, [sealed.get(criterion) or sealed.get("", "")]):
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


def _elicitations(case: AudienceCase) -> dict[str, str]:
    """By criterion the digest of what its set names for itself, and of the others by an empty text.

    As it was sealed last; nothing where nothing was sealed.
    """
    sealed = [*case.state.batteries.values()]
    if not sealed:
        return {}
    told = case.content("battery-sealed", "registered")
    sets = SealedBattery.model_validate(told["battery"]).sets if told else ()
    own = {each.criterion: each.elicitation.digest for each in sets if each.elicitation}
    return {"": sealed[-1].elicitation, **own}


def _differs(found: Calibration, detectors: str, sealed: Iterable[str]) -> tuple[str, ...]:
    """What it was of that ran otherwise here, for one of these elicitations at least."""
    every = (name for each in sealed for name in found.differs(detectors, each))
    return tuple(dict.fromkeys(every))


def _of_another(found: Calibration, detectors: str, sealed: Iterable[str]) -> list[Fact]:
    label = sentence("calibration.unequal-label")
    said = {
        "detectors": sentence("calibration.detectors"),
        "elicitation": sentence("calibration.elicitation"),
    }
    return [Fact(label, said[each]) for each in _differs(found, detectors, sealed)]


def _row(row: CalibratedRow) -> str:
    told = {"plain": shown_interval(row.plain), "alarms": shown_interval(row.false_alarms)}
    if not row.hard.of:
        return sentence("calibration.row-plain", **told)
    return sentence("calibration.row", hard=shown_interval(row.hard), **told)
