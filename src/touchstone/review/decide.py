"""Whether a proposed event may happen."""

from collections.abc import Mapping
from dataclasses import replace

from touchstone.framework import Framework, may_name, not_a_name
from touchstone.ledger.contract2 import INSTALLATION
from touchstone.review.addressing import not_for_every_party, not_for_its_addressee
from touchstone.review.events.base import Event, Role
from touchstone.review.events.joining import InvitedAct, JoinedAct, PartyJoined
from touchstone.review.events.opening import Admission, CaseOpened
from touchstone.review.events.settling import ReleaseAnnounced, ReviewWithdrawn
from touchstone.review.grounds import Ground
from touchstone.review.rule import INSTALLATION_ALONE, Rule
from touchstone.review.rules import RULES
from touchstone.review.state import Party, State, Status

LEAVING = (ReleaseAnnounced, ReviewWithdrawn)
"""Nothing keeps a developer from these, in any state that any version could make of a case."""


_IN_STATUS: Mapping[Status, str] = {
    "open": "case-open",
    "withdrawn": "case-withdrawn",
    "closed": "case-closed",
    "destroyed": "case-destroyed",
}


def decide(framework: Framework, state: State, proposed: Event, recorded: str) -> Event:
    """The proposed event, which may happen. It never brings another with it: each has its signer.

    `recorded` is when its entry would be recorded (UTC). What time decides is decided by that, and
    never by the time that the event itself tells.

    Raises Refused, which says who may do it and when, if the deed is not for this party in this
    state, or the case holds events of a newer version; BadEventError if it does not fit the case at
    all, or the framework is not the case's.
    """
    # Release and withdrawal pass also where a newer version wrote: no upgrade may stand between a
    # developer and its own act.
    if not (state.opened and isinstance(proposed, LEAVING)):
        require_known(state)
    if isinstance(proposed, CaseOpened):
        return _opened(framework, state, proposed)
    if admits_unasked(proposed):
        raise Ground("admits-unasked", deed=proposed.type).fault
    if acts_unasked(proposed):
        raise Ground("key-act-unasked", deed=proposed.type).fault
    if state.opened is None:
        raise Ground("no-case", deed=proposed.type).refusal
    # By digest: the same name with other thresholds would judge by rules that nobody agreed to.
    if framework.digest != state.opened.framework.digest:
        pinned = state.opened.framework
        raise Ground("framework-of-another-case", id=pinned.id, digest=pinned.digest).fault
    rule = RULES.get(type(proposed))
    if rule is None:
        raise Ground("type-unknown", deed=proposed.type).fault
    # Guards reckon by when this deed would be recorded, not by when the last one was (ADR 264).
    _check(framework, replace(state, recorded_at=recorded), proposed, rule)
    return proposed


def require_known(state: State) -> None:
    """Refuse to add to a case that holds events of a newer version, whose meaning is not known.

    Raises:
        Refused: it does; the line names the first of them.
    """
    if state.unknown:
        raise Ground("events-unknown", unknown=tuple(map(str, state.unknown))).refusal


def admits_unasked(event: Event) -> bool:
    """Whether an event brings `admits` as a field that its type does not know.

    Such fields are kept, and the record takes keys from `admits` in any part 0: without this a
    party could change another's key in passing.
    """
    return "admits" in (event.model_extra or {})


def acts_unasked(event: Event) -> bool:
    """Whether an event brings `key_act` as a field that its type does not know.

    A record of contract 2 takes keys from `key_act` in any part 0, as one of contract 1 does from
    `admits`.
    """
    return "key_act" in (event.model_extra or {})


def _check(framework: Framework, state: State, proposed: Event, rule: Rule) -> None:
    if ground := _ground(framework, state, proposed, rule):
        raise ground.of(
            deed=proposed.type,
            actor=proposed.actor,
            rule=rule.sentence,
            roles=rule.roles,
            statuses=rule.when,
        ).refusal
    _check_marking(state, proposed)


def _ground(framework: Framework, state: State, proposed: Event, rule: Rule) -> Ground | None:
    """Why the rule does not allow it: whose it is, then when, then what else must hold."""
    role = _role(state, proposed)
    if rule.roles == INSTALLATION_ALONE:
        if proposed.actor != INSTALLATION:
            return Ground("installation-alone")
    elif role is None and proposed.actor in state.left:
        return Ground("has-left", at=state.left[proposed.actor].at)
    elif role is None:
        return Ground("not-invited" if state.by_invitation else "not-admitted")
    elif role not in rule.roles:
        return Ground("not-your-role", role=role)
    if state.status not in rule.when:
        return Ground(_IN_STATUS[state.status])
    found = (guard(framework, state, proposed) for guard in rule.guards)
    return next((ground for ground in found if ground), None)


def _role(state: State, proposed: Event) -> Role | None:
    """The actor's role in the case; of who joins, the one in which it was invited."""
    known: Party | InvitedAct | None = state.parties.get(proposed.actor)
    if known is None and isinstance(proposed, PartyJoined):
        known = state.invitations.get(proposed.actor)
    return None if known is None else known.role


def _check_marking(state: State, proposed: Event) -> None:
    if ground := not_for_every_party(proposed) or not_for_its_addressee(state, proposed):
        raise ground.of(deed=proposed.type).refusal


def _opened(framework: Framework, state: State, proposed: CaseOpened) -> Event:
    if state.opened is not None:
        raise Ground("case-begun").refusal
    # No case is ever opened under a framework that could keep anyone from releasing (ADR 30).
    if framework.gate != "none" or framework.comparison_only:
        raise Ground("framework-for-comparison", framework=framework.id).refusal
    if (proposed.framework.id, proposed.framework.digest) != (framework.id, framework.digest):
        raise Ground("framework-not-pinned", id=framework.id, digest=framework.digest).fault
    first: tuple[Admission | JoinedAct, ...] = proposed.admits
    if proposed.key_act is not None:
        first = (proposed.key_act,)
    opener = next(each.role for each in first if each.party == proposed.actor)
    if opener not in ("developer", "centre"):
        raise Ground("not-an-opener", actor=proposed.actor, role=opener).refusal
    # Without this a party could be called `public`, and read what is addressed to that audience.
    if reserved := next((a.party for a in first if not may_name(a.party, a.role)), None):
        why = not_a_name(reserved)
        raise Ground("opening-names-no-party", party=reserved, why=why).refusal
    _check_marking(state, proposed)
    return proposed
