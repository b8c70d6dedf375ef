"""The families that an installation names: shipped ones, and those of packages, by entry point.

Code of a package runs in this process, beside keys and answers. So it is imported only where the
configuration names it, with the distribution that it must come from; what is installed and not
named is not even looked at. ::

    known = load_families(FamilyChoice(packages={"example-logic": "example-lab-tasks"}))
    item = known["example-logic"].generate(seed, difficulty)
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from functools import cache
from importlib import metadata
from typing import Any

from pydantic import model_validator

from touchstone import __version__
from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.errors import FamilyError
from touchstone.evaluation.families.base import MIN_DIFFICULTY, Family, Item
from touchstone.evaluation.families.code import SHIPPED, FamilyCode, package_digest, shipped_digest
from touchstone.evaluation.families.naming import item_id
from touchstone.evaluation.families.registry import MODULES, family_names, get_family
from touchstone.evaluation.sandbox.config import GRADES
from touchstone.handin import printable_line, unseen

GROUP = "touchstone.families"
"""Entry points of this group offer a family's one instance, under the family's name."""
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_TEXTS = ("name", "version", "least_grade", "cheat", "card")
_LONGEST = 200


class FamilyChoice(Frozen):
    """Which families an installation loads."""

    shipped: tuple[str, ...] = family_names()
    packages: Mapping[str, str] = {}
    """Families of packages: the name of each, with the distribution that has it."""

    @property
    def named(self) -> Mapping[str, str]:
        """All of them with their distributions, the shipped ones first."""
        return {**dict.fromkeys(self.shipped, SHIPPED), **self.packages}

    @model_validator(mode="after")
    def _possible(self) -> "FamilyChoice":
        for place, name in enumerate(self.shipped):
            if name not in MODULES:
                known = ", ".join(MODULES)
                raise ValueError(f"shipped: no family {name!a} comes with Touchstone; {known} do")
            if name in self.shipped[:place]:
                raise ValueError(f"shipped: {name!r} is there twice: take one out")
        for name, distribution in self.packages.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"packages: {name!a} is no name of a family: write kebab-case")
            if name in MODULES:
                raise ValueError(
                    f"packages: {name!r} is the name of a family that comes with Touchstone; a "
                    "package's needs a name of its own"
                )
            if normalised(distribution) == SHIPPED:
                raise ValueError(f"packages: no family {name!r} comes with Touchstone")
            if not _DISTRIBUTION.fullmatch(distribution):
                raise ValueError(
                    f"packages: {distribution!a} is no name of a distribution: write the one that "
                    f'`pip list` shows, such as {name} = "example-lab-tasks"'
                )
        return self


class LoadedFamilies(Mapping[str, Family]):
    """Families by name, the shipped ones first, each with whose code it is."""

    def __init__(self, families: Mapping[str, tuple[Family, FamilyCode]]) -> None:
        self._families = dict(families)

    @property
    def code(self) -> Mapping[str, FamilyCode]:
        """Whose code each is."""
        return {name: code for name, (_, code) in self._families.items()}

    def with_packs(self, packs: Mapping[str, tuple[Family, FamilyCode]]) -> "LoadedFamilies":
        """These, and packs beside them."""
        return LoadedFamilies({**self._families, **packs})

    def __getitem__(self, name: str) -> Family:
        return self._families[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._families)

    def __len__(self) -> int:
        return len(self._families)


def load_families(choice: FamilyChoice | None = None) -> LoadedFamilies:
    """The families that were chosen; None: all that come with Touchstone, and no other.

    Raises:
        FamilyError: one is not there, cannot be loaded, or is none; one line, with the mend.
    """
    named = (choice or FamilyChoice()).named
    return LoadedFamilies({name: load_family(name, where) for name, where in named.items()})


@cache
def load_family(name: str, distribution: str = SHIPPED) -> tuple[Family, FamilyCode]:
    """One family, and whose code it is. Whoever calls was told to load it, by name.

    Raises:
        FamilyError: as `load_families`.
        ValueError: no shipped family has the name.
    """
    if distribution == SHIPPED:
        digest = shipped_digest(MODULES[name]) if name in MODULES else ""
        code = FamilyCode(distribution=SHIPPED, version=__version__, digest=digest)
        return get_family(name), code
    distribution = normalised(distribution)
    about = f"family {name!r} of {distribution!r}"
    entry, version = _entry(name, distribution, about)
    try:
        # What a package prints while it loads is not this command's output.
        with redirect_stdout(sys.stderr):
            found = entry.load()
            fault = next(filter(None, _faults(name, found)), "")
        digest = package_digest(entry.module)
    except (Exception, SystemExit) as error:
        # A stranger's code may raise anything.
        why = printable_line(f"{type(error).__name__}: {error}", _LONGEST)
        raise FamilyError(f"{about}: cannot be loaded: {why}") from error
    if fault:
        raise FamilyError(f"{about}: {entry.value}: {fault}")
    return found, FamilyCode(distribution=distribution, version=version, digest=digest)


def normalised(distribution: str) -> str:
    """A distribution's name in the one spelling that all its spellings mean."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _entry(name: str, distribution: str, about: str) -> tuple[metadata.EntryPoint, str]:
    """The one entry point of that name, and the distribution's version. Nothing is imported."""
    try:
        installed = metadata.distribution(distribution)
        offered = [each for each in installed.entry_points if each.group == GROUP]
        version = printable_line(installed.version, _LONGEST)
    except metadata.PackageNotFoundError:
        raise FamilyError(
            f"{about}: no such distribution is installed; install it beside Touchstone, or take "
            "the family out"
        ) from None
    except Exception as error:
        why = printable_line(f"{type(error).__name__}: {error}", _LONGEST)
        raise FamilyError(f"{about}: its metadata cannot be read: {why}") from error
    found = [each for each in offered if each.name == name]
    if len(found) != 1:
        names = printable_line(", ".join(sorted({each.name for each in offered})), _LONGEST)
        what = "is offered more than once there" if found else f"it offers {names or 'no family'}"
        raise FamilyError(f"{about}: {what} (entry points of the group {GROUP})")
    return found[0], version


def _faults(name: str, found: Any) -> Iterator[str]:
    """Why what was loaded is not the family; later reasons rest on there being none before."""
    if isinstance(found, type):
        yield f"is the class {found.__name__}: name its one instance"
    yield from (
        f"is no family: it has no text {each!r}"
        for each in _TEXTS
        if not isinstance(getattr(found, each, None), str)
    )
    if found.name != name:
        yield f"calls itself {found.name!a}"
    if not found.version:
        yield "its version is empty"
    for each, most in (("version", 64), ("cheat", 400)):
        if unseen(getattr(found, each)) or len(getattr(found, each)) > most:
            yield f"its {each} is not one line of plain text of at most {most} characters"
    if found.least_grade not in GRADES:
        yield f"its least_grade is none of {', '.join(GRADES)}"
    needs = getattr(found, "needs", None)
    if not isinstance(needs, tuple) or not all(isinstance(each, str) for each in needs):
        yield "its needs are no tuple of programs' names"
    if not callable(getattr(found, "generate", None)):
        yield "is no family: it has no function 'generate'"
    yield _item_fault(name, found)


def _item_fault(name: str, family: Family) -> str:
    item: object = family.generate(0, MIN_DIFFICULTY)
    if not isinstance(item, Item):
        return f"generate gives a {type(item).__name__} and no Item"
    if (item.id, item.family) != (item_id(name, 0, MIN_DIFFICULTY), name):
        return f"generate gives the item {item.id!a} of {item.family!a} for seed 0"
    if item.version != family.version:
        return f"its items are of version {item.version!a}, and it says {family.version!a}"
    return ""
