"""Deeds about a case as a whole: who takes part, what is asked, its clock, halts, its end.

Begin at `case.record([review_halted(case, by, reason)])`; see `touchstone.deeds.drafting`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from touchstone.clearance import Marking
from touchstone.deeds.deed import Content, Deed, Evidence, SentEvidence
from touchstone.deeds.drafting import NONE, event_of, worded
from touchstone.deeds.known_case import KnownCase
from touchstone.deeds.markings import KEYS
from touchstone.evaluation import Submission, endpoint_digest
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.evaluation.formats import CHAT
from touchstone.evaluation.submission import SubmittedVariant
from touchstone.framework import Framework, Window
from touchstone.review.clock import window_laid
from touchstone.review.events import joining, measuring, opening, parting, settling
from touchstone.review.events.base import Role

NONCE = 32
"""Random bytes that tell two cases apart which begin alike."""
Kind = Literal["inquiry", "review", "screening"]
Participation = Literal["participating", "negotiating", "declined", "withdrawn"]
ReleaseState = Literal["in-development", "internal", "restricted", "released"]
Qualifies = Literal["would-qualify", "would-not-qualify", "cannot-say"]


# ------------------------------------------------------------------ who takes part


def case_opened(
    case: KnownCase,
    by: str,
    framework: Framework,
    kind: Kind,
    agreement: Mapping[str, Any],
    installation_key: str,
    key: str,
    following: str,
) -> Deed:
    """Entry 0: a case begins, held to a framework, and the centre joins it by its own key.

    `agreement` is all that is to be signed, as a JSON value; `installation_key` (hex) is that of
    the installation whose record begins; for `key` and `following` see `party_joined`.
    """
    facts = {
        "schema": 2,
        "kind": kind,
        "framework": {"id": framework.id, "digest": framework.digest},
        "agreement": digest_value(dict(agreement)),
        "installation_key": installation_key,
        "nonce": case.random.draw(NONCE).hex(),
        "key_act": _joins(by, "centre", key, following),
    }
    # Whole, and not by name: a framework's file that changes must not change what this case is
    # held to.
    text = framework.model_dump(mode="json", exclude_defaults=True)
    marking = case.marks.case
    parts = (Content(text, marking), Content(dict(agreement), marking))
    return Deed(event_of(case, opening.CaseOpened, by, KEYS, **facts), parts)


def _joins(party: str, role: Role, key: str, following: str) -> dict[str, str]:
    return {"act": "joined", "party": party, "role": role, "key": key, "next": following}


def party_invited(
    case: KnownCase, by: str, party: str, role: Role, expects: str | None = None
) -> Deed:
    """The developer or the centre lets a party join; `expects` is its key's fingerprint, if known.

    Keys and fingerprints are as `touchstone.ledger` writes them: hex, and `SHA256:` with hex.
    """
    act = {"act": "invited", "party": party, "role": role, "expects": expects}
    return Deed(event_of(case, joining.PartyInvited, by, KEYS, key_act=act))


def party_joined(case: KnownCase, by: str, role: Role, key: str, following: str) -> Deed:
    """A party joins by its own key; `following` is the fingerprint of the one to replace it."""
    act = _joins(by, role, key, following)
    return Deed(event_of(case, joining.PartyJoined, by, KEYS, key_act=act))


def party_uninvited(case: KnownCase, by: str, party: str) -> Deed:
    """Whoever invited a party that has not joined takes that back."""
    return Deed(event_of(case, parting.PartyUninvited, by, KEYS, party=party))


def party_removed(case: KnownCase, by: str, party: str, reason: str) -> Deed:
    """Whoever invited a party ends its part in the case; every party reads why."""
    return worded(case, parting.PartyRemoved, by, KEYS, texts={"reason": reason}, party=party)


def party_left(case: KnownCase, by: str, reason: str | None = None) -> Deed:
    """A party takes part no more; it need not say why."""
    return worded(case, parting.PartyLeft, by, KEYS, texts={"reason": reason})


def signer_admitted(case: KnownCase, by: str, key: str, kinds: Sequence[str], label: str) -> Deed:
    """A party lets another key sign some types of deed for it; `label` is what it calls the key."""
    # Sorted and each once, so that one choice is one act, however it was typed.
    act = {
        "act": "admitted",
        "alg": "ed25519",
        "key": key,
        "kinds": sorted(set(kinds)),
        "label": label,
    }
    return Deed(event_of(case, joining.PartySignerAdmitted, by, KEYS, key_act=act))


def signer_removed(case: KnownCase, by: str, key: str, last: int | None = None) -> Deed:
    """A party ends a signer, by its fingerprint; `last`: the last `seq` of it that is stood by."""
    act = {"act": "removed", "key": key, "last": last}
    return Deed(event_of(case, joining.PartySignerRemoved, by, KEYS, key_act=act))


def party_key_rotated(
    case: KnownCase, by: str, key: str, following: str, last: int | None = None
) -> Deed:
    """A party replaces its own key by the one announced before; see `party_joined`."""
    act = {"act": "rotated", "key": key, "next": following, "last": last}
    return Deed(event_of(case, joining.PartyKeyRotated, by, KEYS, key_act=act))


def party_reinvited(case: KnownCase, by: str, party: str, expects: str) -> Deed:
    """A party says that another one, which lost its keys, goes on with a new one.

    `expects` is its fingerprint, as the other one told it by a way that is known to be its own.
    """
    act = {"act": "reinvited", "party": party, "expects": expects}
    return Deed(event_of(case, joining.PartyReinvited, by, KEYS, key_act=act))


def recovery_objected(case: KnownCase, by: str) -> Deed:
    """A party lost no key: what others said of a new one for it ends."""
    return Deed(event_of(case, joining.RecoveryObjected, by, KEYS, key_act={"act": "objected"}))


def party_rejoined(
    case: KnownCase, by: str, key: str, following: str, lasts: Mapping[str, int | None] = NONE
) -> Deed:
    """A party goes on with a new key by two others' word; its old keys end. See `party_joined`.

    `lasts` has, by the fingerprint of an old key, the last `seq` that it stands by, None for none.
    """
    act = {"act": "rejoined", "key": key, "next": following, "lasts": dict(lasts)}
    return Deed(event_of(case, joining.PartyRejoined, by, KEYS, key_act=act))


def participation_noted(
    case: KnownCase, by: str, status: Participation, source: str, marking: Marking | None = None
) -> Deed:
    """A party states its status under the framework, and where it said so."""
    kind = opening.ParticipationNoted
    return worded(case, kind, by, marking, texts={"source": source}, status=status)


def inquiry_asked(
    case: KnownCase, by: str, inquiry: str, release_state: ReleaseState, question: str
) -> Deed:
    """The developer asks whether a model in development would qualify; `inquiry` is a new id."""
    facts = {"inquiry": inquiry, "release_state": release_state}
    return worded(case, opening.InquiryAsked, by, texts={"question": question}, **facts)


def inquiry_answered(
    case: KnownCase, by: str, inquiry: str, answer: Qualifies, reasons: str
) -> Deed:
    """The centre or an agency answers an inquiry; it designates nothing."""
    facts = {"inquiry": inquiry, "answer": answer}
    return worded(case, opening.InquiryAnswered, by, texts={"reasons": reasons}, **facts)


# ------------------------------------------------------------------ what is handed in


def agreement_signed(
    case: KnownCase, by: str, text: Mapping[str, Any], *, text_recorded: bool
) -> Deed:
    """The developer or the centre signs what is agreed: `text` is all of it, as a JSON value.

    `text_recorded`: the record has the text, which then needs not go with it.
    """
    facts = {name: text[name] for name in ("access", "reasoning", "retention_days", "publication")}
    event = event_of(case, opening.AgreementSigned, by, agreement=digest_value(dict(text)), **facts)
    return Deed(event, () if text_recorded else (Content(dict(text), case.marks.case),))


def submission_received(case: KnownCase, by: str, submission: Submission) -> Deed:
    """The developer hands a model in: as all parties read it, and as it and the centre do."""
    partner, public = submission.planned_days
    facts = {
        "submission": submission.digest,
        "model": submission.model.name,
        "release_state": submission.model.release_state,
        "variants": [_variant(submission, each) for each in submission.variants],
        "planned_partner_release": partner,
        "planned_public_release": public,
    }
    weighed = any(each.weights is not None for each in submission.variants)
    schema = 2 if weighed else 1
    event = event_of(case, opening.SubmissionReceived, by, schema=schema, **facts)
    # Two parts: where an endpoint is, and how it is asked, is for fewer than what is reviewed.
    shown = Content({"modes": _modes_shown(submission)}, case.marks.case)
    readers = case.marks.shown_to(*case.agreed_readers("submission"))
    whole = Content(submission.model_dump(mode="json"), readers)
    return Deed(event, (shown, whole))


def document_handed_in(
    case: KnownCase, by: str, document: str, kind: str, told: Evidence | SentEvidence
) -> Deed:
    """A party hands in a document of a kind under an id; its bytes are sent before the deed.

    Who may read it is who may read those: the event itself has its marking, too.
    """
    digest = told.digest if isinstance(told, SentEvidence) else digest_bytes(told.data)
    facts = {"document": document, "kind": kind, "digest": digest}
    event = event_of(case, opening.DocumentHandedIn, by, told.marking, **facts)
    return Deed(event, (told,))


def _variant(submission: Submission, variant: SubmittedVariant) -> dict[str, Any]:
    modes = [mode.id for mode in submission.modes if mode.variant == variant.id]
    named = {} if variant.weights is None else {"weights": variant.weights}
    return {"id": variant.id, "modes": modes, "purpose": variant.purpose, **named}


def _modes_shown(submission: Submission) -> list[dict[str, Any]]:
    """The modes as every party may read them: the endpoint's digest, never its address."""
    return [
        {
            "id": mode.id,
            "variant": mode.variant,
            "model": mode.model,
            # As modes were shown before there were others.
            **({} if mode.format == CHAT else {"format": mode.format}),
            "endpoint": endpoint_digest(mode),
            "settings": mode.settings.model_dump(mode="json", exclude_none=True),
        }
        for mode in submission.modes
    ]


def submission_assessed(case: KnownCase, by: str, submission: str, missing: Sequence[str]) -> Deed:
    """The centre says what is missing in a submission, by its digest; nothing: it is complete."""
    # What lacks may tell of a model: as a part it goes with the case's key, and a fact stays.
    texts = {"missing": list(missing) or None}
    facts = {"submission": submission, "complete": not missing}
    return worded(case, opening.SubmissionAssessed, by, texts=texts, **facts)


# ------------------------------------------------------------------ the clock


def clock_anchored(
    case: KnownCase,
    by: str,
    window: Window,
    submission: opening.SubmissionReceived,
    received: str,
) -> Deed:
    """The centre lays the framework's window for what was handed in.

    `received` is when the submission was recorded (UTC), as the state says it.
    """
    laid = window_laid(window, submission, received)
    return Deed(event_of(case, measuring.ClockAnchored, by, **laid))


def clock_paused(case: KnownCase, by: str, reason: str) -> Deed:
    """The developer or the centre pauses the review's clock."""
    return worded(case, measuring.ClockPaused, by, texts={"reason": reason})


def clock_resumed(case: KnownCase, by: str) -> Deed:
    """The clock goes on."""
    return Deed(event_of(case, measuring.ClockResumed, by))


def clock_extended(case: KnownCase, by: str, days: int, reason: str) -> Deed:
    """The developer lets the window end so many days later, counted as the framework counts."""
    return worded(case, measuring.ClockExtended, by, texts={"reason": reason}, days=days)


def clock_ended(case: KnownCase, by: str, reason: str) -> Deed:
    """The window is over before its day."""
    return worded(case, measuring.ClockEnded, by, texts={"reason": reason})


# ------------------------------------------------------------------ halts


def review_halted(
    case: KnownCase, by: str, reason: str, marking: Marking | None = None, at: str | None = None
) -> Deed:
    """A party halts the measuring; nothing runs until the same party takes that back.

    `at` is when it halts (UTC); None: now.
    """
    texts = {"reason": reason}
    return worded(case, measuring.ReviewHalted, by, marking, texts=texts, at=at or case.now())


def review_resumed(case: KnownCase, by: str, reason: str) -> Deed:
    """A party takes its own halt back."""
    return worded(case, measuring.ReviewResumed, by, texts={"reason": reason})


# ------------------------------------------------------------------ the end


def review_withdrawn(case: KnownCase, by: str, *, publish: bool = False) -> Deed:
    """The developer leaves, without penalty; `publish`: it consents to the register saying so."""
    return Deed(event_of(case, settling.ReviewWithdrawn, by, publish=publish))


def case_closed(case: KnownCase, by: str, reason: str) -> Deed:
    """The review is over."""
    return worded(case, settling.CaseClosed, by, texts={"reason": reason})


def case_destroyed(case: KnownCase, by: str, certificate: dict[str, Any]) -> Deed:
    """Content and evidence go with the case's key; `certificate` is what is signed about it."""
    digest = digest_value(certificate)
    return Deed(event_of(case, settling.CaseDestroyed, by, certificate=digest))
