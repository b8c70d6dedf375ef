"""How a case begins: opening, inquiry, participation, parties, agreement, submission."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from touchstone.ledger import has_small_order
from touchstone.review.events.base import (
    Day,
    Digest,
    Event,
    EventWithTexts,
    Facts,
    Hex32,
    Line,
    Name,
    Positive,
    Role,
)
from touchstone.review.events.joining import JoinedInForm

ReleaseState = Literal["in-development", "internal", "restricted", "released"]
"""How far a model is out. Each is accepted, planned release or not."""


class FrameworkReference(Facts):
    """The one version of a framework that a case is held to."""

    id: Name
    """The framework's id, as `us-2026-06`."""
    digest: Digest
    """The digest of its canonical content."""


class Admission(Facts):
    """A party, what it is in this case, and the key that it signs with from here on."""

    party: Name
    """The party's id."""
    role: Role
    """What it is in this case."""
    key: Hex32
    """Its Ed25519 public key, 32 bytes in hex."""

    @field_validator("key")
    @classmethod
    def _only_its_holder_signs(cls, key: str) -> str:
        if has_small_order(bytes.fromhex(key)):
            raise ValueError("is a key of small order, with which anyone can sign: take another")
        return key


def _each_once(admits: tuple[Admission, ...]) -> None:
    if len({each.party for each in admits}) < len(admits):
        raise ValueError("admits names a party twice: keep one")
    # With one key for two parties either could sign for the other, and nobody could tell who did.
    if len({each.key for each in admits}) < len(admits):
        raise ValueError("admits gives two parties one key: each party signs with its own")


class CaseOpened(Event):
    """Entry 0: a case begins, pinned to one version of a framework."""

    type: Literal["case-opened"] = "case-opened"
    schema_version: Annotated[int, Field(ge=1, le=2)] = Field(default=1, alias="schema")
    """1 with `admits`, in records of contract 1; 2 with `key_act`, in those of contract 2."""
    kind: Literal["inquiry", "review", "screening"]
    """A question, a full review, or a short comparison with reference models."""
    framework: FrameworkReference
    """The framework, pinned by digest."""
    agreement: Digest
    """The digest of the agreement's text under which the case is opened."""
    installation_key: Hex32
    """The installation's key current at the opening, in hex."""
    nonce: Hex32
    """32 random bytes in hex, so that no two logs share an id."""
    admits: tuple[Admission, ...] = ()
    """The first parties: one developer, one centre, and those who are there from the start."""
    key_act: JoinedInForm | None = None
    """How the opener joins, by its own key; all others are invited."""

    @model_serializer(mode="wrap")
    def _as_its_schema(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the field that the other schema has: what a record holds stays as it is."""
        absent = "key_act" if self.key_act is None else "admits"
        return {name: value for name, value in handler(self).items() if name != absent}

    @model_validator(mode="after")
    def _opens_as_its_schema_says(self) -> Self:
        if (self.schema_version == 1) != (self.key_act is None):
            raise ValueError("key_act stands in schema 2, and admits in schema 1: take one")
        if self.key_act is None:
            return self._one_developer_and_one_centre()
        if self.admits:
            raise ValueError("admits has no place in schema 2: invite the others")
        # Only one's own key is brought: who joins another would sign as it from then on.
        if self.key_act.party != self.actor:
            raise ValueError("key_act joins another party than the actor")
        return self

    def _one_developer_and_one_centre(self) -> Self:
        _each_once(self.admits)
        for role in ("developer", "centre"):
            if [each.role for each in self.admits].count(role) != 1:
                raise ValueError(f"admits needs exactly one {role}: name it")
        if self.actor not in {each.party for each in self.admits}:
            raise ValueError("actor is not among the admitted parties: admit it")
        return self


class PartyAdmitted(EventWithTexts):
    """A further party joins, or a party takes a new key."""

    type: Literal["party-admitted"] = "party-admitted"
    TEXTS = ("reason",)
    admits: tuple[Admission, ...]
    """The parties; one who is in the case already keeps its role and only changes its key."""
    reason: Digest
    """The digest of a text: why, in one line."""

    @model_validator(mode="after")
    def _somebody_once(self) -> Self:
        if not self.admits:
            raise ValueError("admits is empty: name a party")
        _each_once(self.admits)
        return self


class ParticipationNoted(EventWithTexts):
    """A party states its status under the framework. It is neutral: no status is a fault."""

    type: Literal["participation-noted"] = "participation-noted"
    TEXTS = ("source",)
    status: Literal["participating", "negotiating", "declined", "withdrawn"]
    """The status that the acting party states for itself."""
    source: Digest
    """The digest of a text: where the status was said."""


class InquiryAsked(EventWithTexts):
    """The developer asks whether a model in development would qualify."""

    type: Literal["inquiry-asked"] = "inquiry-asked"
    TEXTS = ("question",)
    inquiry: Name
    """The inquiry's id in this case."""
    release_state: ReleaseState
    """How far the model is out."""
    question: Digest
    """The digest of a text: what is asked."""


class InquiryAnswered(EventWithTexts):
    """The centre or an agency answers an inquiry. An answer designates nothing."""

    type: Literal["inquiry-answered"] = "inquiry-answered"
    TEXTS = ("reasons",)
    inquiry: Name
    """The inquiry that is answered."""
    answer: Literal["would-qualify", "would-not-qualify", "cannot-say"]
    """What the answering party thinks."""
    reasons: Digest
    """The digest of a text: why."""


class AgreementSigned(Event):
    """The developer or the centre signs the agreement; it is concluded when both have.

    Both must sign the same facts: another digest or other rights are another agreement.
    """

    type: Literal["agreement-signed"] = "agreement-signed"
    agreement: Digest
    """The digest of the agreement's text."""
    access: Literal["endpoint", "weights", "developer-premises"]
    """How the model is reached: over its endpoint, as weights, or on the developer's premises."""
    reasoning: Literal["none", "summary", "full"]
    """Whether the model's reasoning is shown."""
    retention_days: Positive
    """How many days after the close content and evidence may be kept."""
    publication: Literal["nothing", "participation-only", "agreed-report", "free"]
    """What the centre may publish; `agreed-report` needs the developer's approval each time."""

    @property
    def signs(self) -> tuple[str, str, str, int, str]:
        """What both must sign alike: text, access, reasoning, retention in days, publication."""
        return (
            self.agreement,
            self.access,
            self.reasoning,
            self.retention_days,
            self.publication,
        )


class Variant(Facts):
    """One set of weights or safeguards, and the ways of running it."""

    id: Name
    """The variant's id, as `final`."""
    modes: tuple[Name, ...]
    """Its modes, as `instant` and `thinking`; at least one."""
    purpose: Literal["final", "helpful-only", "restricted", "public-derivative", "reference"]
    """What it is for; `reference` is another model to compare with."""
    weights: Digest | None = None
    """The digest of the manifest of its weights, a document of the developer; absent: none."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without weights where there are none: what a record holds stays as it is."""
        return {k: v for k, v in handler(self).items() if k != "weights" or v is not None}

    @model_validator(mode="after")
    def _modes_once(self) -> Self:
        if not self.modes or len(set(self.modes)) < len(self.modes):
            raise ValueError("modes is empty or names one twice: name each mode once")
        return self


class SubmissionReceived(Event):
    """The developer hands in a model. A later submission replaces an earlier one."""

    type: Literal["submission-received"] = "submission-received"
    schema_version: Annotated[int, Field(ge=1, le=2)] = Field(default=1, alias="schema")
    """2 where a variant names weights, 1 where none does."""
    submission: Digest
    """The digest of the submission's canonical content."""
    model: Line
    """The model's name as the developer gives it."""
    release_state: ReleaseState
    """How far the model is out."""
    variants: tuple[Variant, ...]
    """What is to be reviewed; at least one."""
    planned_partner_release: Day | None = None
    """The planned day of release to trusted partners, if any."""
    planned_public_release: Day | None = None
    """The planned day of public release, if any."""

    @model_validator(mode="after")
    def _variants_once(self) -> Self:
        if not self.variants or len({v.id for v in self.variants}) < len(self.variants):
            raise ValueError("variants is empty or names one twice: name each variant once")
        return self

    @model_validator(mode="after")
    def _weights_as_its_schema_says(self) -> Self:
        # Whoever does not know weights is to upgrade, and not to take their set for any other.
        if (self.schema_version == 1) != all(each.weights is None for each in self.variants):
            raise ValueError("weights stand in schema 2, and schema 2 has weights: take the other")
        return self


WEIGHTS_MANIFEST = "weights-manifest"
"""The kind of document that is the manifest of a set of weights."""


class DocumentHandedIn(Event):
    """A party hands in a document, or a file of weights: its bytes go with it as evidence."""

    type: Literal["document-handed-in"] = "document-handed-in"
    document: Name
    """Its id in this case."""
    kind: Name
    """What it is, as `safety-plan`, `weights` or `weights-manifest`."""
    digest: Digest
    """The digest of its bytes."""


class SubmissionAssessed(EventWithTexts):
    """The centre says whether it has what it needs."""

    type: Literal["submission-assessed"] = "submission-assessed"
    TEXTS = ("missing",)
    submission: Digest
    """The submission that was looked at."""
    complete: bool
    """Whether the review can begin."""
    missing: Digest | None = None
    """The digest of a list of what is missing; null exactly when complete."""

    @classmethod
    def contents_v1(cls, facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """What was missing, as a list."""
        lines = facts.get("missing")
        return {"missing": {"missing": lines}} if lines else {}

    @classmethod
    def upcast_v1_v2(cls, facts: dict[str, Any]) -> dict[str, Any]:
        """Null where nothing was missing."""
        return super().upcast_v1_v2({**facts, "missing": facts.get("missing") or None})

    @model_validator(mode="after")
    def _missing_says_what(self) -> Self:
        if self.complete == (self.missing is not None):
            raise ValueError("missing must be null when complete, and a list's digest if not")
        return self
