"""Directives as deeds: looked at before anyone signs, issued, answered, lifted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from touchstone.deeds.access import (
    directive_answer_revised,
    directive_answered,
    directive_issued,
    directive_lifted,
    standing_classes_authorised,
)
from touchstone.deeds.deed import Deed
from touchstone.editions.impact_text import impact_lines
from touchstone.editions.sentences import sentence
from touchstone.errors import TouchstoneError
from touchstone.handin import seconds_of, utc
from touchstone.handin.shown_ids import short_case
from touchstone.review import State
from touchstone.service.access.access_texts import AccessTexts, check_length
from touchstone.service.access.bundles import BundleShelf, Published, publish
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.access.orders import order_marking, parse_order
from touchstone.service.access.user_base import UserBase, population_of, reach_of, registry_of
from touchstone.service.case_context import Case
from touchstone.service.errors import CannotOrderError, NotAgreedError
from touchstone.service.file_io import NamedText
from touchstone.terms import Directive
from touchstone.terms.directives.coverage import exceeds
from touchstone.terms.directives.impact import Impact
from touchstone.terms.directives.pre_authorisation import (
    Circumstances,
    Match,
    StandingClasses,
    match,
    parse_standing,
)
from touchstone.terms.document.directive_file import ordered

Kind = Literal["narrowly", "more-broadly", "contested", "by-standing-class"]


@dataclass(frozen=True)
class Previewed:
    """What a directive would do, before anyone signs."""

    directive: Directive
    reach: Impact

    def lines(self) -> list[str]:
        """For people."""
        return [*self.directive.lines(), "", *impact_lines(self.reach)]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "directive": self.directive.id,
            "order": self.directive.digest,
            "says": self.directive.lines(),
            "impact": self.reach.as_dict(),
        }


@dataclass(frozen=True)
class Done:
    """What a deed about a directive came to."""

    says: tuple[str, ...]
    directive: str
    bundle: Published | None = None
    reach: Impact | None = None
    failed: TouchstoneError | None = None
    """What kept the step after the deed from being done; the deed stands all the same."""

    def told(self, sentence_of: Callable[[Exception], str]) -> "Done":
        """The same, with what failed in the words that are used where it is read."""
        if self.failed is None:
            return self
        *others, last = self.says
        return replace(self, says=(*others, f"{last}: {sentence_of(self.failed)}"), failed=None)

    def lines(self) -> list[str]:
        """For people."""
        return [*self.told(str).says, *(self.bundle.lines() if self.bundle else ())]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "directive": self.directive,
            "says": list(self.told(str).says),
            "bundle": self.bundle.as_dict() if self.bundle else None,
            "people": self.reach.counts() if self.reach else None,
        }


def preview(case: Case, text: NamedText, crowd: UserBase) -> Previewed:
    """What a directive would do to the real user base. Nothing is recorded.

    Raises:
        NotAgreedError: no terms are agreed.
        TermsFileError: a text cannot be used; its name, key and fix.
        CannotOrderError: it has ended: it would be shown to bar nobody.
        TooLargeError: the rules tell too many cases apart.
    """
    # Of one moment: what has ended and what is in force are reckoned by the same clock.
    at, recorded = case.now(), CaseTexts(case)
    directive = parse_order(text, recorded.agreed, recorded.state.directives)
    if directive.expires <= seconds_of(at):
        expires = utc(directive.expires)
        raise CannotOrderError("directive-ended", source=text.source, expires=expires, at=at)
    return Previewed(directive, reach_of(recorded, directive, crowd, at))


def issue(
    case: Case,
    text: NamedText,
    crowd: UserBase,
    *,
    party: str | None = None,
    label: str | None = None,
    out: BundleShelf | None = None,
    terms: NamedText | None = None,
) -> Done:
    """Issue a directive, by an agency's key; answer it at once where a class says so.

    Args:
        case: The case.
        text: The directive, in TOML.
        crowd: The real user base, where there is one: then its numbers go into the record.
        party: The agency; None: the case's only one.
        label: Who may read it, a TLP 2.0 label for the parties of the case; None: AMBER.
        out: Where gateways look for bundles. With it, a directive that falls in a class which the
            developer authorised beforehand is answered, and its bundle signed, at once.
        terms: The terms in force, where the record does not have their text any more.

    Raises:
        BadEventError: the party can be none.
        NotAgreedError, TermsFileError, TooLargeError: as `preview`.
        Refused: the party may not do this now.
        KeyMissingError: its key is not on this machine.
    """
    marking = order_marking(case.marks, label)
    recorded = CaseTexts(case)
    if terms is not None:
        recorded.know_terms(terms)
    directive = parse_order(text, recorded.agreed, recorded.state.directives)
    agency = party or _only_agency(case)
    at = case.now()
    reach = reach_of(recorded, directive, crowd, at) if crowd.given else None
    check_length(text)
    people = reach.counts() if reach else None

    # Under the lock: two agencies that issue at once would else both take the next number.
    def deeds(state: State) -> list[Deed]:
        number = len(state.directives) + 1
        return [directive_issued(case, agency, directive, text.text, number, people, marking)]

    state = case.record(deeds)
    number = state.directives[directive.id].issued.number
    says = [f"{agency} issues directive {number}: {line}" for line in directive.lines()[:1]]
    says += [f"CONFLICT  {each}" for each in (reach.conflicts if reach else ())]
    standing = state.standing
    if out is None or standing is None or standing.classes is None:
        command = f"touchstone directive answer {short_case(case.id)} "
        next_ = f"{case.participants.developer} answers: {command}"
        return Done((*says, next_ + directive.id), directive.id, reach=reach)
    done = _answered_at_once(case, directive, agency, crowd, out)
    return Done((*says, *done.says), directive.id, done.bundle, reach, done.failed)


def _answered_at_once(
    case: Case, directive: Directive, agency: str, crowd: UserBase, out: BundleShelf
) -> Done:
    """The answer by standing class, or why none came: the directive itself is recorded already."""
    try:
        found = class_of(CaseTexts(case), directive, agency, crowd, case.now())
        if found.matched is not None:
            return _answer_by_class(case, directive.id, found.matched, crowd, out)
        why = (f"It falls in no class that is answered at once: {each}" for each in found.reasons)
        return Done(tuple(why), directive.id)
    except TouchstoneError as error:
        # The order stands: to raise would have it issued a second time.
        return Done(
            ("It is issued, and could not be answered at once",), directive.id, failed=error
        )


def answer(
    case: Case,
    name: str,
    kind: Kind,
    crowd: UserBase,
    *,
    reading: NamedText | None = None,
    reason: str | None = None,
    out: BundleShelf | None = None,
    revise: bool = False,
) -> Done:
    """Say how a directive is carried out, by the developer's key, and sign the bundle that does.

    Args:
        case: The case.
        name: The directive's id, as `directive_called` gives it.
        kind: How. A contested one is not carried out.
        crowd: The real user base, where there is one; its registry goes into the bundle.
        reading: The developer's own text of the directive, with `narrowly` and `more-broadly`.
        reason: Why, for the record.
        out: Where gateways look for bundles.
        revise: Change an answer that was given.

    Raises:
        BadEventError: the reason is no line for the record.
        NotAgreedError: a narrower reading bars somebody whom the order does not, or the other way
            round; or the directive falls in no standing class.
        CannotOrderError: something that goes with such an answer is missing.
        Refused: it is answered already, or the developer may not do this now.
    """
    recorded = CaseTexts(case)
    if kind == "by-standing-class":
        return _by_class(recorded, name, crowd, _needed(out))
    own: tuple[str, str] | None = None
    reach, says = None, [f"{case.participants.developer} answers {name}: {kind}."]
    if kind != "contested":
        text, read = own_reading(recorded, name, kind, reading, crowd)
        check_length(text)
        own = (read.digest, text.text)
        if crowd.given:
            reach = reach_of(recorded, read, crowd, case.now())
            says += _affected(reach)
    people = reach.counts() if reach else None

    def deed(bundle: str | None) -> Deed:
        by = case.participants.developer
        answered = directive_answer_revised if revise else directive_answered
        return answered(
            case, by, name, kind, bundle=bundle, reading=own, people=people, reason=reason
        )

    # One that a bundle carries must end by another bundle; else there is nothing to sign.
    if kind == "contested" and name not in recorded.state.bundled_directives:
        case.record([deed(None)])
        return Done((*says, "No bundle carries it out."), name)
    registry, texts = registry_of(recorded, crowd), dict([own] if own else [])
    made = publish(case, _needed(out), registry, first=deed, texts=texts)
    return Done(tuple(says), name, made, reach)


def lift(
    case: Case, name: str, *, party: str | None = None, out: BundleShelf | None = None
) -> Done:
    """Lift a directive, by the key of the agency that issued it.

    `name` is its id, as `directive_called` gives it. With `out`, one that was answered by standing
    class is also taken out of force at once.

    Raises:
        Refused: another agency issued it, or it is lifted already.
    """
    known = case.state.directives[name]
    actor = known.issued.actor if party is None else party
    state = case.record([directive_lifted(case, actor, name)])
    says = (f"{actor} lifts {name}.",)
    carrying = [b for b in state.bundles[-1:] if name in {d.directive for d in b.directives}]
    if not carrying:
        return Done(says, name)
    # What was answered beforehand also ends without the developer's hand; the rest waits for it.
    by_class = known.said is not None and known.said.answer == "by-standing-class"
    still = sentence("directive.carried-out", number=carrying[0].number, case=short_case(case.id))
    if out is None or not by_class:
        return Done((*says, still), name)
    try:
        return Done(says, name, publish(case, out))
    except TouchstoneError as error:
        return Done((*says, still), name, failed=error)


def authorise(case: Case, text: NamedText | None, terms: NamedText | None = None) -> Done:
    """Say beforehand which directives are answered at once; None: take that back.

    `terms` are those in force, where the record does not have their text any more.

    Raises:
        NotAgreedError: no terms are agreed.
        TermsFileError: the text cannot be used; its name, key and fix.
    """
    says = ["No directive is answered at once any more."]
    own, until = None, case.now()
    name = "none"
    if text is not None:
        recorded = CaseTexts(case)
        if terms is not None:
            recorded.know_terms(terms)
        classes: StandingClasses = parse_standing(text.text, text.source, recorded.agreed)
        check_length(text)
        own, until, name = (classes.digest, text.text), utc(classes.until), classes.id
        says = classes.lines()
    case.record([standing_classes_authorised(case, case.participants.developer, until, own)])
    return Done(
        (f"{case.participants.developer} authorises beforehand, until {until}:", *says), name
    )


def own_reading(
    recorded: AccessTexts, name: str, kind: Kind, text: NamedText | None, crowd: UserBase
) -> tuple[NamedText, Directive]:
    """The developer's own text of a directive, which must be what it calls itself.

    Raises:
        NotAgreedError: it is narrower, or broader, where it says the contrary.
        CannotOrderError, TermsFileError: it is missing, or of another directive, or none.
    """
    if text is None:
        raise CannotOrderError("reading-missing", answer=kind)
    own = parse_order(text, recorded.agreed, recorded.state.directives)
    if own.id != name:
        code, source = "reading-of-another", text.source
        raise CannotOrderError(code, source=source, named=own.id, directive=name)
    order = recorded.directive(name, recorded.state.directives[name].issued.order)
    inner, outer = (own, order) if kind == "narrowly" else (order, own)
    people = population_of(recorded, crowd)
    inside, outside = (tuple(ordered(each, (each,))) for each in (inner, outer))
    found = exceeds(inside, outside, recorded.agreed, people)
    if found.change is not None:
        code = "reading-too-wide" if inner is own else "reading-too-narrow"
        example = str(found.change.example)
        raise NotAgreedError(code, source=text.source, answer=kind, example=example)
    return text, own


def class_of(
    recorded: AccessTexts, directive: Directive, issuer: str, crowd: UserBase, at: str
) -> Match:
    """Whether a directive falls at a time (UTC) in a class that is answered at once, or why not.

    Raises NotAgreedError where no classes are authorised.
    """
    before = [each for each in recorded.enacted(at) if each.id != directive.id]
    people = population_of(recorded, crowd)
    now = Circumstances(recorded.agreed, before, people, seconds_of(at))
    return match(recorded.standing(), issuer, directive, now)


def _by_class(recorded: CaseTexts, name: str, crowd: UserBase, out: BundleShelf) -> Done:
    issued = recorded.state.directives[name].issued
    directive = recorded.directive(name, issued.order)
    found = class_of(recorded, directive, issued.actor, crowd, recorded.case.now())
    if found.matched is None:
        raise NotAgreedError("no-class", directive=name, reasons="; ".join(found.reasons))
    return _answer_by_class(recorded.case, name, found.matched, crowd, out)


def _answer_by_class(
    case: Case, name: str, matched: str, crowd: UserBase, out: BundleShelf
) -> Done:
    standing = case.state.standing

    def deed(bundle: str | None) -> Deed:
        return directive_answered(
            case,
            case.participants.developer,
            name,
            "by-standing-class",
            bundle=bundle,
            reason=f"class {matched}",
            standing=standing.classes if standing else None,
        )

    made = publish(case, out, registry_of(CaseTexts(case), crowd), first=deed)
    says = f"{case.participants.developer} answers {name} at once, by class {matched}."
    return Done((says,), name, made)


def _affected(reach: Impact) -> Sequence[str]:
    against = f"; blocking everyone: {reach.everyone:,}, so {reach.spared:,} are spared"
    of = f"{reach.losing:,} of {reach.people:,} people lose something, {reach.gaining:,} gain"
    return [f"{of}{against if reach.everyone else ''}."]


def _only_agency(case: Case) -> str:
    agencies = case.state.having("agency")
    if len(agencies) != 1:
        raise CannotOrderError("agency-unnamed", agencies=agencies)
    return agencies[0]


def _needed(out: BundleShelf | None) -> BundleShelf:
    if out is None:
        raise CannotOrderError("shelf-missing")
    return out
