"""Standing classes: which directives the developer answers at once, as it said beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from touchstone.framework.kinds import Identifier, Line
from touchstone.terms.document.directive_file import Directive, ordered
from touchstone.terms.document.reading import Text, read_toml
from touchstone.terms.document.terms_file import (
    TABLES,
    ConditionsText,
    Drafting,
    Moment,
    Terms,
    digest_of,
)
from touchstone.terms.policy.caller_attributes import Population
from touchstone.terms.policy.conditions import AccessRule

_DAY = 86_400


class ClassText(ConditionsText):
    """One class. Its keys of a rule say how far a directive may reach."""

    id: Identifier
    title: Line | None = None
    issuers: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    max_share: Annotated[int, Field(ge=0, le=100)]
    """Percent of the users who can do something now."""
    max_days: Annotated[int, Field(ge=1, le=366)]
    spares: tuple[ConditionsText, ...] = ()


class StandingText(Text):
    """A file of standing classes."""

    format: Literal["touchstone/standing-classes/1"]
    id: Identifier
    title: Line
    until: Moment
    classes: Annotated[tuple[ClassText, ...], Field(min_length=1, max_length=100)]


_TABLES: Mapping[str, type[Text]] = {**TABLES, "classes": ClassText, "spares": ConditionsText}


@dataclass(frozen=True)
class StandingClass:
    """Which directives are answered at once."""

    id: str
    title: str
    issuers: tuple[str, ...]
    scope: AccessRule
    """A directive may forbid what lies within this prohibition."""
    max_share: int
    """Of the users who can do something now, percent who may lose something."""
    max_days: int


@dataclass(frozen=True)
class StandingClasses:
    """What the developer authorised beforehand."""

    id: str
    title: str
    until: int
    """Seconds since 1970, UTC."""
    classes: tuple[StandingClass, ...]
    digest: str

    def lines(self) -> list[str]:
        """Each class as sentences."""
        return [
            f"{each.id}: a directive of {' or '.join(each.issuers)} that {each.scope} or less, for "
            f"at most {each.max_days} days, and takes something from at most {each.max_share}% of "
            "the users, is carried out at once."
            for each in self.classes
        ]


@dataclass(frozen=True, slots=True)
class Match:
    """The class that a directive falls in, or why it falls in none."""

    matched: str | None
    reasons: tuple[str, ...]
    """For each class that does not match, one line."""


def standing_text(text: str, source: str) -> StandingText:
    """What a TOML text of standing classes says, before it is read in the words of any terms.

    Raises:
        TermsFileError: one line that names the file, the key and the fix.
    """
    return read_toml(text, source, StandingText, _TABLES)


def parse_standing(text: str, source: str, terms: Terms) -> StandingClasses:
    """The standing classes that a TOML text describes, in the words of `terms`.

    Raises:
        TermsFileError: one line that names the file, the key and the fix.
    """
    content = standing_text(text, source)
    drafting = Drafting(terms.text, source)
    classes = []
    for number, each in enumerate(content.classes, start=1):
        where = f'classes {number} ("{each.id}")'
        scope = tuple(drafting.conditions(each, where))
        spared = tuple(
            drafting.somebody(one, f"{where}, spares {place}")
            for place, one in enumerate(each.spares, start=1)
        )
        # A class is a prohibition that was never issued: so one engine says whether a directive
        # lies within it.
        rule = AccessRule(each.id, "forbid", scope, spared)
        title = each.title or each.id
        classes.append(
            StandingClass(each.id, title, each.issuers, rule, each.max_share, each.max_days)
        )
    until = drafting.instant(content.until, 'key "until"', end=True)
    return StandingClasses(content.id, content.title, until, tuple(classes), digest_of(content))


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a directive meets: the agreed terms, what is in force, real people, and now."""

    terms: Terms
    before: Sequence[Directive]
    """The directives in force."""
    population: Population
    at: int
    """Seconds since 1970, UTC."""


def match(
    standing: StandingClasses, issuer: str, directive: Directive, now: Circumstances
) -> Match:
    """The first class that a directive falls in; what cannot be made sure of falls in none.

    Raises:
        DocumentTooLargeError: the rules tell too many cases apart.
    """
    if now.at >= standing.until:
        return Match(None, (f"{standing.id} has ended",))
    reasons = []
    for each in standing.classes:
        # Words first: how far a directive reaches takes an enumeration.
        why = _by_words(each, issuer, directive, now) or _by_reach(each, directive, now)
        if why is None:
            return Match(each.id, ())
        reasons.append(f"{each.id}: {why}")
    return Match(None, tuple(reasons))


def _by_words(
    each: StandingClass, issuer: str, directive: Directive, now: Circumstances
) -> str | None:
    """Why the directive's own words keep it out of a class."""
    if issuer not in each.issuers:
        return f"is for directives of {' or '.join(each.issuers)}, not of {issuer}"
    if directive.expires - now.at > each.max_days * _DAY:
        return f"is for at most {each.max_days} days, and {directive.id} lasts longer"
    if directive.restores:
        # A class bounds what is taken; to whom something is given back, no class says.
        return f"is for what is forbidden, and {directive.id} also spares people"
    return None


def _by_reach(each: StandingClass, directive: Directive, now: Circumstances) -> str | None:
    """Why those whom the directive meets keep it out of a class."""
    # What compares people loads numpy, which the law of the review, that reads classes, needs not.
    from touchstone.terms.directives.coverage import exceeds  # noqa: PLC0415
    from touchstone.terms.directives.impact import impact  # noqa: PLC0415

    # Without what others spare from it: those may be lifted while this one is in force.
    rules = tuple(ordered(directive, (directive,)))
    reach = exceeds(rules, (each.scope,), now.terms, now.population)
    if reach.change is not None:
        return f"{directive.id} reaches further: {reach.change.example}"
    # What cannot be made certain falls in no class (ADR 112); so below, without real users.
    if not reach.thorough:
        return f"{directive.id} and the class tell too many people apart to be sure"
    found = impact(now.terms, now.before, (*now.before, directive), now.population, now.at)
    if not found.people:
        return f"without real users nobody can say that at most {each.max_share}% are affected"
    # Multiplied out: a rounded share could let one person more through.
    if found.losing * 100 > each.max_share * (found.people - found.outside):
        return f"{directive.id} takes something from {found.share:.1%} of the users, which is more"
    return None
