"""The rows of the rules about who takes part: invitations, keys, and the end of a party's part."""

from collections.abc import Mapping

from touchstone.review.events import joining, opening, parting
from touchstone.review.events.base import Event
from touchstone.review.guards import beginning
from touchstone.review.guards import joining as joins
from touchstone.review.guards import parting as partings
from touchstone.review.rule import ALWAYS, EVERYONE, HEARD, KEPT, Rule
from touchstone.review.topics import Topic, moves, never_stale, speaks_to

PARTY_RULES: Mapping[type[Event], Rule] = {
    opening.PartyAdmitted: Rule(
        EVERYONE,
        ALWAYS,
        (
            joins.record_takes_admissions,
            beginning.admits_fairly,
            beginning.is_no_word_of_the_system,
            beginning.nobody_joins_late,
        ),
        topics=moves(),
    ),
    joining.PartyInvited: Rule(
        ("developer", "centre"),
        KEPT,
        (
            joins.record_takes_key_acts,
            joins.invited_has_not_joined,
            partings.invited_did_not_leave,
            joins.role_is_open,
            joins.invited_is_no_word_of_the_system,
        ),
        topics=moves(),
    ),
    joining.PartyJoined: Rule(
        EVERYONE,
        KEPT,
        (
            joins.record_takes_key_acts,
            joins.has_not_joined,
            joins.joins_as_invited,
            joins.role_is_open,
            joins.party_key_is_new,
        ),
        topics=moves(),
    ),
    joining.PartySignerAdmitted: Rule(
        EVERYONE,
        ALWAYS,
        (joins.record_takes_key_acts, joins.signer_is_new, joins.kinds_can_be_signed),
        topics=moves(),
    ),
    joining.PartySignerRemoved: Rule(
        EVERYONE, ALWAYS, (joins.record_takes_key_acts, joins.signer_is_ones_own), topics=moves()
    ),
    joining.PartyKeyRotated: Rule(
        EVERYONE,
        ALWAYS,
        (joins.record_takes_key_acts, joins.key_is_the_one_announced, joins.party_key_is_new),
        topics=moves(),
    ),
    joining.PartyReinvited: Rule(
        ("developer", "centre", "agency"),
        ALWAYS,
        (
            joins.record_takes_key_acts,
            joins.reinvited_is_another_party,
            joins.agency_is_of_the_framework,
            joins.key_expected_is_new,
        ),
        topics=moves(),
    ),
    joining.RecoveryObjected: Rule(
        EVERYONE,
        ALWAYS,
        (joins.record_takes_key_acts, joins.recovery_is_under_way),
        topics=moves(),
    ),
    joining.PartyRejoined: Rule(
        EVERYONE,
        ALWAYS,
        (
            joins.record_takes_key_acts,
            joins.recovery_is_due,
            joins.party_key_is_new,
            joins.disavowed_keys_are_its_own,
        ),
        topics=moves(),
    ),
    parting.PartyUninvited: Rule(
        ("developer", "centre"),
        KEPT,
        (joins.record_takes_key_acts, partings.invitation_is_ones_own),
        # It and the joining speak to one invitation: whichever is second was signed in vain.
        topics=speaks_to(Topic("keys", "party")),
    ),
    parting.PartyRemoved: Rule(
        ("developer", "centre"),
        KEPT,
        (
            joins.record_takes_key_acts,
            partings.removed_is_ones_own_guest,
            partings.removed_is_no_agency_of_the_framework,
        ),
        topics=moves(Topic("part", "party")),
    ),
    # Developer and centre have ways of their own: who leaves here leaves a case that goes on.
    parting.PartyLeft: Rule(
        tuple(role for role in EVERYONE if role not in joins.ONE_OF),
        HEARD,
        (joins.record_takes_key_acts,),
        topics=never_stale(Topic("part", "actor")),
    ),
}
"""By type of event, as `rules.RULES` has them all."""
