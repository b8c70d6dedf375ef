"""The command line. Exit 0: done. 1: the answer is no. 2: bad input, one line on stderr.

3, of `verify` alone: all holds, but the policy on witnesses is not met.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter
from cyclopts.argument import Argument

from touchstone import __version__
from touchstone.cli.accounts import accounts
from touchstone.cli.agreement import agreement
from touchstone.cli.assessment import assessment
from touchstone.cli.assets import assets
from touchstone.cli.battery import battery
from touchstone.cli.bench_options import AS_USUAL, BenchOptions
from touchstone.cli.calibrate import calibrate
from touchstone.cli.case import case, submission
from touchstone.cli.clock import clock
from touchstone.cli.confirming import confirm
from touchstone.cli.connecting import close_connections
from touchstone.cli.deed import deed
from touchstone.cli.designation import designation
from touchstone.cli.directive import directive
from touchstone.cli.document import document
from touchstone.cli.elicitation import elicitation
from touchstone.cli.estimate import estimate
from touchstone.cli.evidence import evidence
from touchstone.cli.finding import finding
from touchstone.cli.gateway import gateway
from touchstone.cli.hands import (
    ANYWHERE,
    HERE,
    AtServer,
    CaseId,
    Where,
    check_options,
    require_whole,
)
from touchstone.cli.inquiry import inquiry, participation
from touchstone.cli.keys import keys
from touchstone.cli.next_deeds import next_deeds
from touchstone.cli.notices import notices
from touchstone.cli.opened import opened
from touchstone.cli.option_names import sentence_of
from touchstone.cli.output import Json, show, show_json, tell, tell_facts, waiting, warn
from touchstone.cli.oversight import oversight
from touchstone.cli.pack import pack
from touchstone.cli.parity import parity
from touchstone.cli.party import party
from touchstone.cli.plan import plan
from touchstone.cli.postponement import postponement
from touchstone.cli.preparing import prepare_all
from touchstone.cli.process import leave, set_process_up
from touchstone.cli.questionnaire import questionnaire
from touchstone.cli.reads import reads
from touchstone.cli.release import release
from touchstone.cli.review_deeds import review
from touchstone.cli.review_running import review_measure, review_run
from touchstone.cli.seed import seed
from touchstone.cli.server import server
from touchstone.cli.serving import serve
from touchstone.cli.terms import terms
from touchstone.cli.transcripts import transcripts
from touchstone.cli.weights import weights
from touchstone.cli.witness import witness
from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError
from touchstone.handin import printable_line

DONE, NO, BAD = 0, 1, 2
INTERRUPTED, DEFECT = 130, 70
"""Not answers: Ctrl-C, and a fault of our own, which must not look like a no."""

app = App(
    name="touchstone",
    help="Pre-release review of frontier AI models under a voluntary framework.",
    version=__version__,
    suppress_keyboard_interrupt=False,
)
app.command(review)
review.command(review_run, name="run")
review.command(review_measure, name="measure")
for group in (accounts, directive, estimate, gateway, keys, notices, plan, release, terms, witness):
    app.command(group)
app.command(calibrate)
app.command(elicitation)
app.command(parity)
app.command(pack)
app.command(assets)
app.command(battery)
app.command(next_deeds, name="next")
app.command(serve)
for group in (agreement, case, deed, inquiry, participation, party, server, submission):
    app.command(group)
for group in (clock, finding, evidence, designation, document, postponement, reads, weights):
    app.command(group)
app.command(seed)
app.command(transcripts)
app.command(questionnaire)
app.command(assessment)
app.command(oversight)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    _open_streams()
    set_process_up()
    leave(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run one command; its exit code. Every refusal is one line on stderr, never a traceback."""
    try:
        # Its own way of ending a process would print in its own words and exit with 1, which here
        # is an answer.
        code = app(argv, exit_on_error=False, print_error=False, result_action="return_value")
        # Here, and not when the interpreter ends: a reader that has gone is no fault then.
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _refuse("interrupted; the same command goes on where this one stopped", INTERRUPTED)
    except (BrokenPipeError, SystemExit):
        # The reader went away (Rich then leaves with 1, which here is an answer): leave quietly,
        # and keep the interpreter from flushing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback
        return _refuse(*_answer(error))
    finally:
        close_connections()
    return code if isinstance(code, int) else DONE


def _answer(error: Exception) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    if isinstance(error, AnswerIsNoError):
        return sentence_of(error), NO
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        return _missing(error, error.argument), BAD
    if isinstance(error, TouchstoneError | CycloptsError):
        return sentence_of(error), BAD
    # A full disk or a missing right is the machine's, and no defect of ours: it is said with its
    # place.
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; fix that and run the same command again", BAD
    # File and line alone: what else a traceback tells is for us, and may hold a stranger's text.
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    what = f"{type(error).__name__} {str(error)[:300]} ({place})"
    return f"a defect in Touchstone itself, please report it: {what}", DEFECT


def _missing(error: MissingArgumentError, argument: Argument) -> str:
    """What has no value, as the reference calls it, and where its meaning stands."""
    option = argument.field_info.kind is argument.field_info.KEYWORD_ONLY
    name = argument.names[0]
    what = f"{name}: needs a value" if option else f"{name.strip('-').upper()}: is missing"
    return f"{what}; see {' '.join(('touchstone', *(error.command_chain or ())))} --help"


def _open_streams() -> None:
    """Let nothing fail for want of a stream, or for a file name that is not text."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # Without a stream, as under a service that closed them, the first line printed would be a
        # traceback.
        if stream is None:
            setattr(sys, name, StringIO())
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse(text: str, code: int) -> int:
    warn(f"touchstone: {printable_line(text)}")
    return code


@app.command
def demo(
    *,
    out: Path = Path("touchstone-demo"),
    items: Annotated[int | None, Parameter(help="Items per criterion and mode.")] = None,
    parties: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """A whole review, offline, against a local reference endpoint with control subjects.

    Args:
        out: Folder for the reports and bundles; it is made where it is missing.
        parties: Another one by many hands: a server, and six parties with keys of their own.
    """
    from touchstone.cli.progress import observer
    from touchstone.demo.parties.story import run_parties
    from touchstone.demo.story import run_demo

    if parties and items is not None:
        raise BadInputError("--items: goes with the demo on one machine, and not with --parties")
    with observer() as watching:
        result = run_parties(out, watching) if parties else run_demo(out, items, watching)
    for line in result.lines:
        show(line)
    return DONE


@review.command(name="list")
def review_list(*, where: AtServer = ANYWHERE) -> int:
    """List the cases of this installation; for a party, those that it has joined.

    For example: touchstone review list --server https://touchstone.example --as example-lab
    """
    from touchstone.cli import tables
    from touchstone.editions.case_summary import summarise
    from touchstone.editions.questions.case import before_joining, case_row
    from touchstone.service.cases.case_admin import list_cases

    check_options(where)
    begin = "touchstone review run SUBMISSION.toml"
    if where.server is None and where.party is None:
        with opened() as installation:
            rows = list_cases(installation)
    else:
        with where.hand as hand:
            seen = [hand.look(name) for name in hand.cases()]
        begin = "touchstone case open FRAMEWORK, or touchstone party join CASE once you are invited"
        rows = [
            case_row(each.id, summarise(each.id, each.state), invited=before_joining(each))
            for each in seen
        ]
    if where.json:
        show_json([row.as_dict() for row in rows])
    else:
        tables.cases(rows, begin)
    return DONE


@review.command(name="show")
def review_show(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """Show one case: status, clock, verdicts, attempts, scores, designation, timeline.

    In the record of this machine as its centre reads it; for a party, as that one does.

    For example: touchstone review show 3f2a
    """
    from touchstone.cli import tables
    from touchstone.editions.questions.attempts import attempts_standing
    from touchstone.editions.questions.case import before_joining, case_standing, happenings
    from touchstone.editions.questions.only_reported import reported_standing
    from touchstone.service.cases.case_admin import show_case

    check_options(where)
    if where.server is None and where.party is None:
        with opened() as installation:
            shown = show_case(installation, case)
    else:
        with where.hand as hand:
            known = hand.look(case)
        if before_joining(known):
            raise BadInputError(
                f"CASE: nothing of {known.id} is open to {known.by} before it joins: touchstone"
                f" party join {known.id}"
            )
        told = happenings(known, known.seen.hidden)
        tried = attempts_standing(known.state, known.entries_of)
        scores = reported_standing(known.state, known.entries_of)
        shown = case_standing(
            known.id,
            known.state,
            known.framework,
            told,
            known.now(),
            attempts=tried,
            reported=scores,
        )
    if where.json:
        show_json(shown.as_dict())
    else:
        tables.case(shown)
    return DONE


@review.command(name="destroy")
def review_destroy(
    case: CaseId,
    *,
    out: Path = Path(),
    reason: str = "to be destroyed",
    where: Where = HERE,
) -> int:
    """Destroy a case's content and evidence for ever; proofs stay, and a certificate is signed.

    Of a case that was destroyed before, what a crash or an open reader left undone is done, and the
    certificate is written again. By a server the centre signs for the certificate that the server
    drafted, and the server destroys: close the case before, and lift your halt. It cannot be
    undone: name the case by its whole id.

    For example: touchstone review destroy case-1 --out certificates --reason "The time is over."

    Args:
        out: Folder for the certificate, checked before anything is destroyed.
        reason: One line for the certificate, and for the record where the case is closed by this;
            it is never erased.
    """
    from touchstone.cli.destroying import destroy, destroy_elsewhere
    from touchstone.service.cases.case_admin import find
    from touchstone.service.file_io import a_name, one_line

    # It is printed in a question to a person: text that a terminal obeys could change what is
    # asked.
    a_name("CASE", case)
    why = one_line(reason, "--reason")
    if where.elsewhere:
        return destroy_elsewhere(where, case, out, why)
    with opened() as installation:
        whole = find(installation, case)
        require_whole(case, whole)
        if not where.yes:
            question = f"Destroy all content and evidence of {case}? [y/N] "
            confirm((), question, "destroy", "nothing was destroyed")
        tell_facts(destroy(installation, whole, out, why), {"case": whole}, json=where.json)
    return DONE


@app.command
def verify(
    bundle: Path,
    *,
    trust: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    revoked: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    witness: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    policy: Path | None = None,
    head: str | None = None,
    receipt: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    json: Json = False,
) -> int:
    """Check a bundle: authentic, consistent with issuer unverified, or altered and where.

    Exit 3: it holds, but the witnesses that were asked for did not cosign (policy not met).

    Args:
        bundle: The bundle.jsonl.
        trust: Fingerprint of a key that you trust, `SHA256:...`; may be given several times.
        revoked: Fingerprint of a key that you know to be revoked: a bundle from before the
            revocation does not say so; may be given several times.
        witness: A witness that must have cosigned, `NAME=HEXKEY` or its vkey; may be given several
            times.
        policy: A C2SP tlog-policy file: which witnesses must have cosigned, and how many of which;
            the logs that it names are trusted as --trust is.
        head: A head of the installation's log that you saw elsewhere, `SIZE:ROOT`.
        receipt: A file with an answer of the installation to a deed (record contract 2): its
            entry must be there, or the deed that it refuses must not; may be given several times.
    """
    from touchstone.cli import tables
    from touchstone.keys import SystemClock
    from touchstone.verifier import VerifierInputError, verify_bundle

    try:
        now = SystemClock().now()
        pins = {"trust": trust, "revoked": revoked, "witnesses": witness}
        verdict = verify_bundle(bundle, **pins, policy=policy, head=head, receipts=receipt, now=now)
    except VerifierInputError as error:
        # The verifier stands alone: it knows nothing of our errors.
        raise BadInputError(str(error)) from error
    if json:
        show_json(verdict.as_dict())
    else:
        tables.verification(verdict)
    return verdict.exit_code


@app.command
def doctor(
    *,
    prepare: Annotated[bool, Parameter(negative="")] = False,
    server: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Say what this machine can do, what is missing, and how to fix it.

    Args:
        server: Only whether `touchstone serve` could start here, safely.
        prepare: First make the record's tables, or bring them up to date. On PostgreSQL this is
            done as TOUCHSTONE_DATABASE_OWNER, where that is set.
    """
    from touchstone.cli import tables

    if prepare:
        prepare_all()
    if server:
        # First: Django is set up once, and the record would do it for itself alone.
        from touchstone.server.examining import examine_server
        from touchstone.server.safety import ServeOptions

        checks = examine_server(ServeOptions())
    else:
        from touchstone.service.doctor import examine

        with waiting("trying the sandbox, and each family's command and judge"):
            checks = examine()
    if json:
        show_json([check.as_dict() for check in checks])
    else:
        tables.checks(checks)
    return DONE if all(check.ok for check in checks) else NO


@app.command
def check(*, json: Json = False) -> int:
    """Check the whole record: parts, deeds, roots, proofs, evidence, database. Exit 1: amiss.

    Nothing is changed; what is amiss is said with its place.
    """
    from touchstone.service.cases.checking import check as check_record
    from touchstone.service.installation import open_installation

    with open_installation(begins=False) as installation:
        found = check_record(installation, lambda what: warn(f"checking {what}"))
    tell(found, json=json)
    return DONE if found.sound else NO


@app.command
def upgrade() -> int:
    """Say what becomes of cases that earlier versions recorded; nothing that was signed changes."""
    from touchstone.service.upgrading import upgrade as upgraded

    with opened() as installation:
        show(upgraded(installation))
    return DONE


@app.command
def rebuild() -> int:
    """Make the index of cases again from the record, and sweep files that a crash left."""
    from touchstone.service.cases.case_admin import rebuild_index

    with opened() as installation:
        show(rebuild_index(installation))
    return DONE


@app.command
def bench(
    name: str | None = None,
    *,
    options: BenchOptions = AS_USUAL,
    json: Json = False,
) -> int:
    """Print ratio tables against peers or limits, each measured in one run.

    Exit 1: verdicts were wrong more often, or dearer, than they may be.

    Args:
        name: ledger, engine, oversight, sandbox, verdicts, terms, gateway, directive, api or
            cheats; default: all but cheats.
    """
    from touchstone.bench.run import run_benches
    from touchstone.cli import tables

    results = run_benches(name, options.given(), warn)
    if json:
        show_json([asdict(table) for table in results])
    else:
        for table in results:
            tables.bench(table)
    return NO if any(table.missed for table in results) else DONE
