"""`touchstone evidence`: what a party declares where nobody measures, and what others measured."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from touchstone.cli.hands import HERE, CaseId, Where, act
from touchstone.cli.typed import bytes_of, line_if, line_of, name_of

evidence = App(
    name="evidence",
    help="Declare what a criterion without a number asks for, and bring others' logs.",
)


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


@evidence.command(name="import")
def import_(
    case: CaseId,
    log: Path,
    *,
    whose: str,
    tool: str,
    tool_version: str | None = None,
    criterion: str | None = None,
    name: str | None = None,
    reader: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    where: Where = HERE,
) -> int:
    """Bring an Inspect log that others made: Petri's, ControlArena's, or any other.

    It stands in the record with its digest, whose it is, what it says and what was changed in it
    afterwards, and is shown as their statement: it counts for nothing that is measured here. It is
    read in a process apart, within bounds; what is too large is not looked at, and that is said.

    For example: touchstone evidence import 3f2a petri.eval --whose "Example Evaluator" --tool Petri
    --tool-version 2.1 --criterion control-of-own-agents

    Args:
        log: The log, a .eval file of at most 64 MiB.
        whose: Who made it.
        tool: What made it.
        tool_version: Its version.
        criterion: The framework's criterion that it bears on, if one.
        name: What readers are told that it is called; default: the file's name.
        reader: Who may read it beside developer and centre; may be given again. Default: every
            party of the case.
    """
    from touchstone.clearance import tlp
    from touchstone.deeds.telling import outside_evidence_imported
    from touchstone.evaluation.outside_logs.reading import read_outside_log

    told = {
        "whose": line_of("--whose", whose),
        "tool": line_of("--tool", tool),
        "version": line_if("--tool-version", tool_version) or "",
    }
    about = None if criterion is None else name_of("--criterion", criterion)
    called = line_of("--name", name or log.name)
    readers = tuple(name_of("--reader", each) for each in reader)
    data = bytes_of(log)
    said = {**told, **read_outside_log(data, str(log))}
    return act(
        where,
        case,
        lambda known: outside_evidence_imported(
            known,
            known.by,
            said,
            data,
            called,
            about,
            tlp("AMBER+STRICT", *dict.fromkeys((*known.marks.pair.parties, known.by, *readers)))
            if readers
            else None,
        ),
        role="centre",
    )
