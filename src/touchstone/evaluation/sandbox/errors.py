"""What can go wrong with a sandbox.

The tree::

TouchstoneError
├── SandboxError               the sandbox itself failed
│   ├── SandboxLaunchError     it did not start
│   ├── SandboxGoneError       it ended while it was needed
│   └── CopyOutRefusedError    a file was not fit to leave it
└── AnswerIsNoError
    └── SandboxGradeError      this machine cannot give the grade that was asked for
"""

from touchstone.errors import AnswerIsNoError, TouchstoneError


class SandboxError(TouchstoneError):
    """The sandbox itself failed, as opposed to a program in it."""


class SandboxLaunchError(SandboxError):
    """The sandbox did not start; the text says what its launcher said."""


class SandboxGoneError(SandboxError):
    """The sandbox ended, or stopped answering, while it was needed."""


class CopyOutRefusedError(SandboxError):
    """A file was not fit to leave the sandbox: a link, not regular, too large, a strange name."""


class SandboxGradeError(AnswerIsNoError):
    """This machine cannot give the grade that was asked for; the text says how to fix it."""
