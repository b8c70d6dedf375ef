"""How deeds were drafted: by which function, of what; so that others can draft them anew."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import FunctionType
from typing import Any

import pytest

from touchstone.deeds import access, cases, designation, measurement, reporting, seeding, telling
from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import KnownCase

FEATURES = (access, cases, designation, measurement, reporting, seeding, telling)


@dataclass(frozen=True)
class Call:
    """A call of a deed's function, but for the case that it was given."""

    function: Callable[..., Deed]
    args: tuple[Any, ...]
    named: dict[str, Any]

    def again(self, case: KnownCase) -> Deed:
        """The deed as it is drafted of what is known elsewhere."""
        return self.function(case, *self.args, **self.named)


@dataclass
class Calls:
    """The calls of deeds' functions, by what they gave."""

    made: list[tuple[Deed, Call]] = field(default_factory=list)

    def of(self, deed: Deed) -> Call | None:
        """The call that gave this very draft; None where no function of a deed did."""
        return next((call for draft, call in self.made if draft is deed), None)


def functions() -> list[FunctionType]:
    """The functions of deeds."""
    return [
        each
        for feature in FEATURES
        for name, each in vars(feature).items()
        if isinstance(each, FunctionType)
        and each.__module__ == feature.__name__
        and not name.startswith("_")
        and each.__annotations__.get("return") is Deed
    ]


@contextmanager
def noted_calls() -> Iterator[Calls]:
    """Note every call, whichever module makes it, while the block lasts."""
    calls = Calls()
    instead = {id(each): _noting(each, calls) for each in functions()}
    with pytest.MonkeyPatch.context() as patch:
        ours = [
            module
            for name, module in [*sys.modules.items()]
            if name.partition(".")[0] in ("touchstone", "support")
        ]
        for module in ours:
            for name, value in [*vars(module).items()]:
                if id(value) in instead and value is not instead[id(value)]:
                    patch.setattr(module, name, instead[id(value)])
        yield calls


def _noting(function: FunctionType, calls: Calls) -> Callable[..., Deed]:
    @wraps(function)
    def noting(case: KnownCase, *args: Any, **named: Any) -> Deed:
        deed: Deed = function(case, *args, **named)
        calls.made.append((deed, Call(function, args, named)))
        return deed

    return noting
