"""The question put to a bundle: what is pinned, what is asked beside it, and what follows."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from .contract1 import Contract1
from .contract2 import Contract2, answer_holds, read_answer
from .errors import AlteredError, VerifierInputError
from .policy import Witness, WitnessPolicy, given_witness, read_policy
from .proofs import fingerprint
from .reading import BundleVerification
from .strict import MAX_LINE, shown
from .verdict import Cosignature, Verdict

# Bytes of leaves and commitments in memory; in which entry 0 is sought, if no header is.
IN_MEMORY, SOUGHT = 96 << 20, 4 << 20
# What only a bundle's header has.
_HEADER = re.compile(rb'"format":"touchstone/bundle/|"line":"bundle"')
_SEEN = "([1-9][0-9]{0,15}):([0-9a-f]{64})"
NO_BUNDLE = "is no bundle of Touchstone: its first line is no bundle's header"
TRUNCATION = "entries dropped after the newest head here show only against a head seen elsewhere"
UNPINNED = "anyone can write a consistent bundle; pin an issuer's key that you know with --trust"
# In the place of pins that a policy's logs give, where none of them bears this log's name.
NO_LOG = "no log of the policy"
UNMET = (
    "none of the keys given, with --trust or as a log of the policy, is in the key history, or "
    "only up to a revoked one"
)


def verify_bundle(
    path: Path,
    *,
    trust: Sequence[str] = (),
    revoked: Sequence[str] = (),
    witnesses: Sequence[str] = (),
    policy: Path | None = None,
    head: str | None = None,
    receipts: Sequence[Path] = (),
    now: datetime | None = None,
) -> Verdict:
    """Check a bundle; one of the `trust`ed fingerprints must be met, and all else that is given.

    `revoked` are fingerprints known from elsewhere to be revoked: a bundle whose key history ends
    before the line that says so cannot tell. No key up to the last revoked one meets a pin.
    `witnesses` are `NAME=HEXKEY` or vkeys of those that must all have cosigned, `policy` is a file
    that says which must; that they did not is "policy not met", and no alteration. The logs that a
    policy names are trusted as `trust` is. `head` is `SIZE:ROOT` of the installation's log, seen
    elsewhere;
    `receipts` are files with one answer of the installation each (contract 2): a receipt's entry
    must be there, a refused deed must not; of one by a revoked key only a receipt counts, and only
    where the bundle shows its deed; `now` (with a zone) is what ages are reckoned to.
    VerifierInputError: a file cannot be read or is no bundle at all, or what was given is
    ill-formed or an answer about another case.
    """
    for one in (*trust, *revoked):
        _match(one, "SHA256:[0-9a-f]{64}", "SHA256:<64 hex digits>")
    given = tuple(given_witness(one) for one in witnesses)
    asked = read_policy(policy) if policy else None
    named = (*given, *(asked.witnesses.values() if asked else ()))
    seen = None if head is None else _match(head, _SEEN, "SIZE:<64 hex digits>")
    answers = [(shown(Path(each).name), _answer(each)) for each in receipts]
    where = ""
    try:
        with (
            path.open("rb") as file,
            SpooledTemporaryFile(IN_MEMORY) as spool,
            SpooledTemporaryFile(IN_MEMORY // 3) as rows,
        ):
            reading = BundleVerification(file, spool, rows, seen, named)
            try:
                facts = reading.read()
                for name, answer in answers:
                    where = f"by {name} the bundle"
                    _meet(reading, name, answer, revoked)
            except AlteredError as error:
                if reading.number == 1 and not _is_bundle(reading.line, file):
                    raise VerifierInputError(f"{shown(str(path))}: {NO_BUNDLE}") from None
                line = None if where else reading.number
                place = where or f"line {line}{reading.where}"
                return Verdict("altered", place, str(error), line)
    except OSError as error:
        raise VerifierInputError(f"{shown(str(path))}: {error.strerror}") from None
    facts["receipts"] = tuple(name for name, _answer in answers)
    facts |= _witnessed(reading, named, given, asked, now)
    if now is not None:
        age = now - datetime.fromisoformat(facts["head_at"])
        facts["head_age_seconds"] = int(age.total_seconds())
    trust = _with_logs(trust, asked, facts["origin"])
    return _judged(trust, reading.revokes | dict.fromkeys(revoked, "as given"), facts)


def _with_logs(trust: Sequence[str], asked: WitnessPolicy | None, origin: str) -> Sequence[str]:
    """The pins, with those that a policy's logs of this name are."""
    logs = asked.logs if asked else []
    pinned = [fingerprint(key) for name, key in logs if name == origin]
    return (*trust, *pinned, *([NO_LOG] if logs and not pinned else []))


def _witnessed(
    reading: BundleVerification,
    named: Sequence[Witness],
    given: Sequence[Witness],
    asked: WitnessPolicy | None,
    now: datetime | None,
) -> dict[str, Any]:
    """Who cosigned a checkpoint in which the case's head stands, and whether that is enough."""
    second = int(now.timestamp()) if now else None
    found = {
        one: Cosignature(
            one.label,
            f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
            None if second is None else second - at,
            size,
            holds_head=reading.index < size,
        )
        for one, (size, at) in reading.cosigned.items()
    }
    counted = {one for one, each in found.items() if each.holds_head}
    enough = counted.issuperset(given) and (asked is None or asked.met(counted))
    ages = [each.age_seconds for one, each in found.items() if one in counted]
    return {
        "policy": ("met" if enough else "not met") if given or asked else "",
        "cosignatures": tuple(found[one] for one in dict.fromkeys(named) if one in found),
        "cosigned_by": tuple(one.label for one in dict.fromkeys(named) if one in counted),
        "not_cosigned_by": tuple(one.label for one in dict.fromkeys(named) if one not in counted),
        "cosigned_age_seconds": min((age for age in ages if age is not None), default=None),
    }


def _answer(path: Path) -> Any:
    """The answer in a file, of one line, with or without its line feed."""
    try:
        with path.open("rb") as file:
            line = file.read(MAX_LINE + 1)
        return read_answer(line.removesuffix(b"\n"))
    except OSError as error:
        raise VerifierInputError(f"{shown(str(path))}: {error.strerror}") from None
    except AlteredError as error:
        raise VerifierInputError(f"{shown(str(path))}: no answer: it {error}") from None


def _meet(reading: BundleVerification, name: str, answer: Any, revoked: Sequence[str]) -> None:
    """The bundle meets an answer that was given beside it, and that is about its case."""
    keys = {known: key for key, known in reading.keys.items()}
    contract, said = reading.contract, answer["answer"]
    if isinstance(contract, Contract1):
        raise VerifierInputError(f"{name}: a log of contract 1 has no answers")
    # A refusal may name no log. It is about this one if its deed was recorded here all the same.
    if said["log"] != reading.log and (said["log"] or not contract.has_recorded(said["deed"])):
        raise VerifierInputError(f"{name}: the answer is about another case")
    if not answer_holds(answer, keys.get(answer["key"], b"")):
        raise VerifierInputError(f"{name}: the answer is not signed by a key of this bundle")
    # Or a thief could make an honest bundle look altered.
    if answer["key"] in {*reading.revokes, *revoked} and not contract.shows(said):
        raise VerifierInputError(f"{name}: the answer is by a revoked key, and not borne out here")
    contract.meet(said)


def _judged(trust: Sequence[str], revokes: dict[str, str], facts: dict[str, Any]) -> Verdict:
    """What is said of a bundle that holds together, by the pins and by what is revoked."""
    issuers = facts["issuers"]
    bad = tuple(key for key in issuers if key in revokes)
    vouching = issuers[issuers.index(bad[-1]) + 1 :] if bad else issuers
    notes = [f"{key} is revoked, {revokes[key]}: it vouches for no key after it" for key in bad]
    word = "consistent" if set(trust).isdisjoint(vouching) else "authentic"
    if word == "consistent":
        notes.append(UNMET if trust else UNPINNED)
    return Verdict(word, notes=(TRUNCATION, *notes), revoked=bad, trust_given=bool(trust), **facts)


def _is_bundle(first: bytes, rest: IO[bytes]) -> bool:
    """Whether a file whose first line is no bundle's header is a bundle all the same, altered.

    It is if a header's form is still in its first two lines, or an entry 0 soon follows. What has
    no whole line at all is none.
    """
    line, left, header_may_come = first, SOUGHT, 2
    while line and left > 0:
        if header_may_come and line.endswith(b"\n") and _HEADER.search(line):
            return True
        entry = Contract1.entry.match(line) or Contract2.entry.match(line)
        if not header_may_come and entry and b'"log":null' in line[:20]:
            return True
        line, header_may_come = rest.readline(MAX_LINE), max(0, header_may_come - 1)
        left -= len(line)
    return b'"line":"key"' in first and _HEADER.search(first) is not None


def _match(text: str, expression: str, form: str) -> re.Match[str]:
    match = re.fullmatch(expression, text)
    if match is None:
        raise VerifierInputError(f"{shown(text)} is not of the form {form}")
    return match
