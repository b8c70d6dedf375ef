"""Which transcripts there are, as a table that can be narrowed."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from touchstone.cli.output import show, show_json
from touchstone.cli.tables import grid
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.service.access.transcripts import ShownTranscript

_COLUMNS = ("Transcript", "Set", "Item", "Attempt", "Run", "Result", "Marks")


@Parameter(name="*")
@dataclass(frozen=True)
class Narrowed:
    """Of which transcripts the list is; default: all that are open."""

    criterion: Annotated[str | None, Parameter(help="Only of this criterion's set.")] = None
    mode: Annotated[str | None, Parameter(help="Only of this mode.")] = None
    result: Annotated[
        str | None, Parameter(help="Only with this result, as solved, unsolved or cut.")
    ] = None
    flagged: Annotated[
        bool, Parameter(negative="", help="Only those in which a detector flagged something.")
    ] = False

    def takes(self, each: "ShownTranscript") -> bool:
        """Whether it is of those that are asked for."""
        asked = (self.criterion, self.mode, self.result)
        said = (each.criterion, each.mode, each.result)
        named = all(want in {None, have} for want, have in zip(asked, said, strict=True))
        return named and (bool(each.flagged) or not self.flagged)


ALL = Narrowed()


@dataclass(frozen=True)
class ListedTranscripts:
    """The transcripts of a case that somebody may look at."""

    case: str
    found: "tuple[ShownTranscript, ...]"
    destroyed: bool
    narrowed: Narrowed = field(default=ALL)

    def tell(self, *, json: bool) -> None:
        """Print it."""
        rows = [each for each in self.found if self.narrowed.takes(each)]
        if json:
            show_json(self._as_dict(rows))
        elif self.destroyed:
            show(f"Case {short_case(self.case)} was destroyed, with its transcripts.")
        elif not self.found:
            show(f"No transcript of case {short_case(self.case)} is open to this party.")
        else:
            self._tell_rows(rows)

    def _as_dict(self, rows: "list[ShownTranscript]") -> dict[str, Any]:
        told = [asdict(each) for each in rows]
        return {"case": self.case, "destroyed": self.destroyed, "transcripts": told}

    def _tell_rows(self, rows: "list[ShownTranscript]") -> None:
        if rows:
            grid(_COLUMNS, [_row(each) for each in rows], whole=1)
        flagged = sum(bool(each.flagged) for each in rows)
        of = f"{len(rows)} of {len(self.found)}" if self.narrowed != ALL else f"{len(rows)}"
        show(f"{of} transcripts, {flagged} of them flagged by a detector, which clears no other.")
        if rows:
            show(f"To read one: touchstone transcripts show {short_case(self.case)} {rows[0].name}")


def _row(each: "ShownTranscript") -> tuple[str, ...]:
    marks = [f"FLAGGED by {', '.join(each.flagged)}"] if each.flagged else []
    marks += [] if each.readable == "yes" else [each.readable]
    return (
        each.name,
        each.criterion,
        str(each.position),
        str(each.attempt),
        f"{each.variant}, {each.mode}",
        each.result,
        "; ".join(marks),
    )
