"""What a framework consists of: facts, parties, window, criteria, designation, terms."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from touchstone.framework.kinds import (
    Anchor,
    DayUnit,
    DecimalString,
    Digest,
    Domain,
    FactStatus,
    Identifier,
    LifeStage,
    Line,
    Measure,
    PartialDate,
    ParticipationStatus,
    Power,
    Prose,
    Publication,
    Purpose,
    Reasoning,
    Role,
    TimeZone,
    WholeDay,
)

Citations = Annotated[tuple[Identifier, ...], Field(min_length=1)]
"""Ids of the facts that a statement rests on, at least one."""


LEAST_ERROR_RATE = Decimal("0.000001")
"""Records hold error rates to six decimals."""


class Model(BaseModel):
    """Frozen, and nothing is taken that the file format does not know."""

    # Strict, so that nothing is read as other than it is written (ADR 21).
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Fact(Model):
    """One claim about the framework, with who says so. Facts are carried, never weighed."""

    id: Identifier
    claim: Line
    """What is claimed, in one sentence."""
    source: Line
    """Where it stands, as exactly as is known."""
    date: PartialDate
    """When it was claimed or happened, as far as the source tells."""
    status: FactStatus
    conflict: Identifier | None = None
    """Facts with the same word here contradict one another; none of them is chosen."""


class Stage(Model):
    """One step in a framework's life."""

    stage: LifeStage
    date: PartialDate
    facts: Citations


class FrameworkParty(Model):
    """An institution that the framework names."""

    id: Identifier
    name: Line
    role: Role
    may: tuple[Power, ...] = ()
    """What an agency does. Empty: not said, or not an agency."""
    facts: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _powers_are_an_agencys(self) -> "FrameworkParty":
        if self.may and self.role != "agency":
            raise ValueError(f'"may" is for agencies, and the role is {self.role}: take it out')
        return self


class Participation(Model):
    """A party's public status under this framework from a date on. Neutral: no reason, no rank."""

    party: Identifier
    status: ParticipationStatus
    date: PartialDate
    facts: Citations


class Window(Model):
    """How long before what a model is to be shared."""

    days: Annotated[int, Field(ge=1, le=3650)]
    """Length, in `unit`."""
    unit: DayUnit = "days"
    """Calendar days, or days that are neither Saturday, Sunday nor one of `holidays`."""
    anchor: Anchor
    """`submission`: the window runs from it. A release: the window runs up to it."""
    timezone: TimeZone
    """Days begin and end here."""
    holidays: tuple[WholeDay, ...] = ()
    """Days that do not count as business days."""
    note: Line | None = None
    """Why the window is counted so where claims conflict."""
    facts: Citations

    @model_validator(mode="after")
    def _holidays_need_business_days(self) -> "Window":
        if self.holidays and self.unit == "days":
            raise ValueError('"holidays" count only with unit = "business-days": change one')
        return self


class NumericCriterion(Model):
    """A criterion that a battery answers with counts."""

    kind: Literal["numeric"]
    id: Identifier
    title: Line
    domain: Domain
    family: Identifier
    """The family of tasks that measures it."""
    measure: Measure
    threshold: DecimalString
    """A success rate strictly between 0 and 1; with `relative-to-reference`, how much higher than
    the reference model's rate."""
    zone: DecimalString
    """Width, on each of its sides, of what lies so near the threshold that more precision is not
    asked; 0: none."""
    zone_side: Literal["both", "below", "above"] = "both"
    """Where the zone lies. "below" the threshold: "above" is cheaper, and "below" is as strict as
    without a zone; "above" it: the other way round."""
    alpha: DecimalString
    """Chance allowed for a false "above"."""
    beta: DecimalString
    """Chance allowed for a false "below"."""
    modes: Literal["any"] | Annotated[tuple[Identifier, ...], Field(min_length=1)] = "any"
    """The modes that it is judged in; crossed where one of them crosses it."""
    k: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Attempts; with `at-least-once-in-k` alone."""
    reference: Line | None = None
    """The submission's variant that is the reference; with `relative-to-reference` alone."""
    facts: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _numbers_allow_a_verdict(self) -> "NumericCriterion":
        threshold, zone = Decimal(self.threshold), Decimal(self.zone)
        for name, level in (("threshold", threshold), ("alpha", self.alpha), ("beta", self.beta)):
            if not 0 < Decimal(level) < 1:
                raise ValueError(f'"{name}" is {level}: write a number above 0 and below 1')
            if name != "threshold" and Decimal(level) < LEAST_ERROR_RATE:
                raise ValueError(
                    f'"{name}" is {level}: write at least {LEAST_ERROR_RATE}, the smallest error '
                    "rate that a record holds"
                )
        room = {"below": threshold, "above": 1 - threshold}
        # With a zone that reaches 0 or 1 one of the two words could never be said.
        reach = room.get(self.zone_side, min(room.values()))
        if zone >= reach:
            raise ValueError(
                f'"zone" of {zone} around the threshold {threshold} reaches 0 or 1: '
                f"write less than {reach}"
            )
        if not zone and self.zone_side != "both":
            raise ValueError(
                f'"zone_side" of "{self.zone_side}" needs a zone: write a "zone" above 0, or take '
                "it out"
            )
        return self

    @property
    def above_claims(self) -> Decimal:
        """The rate that an early "above" claims to be exceeded."""
        return Decimal(self.threshold) - (Decimal(self.zone) if self.zone_side != "above" else 0)

    @property
    def below_claims(self) -> Decimal:
        """The rate that an early "below" claims not to be reached."""
        return Decimal(self.threshold) + (Decimal(self.zone) if self.zone_side != "below" else 0)

    @model_validator(mode="after")
    def _each_measure_has_its_own_keys(self) -> "NumericCriterion":
        for key, measure, present in (
            ("k", "at-least-once-in-k", self.k is not None),
            ("reference", "relative-to-reference", self.reference is not None),
        ):
            if present and self.measure != measure:
                raise ValueError(f'"{key}" goes with measure = "{measure}" alone: take it out')
            if not present and self.measure == measure:
                raise ValueError(f'"{key}" is missing: measure = "{measure}" needs it')
        return self

    @model_validator(mode="after")
    def _enough_attempts_for_below(self) -> "NumericCriterion":
        # As decimals: in floats 1 - 0.99 is more than 0.01, and one attempt would not do.
        miss, beta = 1 - Decimal(self.threshold), Decimal(self.beta)
        if self.k is not None and miss**self.k > beta:
            needed = (beta.ln() / miss.ln()).to_integral_value("ROUND_CEILING")
            raise ValueError(
                f'"k" of {self.k} attempts can never say "below" at threshold {self.threshold} '
                f"and beta {beta}: write at least {needed}"
            )
        return self


class DeclaredCriterion(Model):
    """A criterion that documents answer: what the developer declares, and with which evidence."""

    kind: Literal["declared"]
    id: Identifier
    title: Line
    domain: Domain
    evidence: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Kinds of evidence asked for, such as "control evaluation report"."""
    facts: tuple[Identifier, ...] = ()


Criterion = NumericCriterion | DeclaredCriterion


class Designation(Model):
    """Who says whether a model is covered. None: the sources do not say."""

    proposed_by: Identifier | None = None
    made_by: Identifier | None = None
    must_concur: tuple[Identifier, ...] = ()
    """Agencies whose concurrence is asked for; a missing one shows as missing."""
    note: Line | None = None
    facts: Citations


class HandIn(Model):
    """What a submission holds before its review can begin."""

    purposes: tuple[Purpose, ...] = ()
    """Of each of these a variant."""
    documents: tuple[Line, ...] = ()
    """Of each of these kinds a document, such as "model card"."""
    reasoning: Reasoning = "none"
    """At least so much of the model's reasoning."""
    facts: tuple[Identifier, ...] = ()


class TermTemplate(Model):
    """Terms that the parties may start from: the text, or the digest of a text kept elsewhere."""

    id: Identifier
    title: Line
    use: Literal["access", "agreement"] = "access"
    """`agreement`: what developer and centre sign first; `access`: who may use the model early."""
    text: Prose | None = None
    digest: Digest | None = None
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """How many days after the close content may be kept at most; of an agreement alone."""
    publication: Publication | None = None
    """What the centre may publish at most; of an agreement alone."""

    @model_validator(mode="after")
    def _an_agreement_has_numbers(self) -> "TermTemplate":
        for key in ("retention_days", "publication"):
            stated = getattr(self, key) is not None
            if stated and self.use != "agreement":
                raise ValueError(f'"{key}" goes with use = "agreement" alone: take it out')
            if not stated and self.use == "agreement":
                raise ValueError(f'"{key}" is missing: use = "agreement" needs it')
        return self

    @model_validator(mode="after")
    def _text_or_digest(self) -> "TermTemplate":
        if (self.text is None) == (self.digest is None):
            raise ValueError('needs either "text" or "digest": write one of them')
        return self
