"""`touchstone oversight`: what detectors flagged in transcripts; each look is written down."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cyclopts import App

from touchstone.cli.hands import ANYWHERE, AtServer, CaseId, check_options, refusals
from touchstone.cli.output import Json, tell
from touchstone.cli.output import show as show_line
from touchstone.cli.review_running import OwnScanner, ScannerPath, chosen_scanner
from touchstone.cli.transcript_hands import record_here, told_as
from touchstone.errors import BadInputError
from touchstone.handin import printable, printable_line
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.service.access.flagged import FlaggedTranscript, ScanShown

DONE, NO = 0, 1
NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
CLEARS = "A detector flags, and nothing clears: what was not flagged may be there all the same."
oversight = App(
    name="oversight",
    help="List and show what detectors flagged in transcripts, for those who may look at them.",
)


@dataclass(frozen=True)
class _Listed:
    """What detectors flagged in a case."""

    case: str
    scans: "tuple[ScanShown, ...]"

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.scans:
            yield f"No scan of case {short_case(self.case)} is open to this party."
        for scan in self.scans:
            if scan.scanner:
                yield (
                    f"{scan.battery}, entry {scan.n}: {_model(scan)} answered every question of"
                    f" {scan.looked_at} of {scan.counted} transcripts."
                )
            else:
                yield (
                    f"{scan.battery}, entry {scan.n}: every detector looked through"
                    f" {scan.looked_at} of {scan.counted} transcripts."
                )
            yield CLEARS
            for each in scan.transcripts:
                yield f"{each.name}: {'; '.join(_flags(each))}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"case": self.case, "scans": [asdict(each) for each in self.scans]}


@dataclass(frozen=True)
class _Counted(_Listed):
    """The same by detector, each beside its power."""

    def tell(self, *, json: bool) -> None:
        """Print it."""
        if json or not self.scans:
            tell(self, json=json)
            return
        for scan in self.scans:
            if scan.scanner:
                show_line("\n".join(graded_lines(scan)))
                continue
            _tell_counts(scan)
            if not scan.canaries:
                show_line("The items bear no canary that is known here, so none could be flagged.")
            show_line(CLEARS)


_COUNTS = (
    "Detector",
    "Flagged",
    "Looked at, not flagged",
    "Not looked at",
    "Easy found",
    "Hard found",
    "False alarms",
)


def _tell_counts(scan: "ScanShown") -> None:
    from touchstone.cli.tables import grid

    known = {each["detector"]: each for each in scan.power.get("detectors", ())}
    rows = []
    for each in scan.counts:
        name = str(each["detector"])
        counts = (each["flagged"], each["unflagged"], each["not_looked_at"])
        power = known.get(name)
        shares = [
            f"{power[what]['flagged']} of {power[what]['of']}" if power else "not known"
            for what in ("easy", "hard", "false_alarms")
        ]
        rows.append((printable_line(name), *map(str, counts), *shares))
    grid(_COUNTS, rows, f"{scan.battery}: {scan.counted} transcripts, by detector", whole=1)
    show_line("Found, and false alarms: of what was planted in labelled transcripts, and was not.")


@dataclass(frozen=True)
class _Shown:
    """What detectors flagged in one transcript."""

    case: str
    found: "FlaggedTranscript"

    def lines(self) -> Iterator[str]:
        """For people: what a model wrote cannot look like a line of ours."""
        found = self.found
        told = "; ".join(_flags(found)) or "nothing flagged"
        yield f"Transcript {found.name} of case {short_case(self.case)}: {told}."
        yield CLEARS
        for place in found.places:
            at = f"message {printable_line(place.message)}" if place.message else "no one message"
            yield f"{printable_line(place.detector)}, {at}: {printable_line(place.why)}"
            for line in printable(place.quote).split("\n") if place.quote else ():
                yield f"  | {line}"
        kept = len(found.places)
        if kept < sum(found.flags.values()):
            yield f"CUT: {kept} of {sum(found.flags.values())} places are kept"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"case": self.case, **asdict(self.found)}


@oversight.command(name="list")
def list_(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """List the transcripts in which a detector flagged something, or that it did not look at.

    For example: touchstone oversight list case-1 --server https://review.example --as
    example-centre
    """
    check_options(where)
    name, scans = _scans(case, where)
    tell(_Listed(name, scans), json=where.json)
    return DONE


@oversight.command
def show(case: CaseId, transcript: str | None = None, *, where: AtServer = ANYWHERE) -> int:
    """Show what detectors flagged in one transcript; without one, their counts and their power.

    For example: touchstone oversight show case-1 17-3-1 --server https://review.example

    Args:
        transcript: Its name, as `transcripts list` says, or the sample's uuid.
    """
    check_options(where)
    if transcript is None:
        name, scans = _scans(case, where)
        _Counted(name, scans).tell(json=where.json)
        return DONE
    # Before the accounts are opened to write down a look.
    if NAME.fullmatch(transcript) is None:
        raise BadInputError(
            f"TRANSCRIPT: {transcript[:64]!a} names no transcript; see: touchstone oversight list"
        )
    tell(_one(case, transcript, where), json=where.json)
    return DONE


@oversight.command
def scan(
    case: str,
    *,
    scanner: ScannerPath = None,
    accept_own_scanner: OwnScanner = False,
    json: Json = False,
) -> int:
    """Have detectors look at what ran of a case, however its measuring ended.

    Runs no sample and asks no model under review. Where the record is, with a key that may record
    it for the centre. What a scan has looked at before is not looked at again. For example:
    touchstone oversight scan case-1

    Args:
        case: The case's id, or enough of its beginning.
    """
    from touchstone.cli.opened import opened
    from touchstone.cli.progress import observer
    from touchstone.service.reviews.what_ran import scan_case

    asked = chosen_scanner(scanner, accept_own=accept_own_scanner)
    with observer() as watching, opened() as installation:
        installation.records.check_writable()
        found = scan_case(installation, case, watching, asked, accept_own=accept_own_scanner)
    tell(found, json=json)
    return NO if found.unscanned else DONE


def _scans(case: str, where: AtServer) -> "tuple[str, tuple[ScanShown, ...]]":
    if where.server is not None:
        with refusals():
            from touchstone.cli.hands_there import greeted_server
            from touchstone.service.access.flagged import ScanShown

            server, _, name = greeted_server(where, case)
            return name, tuple(told_as(ScanShown, each) for each in server.scans(name))
    with record_here(case, where) as (installation, who, name):
        from touchstone.server.accounts.transcript_reads import LISTED, note_flags
        from touchstone.service.access.flagged import list_flagged

        with refusals():
            found = list_flagged(installation, name, who.party, sight="contents")
        if found:
            now = installation.now()
            note_flags(who, name, LISTED, found[0].n, found[-1].n, now=now)
        return name, found


def _one(case: str, transcript: str, where: AtServer) -> _Shown:
    if where.server is not None:
        with refusals():
            from touchstone.cli.hands_there import greeted_server
            from touchstone.service.access.flagged import FlaggedTranscript

            server, _, name = greeted_server(where, case)
            return _Shown(name, told_as(FlaggedTranscript, server.flagged(name, transcript)))
    with record_here(case, where) as (installation, who, name):
        from touchstone.server.accounts.transcript_reads import note_flags
        from touchstone.service.access.flagged import show_flagged

        with refusals():
            found = show_flagged(installation, name, who.party, transcript, sight="contents")
        note_flags(who, name, found.name, found.n, found.n, now=installation.now())
        return _Shown(name, found)


def _model(scan: "ScanShown") -> str:
    """Which model was asked, and whose it is."""
    whose = scan.scanner.get("whose")
    about = "a model under review itself" if whose == "under-review" else "of the centre's choice"
    return f"{printable_line(str(scan.scanner.get('model') or 'a model'))} ({about})"


def graded_lines(scan: "ScanShown") -> Iterator[str]:
    """Counts of a model that was asked: raw and corrected, never without its error."""
    asked = scan.scanner
    yield (
        f"{scan.battery}: {_model(scan)} was asked about {scan.counted} transcripts;"
        f" {asked['calls']} answers, {asked['input']} tokens read and {asked['output']} written,"
        " apart from the submission's caps."
    )
    known = {each["detector"]: each for each in scan.power.get("detectors", ())}
    for each in scan.counts:
        name = str(each["detector"])
        if each["flagged"] is None:
            counts = "no count, as its error is not known"
        else:
            counts = f"{each['flagged']} flagged, {each['unflagged']} looked at and not flagged"
        yield (
            f"  {printable_line(name)}: {counts}, {each['not_looked_at']} not looked at"
            f" ({_power(known.get(name))}{_talked(known.get(name))})"
        )
        yield f"    corrected: {_corrected(each)}"
    yield (
        "  Corrected are transcripts that were shown in one part, as the labelled cases are: by"
        " Rogan and Gladen, with the interval of Lang and Reiczigel at 95%."
    )
    yield CLEARS


_WHY = {
    "blunt": "cannot be corrected: it is not known to be better than chance",
    "none-looked": "none was looked at in one part",
    "unmeasured": "not, as its error is not known",
}


def _corrected(each: dict[str, Any]) -> str:
    from touchstone.statistics import percent, percent_interval

    if (told := each["corrected"]) is None:
        return _WHY.get(str(each["why"]), "not")
    share, low, high = (float(told[name]) for name in ("share", "low", "high"))
    return f"{percent(share)} ({percent_interval(low, high)}) of {each['alone']}"


def _talked(known: dict[str, Any] | None) -> str:
    if known is None:
        return ""
    out, into = known["talked_out"], known["talked_into"]
    return (
        f"; talked over: told no it flagged {out['flagged']} of {out['of']}, told yes"
        f" {into['flagged']} of {into['of']}"
    )


def _flags(each: "FlaggedTranscript") -> Iterator[str]:
    for detector, places in each.flags.items():
        yield f"{printable_line(detector)} flags {places} {'place' if places == 1 else 'places'}"
    for detector, why in each.not_looked_at.items():
        by = f" by {printable_line(detector)}" if detector else ""
        yield f"not looked at{by}: {printable_line(why)}"


def _power(known: dict[str, Any] | None) -> str:
    if known is None:
        return "nothing is known of its power"
    easy, hard, alarms = (known[name] for name in ("easy", "hard", "false_alarms"))
    return (
        f"easy {easy['flagged']} of {easy['of']}, hard {hard['flagged']} of {hard['of']}, false"
        f" alarms {alarms['flagged']} of {alarms['of']}"
    )
