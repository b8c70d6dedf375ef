"""From a submission to an open case: parties, agreement, submission, clock."""

import re
from collections.abc import Sequence

from touchstone.deeds.cases import (
    agreement_signed,
    case_opened,
    clock_anchored,
    party_invited,
    party_joined,
    submission_assessed,
    submission_received,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import Participants, participants_of
from touchstone.editions.sentences import sentence
from touchstone.evaluation import Submission
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework, may_name, not_a_name
from touchstone.handin.shown_ids import short_case
from touchstone.keys import KeyMissingError
from touchstone.ledger import fingerprint
from touchstone.review import State, day_of
from touchstone.review.agreements import agreement_is_known
from touchstone.review.audience_view import newest_entry
from touchstone.review.decide import require_known
from touchstone.review.events import joining, opening
from touchstone.review.events.base import Role
from touchstone.service.case_context import Case
from touchstone.service.cases.agreement import agreed_terms, agreement_text, missing
from touchstone.service.commit import record_opening
from touchstone.service.errors import CannotReviewError, StoppedError
from touchstone.service.installation import Installation
from touchstone.verdicts.errors import CannotRunError

DEFAULT_CENTRE = "centre"


def default_centre(framework: Framework) -> str:
    """The centre that the framework names, if it names one alone."""
    named = framework.parties_with("centre")
    return named[0].id if len(named) == 1 else DEFAULT_CENTRE


def check_parties(
    framework: Framework, submission: Submission, agencies: Sequence[str] = ()
) -> None:
    """Refuse what `open_case` would refuse, before anything is made or asked.

    Raises:
        CannotRunError: no case can be opened so; the line names the key and the fix.
    """
    agreed_terms(framework, submission)
    if framework.gate != "none":
        raise CannotRunError(
            f"framework {framework.id} is for comparison only; name one whose gate is none"
        )
    developer = submission.developer.id
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", developer):
        raise CannotRunError(
            f"developer.id: {developer!r} cannot name a party: write lowercase letters, digits "
            "and hyphens"
        )
    if not may_name(developer, "developer"):
        raise CannotRunError(f"developer.id: {not_a_name(developer)}")
    others = {p.id for p in framework.parties if p.role != "developer"}
    if developer in others | {default_centre(framework)}:
        raise CannotRunError(
            f"developer.id: {developer!r} is another party of framework {framework.id}; write the "
            "developer's own id"
        )
    known = [p.id for p in framework.parties if p.role == "agency"]
    for number, agency in enumerate(agencies):
        if agency not in known or agency in agencies[:number]:
            raise CannotReviewError(
                "agency-not-the-frameworks",
                agency=agency[:64],
                framework=framework.id,
                known=tuple(known),
            )


def passed_release(framework: Framework, submission: Submission, now: str) -> str:
    """One line on a planned release that is over though nothing was released; else empty."""
    planned, stands = submission.model.planned_release, submission.model.release_state
    today = day_of(now, framework.window.timezone)
    if planned is None or planned.date >= today or stands == "released":
        return ""
    return (
        f"Note: the planned release {planned.date.isoformat()} is past, and the model is handed in "
        f"as {stands}; the clock counts back from that day all the same: if it is a slip, stop and "
        "write the day that is planned"
    )


def open_case(
    installation: Installation,
    framework: Framework,
    submission: Submission,
    participants: Participants,
) -> Case:
    """Open a case for a submission, let all parties join and sign, hand the model in.

    Each deed is by its own party's key and stands by itself: where a crash comes between two, the
    same call goes on with the case. Keys of parties that have none on this machine are made here.

    Raises:
        Refused: the framework is for comparison only, or the parties may not do this.
    """
    case = _begun(installation, framework, submission, participants)
    if case is None:
        case = Case(
            installation, installation.random.draw(16).hex(), framework, submission, participants
        )
        record_opening(installation, case.id, framework, [_opening(case)])
    return finish_opening(case)


def finish_opening(case: Case) -> Case:
    """Do what is still to be done until the submission is handed in, looked at and on the clock."""
    while (deed := _owed(case)) is not None:
        case.record([deed])
    return case


def _begun(
    installation: Installation,
    framework: Framework,
    submission: Submission,
    participants: Participants,
) -> Case | None:
    agreed = agreed_terms(framework, submission)
    agreement = digest_value(agreement_text(framework, submission, participants, agreed))
    for listing in installation.records.cases(framework=framework.id, status="open"):
        state = installation.state(listing.case)
        opened = state.opened
        # Only a case that a crash left half open: same terms, no other party, nothing handed in.
        there = {(name, act.role) for name, act in state.invitations.items()}
        there |= {(name, party.role) for name, party in state.parties.items()}
        if (
            opened is not None
            and opened.key_act is not None
            and (opened.kind, opened.framework.digest, opened.agreement, opened.actor)
            == (submission.kind, framework.digest, agreement, participants.centre)
            and state.submission is None
            and there <= set(participants.roles)
        ):
            return Case(installation, listing.case, framework, submission, participants)
    return None


def find_case(
    installation: Installation, framework: Framework, submission: Submission
) -> Case | None:
    """The open case of exactly this submission under exactly this framework, if there is one."""
    for listing in installation.records.cases(developer=submission.developer.id):
        state = installation.state(listing.case)
        if state.status != "open" or state.opened is None:
            continue
        if state.opened.framework.digest != framework.digest:
            continue
        if any(each.type == "submission-received" for each in state.unknown):
            # It may be this one: no second case is opened beside it.
            require_known(state)
        if state.submission is not None and state.submission.submission == submission.digest:
            return Case(installation, listing.case, framework, submission, participants_of(state))
    return None


def _opening(case: Case) -> Deed:
    """Entry 0, by which the centre joins with its own key."""
    installation, framework, submission = case.installation, case.framework, case.submission
    agreed = agreed_terms(framework, submission)
    agreement = agreement_text(framework, submission, case.participants, agreed)
    centre = case.participants.centre
    joins = _joining(installation, centre, "centre")
    key = installation.keyring.history.current.hex()
    kind = submission.kind
    return case_opened(case, centre, framework, kind, agreement, key, joins.key, joins.next)


def _owed(case: Case) -> Deed | None:
    """The next deed of an opening, or of a model that is handed in anew; None: all is done."""
    state, submission = case.state, case.submission
    # From what the record has, and not from what this process did: so it goes on after a crash.
    if (deed := _owed_joining(case, state)) is not None:
        return deed
    handed_in = state.submission
    if handed_in is None or handed_in.submission != submission.digest:
        signature = _owed_agreement(case, state)
        return signature or submission_received(case, case.participants.developer, submission)
    if state.assessment is None:
        return _assessed(case)
    if state.clock is None or state.clock.submission != submission.digest:
        return clock_anchored(
            case, case.participants.centre, case.framework.window, handed_in, state.submitted_at
        )
    return None


def _owed_joining(case: Case, state: State) -> Deed | None:
    """The next invitation, or the joining of who was invited."""
    for party, role in case.participants.roles:
        # Who has left is not invited anew: no machine asks a party back.
        if party in state.parties or party in state.left:
            continue
        act = _joining(case.installation, party, role)
        if party in state.invitations:
            return party_joined(case, party, role, act.key, act.next)
        expects = fingerprint(bytes.fromhex(act.key))
        return party_invited(case, case.participants.centre, party, role, expects)
    return None


def _owed_agreement(case: Case, state: State) -> Deed | None:
    """The signature that is lacking under what the submission says is agreed; its text once."""
    agreed = agreed_terms(case.framework, case.submission)
    text = agreement_text(case.framework, case.submission, case.participants, agreed)
    known = agreement_is_known(state, digest_value(text))
    holds = state.agreement
    for party in (case.participants.developer, case.participants.centre):
        deed = agreement_signed(case, party, text, text_recorded=known)
        event = deed.event
        if not isinstance(event, opening.AgreementSigned):
            raise TypeError(f"{event.type} signs no agreement")
        if holds is not None and holds.signs == event.signs:
            return None
        signed = state.agreements.get(event.agreement, {}).get(party)
        if signed is None or signed.signs != event.signs:
            return deed
    return None


def _assessed(case: Case) -> Deed:
    """What the centre finds missing in the submission."""
    lacking = missing(case.framework, case.submission)
    return submission_assessed(case, case.participants.centre, case.submission.digest, lacking)


def completed(
    installation: Installation, framework: Framework, submission: Submission
) -> Case | None:
    """The open case of this model that waits for a complete hand-in, handed in anew; else None.

    Where the submission changed what is agreed on, both parties sign that anew. A case of record
    contract 1 takes nothing more: another one is to be opened.
    """
    for listing in installation.records.cases(developer=submission.developer.id):
        state = installation.state(listing.case)
        if state.by_invitation and _waits(state, framework, submission):
            return finish_opening(
                Case(installation, listing.case, framework, submission, participants_of(state))
            )
    return None


def _waits(state: State, framework: Framework, submission: Submission) -> bool:
    return (
        state.status == "open"
        and state.opened is not None
        and (state.opened.framework.digest, state.opened.kind)
        == (framework.digest, submission.kind)
        and state.submission is not None
        and state.submission.model == submission.model.name
        and state.assessment is not None
        and not state.assessment.complete
    )


def require_ready(case: Case) -> None:
    """Refuse to measure a case whose parties are not done with opening it.

    Raises:
        StoppedError: what it waits for, and whose deed that is.
    """
    state, who, name = case.state, case.participants, short_case(case.id)
    both = f"{who.developer} and {who.centre}"
    lacking = (
        (state.agreement, sentence("step.agreement-unsigned", case=name, party=both)),
        (state.assessment, sentence("step.hand-in-unassessed", case=name, party=who.centre)),
        (state.clock, sentence("step.clock-unanchored", case=name, party=who.centre)),
    )
    for there, says in lacking:
        if there is None:
            raise StoppedError(says)
    require_complete(case)


def require_complete(case: Case) -> None:
    """Refuse to measure while the hand-in is not complete.

    Raises:
        StoppedError: what is missing, and the fix.
    """
    assessed = case.state.assessment
    if assessed is not None and not assessed.complete:
        reader = case.installation.records.case(case.id)
        lacking = newest_entry(reader, assessed.type).content("missing") or {"missing": ["?"]}
        raise StoppedError(
            f"case {short_case(case.id)} waits for a complete hand-in; missing: "
            f"{'; '.join(lacking['missing'])}. Add it to the submission and run again"
        )


def _joining(installation: Installation, party: str, role: Role) -> joining.JoinedAct:
    """How a party joins: by its key, made here where it has none, and naming the one to follow."""
    keyring = installation.keyring
    try:
        signer = keyring.party(party)
    except KeyMissingError:
        signer = keyring.new_party_key(party)
        installation.keys_made[party] = signer.fingerprint
    return joining.JoinedAct(
        party=party,
        role=role,
        key=signer.public_key.hex(),
        next=keyring.next_party_key(party).fingerprint,
    )
