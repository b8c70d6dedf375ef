"""Whether a proposed event may happen."""

from dataclasses import replace

from touchstone.framework import Framework, may_name, not_a_name
from touchstone.review.addressing import not_for_its_addressee
from touchstone.review.errors import BadEventError, Refused
from touchstone.review.events.base import Event, Role
from touchstone.review.events.joining import InvitedAct, JoinedAct, PartyJoined
from touchstone.review.events.opening import Admission, CaseOpened
from touchstone.review.events.settling import ReleaseAnnounced, ReviewWithdrawn
from touchstone.review.rules import RULES, Rule
from touchstone.review.state import Party, State

LEAVING = (ReleaseAnnounced, ReviewWithdrawn)
"""Nothing keeps a developer from these, in any state that any version could make of a case."""


def decide(framework: Framework, state: State, proposed: Event, recorded: str) -> Event:
    """The proposed event, which may happen. It never brings another with it: each has its signer.

    `recorded` is when its entry would be recorded (UTC). What time decides is decided by that, and
    never by the time that the event itself tells.

    Raises Refused, which says who may do it and when, if the deed is not for this party in this
    state, or the case holds events of a newer version; BadEventError if it does not fit the case at
    all, or the framework is not the case's.
    """
    if not (state.opened and isinstance(proposed, LEAVING)):
        require_known(state)
    if isinstance(proposed, CaseOpened):
        return _opened(framework, state, proposed)
    if admits_unasked(proposed):
        raise BadEventError(f"{proposed.type} admits nobody: leave admits to party-admitted")
    if acts_unasked(proposed):
        raise BadEventError(f"{proposed.type} changes no key: leave key_act to acts on keys")
    if state.opened is None:
        raise Refused(f"{proposed.type} needs a case: the developer or the centre opens one first")
    if framework.digest != state.opened.framework.digest:
        pinned = state.opened.framework
        raise BadEventError(f"the case is held to {pinned.id} {pinned.digest}: load that framework")
    rule = RULES.get(type(proposed))
    if rule is None:
        raise BadEventError(f"no rule knows the event {proposed.type}: use a type of this version")
    _check(framework, replace(state, recorded_at=recorded), proposed, rule)
    return proposed


def require_known(state: State) -> None:
    """Refuse to add to a case that holds events of a newer version, whose meaning is not known.

    Raises:
        Refused: it does; the line names the first of them.
    """
    if state.unknown:
        more = f" and {len(state.unknown) - 1} more" if len(state.unknown) > 1 else ""
        raise Refused(
            f"this case holds events of a newer version ({state.unknown[0]}{more}): upgrade before "
            "you add to it"
        )


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
    role = _role(state, proposed)
    if role is None:
        raise Refused(
            f"{proposed.type} is {rule.sentence}; {proposed.actor} is not in this case: "
            f"the developer or the centre {'invites' if state.by_invitation else 'admits'} parties"
        )
    if role not in rule.roles:
        raise Refused(
            f"{proposed.type} is {rule.sentence}; {proposed.actor} is {role} in this case"
        )
    if state.status not in rule.when:
        raise Refused(f"{proposed.type} is {rule.sentence}; the case is {state.status}")
    for guard in rule.guards:
        if reason := guard(framework, state, proposed):
            raise Refused(f"{proposed.type} is {rule.sentence}; {reason}")
    _check_marking(state, proposed)


def _role(state: State, proposed: Event) -> Role | None:
    """The actor's role in the case; of who joins, the one in which it was invited."""
    known: Party | InvitedAct | None = state.parties.get(proposed.actor)
    if known is None and isinstance(proposed, PartyJoined):
        known = state.invitations.get(proposed.actor)
    return None if known is None else known.role


def _check_marking(state: State, proposed: Event) -> None:
    if reason := not_for_its_addressee(state, proposed):
        raise Refused(f"{proposed.type}: {reason}: name them in the marking, or take a wider one")


def _opened(framework: Framework, state: State, proposed: CaseOpened) -> Event:
    if state.opened is not None:
        raise Refused("case-opened begins a case, and this one has begun: open another case")
    if framework.gate != "none" or framework.comparison_only:
        raise Refused(
            f"{framework.id} is for comparison only: cases are opened under frameworks whose gate "
            "is none"
        )
    if (proposed.framework.id, proposed.framework.digest) != (framework.id, framework.digest):
        raise BadEventError(
            f"case-opened: framework: names another version than {framework.id} "
            f"{framework.digest}: pin that one"
        )
    first: tuple[Admission | JoinedAct, ...] = proposed.admits
    if proposed.key_act is not None:
        first = (proposed.key_act,)
    opener = next(each.role for each in first if each.party == proposed.actor)
    if opener not in ("developer", "centre"):
        raise Refused(
            f"case-opened is for the developer or centre; {proposed.actor} would be {opener}"
        )
    if reserved := next((a.party for a in first if not may_name(a.party, a.role)), None):
        raise Refused(f"case-opened: {not_a_name(reserved)}")
    _check_marking(state, proposed)
    return proposed
