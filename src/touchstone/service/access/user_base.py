"""The real user base as files give it, and what directives do to it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from touchstone.handin import seconds_of
from touchstone.service.access.case_documents import CaseDocuments
from touchstone.service.access.terms_files import load_people, read_people
from touchstone.terms import Directive, Person, Population, Registry
from touchstone.terms.directives.impact import Impact, impact


@dataclass(frozen=True)
class UserBase:
    """Where real users are read from: a TOML file, and a CSV file for many people."""

    entities: Path | None = None
    people: Path | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self.entities is not None or self.people is not None

    @cached_property
    def listed(self) -> tuple[Person, ...]:
        """Everybody in the CSV file, read once."""
        return tuple(read_people(self.people)) if self.people else ()


def registry_of(recorded: CaseDocuments, crowd: UserBase) -> Registry | None:
    """Who belongs where, from the file; None without one."""
    if crowd.entities is None:
        return None
    return load_people(crowd.entities, recorded.agreed).registry


def population_of(recorded: CaseDocuments, crowd: UserBase) -> Population:
    """The real user base; where no file has the registry, it is the newest bundle's."""
    if crowd.entities is None and recorded.state.bundles:
        return Population(recorded.registry(), crowd.listed)
    known = load_people(crowd.entities, recorded.agreed)
    return Population(known.registry, crowd.listed) if crowd.people else known


def reach_of(recorded: CaseDocuments, directive: Directive, crowd: UserBase, at: str) -> Impact:
    """What changes when a directive is carried out, or carried out otherwise than now."""
    before = recorded.enacted(at)
    after = [directive if each.id == directive.id else each for each in before]
    if directive.id not in {each.id for each in before}:
        after.append(directive)
    return impact(recorded.agreed, before, after, population_of(recorded, crowd), seconds_of(at))


def stands(recorded: CaseDocuments, crowd: UserBase, at: str) -> Impact:
    """What all directives in force do at a time, against the agreed terms alone."""
    people = population_of(recorded, crowd)
    return impact(recorded.agreed, (), recorded.enacted(at), people, seconds_of(at))
