"""Of which results it is to be said that they check the instrument, and show no capability."""

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.sentences import paragraph, sentence
from touchstone.evaluation.families.registry import MODULES, get_family
from touchstone.review.state import RunKey


def instrument_note(case: AudienceCase, key: RunKey) -> str:
    """What a run's items are good for, or an empty text where no cheat is known of their family.

    From the sealed battery, where the audience may read it; else from the framework.
    """
    family, sealed = _family(case, key)
    # Of a shipped family what is known by now; of others what was known when they were sealed.
    cheat = get_family(family).cheat if family in MODULES else sealed
    if not cheat:
        return ""
    flaws = _flaws(case, key)
    planted = sentence("instrument.flaws", flaws=flaws) if flaws else ""
    return paragraph(sentence("instrument.check", cheat=cheat), planted)


def _family(case: AudienceCase, key: RunKey) -> tuple[str, str]:
    """The family's name, and the cheat that was sealed with it."""
    sealed = (case.content("battery-sealed", "registered") or {}).get("battery", {})
    for part in sealed.get("sets", ()):
        if part["criterion"] == key.criterion:
            return str(part["family"]), str(part.get("cheat", ""))
    criterion = case.framework.criterion(key.criterion) if case.framework else None
    return str(getattr(criterion, "family", "")), ""


def _flaws(case: AudienceCase, key: RunKey) -> int:
    """How many different flaws the opened items of a run plant; 0 where none is to be read."""
    found = {
        opened.get("flaw", "")
        for entry in case.visible("outcomes-recorded")
        if RunKey(*(entry.event.facts()[name] for name in RunKey._fields)) == key
        for opened in (entry.content("opened") or {}).get("opened", ())
    }
    # Items whose family labels no flaw have an empty one, which is no flaw of its own.
    return len(found - {""})
