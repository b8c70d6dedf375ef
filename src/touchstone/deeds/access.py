"""Deeds about terms, directives, policy bundles and release.

Begin at `case.record([release_announced(case, by, scope, variants)])`; see
`touchstone.deeds.drafting`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from touchstone.clearance import Marking, tlp
from touchstone.deeds.deed import Content, Deed, Evidence
from touchstone.deeds.drafting import event_of, text_part, worded
from touchstone.deeds.known_case import KnownCase
from touchstone.handin import utc
from touchstone.review.events import settling
from touchstone.terms import Directive, bundle_digest

MEDIA_TYPE = "application/vnd.touchstone.policy-bundle"
Carrying = Literal["narrowly", "more-broadly", "contested"]
ByClass = Literal["by-standing-class"]
Scope = Literal["internal", "partners", "public"]
Same = Literal["same", "changed", "not-said"]
Compared = Literal["same", "changed", "undetermined"]
Postponed = Literal["granted", "granted-in-part", "declined"]


# ------------------------------------------------------------------ terms


def terms_offered(case: KnownCase, by: str, terms: str, text: str) -> Deed:
    """A party lays terms on the table: their digest and their text."""
    part = text_part(case, text)[0]
    return Deed(event_of(case, settling.TermsOffered, by, terms=terms), (part,))


def terms_countered(case: KnownCase, by: str, answers: str, terms: str, text: str) -> Deed:
    """A party answers the terms on the table, by their digest, with terms of its own."""
    part = text_part(case, text)[0]
    facts = {"answers": answers, "terms": terms}
    return Deed(event_of(case, settling.TermsCountered, by, **facts), (part,))


def terms_agreed(case: KnownCase, by: str, terms: str) -> Deed:
    """A party agrees with exactly the terms on the table, by their digest."""
    return Deed(event_of(case, settling.TermsAgreed, by, terms=terms))


def terms_declined(case: KnownCase, by: str, terms: str, reason: str | None = None) -> Deed:
    """A party declines the terms on the table; it need not say why."""
    return worded(case, settling.TermsDeclined, by, texts={"reason": reason}, terms=terms)


# ------------------------------------------------------------------ directives


def directive_issued(
    case: KnownCase,
    by: str,
    directive: Directive,
    text: str,
    number: int,
    people: Mapping[str, Any] | None = None,
    marking: Marking | None = None,
) -> Deed:
    """An agency orders a change of terms: the directive with its text, and its number in the case.

    `people` are counts of those whom it affects, without anybody's name.
    """
    facts = {
        "directive": directive.id,
        "order": directive.digest,
        "expires": utc(directive.expires),
        "number": number,
        # Each once: an order may restore several names that one directive barred.
        "restores": list(dict.fromkeys(each.directive for each in directive.restores)),
    }
    parts = {"order": text_part(case, text, marking)[0], "people": _counts(case, people, marking)}
    texts = {"reason": directive.reason}
    kind = settling.DirectiveIssued
    return worded(case, kind, by, marking, texts=texts, parts=parts, **facts)


def directive_answered(
    case: KnownCase,
    by: str,
    directive: str,
    answer: Carrying | ByClass,
    *,
    bundle: str | None = None,
    reading: tuple[str, str] | None = None,
    people: Mapping[str, Any] | None = None,
    reason: str | None = None,
    standing: str | None = None,
) -> Deed:
    """The developer says how it carries a directive out.

    `bundle` is the digest of the one that carries it out, `reading` digest and text of the
    developer's own words, `standing` the digest of the classes that answer.
    """
    facts = {
        "directive": directive,
        "answer": answer,
        "bundle": bundle,
        "reading": reading[0] if reading else None,
        "standing": standing,
    }
    texts, parts = {"reason": reason}, _read_so(case, reading, people)
    return worded(case, settling.DirectiveAnswered, by, texts=texts, parts=parts, **facts)


def directive_answer_revised(
    case: KnownCase,
    by: str,
    directive: str,
    answer: Carrying,
    *,
    bundle: str | None = None,
    reading: tuple[str, str] | None = None,
    people: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> Deed:
    """The developer changes how it carries a directive out; see `directive_answered`."""
    facts = {
        "directive": directive,
        "answer": answer,
        "bundle": bundle,
        "reading": reading[0] if reading else None,
    }
    texts, parts = {"reason": reason}, _read_so(case, reading, people)
    return worded(case, settling.DirectiveAnswerRevised, by, texts=texts, parts=parts, **facts)


def directive_lifted(case: KnownCase, by: str, directive: str) -> Deed:
    """The agency that issued a directive lifts it."""
    return Deed(event_of(case, settling.DirectiveLifted, by, directive=directive))


def standing_classes_authorised(
    case: KnownCase, by: str, until: str, classes: tuple[str, str] | None = None
) -> Deed:
    """The developer says beforehand which directives it answers at once, until a time (UTC).

    `classes` are their digest and text; None: it takes them back.
    """
    digest = classes[0] if classes else None
    parts = (text_part(case, classes[1])[0],) if classes else ()
    kind = settling.StandingClassesAuthorised
    return Deed(event_of(case, kind, by, classes=digest, until=until), parts)


def _read_so(
    case: KnownCase, reading: tuple[str, str] | None, people: Mapping[str, Any] | None
) -> dict[str, Content | None]:
    # The digest is a fact and stays; the words are a part, and go with the case's key.
    own = text_part(case, reading[1])[0] if reading else None
    return {"reading": own, "people": _counts(case, people)}


def _counts(
    case: KnownCase, people: Mapping[str, Any] | None, marking: Marking | None = None
) -> Content | None:
    if people is None:
        return None
    # A part and no facts: even numbers of people are to be gone once the case is destroyed.
    return Content({"people": dict(people)}, marking or case.marks.case)


# ------------------------------------------------------------------ bundles


def bundle_published(
    case: KnownCase,
    by: str,
    stream: str,
    number: int,
    data: bytes,
    name: str,
    terms: str,
    carried: Sequence[settling.Carried],
    at: str,
    equals: int | None = None,
) -> Deed:
    """The developer signs the next policy bundle of a stream.

    `data` is the bundle and `name` what it is called, `terms` the digest of those agreed,
    `carried` what it carries out, `at` when it was made (UTC), `equals` the number of the earlier
    bundle to whose state it returns.
    """
    facts = {
        "stream": stream,
        "number": number,
        "bundle": bundle_digest(data),
        "terms": terms,
        "directives": [each.model_dump(mode="json") for each in carried],
        "equals": equals,
        "at": at,
    }
    # Ids of members are in it: the developer alone reads it here.
    part = Evidence(data, MEDIA_TYPE, name, tlp("RED", by))
    return Deed(event_of(case, settling.BundlePublished, by, **facts), (part,))


def receipt_noted(
    case: KnownCase,
    by: str,
    gateway: str,
    key: str,
    stream: str,
    number: int,
    bundle: str,
    applied_at: str,
    receipt: tuple[str, str],
) -> Deed:
    """The developer puts a gateway's receipt for a bundle on the record.

    `key` is the gateway's, in hex; `receipt` are its digest and the signed line.
    """
    facts = {
        "gateway": gateway,
        "key": key,
        "stream": stream,
        "number": number,
        "bundle": bundle,
        "receipt": receipt[0],
        "applied_at": applied_at,
    }
    # The line itself, so that a reader checks the gateway's word and not the developer's.
    part = Content({"receipt": receipt[1]}, case.marks.case)
    return Deed(event_of(case, settling.ReceiptNoted, by, **facts), (part,))


# ------------------------------------------------------------------ release


def postponement_requested(case: KnownCase, by: str, request: str, until: str, reason: str) -> Deed:
    """Officials or the centre ask the developer to postpone to a day; it binds nobody."""
    facts, texts = {"request": request, "until": until}, {"reason": reason}
    return worded(case, settling.PostponementRequested, by, texts=texts, **facts)


def postponement_answered(
    case: KnownCase, by: str, request: str, answer: Postponed, until: str | None = None
) -> Deed:
    """The developer answers, and may say the day that it plans now."""
    facts = {"request": request, "answer": answer, "until": until}
    return Deed(event_of(case, settling.PostponementAnswered, by, **facts))


def release_announced(
    case: KnownCase,
    by: str,
    scope: Scope,
    variants: Sequence[str],
    *,
    same_model: Same = "not-said",
    review_delay_days: int | None = None,
    marking: Marking | None = None,
) -> Deed:
    """The developer releases: always its own act, whatever the case says."""
    facts = {
        "scope": scope,
        "variants": list(variants),
        "same_model": same_model,
        "review_delay_days": review_delay_days,
    }
    return Deed(event_of(case, settling.ReleaseAnnounced, by, marking, **facts))


def release_compared(
    case: KnownCase, by: str, variant: str, compared: Compared, digest: str
) -> Deed:
    """The centre says whether what was released answers as what was reviewed, by its snapshot."""
    facts = {"variant": variant, "compared": compared, "digest": digest}
    return Deed(event_of(case, settling.ReleaseCompared, by, **facts))
