"""Deeds as `next_deeds` tells them, made so that the law can be asked of them."""

from collections.abc import Iterator
from random import Random
from typing import Any

from support.laid import anchor_clock
from support.review_case import Case, digest, hex32, in_digests, joins, print_of
from support.review_deeds import FACTS, scan_of
from touchstone.clearance import EVERY_PARTY, tlp
from touchstone.framework import Framework
from touchstone.ledger import digest_value
from touchstone.review import BadEventError, Event, Refused, State, decide, propose_designation
from touchstone.review.events import (
    detecting,
    joining,
    judging,
    measuring,
    opening,
    seeding,
    settling,
)
from touchstone.review.events.base import Role
from touchstone.review.next_deeds import NextDeed
from touchstone.review.rules import RULES

TYPES = {str(each.model_fields["type"].default): each for each in RULES}
OWN = set(Event.model_fields)


def drafts(framework: Framework, state: State, told: NextDeed, now: str) -> Iterator[Event]:
    """For each type of event that does a deed, one that its party could sign."""
    for name in told.deeds:
        kind = TYPES[name]
        facts = _facts(framework, state, kind, told)
        given = {key: each for key, each in told.about.items() if key in kind.model_fields}
        marking = tlp("AMBER", EVERY_PARTY)
        yield kind(actor=told.by, at=now, marking=marking, **in_digests(kind, facts | given))


def takes(framework: Framework, state: State, deed: Event, now: str) -> str:
    """Why the law does not take a deed; empty where it does."""
    try:
        decide(framework, state, deed, now)
    except (Refused, BadEventError) as error:
        return f"{deed.type}: {error}"
    return ""


def not_taken(framework: Framework, state: State, told: NextDeed, now: str) -> list[str]:
    """Why the law takes none of the deeds that are told; empty where it takes each of them.

    Of measuring it takes one at least: what is recorded next, no test of the law can know.
    """
    whys = [takes(framework, state, deed, now) for deed in drafts(framework, state, told, now)]
    if told.reason == "measuring-unfinished" and "" in whys:
        return []
    return [why for why in whys if why]


def _facts(framework: Framework, state: State, kind: type[Event], told: NextDeed) -> dict[str, Any]:
    case = Case(framework)
    case.state = state
    facts = FACTS[kind](case, Random(1).choice)
    submission = state.submission
    if kind is measuring.ClockAnchored:
        assert submission
        handed_in = submission.model_copy(update={"at": state.submitted_at})
        marking = tlp("AMBER", *state.parties)
        laid = anchor_clock(framework.window, handed_in, told.by, state.submitted_at, marking)
        facts = {name: getattr(laid, name) for name in set(type(laid).model_fields) - OWN}
    elif kind is opening.AgreementSigned and state.opened:
        facts["agreement"] = state.opened.agreement
    elif kind is opening.SubmissionReceived and submission:
        facts |= {"variants": submission.variants, "submission": digest("anew")}
    elif kind is judging.DesignationProposed:
        rule = propose_designation(framework, state)
        facts |= {"designation": rule.designation, "says": rule.says}
        facts["words"] = digest_value(rule.words)
    elif kind is detecting.TranscriptsScanned:
        facts = scan_of(case, told.about["battery"], digest("detectors"), 0)
    elif kind is settling.TermsCountered:
        facts |= {"answers": state.terms.on_table, "terms": digest("counter-offer")}
    elif kind is settling.DirectiveAnswered:
        facts |= {"answer": "contested", "standing": None, "reading": None}
    elif kind is settling.StandingClassesAuthorised:
        facts["until"] = "2028-01-01T00:00:00Z"
    elif kind is settling.BundlePublished:
        newest = state.newest_bundle("gateways")
        facts |= {"number": newest.number + 1 if newest else 1, "equals": None}
        facts |= {"directives": (), "terms": state.agreed_before[-1]}
    return facts | _act(state, kind, told) | _on_seeds(framework, state, kind, told)


def _on_seeds(
    framework: Framework, state: State, kind: type[Event], told: NextDeed
) -> dict[str, Any]:
    """Of a battery and its seed, what was committed to."""
    if kind is seeding.SeedRevealed:
        return {"origin": state.seeds[told.about["battery"]].origin}
    if kind is not measuring.BatterySealed:
        return {}
    numeric = (each.id for each in framework.criteria if each.kind == "numeric")
    criterion, seed = next(numeric, "memory-safety"), state.seeds.get(state.next_battery)
    return {
        "battery": state.next_battery,
        "item_sets": (measuring.ItemSet(criterion=criterion, size=8),),
        **({"origin": seed.origin, "schema": 2} if seed else {}),
    }


def _act(state: State, kind: type[Event], told: NextDeed) -> dict[str, Any]:
    """Of acts on keys, whose key it is."""
    if kind is joining.PartyJoined:
        role: Role = state.invitations[told.by].role
        return {"key_act": joins(told.by, role=role, key=_invited_key(state, told.by))}
    if kind is joining.PartyReinvited:
        about = told.about
        return {"key_act": joining.ReinvitedAct(party=about["party"], expects=about["expects"])}
    if kind is joining.PartyRejoined:
        key = hex32("anew")
        return {"key_act": joining.RejoinedAct(key=key, next=print_of("later"), lasts={})}
    return {}


def _invited_key(state: State, party: str) -> str:
    expects = state.invitations[party].expects
    names = (party, "expected", "newcomer")
    return next(hex32(name) for name in names if expects in (None, print_of(name)))
