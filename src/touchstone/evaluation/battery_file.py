"""A battery file: which item sets a review measures with, from families of tasks and from packs.

`battery.toml` holds no secret: the items follow from a seed that is drawn when the battery is
sealed, and the file's SHA-256 is registered with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from touchstone.evaluation.batteries import MAX_ATTEMPTS, MAX_ITEMS
from touchstone.evaluation.digests import Frozen, digest_bytes
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.errors import PlanError
from touchstone.evaluation.packs.manifest import Id, Line
from touchstone.evaluation.profiles import load_elicitation
from touchstone.evaluation.sandbox.config import Grade
from touchstone.evaluation.set_choices import ExpectedCost, SetLimits
from touchstone.evaluation.submission import Mode, load_submission
from touchstone.evaluation.toml_models import model_in_toml
from touchstone.evaluation.untrusted_input import read_bounded
from touchstone.handin import Bounds, Origin

FORMAT: Literal["touchstone battery 1"] = "touchstone battery 1"
MAX_FILE = 256 * 1024
MAX_SETS = 200
SUBJECT = "subject"
_Level = Literal["1", "2", "3", "4", "5"]


class SetText(Frozen):
    """One item set, as it is written."""

    criterion: Line
    """The criterion of the framework that it decides; another name: it is measured beside them."""
    id: Id | None = None
    """A plain name; None: the criterion's."""
    family: Id | None = None
    """A family of tasks that this installation names."""
    pack: Id | None = None
    """Or a registered pack that it names."""
    items: Annotated[int, Field(ge=1, le=MAX_ITEMS)] | None = None
    """How many items: of a family spread evenly over the difficulties; None: as usual, or all."""
    counts: Mapping[_Level, Annotated[int, Field(ge=1, le=MAX_ITEMS)]] | None = None
    """Or how many of each difficulty, of a family."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 1
    """How often each item is tried; the first attempt decides."""
    least_grade: Grade | None = None
    """The weakest sandbox that will do, where the family's card would take a weaker one."""
    limits: SetLimits = SetLimits()
    """Of one sample; what is not said is as the pack or the elicitation has it."""
    roles: Annotated[Mapping[Id, Line], Field(max_length=8)] = {}
    """By role a file like a SUBMISSION.toml, whose first mode is the model that the pack asks."""
    cost: ExpectedCost | None = None
    """What a sample is expected to take, for `touchstone plan`."""
    elicitation: Line | None = None
    """How the model is drawn out on this set: a shipped name, or a file beside this one that ends
    in .toml; None: as on the others."""

    @property
    def name(self) -> str:
        """Its id."""
        return self.id or self.criterion

    @property
    def source(self) -> str:
        """The family's name, or the pack's."""
        return self.pack or self.family or ""

    @model_validator(mode="after")
    def _possible(self) -> "SetText":
        if (self.family is None) == (self.pack is None):
            raise ValueError("family, pack: write one of the two")
        if self.items is not None and self.counts is not None:
            raise ValueError("items, counts: write one of the two")
        if self.counts is not None and (self.pack is not None or not self.counts):
            raise ValueError("counts: are of a family's levels, 1 to 5; write items")
        if self.roles and self.pack is None:
            raise ValueError("roles: a family's judge asks no model; take them out")
        if SUBJECT in self.roles:
            raise ValueError("roles: the subject is the submission's alone; take it out")
        if self.elicitation is not None and self.pack is not None:
            raise ValueError("elicitation: a pack's own agent works on its items; take it out")
        if fault := self.limits.unlike_a_family() if self.pack is None else "":
            raise ValueError(f"limits.{fault}: is a pack's alone; take it out")
        return self


class BatteryText(Frozen):
    """A whole file."""

    format: Literal["touchstone battery 1"]
    id: Id
    description: Annotated[str, Field(max_length=4000)] = ""
    elicitation: Id | None = None
    """How the model is drawn out on sets that name none, by a shipped name; None: as usual, or as
    the command says."""
    sets: Annotated[tuple[SetText, ...], Field(min_length=1, max_length=MAX_SETS)]

    @model_validator(mode="after")
    def _distinct(self) -> "BatteryText":
        for what in ("name", "criterion"):
            seen: set[str] = set()
            for each in self.sets:
                if (value := getattr(each, what)) in seen:
                    said = "id" if what == "name" else what
                    raise ValueError(f"sets: the {said} {value!r} is there twice: join the two")
                seen.add(value)
        return self


@dataclass(frozen=True)
class ChosenBattery:
    """A battery file with the models that it names."""

    text: BatteryText
    digest: str
    """SHA-256 of the file as it lies there."""
    roles: Mapping[str, Mapping[str, Mode]] = field(default_factory=dict)
    """By set and role the model that is asked."""
    elicitations: Mapping[str, Elicitation] = field(default_factory=dict)
    """By set, where the file names one."""


def parse_battery(data: bytes, name: str = "battery.toml") -> BatteryText:
    """Read a battery file; `name` is what the error calls it.

    Raises:
        PlanError: it cannot be used. One line, naming the key and the fix.
    """
    origin = Origin(name, PlanError)
    return model_in_toml(BatteryText, data, origin, Bounds(MAX_FILE))


def load_battery(path: Path) -> ChosenBattery:
    """Read a battery file, and the files that it names, beside or below it.

    Raises:
        PlanError: it cannot be used.
        ElicitationError: an elicitation that it names cannot be used.
        SubmissionError: a file cannot be read, or a model's cannot be used.
    """
    data = read_bounded(path, MAX_FILE)
    text = parse_battery(data, path.name)
    roles = {
        each.name: {
            role: load_submission(path.parent / name).modes[0] for role, name in each.roles.items()
        }
        for each in text.sets
    }
    named = {each.name: each.elicitation for each in text.sets if each.elicitation is not None}
    elicitations = {name: load_elicitation(_beside(path, how)) for name, how in named.items()}
    return ChosenBattery(text, digest_bytes(data), roles, elicitations)


def _beside(path: Path, chosen: str) -> str:
    return str(path.parent / chosen) if chosen.endswith(".toml") else chosen
