"""From a submission to an open case: parties, agreement, submission, clock."""

import re
from collections.abc import Sequence
from typing import Any

from touchstone.evaluation import Submission, endpoint_digest
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework, may_name, not_a_name
from touchstone.keys import KeyMissingError
from touchstone.review import State, anchor_clock, day_of
from touchstone.review.audience_view import newest_entry
from touchstone.review.events import opening
from touchstone.service.agreeing import Agreed, agreed_terms, agreement_text, missing
from touchstone.service.case import Case, Cast, cast_of
from touchstone.service.drafting import worded
from touchstone.service.errors import StoppedError
from touchstone.service.installation import Installation
from touchstone.service.markings import Markings
from touchstone.service.recording import Content, Deed, record_opening
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
            raise CannotRunError(
                f"--agency {agency[:64]!a}: name once each the agencies of framework "
                f"{framework.id} that take part; they are {', '.join(known) or 'none'}"
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
    installation: Installation, framework: Framework, submission: Submission, cast: Cast
) -> Case:
    """Open a case for a submission, sign the agreement, hand the model in, lay the clock.

    All of it is one transaction. Keys of parties that have none on this machine are made here.

    Raises:
        Refused: the framework is for comparison only, or the parties may not do this.
    """
    case = Case(installation, installation.random.draw(16).hex(), framework, submission, cast)
    at, marks = case.now(), case.marks
    agreed = agreed_terms(framework, submission)
    agreement = agreement_text(framework, submission, cast, agreed)
    opened = opening.CaseOpened(
        actor=cast.centre,
        at=at,
        marking=marks.case,
        kind=submission.kind,
        framework=opening.FrameworkReference(id=framework.id, digest=framework.digest),
        agreement=digest_value(agreement),
        installation_key=installation.keyring.history.current.hex(),
        nonce=installation.random.draw(32).hex(),
        admits=tuple(
            opening.Admission(party=party, role=role, key=_public_key(installation, party))
            for party, role in cast.roles
        ),
    )
    deeds = [
        Deed(opened, (Content(framework.model_dump(mode="json", exclude_defaults=True), marks.case),
                      Content(agreement, marks.case))),
        *map(Deed, _signatures(case, agreed, agreement, at)),
        *_handed_in(case, at),
    ]  # fmt: skip
    record_opening(installation, case.id, framework, deeds)
    return case


def _signatures(
    case: Case, agreed: Agreed, agreement: dict[str, Any], at: str
) -> list[opening.AgreementSigned]:
    return [
        opening.AgreementSigned(
            actor=party,
            at=at,
            marking=case.marks.case,
            agreement=digest_value(agreement),
            access=case.submission.access,
            reasoning=case.submission.reasoning_access,
            retention_days=agreed.retention_days,
            publication=agreed.publication,
        )
        for party in (case.cast.developer, case.cast.centre)
    ]


def _handed_in(case: Case, at: str) -> list[Deed]:
    """The submission, what the centre finds missing in it, and the clock laid for it."""
    framework, submission, cast, marks = case.framework, case.submission, case.cast, case.marks
    received, lacking = received_event(submission, cast, at, marks), missing(framework, submission)
    assessed = worded(
        case,
        opening.SubmissionAssessed,
        cast.centre,
        texts={"missing": list(lacking) or None},
        at=at,
        submission=received.submission,
        complete=not lacking,
    )
    return [
        Deed(received, (Content({"modes": modes_shown(submission)}, marks.case),
                        Content(submission.model_dump(mode="json"), marks.pair))),
        assessed,
        Deed(anchor_clock(framework.window, received, cast.centre, at, marks.case)),
    ]  # fmt: skip


def completed(
    installation: Installation, framework: Framework, submission: Submission
) -> Case | None:
    """The open case of this model that waits for a complete hand-in, handed in anew; else None.

    Where the submission changed what is agreed on, both parties sign that anew.
    """
    for listing in installation.records.cases(developer=submission.developer.id):
        state = installation.state(listing.case)
        if _waits(state, framework, submission):
            case = Case(installation, listing.case, framework, submission, cast_of(state))
            at, agreed = case.now(), agreed_terms(framework, submission)
            text = agreement_text(framework, submission, case.cast, agreed)
            signed = _signatures(case, agreed, text, at)
            if state.agreement is not None and state.agreement.agreement == signed[0].agreement:
                signed = []
            content = (Content(text, case.marks.case),)
            case.record([*(Deed(each, content) for each in signed), *_handed_in(case, at)])
            return case
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
            f"case {case.id[:12]} waits for a complete hand-in; missing: "
            f"{'; '.join(lacking['missing'])}. Add it to the submission and run again"
        )


def received_event(
    submission: Submission, cast: Cast, at: str, marks: Markings
) -> opening.SubmissionReceived:
    """The submission as an event: what is to be reviewed, and the release that is planned."""
    planned = submission.model.planned_release
    day = planned.date.isoformat() if planned else None
    to_partners = planned is not None and planned.anchor == "partner-release"
    return opening.SubmissionReceived(
        actor=cast.developer,
        at=at,
        marking=marks.case,
        submission=submission.digest,
        model=submission.model.name,
        release_state=submission.model.release_state,
        variants=tuple(
            opening.Variant(
                id=variant.id,
                modes=tuple(mode.id for mode in submission.modes if mode.variant == variant.id),
                purpose=variant.purpose,
            )
            for variant in submission.variants
        ),
        planned_partner_release=day if to_partners else None,
        planned_public_release=None if to_partners else day,
    )


def modes_shown(submission: Submission) -> list[dict[str, Any]]:
    """The modes as every party may read them: the endpoint's digest, never its address."""
    return [
        {
            "id": mode.id,
            "variant": mode.variant,
            "model": mode.model,
            "endpoint": endpoint_digest(mode),
            "settings": mode.settings.model_dump(mode="json", exclude_none=True),
        }
        for mode in submission.modes
    ]


def _public_key(installation: Installation, party: str) -> str:
    try:
        signer = installation.keyring.party(party)
    except KeyMissingError:
        signer = installation.keyring.new_party_key(party)
    return signer.public_key.hex()
