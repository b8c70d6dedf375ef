"""All families by name. A family's module is imported when it is first asked for."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from touchstone.evaluation.families.base import Family, Item
from touchstone.evaluation.families.naming import parse_item_id

# Each module offers its one instance as `FAMILY`.
MODULES = {
    "memory-safety": "touchstone.evaluation.families.memory_safety",
    "web-injection": "touchstone.evaluation.families.web_injection",
    "payment-logic": "touchstone.evaluation.families.payment_logic",
}


def family_names() -> tuple[str, ...]:
    """Names of all families, in the order of the registry."""
    return tuple(MODULES)


@cache
def get_family(name: str) -> Family:
    """The family of that name.

    Raises:
        ValueError: no family has the name.
    """
    if name not in MODULES:
        raise ValueError(f"no family is named {name!r}; there are {', '.join(MODULES)}")
    family: Family = import_module(MODULES[name]).FAMILY
    return family


def families() -> Mapping[str, Family]:
    """The generators known here, by name."""
    return {name: get_family(name) for name in family_names()}


def generate(identity: str) -> Item:
    """The item of an id, made again.

    Raises:
        ValueError: the text is no id of an item of a registered family.
    """
    name, seed, difficulty = parse_item_id(identity)
    return get_family(name).generate(seed, difficulty)
