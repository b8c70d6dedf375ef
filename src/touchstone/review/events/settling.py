"""What is agreed and done about it: terms, release, directives, bundles, reports, the end."""

from typing import Literal

from touchstone.review.events.base import (
    Count,
    Day,
    Digest,
    Event,
    EventWithTexts,
    Facts,
    Hex32,
    Line,
    Name,
    Positive,
    Time,
    UtcDay,
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


class TermsDeclined(EventWithTexts):
    """A party declines the terms on the table. It carries no penalty."""

    type: Literal["terms-declined"] = "terms-declined"
    TEXTS = ("reason",)
    terms: Digest
    """The terms on the table."""
    reason: Digest | None = None
    """The digest of a text: why, if the party likes to say."""


class PostponementRequested(EventWithTexts):
    """Officials or the centre ask the developer to postpone. A request binds nobody."""

    type: Literal["postponement-requested"] = "postponement-requested"
    TEXTS = ("reason",)
    request: Name
    """The request's id in this case."""
    until: Day
    """The day asked for."""
    reason: Digest
    """The digest of a text: why."""


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


class DirectiveIssued(EventWithTexts):
    """An official orders a change of terms: numbered, scoped, expiring."""

    type: Literal["directive-issued"] = "directive-issued"
    TEXTS = ("reason",)
    directive: Name
    """The directive's id in this case."""
    order: Digest
    """The digest of its text and scope."""
    expires: Time
    """When it ends by itself (UTC)."""
    number: Positive | None = None
    """Its number in this case, 1, 2, 3; records from before it was counted have none."""
    reason: Digest | None = None
    """The digest of a text: why, in one line."""
    restores: tuple[Name, ...] = ()
    """The earlier directives of this agency from which it spares somebody."""


class DirectiveAnswered(EventWithTexts):
    """The developer says how it carries a directive out. Its own key puts that in force."""

    type: Literal["directive-answered"] = "directive-answered"
    TEXTS = ("reason",)
    directive: Name
    """The directive."""
    answer: Literal["narrowly", "more-broadly", "contested", "by-standing-class"]
    """How; `by-standing-class` is by classes that the developer authorised beforehand."""
    bundle: Digest | None = None
    """The policy bundle that carries it out, if one."""
    reading: Digest | None = None
    """The developer's own text that is carried out; none: the order's, or nothing."""
    reason: Digest | None = None
    """The digest of a text: why, if the developer likes to say."""
    standing: Digest | None = None
    """The standing classes that answered, with `by-standing-class` alone."""


class DirectiveAnswerRevised(EventWithTexts):
    """The developer changes how it carries a directive out."""

    type: Literal["directive-answer-revised"] = "directive-answer-revised"
    TEXTS = ("reason",)
    directive: Name
    """The directive."""
    answer: Literal["narrowly", "more-broadly", "contested"]
    """How."""
    bundle: Digest | None = None
    """The policy bundle that carries it out from now on, if one."""
    reading: Digest | None = None
    """The developer's own text that is carried out; none: the order's, or nothing."""
    reason: Digest | None = None
    """The digest of a text: why, if the developer likes to say."""


class DirectiveLifted(Event):
    """The agency that issued a directive lifts it."""

    type: Literal["directive-lifted"] = "directive-lifted"
    directive: Name
    """The directive."""


class StandingClassesAuthorised(Event):
    """The developer says beforehand which directives it answers at once. The newest ones hold."""

    type: Literal["standing-classes-authorised"] = "standing-classes-authorised"
    classes: Digest | None
    """The digest of the classes; null: it takes them back."""
    until: Time
    """When they end by themselves (UTC)."""


class Carried(Facts):
    """A directive that a bundle carries out, and by which text."""

    directive: Name
    """The directive."""
    order: Digest
    """The digest of the text that is carried out: the order's, or the developer's reading of it."""


class BundlePublished(Event):
    """The developer signs the next policy bundle for its gateways: the only thing they obey."""

    type: Literal["bundle-published"] = "bundle-published"
    stream: Name
    """The deployment that it is for."""
    number: Positive
    """Its number in that stream: 1, 2, 3."""
    bundle: Digest
    """The bundle's digest, which the next bundle names, and a receipt."""
    terms: Digest
    """The agreed terms in it."""
    directives: tuple[Carried, ...] = ()
    """The directives that it carries out, in the order of their issue."""
    equals: Positive | None = None
    """The earlier bundle of the stream to whose state it returns, if it does."""


class ReceiptNoted(Event):
    """The developer puts a gateway's signed receipt for a bundle on the record."""

    type: Literal["receipt-noted"] = "receipt-noted"
    gateway: Line
    """The gateway, as it calls itself."""
    key: Hex32
    """The gateway's public key in hex, by which the receipt was checked."""
    stream: Name
    """The deployment."""
    number: Positive
    """The bundle's number."""
    bundle: Digest
    """The bundle's digest."""
    receipt: Digest
    """The receipt's digest."""
    applied_at: Time
    """When the gateway had applied it, by its own clock (UTC)."""


class ReadsDigested(Event):
    """Who read what is not open to all on a day, as one digest, by the installation itself.

    The reads are kept outside the record and told to the developer, who sees by this that none was
    changed, added or left out afterwards.
    """

    type: Literal["reads-digested"] = "reads-digested"
    day: UtcDay
    """The day. Only one on which something was read, and once."""
    reads: Positive
    """How many reads it had."""
    digest: Digest
    """Of SHA-256 over `touchstone/reads/1`, a zero byte, the salt (32 bytes), and of each read in
    order its canonical line with a line feed."""


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


class CaseClosed(EventWithTexts):
    """The review is over. Release and directives can still be recorded."""

    type: Literal["case-closed"] = "case-closed"
    TEXTS = ("reason",)
    reason: Digest
    """The digest of a text: why."""


class CaseDestroyed(Event):
    """Content and evidence were destroyed with the case's key; the facts and proofs stay."""

    type: Literal["case-destroyed"] = "case-destroyed"
    certificate: Digest
    """The digest of the signed certificate."""
