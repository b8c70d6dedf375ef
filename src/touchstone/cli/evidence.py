"""`touchstone evidence`: what a party declares where nobody measures."""

from pathlib import Path
from typing import Literal

from cyclopts import App

from touchstone.cli.hands import HERE, CaseId, Where, act
from touchstone.cli.typed import bytes_of, line_of, name_of

evidence = App(name="evidence", help="Declare what a criterion without a number asks for.")


@evidence.command
def declare(
    case: CaseId,
    criterion: str,
    file: Path,
    *,
    shows: Literal["met", "not-met", "inconclusive"],
    media_type: str = "application/octet-stream",
    name: str | None = None,
    where: Where = HERE,
) -> int:
    """Declare what evidence shows for a criterion without a number, by the developer's key.

    It is the developer's word and is shown as that: nobody measured it. The evidence goes with it.

    For example: touchstone evidence declare 3f2a incident-response plan.pdf --shows not-met
    --media-type application/pdf

    Args:
        criterion: The framework's criterion, by its id.
        file: The evidence.
        shows: What it shows, as the developer reads it.
        media_type: What kind of file it is.
        name: What readers are told that it is called; default: the file's name.
    """
    from touchstone.deeds.designation import evidence_declared

    about, data = name_of("CRITERION", criterion), bytes_of(file)
    kind, called = line_of("--media-type", media_type), line_of("--name", name or file.name)
    return act(
        where,
        case,
        lambda known: evidence_declared(known, known.by, about, shows, data, kind, called),
        role="developer",
    )
