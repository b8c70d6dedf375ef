"""What is known of a case: folded from part-0 facts alone, frozen, cheap to carry forward."""

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeVar

from touchstone.review.events import (
    detecting,
    joining,
    judging,
    measuring,
    opening,
    seeding,
    settling,
)
from touchstone.review.events.base import Role
from touchstone.review.tallies import Likeness, Pair, Tally, pair_of

K = TypeVar("K")
V = TypeVar("V")

Status = Literal["none", "open", "withdrawn", "closed", "destroyed"]
"""Where a case stands; each follows from the one before or from an earlier one, never back."""


def empty() -> Mapping[K, V]:
    """An empty read-only mapping."""
    # Read-only: states of before are kept, and share it with those after.
    return MappingProxyType({})


def with_item(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    """The mapping with one item set; the old one stays as it was."""
    return MappingProxyType({**mapping, key: value})


@dataclass(frozen=True)
class Party:
    """A party in the case: what it is and the key (hex) that it signs with now."""

    role: Role
    key: str
    next: str | None = None
    """The fingerprint of the key that can replace it, in a record of contract 2."""
    signers: Mapping[str, joining.AdmittedAct] = field(default_factory=empty)
    """Further keys that sign for it, by fingerprint; without those that were removed."""
    recovered_by: tuple[str, ...] = ()
    """By whose word it goes on with a new key, where it lost its own; of the newest recovery."""


class Reinvitation(NamedTuple):
    """With which key (a fingerprint) another party is to go on, and when that was recorded."""

    expects: str
    recorded: str


class Departure(NamedTuple):
    """That a party takes part no more: what it was, by whose deed, when (UTC) and at which entry.

    By its own where `by` is the party.
    """

    role: Role
    by: str
    at: str
    n: int


class RunKey(NamedTuple):
    """What outcomes are counted under: never pooled across any of these."""

    battery: str
    criterion: str
    variant: str
    mode: str


@dataclass(frozen=True)
class Clock:
    """The window as laid and what has happened to it since; `clock.py` reads days off it."""

    anchored: measuring.ClockAnchored
    submission: str
    pauses: tuple[tuple[str, str | None], ...] = ()
    extension_days: int = 0
    ended_at: str | None = None

    @property
    def paused(self) -> bool:
        """Whether the window stands still now."""
        return bool(self.pauses) and self.pauses[-1][1] is None


@dataclass(frozen=True)
class Seed:
    """A battery's seed that the centre committed to, and what the developer gave, if it did."""

    committed: seeding.SeedCommitted
    contributed: seeding.SeedContributed | None = None

    @property
    def origin(self) -> seeding.SeedOrigin:
        """What the seed is made of, as it stands."""
        given = self.contributed
        return seeding.SeedOrigin(
            centre=self.committed.contribution,
            developer=given.contribution if given else None,
        )


@dataclass(frozen=True)
class Snapshots:
    """The identities seen of one variant, by method, and what took its place, if anything."""

    digests: Mapping[str, str] = field(default_factory=empty)
    replaced_by: str | None = None


@dataclass(frozen=True)
class Finding:
    """A finding with everything that was said about it."""

    signed: judging.FindingSigned | judging.OutsideFindingSigned
    response: judging.FindingResponded | None = None
    dispute: judging.FindingDisputed | None = None
    rerun: judging.FindingRerun | None = None

    @property
    def stands(self) -> Literal["signed", "disputed", "upheld", "revised", "withdrawn"]:
        """Where the finding stands. A developer's silence leaves it as signed."""
        if self.rerun:
            return self.rerun.outcome
        return "disputed" if self.dispute else "signed"


@dataclass(frozen=True)
class Designating:
    """The proposals, what agencies said to the newest one, and the decisions."""

    proposals: tuple[judging.DesignationProposed, ...] = ()
    answers: Mapping[str, judging.DesignationConcurred | judging.DesignationDissented] = field(
        default_factory=empty
    )
    decisions: tuple[judging.DesignationMade | judging.DesignationRevised, ...] = ()

    @property
    def made(self) -> judging.Designation | None:
        """The designation in force, None while none was made."""
        return self.decisions[-1].designation if self.decisions else None

    @property
    def in_question(self) -> judging.Designation | None:
        """What agencies speak to: what was made on the newest proposal, else what it says."""
        # A decision on an older proposal says nothing of the newest one.
        newest = len(self.proposals)
        if self.decisions and self.decisions[-1].proposal == newest:
            return self.decisions[-1].designation
        return self.proposals[-1].designation if newest else None


@dataclass(frozen=True)
class Terms:
    """The terms on the table (a digest) and who said what to exactly these."""

    on_table: str | None = None
    offered_by: str | None = None
    agreed: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Postponement:
    """A request to postpone, and the developer's answer if there is one."""

    requested: settling.PostponementRequested
    answer: settling.PostponementAnswered | None = None


@dataclass(frozen=True)
class Directive:
    """A directive, what the developer said to it, and when it was lifted."""

    issued: settling.DirectiveIssued
    answer: settling.DirectiveAnswered | None = None
    revisions: tuple[settling.DirectiveAnswerRevised, ...] = ()
    lifted_at: str | None = None

    @property
    def said(self) -> settling.DirectiveAnswered | settling.DirectiveAnswerRevised | None:
        """What the developer says now; None while it has not answered."""
        return self.revisions[-1] if self.revisions else self.answer

    @property
    def texts(self) -> frozenset[str]:
        """Digests of the order and of every reading of it."""
        readings = (each.reading for each in (self.answer, *self.revisions) if each)
        return frozenset({self.issued.order, *(each for each in readings if each)})

    def carried(self, at: str) -> str | None:
        """The digest of the text that is carried out at a time (UTC); None: nothing is."""
        said = self.said
        # An order that ran out is carried no more, though nobody has lifted it.
        over = self.lifted_at is not None or at >= self.issued.expires
        if said is None or said.answer == "contested" or over:
            return None
        return said.reading or self.issued.order


class Unknown(NamedTuple):
    """An entry that a newer version wrote: nothing of what it changed is in the state."""

    n: int
    type: str
    schema: int

    def __str__(self) -> str:
        """As `key-escrowed at entry 12`."""
        schema = f", schema {self.schema}," if self.schema > 1 else ""
        return f"{self.type[:80]}{schema} at entry {self.n}"


@dataclass(frozen=True)
class State:
    """A case as it stands. `fold` makes it; every field comes from part-0 facts."""

    size: int = 0
    recorded_at: str = ""
    """When the newest entry was recorded (UTC); to a guard, when the deed that it judges is."""
    unknown: tuple[Unknown, ...] = ()
    """What newer versions wrote. While there is any, the rest says what this version knows."""
    status: Status = "none"
    opened: opening.CaseOpened | None = None
    parties: Mapping[str, Party] = field(default_factory=empty)
    invitations: Mapping[str, joining.InvitedAct] = field(default_factory=empty)
    """Who may join, by party; without those who have."""
    invited_by: Mapping[str, str] = field(default_factory=empty)
    """By party that was invited, whose invitation was the last; also once it has joined or left."""
    left: Mapping[str, Departure] = field(default_factory=empty)
    """Who took part and does no more, by party: it is none of `parties`, and does no deed."""
    reinvitations: Mapping[str, Mapping[str, Reinvitation]] = field(default_factory=empty)
    """By a party that lost its keys, what each other party said of its new one; until it has
    joined anew, or objected."""
    seen_keys: frozenset[str] = frozenset()
    """Every key (hex) that an act on keys ever brought, ended ones too."""
    party_keys: frozenset[str] = frozenset()
    """Those of them that were ever a party's own: they were brought by their own signature."""
    participations: Mapping[str, opening.ParticipationNoted] = field(default_factory=empty)
    inquiries: Mapping[str, opening.InquiryAsked] = field(default_factory=empty)
    inquiry_answers: Mapping[tuple[str, str], opening.InquiryAnswered] = field(
        default_factory=empty
    )
    agreements: Mapping[str, Mapping[str, opening.AgreementSigned]] = field(default_factory=empty)
    """By the digest of its text, what each party signed last."""
    signed_last: Mapping[str, opening.AgreementSigned] = field(default_factory=empty)
    """By party, the agreement that it signed last, whatever its text."""
    concluded: tuple[opening.AgreementSigned, ...] = ()
    """Agreements of which developer and centre signed the same facts, as they were concluded: each
    once, so that no party alone goes back to an earlier one."""
    submission: opening.SubmissionReceived | None = None
    submitted_at: str = ""
    """When it was recorded (UTC): the day on which the model was shared follows from that."""
    assessment: opening.SubmissionAssessed | None = None
    documents: Mapping[str, opening.DocumentHandedIn] = field(default_factory=empty)
    """The documents that were handed in, by id."""
    variants: Mapping[str, opening.Variant] = field(default_factory=empty)
    clock: Clock | None = None
    seeds: Mapping[str, Seed] = field(default_factory=empty)
    """By battery, the seeds that the centre committed to before it sealed."""
    seeds_revealed: frozenset[str] = frozenset()
    """The batteries that anybody who reads their seed can draw again."""
    batteries: Mapping[str, measuring.BatterySealed] = field(default_factory=empty)
    snapshots: Mapping[str, Snapshots] = field(default_factory=empty)
    probed_at: str | None = None
    """When a first look at what answers was recorded (UTC): measuring began then."""
    tallies: Mapping[RunKey, Tally] = field(default_factory=empty)
    likenesses: Mapping[Pair, Likeness] = field(default_factory=empty)
    """How modes of a variant compare, over all item sets of a battery."""
    scans: Mapping[str, detecting.TranscriptsScanned] = field(default_factory=empty)
    """By battery, what detectors flagged in its transcripts when they looked last."""
    gradings: Mapping[tuple[str, str, str], detecting.TranscriptsGraded] = field(
        default_factory=empty
    )
    """By battery and the digests of questions and endpoint, what each grader flagged last."""
    verdicts: Mapping[RunKey, measuring.VerdictReached] = field(default_factory=empty)
    stopped: measuring.MeasuringStopped | None = None
    """Why measuring stopped, unless it has gone on since."""
    breaches: tuple[measuring.SandboxBreached, ...] = ()
    unhalted_breach: bool = False
    """Whether a breach was seen for which nobody has halted yet: nothing new is measured."""
    halted_by: frozenset[str] = frozenset()
    findings: Mapping[str, Finding] = field(default_factory=empty)
    declared: Mapping[str, judging.EvidenceDeclared] = field(default_factory=empty)
    designating: Designating = Designating()
    terms: Terms = Terms()
    agreed_before: tuple[str, ...] = ()
    """Digests of terms that were agreed, the newest last; empty once the newest are taken back."""
    postponements: Mapping[str, Postponement] = field(default_factory=empty)
    releases: tuple[settling.ReleaseAnnounced, ...] = ()
    comparisons: tuple[settling.ReleaseCompared, ...] = ()
    directives: Mapping[str, Directive] = field(default_factory=empty)
    standing: settling.StandingClassesAuthorised | None = None
    bundles: tuple[settling.BundlePublished, ...] = ()
    receipts: tuple[str, ...] = ()
    """The digests of the gateways' receipts that were noted: of many, nothing else is asked."""
    days_digested: frozenset[str] = frozenset()
    """Of which days (UTC) the installation digested who read what is not open to all."""
    reports: Mapping[str, settling.ReportIssued] = field(default_factory=empty)
    withdrawal: settling.ReviewWithdrawn | None = None
    closed: settling.CaseClosed | None = None
    closed_at: str = ""
    """When that was recorded (UTC)."""
    destroyed: settling.CaseDestroyed | None = None

    def having(self, role: Role) -> tuple[str, ...]:
        """The ids of the parties in this role, in the order in which they were admitted."""
        return tuple(name for name, party in self.parties.items() if party.role == role)

    def vouchers(self, party: str, key: str) -> tuple[str, ...]:
        """By whose word, as it stands, a party is to go on with a key (a fingerprint); in order."""
        told = self.reinvitations.get(party, {})
        return tuple(sorted(name for name, each in told.items() if each.expects == key))

    @property
    def by_invitation(self) -> bool:
        """Whether parties join by invitation, as in records of contract 2."""
        return self.opened is not None and self.opened.key_act is not None

    @property
    def halted(self) -> bool:
        """Whether anyone's halt stands, or a breach asks for one: then nothing new is measured."""
        return bool(self.halted_by) or self.unhalted_breach

    def under_review(self, variant: str) -> bool:
        """Whether this is a variant of the model under review, not a reference to compare with."""
        known = self.variants.get(variant)
        return known is not None and known.purpose != "reference"

    def not_handed_in(self, released: Collection[str]) -> list[str]:
        """The variants of a release that the submission has not; none while there is none."""
        return [each for each in released if self.variants and each not in self.variants]

    @property
    def current_variants(self) -> tuple[str, ...]:
        """The variants under review that no changed snapshot has replaced."""
        replaced = {name for name, seen in self.snapshots.items() if seen.replaced_by}
        return tuple(n for n in self.variants if self.under_review(n) and n not in replaced)

    @property
    def agreement(self) -> opening.AgreementSigned | None:
        """The agreement that holds: the one that developer and centre concluded last.

        One that only one of them signed changes nothing, and takes nothing back.
        """
        return self.concluded[-1] if self.concluded else None

    @property
    def newest_battery(self) -> str | None:
        """The id of the battery that was sealed last; None before the first."""
        return next(reversed([*self.batteries]), None)

    @property
    def next_battery(self) -> str:
        """An id that no battery of this case has."""
        numbers = itertools.count(len(self.batteries) + 1)
        return next(name for n in numbers if (name := f"battery-{n}") not in self.batteries)

    @property
    def agreed_terms(self) -> str | None:
        """The digest of the terms that the developer and another party agreed, else None."""
        developers = set(self.having("developer"))
        both = self.terms.agreed & developers and self.terms.agreed - developers
        return self.terms.on_table if both else None

    @property
    def terms_in_force(self) -> str | None:
        """The newest terms that were agreed; a later offer on the table changes nothing yet.

        Where they were taken back, those of the newest bundle, which gateways obey still.
        """
        if self.agreed_before:
            return self.agreed_before[-1]
        return self.bundles[-1].terms if self.bundles else None

    @property
    def bundled_directives(self) -> Mapping[str, str]:
        """The directives that gateways are to carry out, each with a stream of bundles.

        The newest bundle of the stream carries it out.
        """
        newest = {each.stream: each for each in self.bundles}
        return {d.directive: stream for stream, b in newest.items() for d in b.directives}

    def newest_bundle(self, stream: str) -> settling.BundlePublished | None:
        """The bundle that was published last in a stream; None before the first."""
        return next((each for each in reversed(self.bundles) if each.stream == stream), None)

    def tally(self, battery: str, criterion: str, variant: str, mode: str) -> Tally:
        """What is recorded under one RunKey; empty if nothing is."""
        return self.tallies.get(RunKey(battery, criterion, variant, mode), Tally())

    def outcomes_of(self, battery: str) -> int:
        """How many outcomes of a battery are recorded, in all its runs."""
        return sum(each.recorded for key, each in self.tallies.items() if key.battery == battery)

    def unscanned(self, battery: str) -> int:
        """How many transcripts of a battery no scan has counted; all, where none looked at any."""
        scan, recorded = self.scans.get(battery), self.outcomes_of(battery)
        return recorded if scan is None or not scan.looked_at else recorded - scan.transcripts

    def told_apart(self, key: RunKey) -> tuple[Likeness, ...]:
        """How a mode that asks for reasoning compares with each one that asks otherwise."""
        sealed = self.batteries.get(key.battery)
        if sealed is None or key.mode not in sealed.reasoning:
            return ()
        pairs = [pair for pair in sealed.reasoning_apart if key.mode in pair]
        return tuple(
            self.likenesses.get(pair_of(key.battery, key.variant, *pair), Likeness())
            for pair in pairs
        )

    def reasoning(self, key: RunKey, first: int | None = None) -> measuring.Reasoning:
        """Whether a mode asks for reasoning, and whether its samples, or so many, show it.

        `alike`: some was seen, and a mode that asks otherwise answered alike on every item.
        """
        if key.mode not in self.batteries[key.battery].reasoning:
            return "not-asked"
        if not self.tally(*key).attempt().reasoning(first):
            return "not-seen"
        return "alike" if any(each.same for each in self.told_apart(key)) else "seen"

    def is_recorded(self, key: RunKey, attempt: int, index: int) -> bool:
        """Whether this sample has an outcome, which then stands."""
        return bool(self.tally(*key).attempt(attempt).recorded >> index & 1)
