"""`touchstone finding`: what an evaluator found, what the developer says of it, and what then."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from touchstone.cli.hands import ANYWHERE, HERE, AtServer, CaseId, Where, act
from touchstone.cli.output import show_json
from touchstone.cli.typed import digest_of, digest_of_file, line_of, name_of, statement_of, words_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed

DONE = 0
finding = App(name="finding", help="Show, sign, answer, dispute or look again at a finding.")
FindingId = Annotated[str, Parameter(help="The finding's id; `finding show CASE` lists them.")]
Text = Annotated[str | None, Parameter(help="The words; or give --text-file.")]
TextFile = Annotated[Path | None, Parameter(help="A file that holds the words, UTF-8.")]
Flag = Annotated[bool, Parameter(negative="")]


@finding.command
def show(case: CaseId, finding: str | None = None, *, where: AtServer = ANYWHERE) -> int:
    """Show the findings of a case, or one of them with everything that was said of it.

    For example: touchstone finding show 3f2a finding-1

    Args:
        finding: Its id; default: all of them.
    """
    from touchstone.cli import question_tables
    from touchstone.editions.questions.findings import findings_shown

    with where.hand as hand:
        known = hand.look(case)
        shown = findings_shown(known)
    if finding is not None:
        shown = tuple(each for each in shown if each.finding == finding)
        if not shown:
            have = ", ".join(known.state.findings) or "none"
            raise BadInputError(
                f"FINDING: no finding {finding[:80]!a} is shown here; there: {have}"
            )
    if where.json:
        show_json({"case": known.id, "findings": [each.as_dict() for each in shown]})
    elif finding is None:
        question_tables.findings(shown)
    else:
        question_tables.one_finding(shown[0])
    return DONE


@finding.command
def sign(
    case: CaseId,
    finding: str,
    *,
    domain: str,
    title: str,
    text: Text = None,
    text_file: TextFile = None,
    criterion: str | None = None,
    withheld_evidence: Path | None = None,
    withheld_digest: str | None = None,
    withheld_reason: str | None = None,
    where: Where = HERE,
) -> int:
    """Sign a finding: by the centre, an allied evaluator, or an independent one.

    An independent evaluator keeps its evidence and says why; its digest goes into the record, so
    that the evidence can be checked later. The developer, the centre and the agencies read it.

    For example: touchstone finding sign 3f2a agents-1 --as example-evaluator --domain cyber --title
    "Works around a limit" --text-file found.txt --withheld-evidence transcripts.zip
    --withheld-reason "Holds a way that others could follow."

    Args:
        finding: A new id.
        domain: The framework's domain that it is about.
        title: One line.
        criterion: The framework's criterion that it bears on, if one.
        withheld_evidence: The evidence that is kept back, a file: it is read here, and stays here.
        withheld_digest: The same where the file is elsewhere: `sha256:` and 64 hex digits.
        withheld_reason: Why it is kept back, one line for the record.
    """
    new, about = name_of("FINDING", finding), name_of("--domain", domain)
    bears_on = None if criterion is None else name_of("--criterion", criterion)
    content = {"title": line_of("--title", title), "text": words_of(text, text_file)}
    kept = _kept_back(withheld_evidence, withheld_digest, withheld_reason)

    return act(
        where,
        case,
        lambda known: _signed(known, new, about, bears_on, content, kept),
        role="centre",
    )


def _signed(
    known: "PartyCase",
    finding: str,
    domain: str,
    criterion: str | None,
    content: dict[str, str],
    kept: tuple[str, str] | None,
) -> "Deed":
    """The deed of whoever signs: with what is kept back, and why, where it is from outside."""
    from touchstone.deeds.designation import finding_signed, outside_finding_signed

    by, marking = known.by, known.marks.reaching(known.by)
    party = known.state.parties.get(by)
    outside = party is not None and party.role == "independent-evaluator"
    if outside and kept is None:
        raise BadInputError(
            "--withheld-evidence: an independent evaluator names the evidence that it keeps, and "
            "--withheld-reason says why"
        )
    if kept is None:
        return finding_signed(known, by, finding, domain, criterion, content, marking)
    if not outside:
        raise BadInputError(
            f"--withheld-evidence: {by} is no independent evaluator of this case: what it finds "
            "goes with its evidence; leave the option out"
        )
    said = f"{content['title']}\n\n{content['text']}"
    return outside_finding_signed(
        known, by, finding, domain, said, *kept, criterion=criterion, marking=marking
    )


def _kept_back(file: Path | None, digest: str | None, reason: str | None) -> tuple[str, str] | None:
    """The digest of what is kept back, and why; None where nothing is."""
    if file is None and digest is None and reason is None:
        return None
    if (file is None) == (digest is None):
        raise BadInputError(
            "name what is kept back, once: --withheld-evidence or --withheld-digest"
        )
    if reason is None:
        raise BadInputError("--withheld-reason: write one line that says why it is kept back")
    named = digest_of_file(file) if file else digest_of("--withheld-digest", digest or "")
    return named, line_of("--withheld-reason", reason)


@finding.command
def respond(
    case: CaseId,
    finding: FindingId,
    *,
    stance: Literal["accepted", "noted", "mitigated"],
    text: Text = None,
    text_file: TextFile = None,
    where: Where = HERE,
) -> int:
    """Answer a finding, by the developer's key. No answer is never taken for agreement.

    For example: touchstone finding respond 3f2a finding-1 --stance noted --text "We see it too."

    Args:
        stance: What the developer says of it; to contest it is `finding dispute`.
    """
    from touchstone.deeds.designation import finding_responded

    said, name = words_of(text, text_file), name_of("FINDING", finding)
    return act(
        where,
        case,
        lambda known: finding_responded(
            known, known.by, name, stance, said, known.reading_finding(name)
        ),
        role="developer",
    )


@finding.command
def dispute(
    case: CaseId,
    finding: FindingId,
    *,
    grounds: str,
    rerun_wanted: Flag = False,
    where: Where = HERE,
) -> int:
    """Contest a finding, by the developer's key; whoever signed it then looks again.

    For example: touchstone finding dispute 3f2a finding-1 --rerun-wanted --grounds "The items were
    in what the model was trained on."

    Args:
        grounds: On what grounds, for the record.
        rerun_wanted: Ask for a re-run.
    """
    from touchstone.deeds.designation import finding_disputed

    why, name = statement_of("--grounds", grounds), name_of("FINDING", finding)
    return act(
        where,
        case,
        lambda known: finding_disputed(
            known,
            known.by,
            name,
            why,
            rerun_wanted=rerun_wanted,
            marking=known.reading_finding(name),
        ),
        role="developer",
    )


@finding.command
def rerun(
    case: CaseId,
    finding: FindingId,
    *,
    outcome: Literal["upheld", "revised", "withdrawn"],
    text: Text = None,
    text_file: TextFile = None,
    battery: str | None = None,
    where: Where = HERE,
) -> int:
    """Say what came of looking at a disputed finding again, by the key of whoever signed it.

    For example: touchstone finding rerun 3f2a finding-1 --outcome revised --text "On fresh items it
    solves fewer." --battery battery-2

    Args:
        outcome: Whether it stands.
        battery: The battery whose tasks ran again, if any did.
    """
    from touchstone.deeds.designation import finding_rerun

    said, name = words_of(text, text_file), name_of("FINDING", finding)
    ran = None if battery is None else name_of("--battery", battery)
    return act(
        where,
        case,
        lambda known: finding_rerun(
            known, known.by, name, outcome, said, ran, known.reading_finding(name)
        ),
        role="centre",
    )
