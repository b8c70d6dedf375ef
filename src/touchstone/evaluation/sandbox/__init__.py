"""An Inspect sandbox on bubblewrap: one that lasts for a sample, and a separate one for its judge.

It names what this machine can hold back and what it noticed; it does not promise more than a shared
kernel can, and it judges nothing about a subject. What needs Inspect, `provider.TouchstoneSandbox`,
is imported from its own module.
"""

from touchstone.evaluation.sandbox.config import (
    GRADES,
    Grade,
    SandboxConfig,
    at_least,
)
from touchstone.evaluation.sandbox.errors import (
    CopyOutRefusedError,
    SandboxError,
    SandboxGoneError,
    SandboxGradeError,
    SandboxLaunchError,
)
from touchstone.evaluation.sandbox.events import (
    GuardHits,
    events_of,
    on_event,
)
from touchstone.evaluation.sandbox.preflight import Guard, Preflight, preflight

__all__ = [
    "GRADES",
    "CopyOutRefusedError",
    "Grade",
    "Guard",
    "GuardHits",
    "Preflight",
    "SandboxConfig",
    "SandboxError",
    "SandboxGoneError",
    "SandboxGradeError",
    "SandboxLaunchError",
    "at_least",
    "events_of",
    "on_event",
    "preflight",
]
