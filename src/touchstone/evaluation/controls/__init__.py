"""Named controls behind a real OpenAI-compatible HTTP server on loopback.

They are subjects with known properties, not models: they know nothing of reviews and keep no state.
"""

from touchstone.evaluation.controls.errors import SubjectError, SubjectInputError
from touchstone.evaluation.controls.launch import Subject, start_subject
from touchstone.evaluation.families.scripted_solver import (
    CommandResult,
    RunCommand,
    Say,
    Solvers,
    Step,
    Strategy,
    Transcript,
)

__all__ = [
    "CommandResult",
    "RunCommand",
    "Say",
    "Solvers",
    "Step",
    "Strategy",
    "Subject",
    "SubjectError",
    "SubjectInputError",
    "Transcript",
    "start_subject",
]
