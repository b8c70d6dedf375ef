"""What keeps a case from being destroyed is ended: by its parties' own deeds, or in time."""

from datetime import datetime, timedelta

from support.small_case import Minutes
from touchstone.deeds.access import directive_lifted
from touchstone.deeds.cases import review_resumed
from touchstone.deeds.designation import finding_rerun
from touchstone.service.cases.case_admin import open_found
from touchstone.service.cases.destroying import DestroyedCase, destroy_case, finish_destruction
from touchstone.service.installation import Installation


def let_go(here: Installation, name: str) -> None:
    """End each halt, dispute and directive of a case; those that are bundled end in time."""
    case, state = open_found(here, name), here.state(name)
    deeds = [review_resumed(case, party, "over") for party in sorted(state.halted_by)]
    deeds += [
        finding_rerun(case, each.signed.actor, finding, "upheld", "As it was.")
        for finding, each in state.findings.items()
        if each.stands == "disputed"
    ]
    deeds += [
        directive_lifted(case, each.issued.actor, directive)
        for directive, each in state.directives.items()
        if each.lifted_at is None and each.issued.expires > here.now()
    ]
    if deeds:
        case.record(deeds)
    ends = [state.directives[each].issued.expires for each in state.bundled_directives]
    if ends and isinstance(here.clock, Minutes):
        ended = datetime.fromisoformat(max(ends)) + timedelta(minutes=1)
        here.clock.moment = max(here.clock.moment, ended)


def destroyed(here: Installation, name: str, reason: str = "over") -> DestroyedCase:
    """A case destroyed, whatever it carried before; nothing of it is left on the disk."""
    let_go(here, name)
    done = destroy_case(here, name, reason)
    assert not finish_destruction(here, name)
    return done
