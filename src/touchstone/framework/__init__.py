"""The voluntary standard as data: who takes part, how long, what is asked, on whose word.

It reads no file, knows no case, counts no clock, and never chooses between claims that conflict.

Begin at `touchstone.framework.parse`: `parse_framework(text, source)`.

With a file that ships::

    >>> from importlib.resources import files
    >>> path = files("touchstone.framework") / "shipped" / "example.toml"
    >>> parse_framework(path.read_text("utf-8"), "example.toml").gate
    'none'
"""

from touchstone.framework.compare import ComparedRow, compare, window_in_words
from touchstone.framework.errors import FrameworkError, FrameworkFileError
from touchstone.framework.framework import Framework
from touchstone.framework.kinds import (
    Anchor,
    DayUnit,
    Domain,
    FactStatus,
    Gate,
    LifeStage,
    Measure,
    ParticipationStatus,
    Power,
    Role,
    Thresholds,
    may_name,
    not_a_name,
)
from touchstone.framework.models import (
    Criterion,
    DeclaredCriterion,
    Designation,
    Fact,
    FrameworkParty,
    NumericCriterion,
    Participation,
    Stage,
    TermTemplate,
    Window,
)
from touchstone.framework.parse import framework_of, parse_framework

__all__ = [
    "Anchor",
    "ComparedRow",
    "Criterion",
    "DayUnit",
    "DeclaredCriterion",
    "Designation",
    "Domain",
    "Fact",
    "FactStatus",
    "Framework",
    "FrameworkError",
    "FrameworkFileError",
    "FrameworkParty",
    "Gate",
    "LifeStage",
    "Measure",
    "NumericCriterion",
    "Participation",
    "ParticipationStatus",
    "Power",
    "Role",
    "Stage",
    "TermTemplate",
    "Thresholds",
    "Window",
    "compare",
    "framework_of",
    "may_name",
    "not_a_name",
    "parse_framework",
    "window_in_words",
]
