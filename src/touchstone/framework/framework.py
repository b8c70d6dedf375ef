"""A whole framework, and the checks that reach across its parts."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from touchstone.framework.kinds import (
    Domain,
    Gate,
    Identifier,
    LifeStage,
    Line,
    Role,
    Thresholds,
    nearest,
)
from touchstone.framework.models import (
    Criterion,
    Designation,
    Fact,
    FrameworkParty,
    HandIn,
    Model,
    NumericCriterion,
    Participation,
    Stage,
    TermTemplate,
    Window,
)
from touchstone.ledger import dumps

# A halted framework may come back; a superseded one may not.
_NEXT: Mapping[LifeStage, frozenset[LifeStage]] = {
    "draft": frozenset({"offered", "in-force", "halted", "superseded"}),
    "offered": frozenset({"in-force", "halted", "superseded"}),
    "in-force": frozenset({"halted", "superseded"}),
    "halted": frozenset({"offered", "in-force", "superseded"}),
    "superseded": frozenset(),
}


class Framework(Model):
    """The agreed voluntary standard, as data. A case is pinned to one by its digest."""

    format: Literal["touchstone/framework/1"]
    id: Identifier
    title: Line
    version: Line
    jurisdiction: Line
    gate: Gate
    comparison_only: bool = False
    """A hypothetical standard to compare with. No case is ever opened under it."""
    example: bool = False
    """Invented parties and numbers."""
    thresholds: Thresholds
    """`stated`: there are numeric criteria. `undisclosed`: there may be numbers, not known here."""
    life: Annotated[tuple[Stage, ...], Field(min_length=1)]
    """Oldest first."""
    window: Window
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    parties: tuple[FrameworkParty, ...] = ()
    participations: tuple[Participation, ...] = ()
    """Oldest first; a party's newest line is its status."""
    criteria: tuple[Annotated[Criterion, Field(discriminator="kind")], ...] = ()
    designation: Designation | None = None
    """None: the sources name no designation."""
    terms: tuple[TermTemplate, ...] = ()
    hand_in: HandIn | None = None
    """What a submission must hold. None: the framework does not say."""
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]

    @property
    def status(self) -> LifeStage:
        """The newest stage of its life."""
        return self.life[-1].stage

    def __copy__(self) -> Self:
        """Without the digest, since what is copied may be given other content."""
        copied = super().__copy__()
        # pydantic copies the kept digest along, and a changed framework would pass as the old one
        # in every case pinned to it.
        vars(copied).pop("digest", None)
        return copied

    @cached_property
    def digest(self) -> str:
        """`sha256:` and the hex SHA-256 of the canonical JSON of the content.

        What equals its default is left out, so that a later version of the format may add a key
        without changing the digests of files that do not use it. Every deed asks for it, and it
        takes longer than all else that decides one: it is computed once.
        """
        content = self.model_dump(mode="json", exclude_defaults=True)
        return f"sha256:{sha256(dumps(content)).hexdigest()}"

    @property
    def conflicts(self) -> dict[str, tuple[Fact, ...]]:
        """Claims that contradict one another, side by side, by the name of their conflict."""
        # `groupby` joins neighbours alone.
        torn = sorted((f for f in self.facts if f.conflict), key=lambda fact: fact.conflict or "")
        return {name or "": tuple(group) for name, group in groupby(torn, lambda f: f.conflict)}

    def party(self, party: str) -> FrameworkParty | None:
        """The party with this id, if the framework names it."""
        return next((each for each in self.parties if each.id == party), None)

    def parties_with(self, role: Role) -> tuple[FrameworkParty, ...]:
        """The named parties of one role."""
        return tuple(party for party in self.parties if party.role == role)

    def criterion(self, criterion: str) -> Criterion | None:
        """The criterion with this id, if there is one."""
        return next((each for each in self.criteria if each.id == criterion), None)

    @property
    def agreement(self) -> TermTemplate | None:
        """The template of what developer and centre sign first, if there is one."""
        return next((each for each in self.terms if each.use == "agreement"), None)

    @model_validator(mode="after")
    def _one_agreement(self) -> "Framework":
        named = [each.id for each in self.terms if each.use == "agreement"]
        if len(named) > 1:
            raise ValueError(
                f'two terms have use = "agreement", "{named[0]}" and "{named[1]}": keep one'
            )
        return self

    @model_validator(mode="after")
    def _gate_is_hypothetical(self) -> "Framework":
        # No case opens under a framework with a gate (ADR 30): such a file must say what it is.
        if (self.gate != "none") != self.comparison_only:
            raise ValueError(
                'a gate other than "none" is only for comparison: write gate = "none", or mark a '
                'hypothetical file with gate = "approval" and comparison_only = true'
            )
        return self

    @model_validator(mode="after")
    def _ids_are_single(self) -> "Framework":
        for table in ("facts", "parties", "criteria", "terms"):
            seen: set[str] = set()
            for item in getattr(self, table):
                if item.id in seen:
                    raise ValueError(f'two {table} have the id "{item.id}": rename one')
                seen.add(item.id)
        if len(set(self.domains)) < len(self.domains):
            raise ValueError('"domains" names one twice: take it out')
        return self

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> "Framework":
        # Every statement of a framework rests on a cited fact, so a citation that leads nowhere is
        # a statement that nobody made (ADR 20).
        facts = [fact.id for fact in self.facts]
        for where, names in self._citations():
            _known(where, names, facts, "fact")
        parties = [party.id for party in self.parties]
        _known("participations, party", [p.party for p in self.participations], parties, "party")
        _known("criteria, domain", [c.domain for c in self.criteria], list(self.domains), "domain")
        return self

    def _citations(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        yield "window, facts", self.window.facts
        if self.hand_in:
            yield "hand_in, facts", self.hand_in.facts
        if self.designation:
            yield "designation, facts", self.designation.facts
        for table in ("life", "parties", "participations", "criteria"):
            for number, item in enumerate(getattr(self, table), start=1):
                yield f"{table} {number}, facts", item.facts

    @model_validator(mode="after")
    def _designation_is_by_agencies(self) -> "Framework":
        if not self.designation:
            return self
        named = self.designation
        parties = [party.id for party in self.parties]
        for key in ("proposed_by", "made_by"):
            if name := getattr(named, key):
                _known(f"designation, {key}", [name], parties, "party")
        # Only a party that the framework makes an agency can decide; whoever the sources name as
        # proposing may be any.
        agencies = [party.id for party in self.parties if party.role == "agency"]
        concurring = [party.id for party in self.parties if "concurs" in party.may]
        if named.made_by:
            _known("designation, made_by", [named.made_by], agencies, "agency")
        _known(
            "designation, must_concur", named.must_concur, concurring, 'agency that may "concur"'
        )
        return self

    @model_validator(mode="after")
    def _life_goes_forward(self) -> "Framework":
        for earlier, later in pairwise(self.life):
            if later.stage not in _NEXT[earlier.stage]:
                raise ValueError(f'"life" goes from {earlier.stage} to {later.stage}: it may not')
        for table in (self.life, self.participations):
            _oldest_first("life" if table is self.life else "participations", table)
        return self

    @model_validator(mode="after")
    def _conflicts_have_two_sides(self) -> "Framework":
        for name, facts in self.conflicts.items():
            # A conflict that lost a side would read as a plain claim with a strange word on it.
            if len(facts) == 1:
                raise ValueError(
                    f'the conflict "{name}" has one claim, "{facts[0].id}": '
                    'give the other claim the same "conflict", or take the word out'
                )
        return self

    @model_validator(mode="after")
    def _thresholds_are_told_truly(self) -> "Framework":
        numeric = any(isinstance(criterion, NumericCriterion) for criterion in self.criteria)
        # "undisclosed" beside numbers would let a report conclude from thresholds that nobody
        # disclosed, or hide stated ones.
        if numeric != (self.thresholds == "stated"):
            fix = '"stated"' if numeric else '"undisclosed" or "none"'
            raise ValueError(
                f'"thresholds" is "{self.thresholds}" but there are '
                f"{'' if numeric else 'no '}numeric criteria: write thresholds = {fix}"
            )
        return self


def _known(where: str, names: Iterable[str], known: list[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise ValueError(
                f'{where}: no {what} has the id "{name}"{nearest(name, known)}: '
                "fix the id or add it"
            )


def _oldest_first(table: str, items: Iterable[Stage | Participation]) -> None:
    for earlier, later in pairwise(items):
        # Only as far as both tell: a month may follow a day of it.
        if later.date < earlier.date[: len(later.date)]:
            raise ValueError(
                f'"{table}" has {later.date} after {earlier.date}: put the oldest first'
            )
