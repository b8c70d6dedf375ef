"""Where directives stand: answered how, in which bundle, in force at which gateway, since when."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from touchstone.handin import seconds_of
from touchstone.review import State
from touchstone.review.events.settling import BundlePublished
from touchstone.review.state import Directive
from touchstone.service.access.access_texts import AccessTexts
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.access.gateways import Gateway, Heard, hear, note
from touchstone.service.access.user_base import UserBase, stands
from touchstone.service.case_context import Case
from touchstone.service.errors import CannotOrderError, DestroyedCaseError
from touchstone.terms.directives.impact import Impact


@dataclass(frozen=True)
class Effect:
    """What one gateway signed about one step: a directive's beginning, or its end."""

    gateway: str
    step: str
    """`begins` or `ends`."""
    bundle: int
    applied_at_ms: int | None
    """By the gateway's own clock; None: it is silent."""
    seconds: float | None
    """From the official's deed, by two clocks; None: no official's deed ended it."""
    after_bundle: float | None
    """From the developer's signature under the bundle, by two clocks."""
    applying_ms: int | None
    """From the bundle's arrival to the last worker's answer."""
    live: int
    cut: int
    kept: int
    late_bytes: int
    killed: int
    fault: str | None

    def __str__(self) -> str:
        """One line."""
        if self.applied_at_ms is None:
            why = self.fault or f"no receipt for bundle {self.bundle} or a later one"
            return f"gateway {self.gateway}: SILENT, {why}"
        killed = f", {self.killed} workers killed" if self.killed else ""
        official = (
            "" if self.seconds is None else f"{_ago(self.seconds)} after the official's deed, "
        )
        return (
            f"gateway {self.gateway}: {self.step} {official}{_ago(self.after_bundle)} after the "
            f"developer's; applied in {self.applying_ms} ms; of {self.live} live {self.cut} cut, "
            f"{self.kept} kept, {self.late_bytes} bytes afterwards{killed}"
        )


@dataclass(frozen=True)
class Followed:
    """One directive from its issue on."""

    directive: str
    number: int | None
    issuer: str
    issued: str
    expires: str
    answer: str | None
    answered: str | None
    bundle: int | None
    """The first bundle that carries it out as it was answered last."""
    published: str | None
    lifted: str | None
    ended: int | None
    """The first bundle after that without it."""
    in_force: bool
    """Whether the newest bundle carries it out, and it has not ended."""
    people: dict[str, int] | None
    """The counts that went into the record with the answer, or else with the order."""
    effects: tuple[Effect, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        stand = "in force" if self.in_force else "not in force"
        yield (
            f"{self.number or '-'}  {self.directive}  {stand}; {self.issuer} issued it "
            f"{self.issued}; it ends {self.expires}"
        )
        if self.answered is None:
            yield "   awaits the developer's answer"
        else:
            after = _ago(seconds_of(self.answered) - seconds_of(self.issued))
            carried = f"; bundle {self.bundle} carries it out" if self.bundle else ""
            yield f"   answered {self.answer}, {after} after its issue{carried}"
        if self.lifted:
            ended = f"; bundle {self.ended} is without it" if self.ended else ""
            still = "; the newest bundle carries it out all the same" if self.in_force else ended
            yield f"   lifted {self.lifted}{still}"
        if self.people:
            yield f"   {_people(self.people)}"
        for each in self.effects:
            yield f"   {each}"


def _people(counts: dict[str, int]) -> str:
    everyone, losing = counts["everyone"], counts["blocked"] + counts["unknown"]
    said = (
        f"people: {counts['blocked']:,} blocked and {counts['unknown']:,} unknown of "
        f"{counts['people']:,}, {counts['gaining']:,} gain"
    )
    # The counts are a party's words, and older ones left out of `everyone` who lost by an order's
    # end: nobody is spared by a negative number.
    if not everyone or everyone < losing:
        return said
    against = f"blocking everyone would take from {everyone:,}, so "
    return f"{said}; {against}{everyone - losing:,} are spared"


@dataclass(frozen=True)
class DirectiveStanding:
    """All directives of a case."""

    directives: tuple[Followed, ...]
    reach: Impact | None
    """What all that is in force does, against the agreed terms alone."""
    noted: int
    """Receipts that went into the record just now."""
    untold: str = ""
    """Why it cannot be told what all that is in force does; empty where it can, or nobody asked."""

    @property
    def silent(self) -> bool:
        """Whether a gateway has not acknowledged how the newest step stands."""
        return any(e.applied_at_ms is None for each in self.directives for e in each.effects)

    def lines(self) -> list[str]:
        """For people."""
        found = [line for each in self.directives for line in each.lines()]
        found = found or ["No directive is issued in this case."]
        if self.reach is not None:
            if self.reach.people:
                found.append(
                    f"All in force: {self.reach.losing:,} of {self.reach.people:,} people lose "
                    f"something, {self.reach.nothing:,} are left with nothing."
                )
            found += [f"CONFLICT  {each}" for each in self.reach.conflicts]
        if self.untold:
            found.append(f"What all that is in force does cannot be told: {self.untold}.")
        if self.noted:
            found.append(f"{self.noted} receipts went into the record.")
        return found

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "directives": [asdict(each) for each in self.directives],
            "people": self.reach.counts() if self.reach else None,
            "conflicts": [each.as_dict() for each in self.reach.conflicts] if self.reach else [],
            "silent": self.silent,
            "noted": self.noted,
        }


def status(case: Case, crowd: UserBase, gateways: Sequence[Gateway] = ()) -> DirectiveStanding:
    """Where every directive of a case stands; nothing is recorded.

    Args:
        case: The case.
        crowd: The real user base, where there is one.
        gateways: The gateways that are to acknowledge.

    Raises:
        TooLargeError: the rules tell too many cases apart.
    """
    heard = [hear(each) for each in gateways]
    return stands_now(CaseTexts(case), crowd, heard, 0, case.now())


def note_and_tell(case: Case, crowd: UserBase, gateways: Sequence[Gateway]) -> DirectiveStanding:
    """Put the gateways' receipts on the record, by the developer's key, and tell the status.

    Raises:
        KeyMissingError: the developer's key is not on this machine.
        TooLargeError: the rules tell too many cases apart.
    """
    # Heard once: what is noted and what is told must be of the same receipts.
    heard = [hear(each) for each in gateways]
    noted = note(case, heard)
    return stands_now(CaseTexts(case), crowd, heard, noted, case.now())


def stands_now(
    recorded: AccessTexts, crowd: UserBase, heard: Sequence[Heard], noted: int, at: str
) -> DirectiveStanding:
    """The same at a time (UTC), by what gateways were heard to say, of which so much was noted now.

    Raises TooLargeError.
    """
    enacted = {each.directive for each in recorded.in_bundle(at)}
    rows = tuple(
        _followed(recorded, name, each, heard, in_force=name in enacted)
        for name, each in recorded.state.directives.items()
    )
    some = recorded.state.directives and recorded.state.terms_in_force
    wanted = bool(some) and (crowd.given or bool(recorded.state.bundles))
    if not wanted:
        return DirectiveStanding(rows, None, noted)
    try:
        return DirectiveStanding(rows, stands(recorded, crowd, at), noted)
    except DestroyedCaseError:
        return DirectiveStanding(rows, None, noted, "the content of the case was destroyed")
    except CannotOrderError as error:
        return DirectiveStanding(rows, None, noted, str(error))


def _followed(
    recorded: AccessTexts, name: str, known: Directive, heard: Sequence[Heard], *, in_force: bool
) -> Followed:
    issued, said = known.issued, known.said
    begins, ends = _bundles(recorded.state, name, known)
    steps: list[tuple[str, BundlePublished, str | None]] = []
    steps += [("begins", begins, issued.at)] if begins else []
    steps += [("ends", ends, _end(known, ends))] if ends else []
    return Followed(
        directive=name,
        number=issued.number,
        issuer=issued.actor,
        issued=issued.at,
        expires=issued.expires,
        answer=said.answer if said else None,
        answered=known.answer.at if known.answer else None,
        bundle=begins.number if begins else None,
        published=begins.at if begins else None,
        lifted=known.lifted_at,
        ended=ends.number if ends else None,
        in_force=in_force,
        people=recorded.counts(name),
        effects=tuple(
            _effect(each, step, bundle, since) for step, bundle, since in steps for each in heard
        ),
    )


def _bundles(
    state: State, name: str, known: Directive
) -> tuple[BundlePublished | None, BundlePublished | None]:
    """The first bundle with the text that was answered last, and the first one without any."""
    said = known.said
    text = (said.reading or known.issued.order) if said else None
    begins = ends = None
    for each in state.bundles:
        carried = {c.directive: c.order for c in each.directives}
        if begins is None and text is not None and carried.get(name) == text:
            begins, ends = each, None
        elif begins is not None and ends is None and name not in carried:
            ends = each
        elif ends is not None and name in carried:
            ends = None
    return begins, ends


def _end(known: Directive, ends: BundlePublished) -> str | None:
    """When an official ended it: by lifting it, or by the end that it was given."""
    before = [at for at in (known.lifted_at, known.issued.expires) if at and at <= ends.at]
    return min(before, default=None)


def _effect(heard: Heard, step: str, bundle: BundlePublished, since: str | None) -> Effect:
    signed = heard.applied(bundle.stream, bundle.number)
    if signed is None:
        silent = (None, None, None, None, 0, 0, 0, 0, 0)
        return Effect(heard.gateway.name, step, bundle.number, *silent, heard.fault)
    receipt = signed.receipt
    return Effect(
        heard.gateway.name,
        step,
        bundle.number,
        receipt.applied_at,
        None if since is None else receipt.applied_at / 1000 - seconds_of(since),
        receipt.applied_at / 1000 - seconds_of(bundle.at),
        receipt.milliseconds,
        sum(each.live or 0 for each in receipt.workers),
        sum(each.cut or 0 for each in receipt.workers),
        sum(each.kept or 0 for each in receipt.workers),
        sum(each.late_bytes or 0 for each in receipt.workers),
        sum(each.killed for each in receipt.workers),
        None,
    )


def _ago(length: float | None) -> str:
    """A length of time in words. Two clocks may disagree by a second or so."""
    whole = max(0.0, length or 0.0)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole / size:.1f} {unit}"
    return f"{whole:.1f} s"
