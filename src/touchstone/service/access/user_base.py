"""The real user base as texts give it, and what directives do to it."""

from dataclasses import dataclass
from functools import cached_property

from touchstone.handin import seconds_of
from touchstone.service.access.access_texts import AccessTexts
from touchstone.service.access.terms_texts import people_in, population_from
from touchstone.service.file_io import NamedText
from touchstone.terms import Directive, Person, Population, Registry
from touchstone.terms.directives.impact import Impact, impact


@dataclass(frozen=True)
class UserBase:
    """What says who the real users are: a TOML text, and a CSV text for many people."""

    entities: NamedText | None = None
    people: NamedText | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self.entities is not None or self.people is not None

    @cached_property
    def listed(self) -> tuple[Person, ...]:
        """Everybody in the CSV text, read once."""
        return tuple(people_in(self.people)) if self.people else ()


def registry_of(recorded: AccessTexts, crowd: UserBase) -> Registry | None:
    """Who belongs where, from the text; None without one."""
    if crowd.entities is None:
        return None
    return population_from(crowd.entities, recorded.agreed).registry


def population_of(recorded: AccessTexts, crowd: UserBase) -> Population:
    """The real user base; where no text has the registry, it is the newest bundle's."""
    if crowd.entities is None and recorded.state.bundles:
        return Population(recorded.registry(), crowd.listed)
    known = population_from(crowd.entities, recorded.agreed)
    return Population(known.registry, crowd.listed) if crowd.people else known


def reach_of(recorded: AccessTexts, directive: Directive, crowd: UserBase, at: str) -> Impact:
    """What changes when a directive is carried out, or carried out otherwise than now."""
    # Against what gateways carry out now, and not against what was ordered: people feel the former.
    before = recorded.enacted(at)
    after = [directive if each.id == directive.id else each for each in before]
    if directive.id not in {each.id for each in before}:
        after.append(directive)
    return impact(recorded.agreed, before, after, population_of(recorded, crowd), seconds_of(at))


def stands(recorded: AccessTexts, crowd: UserBase, at: str) -> Impact:
    """What all directives in force do at a time, against the agreed terms alone."""
    people = population_of(recorded, crowd)
    return impact(recorded.agreed, (), recorded.enacted(at), people, seconds_of(at))
