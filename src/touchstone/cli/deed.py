"""`touchstone deed`: sign what was drafted elsewhere, send it, and what waits for an answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.hands import ANYWHERE, AtServer, CaseId, check_options, refusals
from touchstone.cli.output import show, show_json, tell_facts
from touchstone.errors import AnswerIsNoError, BadInputError
from touchstone.handin.shown_ids import short_case, short_cases, short_digest

if TYPE_CHECKING:
    from touchstone.client.acting import Client
    from touchstone.client.deed_file import DraftedDeed
    from touchstone.client.memory import KeptDeed
    from touchstone.client.party_home import PartyHome

DONE = 0
deed = App(name="deed", help="Sign a deed from a file, send it, or look after those that wait.")
SHORTEST = 6
"""Characters by which a deed that waits is named, at least."""


class StandsError(AnswerIsNoError):
    """A deed was to be taken back, and is recorded."""


@deed.command
def sign(
    file: Path,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Sign without asking.")] = False,
    json: Annotated[bool, Parameter(negative="", help="Print JSON instead of text.")] = False,
) -> int:
    """Sign the deed in a file by a key of this machine, which needs no network for it.

    What binds is shown before. It may be sent within the hour: a deed that starts something is not
    taken later.

    For example: touchstone deed sign dissent.deed

    Args:
        file: As `--to-file` wrote it; it is written anew, with the signature.
    """
    from touchstone.cli.confirming import confirm
    from touchstone.cli.hands_there import party_home
    from touchstone.client.deed_file import read_deed_file, write_deed_file
    from touchstone.handin import utc_text
    from touchstone.keys import SystemClock, SystemRandom

    drafted = read_deed_file(file)
    # A second signature would be a second deed: the first may have been sent already.
    drafted.require_unsigned()
    actor = drafted.deed.event.actor
    # Which keys may sign it stands in the file: this machine need not know the case.
    signer = party_home(actor).signer_among(drafted.keys)
    if not yes:
        question = f"Sign this as {actor}? [y/N] "
        confirm(drafted.lines(), question, "sign", "nothing was signed")
    signed = drafted.signed(signer, SystemRandom(), utc_text(SystemClock().now()))
    write_deed_file(file, signed, replacing=True)
    facts = {"case": drafted.case, "actor": actor, "type": drafted.deed.event.type}
    said = f"Signed as {actor} by {signer.fingerprint}."
    said += f"\nNext, where the server is reached: touchstone deed send {file} --server URL"
    said += f"\nWhere the record itself is: touchstone deed send {file}"
    tell_facts(said, {**facts, "key": signer.fingerprint, "file": str(file)}, json=json)
    return DONE


@deed.command
def send(what: str, *, where: AtServer = ANYWHERE) -> int:
    """Send a signed deed, from its file, or again one that waits. No key is needed for it.

    Without --server the record of this machine takes it, so that an operator can be handed the
    file; a machine without a record sends it to a server.

    For example: touchstone deed send dissent.deed --server https://touchstone.example

    Args:
        what: The file; or the beginning of a waiting deed's digest, as `deed waiting` shows it.
    """
    from touchstone.client.deed_file import read_deed_file

    check_options(where)
    path = Path(what)
    with refusals():
        # What is no file is a digest's beginning: one word serves for both ways to name a deed.
        if not path.exists():
            return _resend(what, where)
        drafted = read_deed_file(path)
        n = _take_here(drafted) if where.server is None else _hand_over(drafted, where)
    facts = {"case": drafted.case, "type": drafted.deed.event.type, "entry": n}
    tell_facts(f"Entry {n} of case {short_case(drafted.case)}.", facts, json=where.json)
    return DONE


@deed.command
def waiting(*, where: AtServer = ANYWHERE) -> int:
    """List the deeds that were signed on this machine and have no answer. Nobody is asked.

    For example: touchstone deed waiting --as example-agency

    """
    check_options(where)
    rows = [_row(kept, url) for _, url, client in _clients(where) for kept in client.unanswered]
    if where.json:
        show_json(rows)
        return DONE
    shown = short_cases(row["case"] for row in rows)
    for row in rows:
        case = shown[row["case"]]
        show(f"{short_digest(row['deed'])}  {row['type']} in case {case}, {row['server']}")
    if not rows:
        show("No deed waits for an answer.")
    return DONE


@deed.command
def receipts(case: CaseId, *, out: Path, where: AtServer = ANYWHERE) -> int:
    """Write down the signed answers to the deeds of this machine in a case. Nobody is asked.

    Each file is what `touchstone verify --receipt` takes: with a bundle that somebody else was
    given it shows whether the deed stands there too.

    For example: touchstone deed receipts case-1 --out receipts --as example-lab

    Args:
        out: A folder, made where missing; an answer is a file, called by its deed's digest.
    """
    from touchstone.keys.files import write_file
    from touchstone.ledger.contract2 import parse_answer

    check_options(where)
    # Of a beginning that is empty nothing is taken: with one case it would be found by accident.
    found = {
        name: client.answers(name)
        for _, _, client in _clients(where)
        for name in client.cases
        if name == case or (case and name.startswith(case))
    }
    # Whole ids may begin with one another: `model-3`, `model-30`.
    if len(found) > 1 and case not in found:
        raise BadInputError(f"CASE: {len(found)} cases begin with {case[:64]!a}; say more")
    whole = case if case in found else next(iter(found), case)
    answers = {parse_answer(line).answer.deed: line for line in found.get(whole, ())}
    if not answers:
        raise BadInputError("CASE: this machine has had no answer to a deed in a case of that id")
    out.mkdir(parents=True, exist_ok=True)
    files = [out / f"{digest[:16]}.answer" for digest in answers]
    for file, line in zip(files, answers.values(), strict=True):
        # Each by itself: `verify` takes one answer, and an answer says nothing of another deed.
        write_file(file, [line, b"\n"])
    said = f"{'1 answer' if len(files) == 1 else f'{len(files)} answers'} written to {out}"
    tell_facts(said, {"case": whole, "files": [str(file) for file in files]}, json=where.json)
    return DONE


@deed.command
def cancel(what: str, *, where: AtServer = ANYWHERE) -> int:
    """Take back a deed that has no answer. Exit 1: it was recorded all the same.

    For example: touchstone deed cancel 3fa2c1 --server https://touchstone.example

    Args:
        what: The beginning of its digest, as `deed waiting` shows it.
    """
    from touchstone.ledger.errors import RefusedDeedError

    check_options(where)
    kept, client = _waiting(what, where)
    try:
        receipt = client.cancel(kept.digest)
    except RefusedDeedError as refusal:
        why = "" if refusal.code == "cancelled" else f": {refusal.why}; it is dropped here"
        said = f"Deed {short_digest(kept.digest)} will never be recorded{why}."
        facts = {"case": kept.case, "deed": kept.digest, "code": refusal.code}
        tell_facts(said, facts, json=where.json)
        return DONE
    entry = f"entry {receipt.n} of case {short_case(kept.case)}"
    raise StandsError(f"deed {short_digest(kept.digest)} stands: {entry}")


def _take_here(drafted: "DraftedDeed") -> int:
    """Have the record of this machine take a signed deed: the entry. Raises NotDoneError."""
    from touchstone.cli.opened import opened
    from touchstone.ledger.contract2 import RefusedAnswer
    from touchstone.ledger.errors import RefusedDeedError
    from touchstone.service.taking import take_deed

    sent = drafted.require_signed()
    with opened() as installation:
        answer = take_deed(
            installation,
            drafted.case,
            sent.submitted,
            asker=drafted.deed.event.actor,
            now=installation.now(),
            evidence=sent.evidence,
        ).answer
    if isinstance(answer, RefusedAnswer):
        raise RefusedDeedError(answer.code, answer.why)
    return answer.n


def _hand_over(drafted: "DraftedDeed", where: AtServer) -> int:
    from touchstone.cli.hands_there import client_of

    sent, actor = drafted.require_signed(), drafted.deed.event.actor
    if where.party not in {None, actor}:
        raise BadInputError(f"--as: the deed is {actor}'s: only {actor} can send it")
    _, client = client_of(
        AtServer(party=actor, server=where.server, trust=where.trust), keyless=True
    )
    return client.hand_over(drafted.case, sent).n


def _resend(what: str, where: AtServer) -> int:
    kept, client = _waiting(what, where)
    receipt = client.send(kept.digest)
    facts = {"case": kept.case, "type": kept.statement.deed, "entry": receipt.n}
    tell_facts(f"Entry {receipt.n} of case {short_case(kept.case)}.", facts, json=where.json)
    return DONE


def _waiting(what: str, where: AtServer) -> "tuple[KeptDeed, Client]":
    """The deed that waits and is named so, with the client that sent it. Raises BadInputError."""
    found = [
        (kept, client)
        for _, _, client in _clients(where)
        for kept in client.unanswered
        if kept.digest.startswith(what)
    ]
    if len(what) < SHORTEST or not found:
        raise BadInputError(
            f"{what[:80]!a}: no file is called so, and no deed that waits begins so; write the"
            f" file, or {SHORTEST} or more characters of a digest that touchstone deed waiting"
            " shows"
        )
    if len(found) > 1:
        raise BadInputError(
            f"{what[:80]!a}: {len(found)} deeds that wait begin so; write more of the digest"
        )
    return found[0]


def _clients(where: AtServer) -> "list[tuple[PartyHome, str, Client]]":
    """A party's clients at the servers that it knows; at the named one alone, where one is."""
    from touchstone.cli.hands_there import client_of, party_home

    home = party_home(where.party, keyless=where.party is not None)
    urls = [place.url for place in home.servers] if where.server is None else [where.server]
    each = (AtServer(party=home.party, server=url, trust=where.trust) for url in urls)
    return [(home, one.server or "", client_of(one, keyless=True)[1]) for one in each]


def _row(kept: "KeptDeed", url: str) -> dict[str, Any]:
    said = kept.statement
    return {
        "deed": kept.digest,
        "type": said.deed,
        "actor": said.actor,
        "case": kept.case,
        "server": url,
        "until": said.until,
    }
