"""Claims about terms, in a small grammar, and what each comes to.

::

    claim     = ("no" | "every") subject {["and"] quality} ("reaches" | "keeps") target
                ["at any time"]
    subject   = "person" | "partner" | "official" | "employee"
    quality   = ("with" | "without") "a known" ("nationality" | "residence" | "end user")
              | "with nationality" PLACE {"or" PLACE} | "resident in" PLACE {"or" PLACE}
              | "of" ("tier" | "organisation" | "programme" | "end user") WORD {"or" WORD}
              | ["not"] "on the list" [WORD] | ["not"] "on the staff"
    target    = "access" | {"variant" WORD | "mode" WORD | "for" WORD}
    PLACE     = a country code, a group, "domestic", "foreign", "of-concern" or "stateless"
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn, TypeVar

from touchstone.framework.kinds import nearest
from touchstone.handin import unseen
from touchstone.terms.document.terms_file import Terms, place_named
from touchstone.terms.errors import ClaimError, TermsFileError
from touchstone.terms.policy.caller_attributes import END_USERS, TIERS, Registry
from touchstone.terms.policy.conditions import (
    AnyOf,
    Condition,
    Nationality,
    OneOf,
    Residence,
    Staff,
)
from touchstone.terms.policy.countries import Countries

MAX_CLAIM = 500
T = TypeVar("T")
_SUBJECTS: dict[str, tuple[Condition, ...]] = {
    "person": (),
    "partner": (OneOf("tier", frozenset({"trusted-partner"})),),
    "official": (OneOf("tier", frozenset({"government"})),),
    "employee": (Staff(wanted=True),),
}
_NO_LIST = {"reaches", "keeps", "and"}
_QUALITIES = {"with", "without", "resident", "of", "on", "not"}
"""The words by which a quality begins, as the grammar above has them."""
_KNOWABLE = {
    "nationality": "nationalities",
    "residence": "residence",
    "end": "end_user",
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Something that is so, or not so, about the people that a claim speaks of."""

    test: Condition | str
    """A condition that certainly holds, or the name of a fact that is known."""
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class AccessClaim:
    """A claim, read."""

    says: str
    every: bool
    """`every`, about real people; else `no`, about anyone at all."""
    qualities: tuple[Quality, ...]
    variant: str | None
    mode: str | None
    purpose: str | None
    any_time: bool


@dataclass
class _Target:
    found: dict[str, str] = field(default_factory=dict)
    any_time: bool = False


def parse_claim(text: str, terms: Terms, registry: Registry) -> AccessClaim:
    """The claim that a text makes, in the words of the terms and the registry.

    Raises:
        ClaimError: one line that says which word is not understood, and what could stand there.
    """
    return _Reader(text, terms, registry).claim()


class _Reader:
    def __init__(self, text: str, terms: Terms, registry: Registry) -> None:
        if len(text) > MAX_CLAIM or unseen(text):
            raise ClaimError(f"a claim is one line of at most {MAX_CLAIM} visible characters")
        self._says = " ".join(text.split()).rstrip(".")
        self._words = self._says.split()
        self._at = 0
        self._terms, self._registry = terms, registry

    def claim(self) -> AccessClaim:
        every = self._one({"no": False, "every": True})
        qualities = [Quality(each) for each in self._one(_SUBJECTS)]
        while (word := self._peek()) not in {"reaches", "keeps"}:
            if word == "and":
                self._at += 1
            qualities.append(self._quality())
        self._at += 1
        target = self._target()
        return AccessClaim(
            self._says,
            every,
            tuple(qualities),
            target.found.get("variant"),
            target.found.get("mode"),
            target.found.get("for"),
            target.any_time,
        )

    def _quality(self) -> Quality:
        if self._peek() == "not":
            self._expect("not", "on")
            return self._on(wanted=False)
        readers: dict[str, Callable[[], Quality]] = {
            "with": self._with,
            "without": self._without,
            "resident": self._resident,
            "of": self._of,
            "on": lambda: self._on(wanted=True),
        }
        return self._one(readers)()

    def _with(self) -> Quality:
        if self._peek() == "a":
            return self._known(wanted=True)
        self._expect("nationality")
        return Quality(Nationality(self._places("nationality"), "any", self._terms.home))

    def _without(self) -> Quality:
        return self._known(wanted=False)

    def _known(self, *, wanted: bool) -> Quality:
        self._expect("a", "known")
        fact = self._one(_KNOWABLE)
        if fact == "end_user":
            self._expect("user")
        return Quality(fact, wanted)

    def _resident(self) -> Quality:
        self._expect("in")
        return Quality(Residence(self._places("residence")))

    def _of(self) -> Quality:
        text = self._terms.text
        kind = self._one({each: each for each in ("tier", "organisation", "programme", "end")})
        if kind == "tier":
            return Quality(OneOf("tier", self._named(TIERS)))
        if kind == "end":
            self._expect("user")
            return Quality(OneOf("end_user", self._named(END_USERS)))
        if kind == "organisation":
            known = (*text.organisations, *self._registry.organisations)
            return Quality(OneOf("organisation", self._named(known)))
        return Quality(AnyOf("programmes", self._named(text.programmes)))

    def _on(self, *, wanted: bool) -> Quality:
        self._expect("the")
        if self._one({"list": True, "staff": False}):
            known = (*self._terms.text.lists, *self._registry.lists)
            word = self._peek()
            # A list may be called as a quality begins: then it is the list that is meant.
            unnamed = word in _NO_LIST or (word in _QUALITIES and word not in known)
            lists = frozenset(known) if unnamed else frozenset({self._word(known)})
            return Quality(AnyOf("lists", lists), wanted)
        return Quality(Staff(wanted=True), wanted)

    def _target(self) -> _Target:
        text, target = self._terms.text, _Target()
        known = {"variant": text.variants, "mode": text.modes, "for": text.purposes}
        kind = self._one({each: each for each in ("access", *known)})
        if kind != "access":
            target.found[kind] = self._word(known[kind])
        while self._at < len(self._words):
            kind = self._one({**{each: each for each in known}, "at": "at"})
            if kind == "at":
                self._expect("any", "time")
                target.any_time = True
                if self._at < len(self._words):
                    self._refuse(["the end"])
                break
            if kind in target.found:
                raise ClaimError(f'the claim names "{kind}" twice: make two claims of it')
            target.found[kind] = self._word(known[kind])
        return target

    def _places(self, key: Literal["nationality", "residence"]) -> Countries:
        found = Countries(frozenset())
        while True:
            name = self._peek()
            try:
                found = found.union(place_named(self._terms.text, name, key))
            except TermsFileError as error:
                raise ClaimError(f'in the claim, "{name}" {error}') from error
            self._at += 1
            if self._peek(missing="") != "or":
                return found
            self._at += 1

    def _named(self, known: Sequence[str]) -> frozenset[str]:
        found = {self._word(known)}
        while self._peek(missing="") == "or":
            self._at += 1
            found.add(self._word(known))
        return frozenset(found)

    def _word(self, known: Sequence[str]) -> str:
        return self._one({each: each for each in known})

    def _expect(self, *words: str) -> None:
        for word in words:
            self._one({word: word})

    def _one(self, choices: dict[str, T]) -> T:
        word = self._peek(missing="")
        if word not in choices:
            self._refuse(list(choices))
        self._at += 1
        return choices[word]

    def _peek(self, missing: str | None = None) -> str:
        if self._at < len(self._words):
            return self._words[self._at]
        if missing is None:
            self._refuse(["reaches", "keeps"])
        return missing

    def _refuse(self, choices: Sequence[str]) -> NoReturn:
        found = self._words[self._at] if self._at < len(self._words) else "the end"
        hint = nearest(found, choices)
        some = ", ".join(f'"{choice}"' for choice in choices[:12]) or "nothing (none is declared)"
        raise ClaimError(
            f'the claim is not understood at word {self._at + 1}, "{found}"{hint}: write {some}'
        )
