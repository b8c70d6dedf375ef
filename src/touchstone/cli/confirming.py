"""What is asked before something that cannot be taken back."""

import sys
from collections.abc import Iterable

from touchstone.cli.output import ask, warn
from touchstone.errors import AnswerIsNoError


class NotConfirmedError(AnswerIsNoError):
    """Nobody said yes; nothing was done."""


def unconfirmed(question: str, what: str) -> str:
    """Why it is not to be done, in a few words; empty: it was confirmed.

    `what` is what `--yes` does without asking, as `destroy`.
    """
    # A script that pipes something into this must not do by accident what begins with y.
    if not sys.stdin.isatty():
        return f"this asks on a terminal, and stdin is none; add --yes to {what} without asking"
    ask(question)
    said = sys.stdin.readline().strip().lower()
    return "" if said in {"y", "yes"} else "it was not confirmed"


def confirm(shown: Iterable[str], question: str, what: str, done: str) -> None:
    """Show what is about to be done, and ask; raises NotConfirmedError.

    `done` is what then did not happen, as `nothing was signed`.
    """
    for line in shown:
        warn(line)
    if no := unconfirmed(question, what):
        raise NotConfirmedError(f"{done}: {no}")
