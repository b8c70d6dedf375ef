"""What is agreed and done about it: terms, postponement, release, directives, reports, the end."""

from typing import Literal

from touchstone.review.events.base import (
    Count,
    Day,
    Digest,
    Event,
    Line,
    Name,
    Positive,
    Statement,
    Time,
)


class TermsOffered(Event):
    """A party lays terms on the table: who may use which variant and mode, where, until when."""

    type: Literal["terms-offered"] = "terms-offered"
    terms: Digest
    """The digest of the terms."""


class TermsCountered(Event):
    """Another party answers with terms of its own, which replace those on the table."""

    type: Literal["terms-countered"] = "terms-countered"
    answers: Digest
    """The terms on the table that it answers."""
    terms: Digest
    """The digest of the counter-offer."""


class TermsAgreed(Event):
    """A party agrees with exactly the terms on the table."""

    type: Literal["terms-agreed"] = "terms-agreed"
    terms: Digest
    """The terms on the table."""


class TermsDeclined(Event):
    """A party declines the terms on the table. It carries no penalty."""

    type: Literal["terms-declined"] = "terms-declined"
    terms: Digest
    """The terms on the table."""
    reason: Line | None = None
    """Why, if the party likes to say."""


class PostponementRequested(Event):
    """Officials or the centre ask the developer to postpone. A request binds nobody."""

    type: Literal["postponement-requested"] = "postponement-requested"
    request: Name
    """The request's id in this case."""
    until: Day
    """The day asked for."""
    reason: Statement
    """Why."""


class PostponementAnswered(Event):
    """The developer answers. No answer is no consent, and releasing takes a consent back."""

    type: Literal["postponement-answered"] = "postponement-answered"
    request: Name
    """The request."""
    answer: Literal["granted", "granted-in-part", "declined"]
    """What the developer says."""
    until: Day | None = None
    """The day that the developer now plans, if it says one."""


class ReleaseAnnounced(Event):
    """The developer releases. This is always its own act."""

    type: Literal["release-announced"] = "release-announced"
    scope: Literal["internal", "partners", "public"]
    """To whom."""
    variants: tuple[Name, ...]
    """What is released; it need not be what was reviewed."""
    same_model: Literal["same", "changed", "not-said"]
    """Whether the developer says that it is the model that was reviewed."""
    review_delay_days: Count | None = None
    """By how many days the review delayed it, as the developer states it; it need not say."""


class ReleaseCompared(Event):
    """The centre says whether what was released answers as what was reviewed."""

    type: Literal["release-compared"] = "release-compared"
    variant: Name
    """The variant that was looked at."""
    compared: Literal["same", "changed", "undetermined"]
    """What was seen."""
    digest: Digest
    """The snapshot of what was released."""


class DirectiveIssued(Event):
    """An official orders a change of terms: numbered, scoped, expiring."""

    type: Literal["directive-issued"] = "directive-issued"
    directive: Name
    """The directive's number."""
    order: Digest
    """The digest of its text and scope."""
    expires: Time
    """When it ends by itself (UTC)."""


class DirectiveAnswered(Event):
    """The developer says how it carries a directive out. Its own key puts that in force."""

    type: Literal["directive-answered"] = "directive-answered"
    directive: Name
    """The directive."""
    answer: Literal["narrowly", "more-broadly", "contested", "by-standing-class"]
    """How; `by-standing-class` is by classes that the developer authorised beforehand."""
    bundle: Digest | None = None
    """The policy bundle that carries it out, if one."""


class DirectiveLifted(Event):
    """The agency that issued a directive lifts it."""

    type: Literal["directive-lifted"] = "directive-lifted"
    directive: Name
    """The directive."""


class ReportIssued(Event):
    """An edition of the report is given to one audience."""

    type: Literal["report-issued"] = "report-issued"
    audience: Name
    """The audience."""
    edition: Positive
    """The edition's number for that audience, from 1."""
    report: Digest
    """The digest of the report as given."""


class ReviewWithdrawn(Event):
    """The developer leaves the review, without penalty, and unpublished unless it consents."""

    type: Literal["review-withdrawn"] = "review-withdrawn"
    publish: bool = False
    """Whether the developer consents to the register showing it."""


class CaseClosed(Event):
    """The review is over. Release and directives can still be recorded."""

    type: Literal["case-closed"] = "case-closed"
    reason: Line
    """Why."""


class CaseDestroyed(Event):
    """Content and evidence were destroyed with the case's key; the facts and proofs stay."""

    type: Literal["case-destroyed"] = "case-destroyed"
    certificate: Digest
    """The digest of the signed certificate."""
