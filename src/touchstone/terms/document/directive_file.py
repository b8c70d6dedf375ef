"""Directives: prohibitions on top of terms, and whom a later one spares from an earlier one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from touchstone.framework.kinds import Identifier, Line
from touchstone.handin import utc
from touchstone.terms.document.reading import Text, read_toml, refuse
from touchstone.terms.document.terms_file import (
    MAX_RULES,
    TABLES,
    ConditionsText,
    Drafting,
    Moment,
    RuleText,
    Terms,
    digest_of,
)
from touchstone.terms.errors import TermsFileError
from touchstone.terms.policy.conditions import AccessRule, AccessWindow, Condition, Ruleset


class RestoresText(ConditionsText):
    """Who is spared from an earlier directive."""

    directive: Identifier


class DirectiveText(Text):
    """A directive's file: prohibitions on top of terms, or people spared from earlier ones."""

    format: Literal["touchstone/directive/1"]
    id: Identifier
    title: Line
    reason: Line
    expires: Moment
    rules: Annotated[tuple[RuleText, ...], Field(max_length=MAX_RULES)] = ()
    restores: Annotated[tuple[RestoresText, ...], Field(max_length=MAX_RULES)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.rules and not self.restores:
            raise ValueError("it forbids nothing: write [[rules]], or [[restores]] to spare people")
        return self


_TABLES: Mapping[str, type[Text]] = {**TABLES, "restores": RestoresText}


@dataclass(frozen=True, slots=True)
class Restoration:
    """Who is spared from an earlier directive: all conditions together."""

    directive: str
    """The earlier directive's id."""
    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        """As a verb phrase."""
        return f"spares from {self.directive}: {', '.join(map(str, self.conditions))}"


@dataclass(frozen=True)
class Directive:
    """A checked directive: its rules forbid, on top of terms, until it expires."""

    id: str
    title: str
    reason: str
    expires: int
    """Seconds since 1970, UTC."""
    rules: tuple[AccessRule, ...]
    restores: tuple[Restoration, ...] = ()
    digest: str = ""
    """`sha256:` of the canonical content, without what equals its default."""

    def lines(self) -> list[str]:
        """What it orders, a sentence for each rule."""
        return [
            f"{self.title}: {self.reason}. It ends {utc(self.expires)}.",
            *(f"{rule.id}: {rule}." for rule in self.rules),
            *(f"{self.id} {each}." for each in self.restores),
        ]


def directive_text(text: str, source: str) -> DirectiveText:
    """What a directive's TOML text says, before it is read in the words of any terms.

    Raises:
        TermsFileError: one line that names the file, the key and the fix.
    """
    return read_toml(text, source, DirectiveText, _TABLES)


def parse_directive(text: str, source: str, terms: Terms) -> Directive:
    """The directive that a TOML text describes, in the words of `terms`.

    Its rules may only forbid; their ids become `DIRECTIVE/RULE`, and they end when it expires.

    Raises:
        TermsFileError: one line that names the file, the key and the fix.
    """
    content = directive_text(text, source)
    drafting = Drafting(terms.text, source)
    expires = drafting.instant(content.expires, 'key "expires"', end=True)
    # In each rule, so that a gateway ends it at that second without being told to.
    until = AccessWindow(None, expires)
    rules = []
    for number, rule in enumerate(drafting.rules(content.rules), start=1):
        # What widens access is agreed, and never ordered: a permission in a directive would be
        # terms that one side wrote alone.
        if rule.effect != "forbid":
            refuse(source, f'rules {number} ("{rule.id}"): a directive only forbids: change it')
        rules.append(
            replace(rule, id=f"{content.id}/{rule.id}", conditions=(*rule.conditions, until))
        )
    restores = []
    for number, each in enumerate(content.restores, start=1):
        where = f"restores {number}"
        if each.directive == content.id:
            refuse(source, f"{where}: a directive spares people by exceptions in its own rules")
        # A restoration ends with the directive that brought it: the earlier order is then whole
        # again.
        spared = (*drafting.somebody(each, where), until)
        restores.append(Restoration(each.directive, spared))
    return Directive(
        content.id,
        content.title,
        content.reason,
        expires,
        tuple(rules),
        tuple(restores),
        digest_of(content),
    )


def in_force(terms: Terms, directives: Sequence[Directive] = ()) -> Ruleset:
    """Every rule in force; those of directives come first, so that they are named as the reason.

    Raises:
        TermsFileError: two directives have the same id.
    """
    ids = [directive.id for directive in directives]
    for each in ids:
        if ids.count(each) > 1:
            raise TermsFileError(f'two directives have the id "{each}": leave one out')
    rules = tuple(rule for each in directives for rule in ordered(each, directives))
    return Ruleset(rules + terms.rules, terms.text.variants, terms.text.modes, terms.text.purposes)


def ordered(directive: Directive, among: Sequence[Directive]) -> Iterator[AccessRule]:
    """A directive's rules, less whom the others spare from it: each restoration is an exception."""
    spared = tuple(
        each.conditions
        for other in among
        for each in other.restores
        # By name alone: an exception within a directive's own rules spares nobody from another one
        # (ADR 111).
        if each.directive == directive.id
    )
    for rule in directive.rules:
        yield replace(rule, exceptions=(*rule.exceptions, *spared))
