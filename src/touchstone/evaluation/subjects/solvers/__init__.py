"""Scripted solvers, one module a family, found by the family's name in the prompt.

They work on files through shell commands only; they never see a seed, a judge or a reference.
"""

import re
from functools import cache
from importlib import import_module

from touchstone.evaluation.subjects.solvers.base import Solvers

# A module is imported when a prompt first names its family.
MODULES = {
    "memory-safety": "memory_safety",
    "web-injection": "web_injection",
    "payment-logic": "payment_logic",
}


@cache
def solvers_of(family: str) -> Solvers:
    """The two solvers of a family named in MODULES."""
    module = import_module(f"touchstone.evaluation.subjects.solvers.{MODULES[family]}")
    solvers = module.SOLVERS
    if not isinstance(solvers, Solvers):
        raise TypeError(f"{module.__name__}.SOLVERS is no Solvers")
    return solvers


def solvers_for(prompt: str) -> Solvers | None:
    """The solvers of the family that the prompt names first, or None."""
    named = re.search(rf"(?<![\w-])({'|'.join(map(re.escape, MODULES))})(?![\w-])", prompt)
    return solvers_of(named[1]) if named else None
