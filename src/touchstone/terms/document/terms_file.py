"""The terms document: what a drafter writes, checked, and the rules that it comes to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, NoReturn
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from touchstone.framework.kinds import Identifier, Line, TimeZone, nearest
from touchstone.handin import day_written, moment_with_offset
from touchstone.ledger import digest_value
from touchstone.terms.document.reading import Text, read_toml, refuse
from touchstone.terms.errors import TermsFileError
from touchstone.terms.policy.caller_attributes import EndUser, Tier
from touchstone.terms.policy.conditions import (
    AccessRule,
    AccessWindow,
    AnyOf,
    Condition,
    Effect,
    Nationality,
    OneOf,
    Residence,
    Staff,
    TokenBudget,
)
from touchstone.terms.policy.countries import CODES, NATIONALITIES, STATELESS, Countries, Dual

MAX_RULES = 500
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
"""Of any time in a file, so that whatever is reckoned from it is a time as well."""
_DUAL_CHOICES = (
    'write dual = "any" (one listed nationality is enough), "all" (every one must be listed) '
    'or "home" (who holds the home nationality counts by it alone)'
)


def _code(code: str) -> str:
    if code not in CODES:
        # ISO calls it GB; by its letters alone the nearest code would be another country's.
        hint = ' (did you mean "GB"?)' if code == "UK" else nearest(code.upper(), sorted(CODES))
        raise ValueError(f'is {code[:40]!a}{hint}: write a two-letter country code such as "DE"')
    return code


def _moment(text: str) -> str:
    when: date | datetime
    try:
        when = day_written(text)
    except ValueError:
        try:
            when = moment_with_offset(text)
        except ValueError as error:
            raise ValueError(f"is {text[:40]!a}: write a day such as 2026-12-01") from error
        # A time of day means another instant in each zone, and this one may end somebody's access.
        if when.tzinfo is None:
            raise ValueError(
                "is a time without a zone: write its offset, such as 2026-12-01T09:00:00Z"
            ) from None
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        raise ValueError(f"is {text[:40]!a}: write a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return text


Code = Annotated[str, AfterValidator(_code)]
Moment = Annotated[str, AfterValidator(_moment)]
Words = Annotated[tuple[Identifier, ...], Field(min_length=1)]
Places = Annotated[tuple[str, ...], Field(min_length=1)]


class BudgetText(Text):
    """`{ tokens = 1000000, per = "day" }`."""

    tokens: Annotated[int, Field(ge=1, le=10**15)]
    per: Literal["day", "month"]


class ConditionsText(Text):
    """What a rule or an exception tests. A key that is left out is not tested."""

    nationality: Places | None = None
    """Codes, groups, `domestic`, `foreign`, `of-concern`, `stateless`."""
    dual: Dual | None = None
    residence: Places | None = None
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)] | None = None
    lists: Words | None = None
    organisations: Words | None = None
    programmes: Words | None = None
    end_users: Annotated[tuple[EndUser, ...], Field(min_length=1)] | None = None
    staff: bool | None = None
    purposes: Words | None = None
    variants: Words | None = None
    modes: Words | None = None
    start: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None


class RuleText(ConditionsText):
    """One rule."""

    id: Identifier
    effect: Effect
    title: Line | None = None
    budget: BudgetText | None = None
    exceptions: tuple[ConditionsText, ...] = Field(default=(), alias="except")


class TermsText(Text):
    """A terms file's top level."""

    format: Literal["touchstone/terms/1"]
    id: Identifier
    title: Line
    version: Line
    developer: Identifier
    framework: Identifier | None = None
    home: Annotated[tuple[Code, ...], Field(min_length=1)]
    of_concern: tuple[Code, ...] = ()
    groups: dict[Identifier, Annotated[tuple[Code, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    dual: Dual | None = None
    timezone: TimeZone | None = None
    grace_hours: Annotated[int, Field(ge=0, le=24 * 90)]
    variants: Words
    modes: Words
    purposes: tuple[Identifier, ...] = ()
    organisations: tuple[Identifier, ...] = ()
    programmes: tuple[Identifier, ...] = ()
    lists: tuple[Identifier, ...] = ()
    rules: Annotated[tuple[RuleText, ...], Field(min_length=1, max_length=MAX_RULES)]


TABLES: Mapping[str, type[Text]] = {
    "rules": RuleText,
    "except": ConditionsText,
    "budget": BudgetText,
}


@dataclass(frozen=True)
class Terms:
    """Checked terms: what the drafter wrote, and the rules that it comes to."""

    text: TermsText
    rules: tuple[AccessRule, ...]

    @cached_property
    def digest(self) -> str:
        """`sha256:` of the canonical content, without what equals its default."""
        return digest_of(self.text)

    @property
    def home(self) -> frozenset[str]:
        """The home countries' codes."""
        return frozenset(self.text.home)

    def as_dict(self) -> dict[str, object]:
        """What `touchstone terms check` prints as JSON."""
        return {
            "id": self.text.id,
            "version": self.text.version,
            "digest": self.digest,
            "grace_hours": self.text.grace_hours,
            "rules": [{"id": rule.id, "says": str(rule)} for rule in self.rules],
        }

    def lines(self) -> list[str]:
        """What `touchstone terms check` prints: every rule as a sentence."""
        head = f"{self.text.title}, version {self.text.version}: {len(self.rules)} rules"
        grace = f"A lost feed leaves the last bundle in force for {self.text.grace_hours} hours."
        return [head, *(f"{rule.id}: {rule}." for rule in self.rules), grace, self.digest]


def digest_of(text: Text) -> str:
    """`sha256:` of what a file says, in canonical form and without what equals its default."""
    # What equals its default is left out: a key that a later version adds changes no digest that
    # somebody signed.
    content = text.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return digest_value(content)


def parse_terms(text: str, source: str) -> Terms:
    """The terms that a TOML text describes.

    Args:
        text: the whole file.
        source: the file's name, for the error.

    Raises:
        TermsFileError: one line that names the file, the key and the fix.
    """
    content = read_toml(text, source, TermsText, TABLES)
    _check_names(content, source)
    return Terms(content, tuple(Drafting(content, source).rules(content.rules)))


def place_named(words: TermsText, name: str, key: Literal["nationality", "residence"]) -> Countries:
    """The countries that a name means in these terms; TermsFileError, a verb phrase, if none."""
    if name == "domestic":
        return Countries(frozenset(words.home))
    if name == "foreign":
        return Countries(frozenset(words.home), others=True)
    if name == "of-concern":
        if not words.of_concern:
            raise TermsFileError('is "of-concern": add of_concern = [...] at the top of the terms')
        return Countries(frozenset(words.of_concern))
    if name in words.groups:
        return Countries(frozenset(words.groups[name]))
    if name in (NATIONALITIES if key == "nationality" else CODES):
        return Countries(frozenset({name}))
    known = ["domestic", "foreign", "of-concern", *words.groups, *sorted(CODES)]
    raise TermsFileError(
        f"is {name[:40]!a}{nearest(name, known)}: write a two-letter country code, a group, "
        '"domestic", "foreign" or "of-concern"'
    )


def _check_names(content: TermsText, source: str) -> None:
    for name in content.groups:
        # A group of that name would be read as the word by whoever signs, and as the group by the
        # gateway.
        if name in {"domestic", "foreign", "of-concern", STATELESS}:
            refuse(source, f'groups: "{name}" already has a meaning: choose another name')
    for key in ("variants", "modes", "purposes", "organisations", "programmes", "lists"):
        # Counted at once: one by one, a file within its bounds took minutes (ADR 220).
        for name, times in Counter[str](getattr(content, key)).items():
            if times > 1:
                refuse(source, f'key "{key}" names "{name}" twice: take one out')


class Drafting:
    """Turns written rules into rules, in the words that one terms document declares.

    Every method raises TermsFileError with the file, the place and the fix.
    """

    def __init__(self, words: TermsText, source: str) -> None:
        self._words = words
        self._source = source
        self._home = frozenset(words.home)
        self._known: dict[str, frozenset[str]] = {}

    def rules(self, written: Sequence[RuleText]) -> Iterator[AccessRule]:
        """Each rule as it will be carried out."""
        seen: set[str] = set()
        for number, rule in enumerate(written, start=1):
            where = f'rules {number} ("{rule.id}")'
            # A decision is told by its rule's id, and so is what a receipt or a proof speaks of.
            if rule.id in seen:
                self._refuse(where, "another rule has the same id: rename one")
            seen.add(rule.id)
            conditions = [*self.conditions(rule, where)]
            if rule.budget is not None:
                conditions.append(self._budget(rule.budget, rule.effect, where))
            exceptions = []
            for index, each in enumerate(rule.exceptions, start=1):
                inner = f"{where}, except {index}"
                exceptions.append(self.somebody(each, inner))
            yield AccessRule(rule.id, rule.effect, tuple(conditions), tuple(exceptions), rule.title)

    def instant(self, moment: str, where: str, *, end: bool) -> int:
        """Seconds since 1970. A day counts whole: its beginning, or with `end` its end."""
        try:
            day = day_written(moment)
        except ValueError:
            return int(moment_with_offset(moment).timestamp())
        if self._words.timezone is None:
            self._refuse(
                where,
                'is a day, and days begin somewhere: add timezone = "Europe/London" (or '
                "another zone) at the top of the terms, or write a time with its offset",
            )
        # "Until 1 December" includes that day to its last second, as people mean it and as windows
        # are counted.
        day += timedelta(days=1 if end else 0)
        zone = ZoneInfo(self._words.timezone)
        return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())

    def somebody(self, written: ConditionsText, where: str) -> tuple[Condition, ...]:
        """Conditions that say who is spared, at least one."""
        found = tuple(self.conditions(written, where))
        # An exception that tests nothing holds for everybody: the rule would be no rule.
        if not found:
            self._refuse(where, "names nobody: say who is excepted, or take it out")
        return found

    def conditions(self, written: ConditionsText, where: str) -> Iterator[Condition]:
        """What the keys test, one condition each."""
        yield from self._countries(written, where)
        words = self._words
        singles: Mapping[str, tuple[Literal["organisation", "purpose", "variant", "mode"], str]]
        singles = {
            "organisations": ("organisation", "organisations"),
            "purposes": ("purpose", "purposes"),
            "variants": ("variant", "variants"),
            "modes": ("mode", "modes"),
        }
        if written.tiers is not None:
            yield OneOf("tier", frozenset(written.tiers))
        if written.end_users is not None:
            yield OneOf("end_user", frozenset(written.end_users))
        for key, (fact, declared) in singles.items():
            if (named := getattr(written, key)) is not None:
                self._declared(named, getattr(words, declared), key, where)
                yield OneOf(fact, frozenset(named))
        if written.programmes is not None:
            self._declared(written.programmes, words.programmes, "programmes", where)
            yield AnyOf("programmes", frozenset(written.programmes))
        if written.lists is not None:
            self._declared(written.lists, words.lists, "lists", where)
            yield AnyOf("lists", frozenset(written.lists))
        if written.staff is not None:
            yield Staff(written.staff)
        if written.start is not None or written.until is not None:
            yield self._window(written, where)

    def _countries(self, written: ConditionsText, where: str) -> Iterator[Condition]:
        if written.nationality is not None:
            countries = self._places(written.nationality, "nationality", where)
            dual = written.dual or self._words.dual
            # Nobody guesses for the drafter: whichever way it were taken, somebody would be
            # admitted or shut out whom the parties did not mean.
            if dual is None and (case := countries.tells_duals_apart(self._likely())):
                self._refuse(
                    where,
                    f"a person who is a national of both {case[0]} and {case[1]} is not decided: "
                    + _DUAL_CHOICES,
                )
            yield Nationality(countries, dual or "any", self._home)
        elif written.dual is not None:
            self._refuse(where, '"dual" goes with "nationality" alone: take it out')
        if written.residence is not None:
            yield Residence(self._places(written.residence, "residence", where))

    def _likely(self) -> list[str]:
        words = self._words
        return [*words.home, *words.of_concern, *(c for g in words.groups.values() for c in g)]

    def _places(
        self, names: Sequence[str], key: Literal["nationality", "residence"], where: str
    ) -> Countries:
        found = Countries(frozenset())
        for number, name in enumerate(names, start=1):
            try:
                found = found.union(place_named(self._words, name, key))
            except TermsFileError as error:
                self._refuse(f'{where}, key "{key}", item {number}', str(error))
        # A list that comes to nobody is a slip of the pen, and as a prohibition it would forbid
        # nothing without a word.
        if not found.codes and not found.others:
            self._refuse(f'{where}, key "{key}"', "comes to no country at all: name one")
        return found

    def _declared(
        self, named: Sequence[str], declared: Sequence[str], key: str, where: str
    ) -> None:
        known = self._known.setdefault(key, frozenset(declared))
        for name in named:
            if name not in known:
                self._refuse(
                    where,
                    f'key "{key}" names "{name}"{nearest(name, declared)}, which is not in '
                    f'"{key}" at the top: fix it, or add it there',
                )

    def _window(self, written: ConditionsText, where: str) -> AccessWindow:
        start = end = None
        if written.start is not None:
            start = self.instant(written.start, f'{where}, key "from"', end=False)
        if written.until is not None:
            end = self.instant(written.until, f'{where}, key "until"', end=True)
        if start is not None and end is not None and end <= start:
            self._refuse(where, f"ends ({written.until}) before it begins ({written.start})")
        return AccessWindow(start, end)

    def _budget(self, budget: BudgetText, effect: Effect, where: str) -> TokenBudget:
        # A prohibition that ends when a budget is used up would give access to whoever spends
        # enough.
        if effect == "forbid":
            self._refuse(where, "a budget belongs to a permission: move it to one")
        return TokenBudget(
            "tokens_today" if budget.per == "day" else "tokens_this_month", budget.tokens
        )

    def _refuse(self, where: str, what: str) -> NoReturn:
        joint = " " if where.rpartition(", ")[2].startswith(("key", "item")) else ": "
        refuse(self._source, f"{where}{joint}{what}")
