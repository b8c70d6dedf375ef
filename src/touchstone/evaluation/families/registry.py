"""The families that come with Touchstone, by name, with their solvers.

A family is imported when it is first asked for. Which families an installation has, these and
those of packages, is `touchstone.evaluation.families.loading`.
"""

import re
from functools import cache
from importlib import import_module
from importlib.resources import files

from touchstone.evaluation.families.base import Family, Item
from touchstone.evaluation.families.naming import parse_item_id
from touchstone.evaluation.families.scripted_solver import Solvers

# Each package offers its one instance as `FAMILY`, and its solvers in `solvers.strategies`.
MODULES = {
    "memory-safety": "touchstone.evaluation.families.memory_safety",
    "web-injection": "touchstone.evaluation.families.web_injection",
    "payment-logic": "touchstone.evaluation.families.payment_logic",
    "tariff-flaws": "touchstone.evaluation.families.tariff_flaws",
    "batch-desk": "touchstone.evaluation.families.batch_desk",
    "planted-packages": "touchstone.evaluation.families.planted_packages",
}
ON_REQUEST = ("planted-packages",)
"""Families that need assets: an installation has them where its configuration names them."""


def family_names() -> tuple[str, ...]:
    """Names of the shipped families that every installation has, in the order of the registry."""
    return tuple(name for name in MODULES if name not in ON_REQUEST)


def assets_of_family(name: str) -> bytes | None:
    """The list of assets of a shipped family; None: there is no such family, or it needs none."""
    if name not in MODULES:
        return None
    listed = files(MODULES[name]).joinpath("assets.toml")
    return listed.read_bytes() if listed.is_file() else None


@cache
def get_family(name: str) -> Family:
    """The shipped family of that name.

    Raises:
        ValueError: no shipped family has the name.
    """
    if name not in MODULES:
        raise ValueError(f"no family is named {name!r}; there are {', '.join(MODULES)}")
    family: Family = import_module(MODULES[name]).FAMILY
    return family


@cache
def solvers_of(name: str) -> Solvers:
    """The two scripted solvers of the family of that name.

    They work on files through shell commands only, and see no seed, judge or reference.
    """
    module = import_module(f"{MODULES[name]}.solvers.strategies")
    solvers = module.SOLVERS
    if not isinstance(solvers, Solvers):
        raise TypeError(f"{module.__name__}.SOLVERS is no Solvers")
    return solvers


def solvers_for(prompt: str) -> Solvers | None:
    """The solvers of the family that the prompt names first, or None."""
    named = re.search(rf"(?<![\w-])({'|'.join(map(re.escape, MODULES))})(?![\w-])", prompt)
    return solvers_of(named[1]) if named else None


def generate(identity: str) -> Item:
    """The item of an id, made again.

    Raises:
        ValueError: the text is no id of an item of a shipped family.
    """
    name, seed, difficulty = parse_item_id(identity)
    return get_family(name).generate(seed, difficulty)
