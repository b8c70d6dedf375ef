"""What somebody types, held to its form: lines, names, words, days, digests, keys and files."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.cli.hands import Where

_FINGERPRINT = re.compile(r"SHA256:[0-9a-f]{64}")
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
_CLAIM = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{128}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def line_of(option: str, text: str) -> str:
    """One line, as it was typed. Raises BadInputError, which names the option."""
    from touchstone.service.file_io import one_line

    return one_line(text, option)


def line_if(option: str, text: str | None) -> str | None:
    """The same where one was typed."""
    return None if text is None else line_of(option, text)


def words_of(text: str | None, file: Path | None) -> str:
    """Words that were typed, or stand in a file: one of the two. Raises BadInputError."""
    from touchstone.review.parts import MOST_TEXT
    from touchstone.service.file_io import read_text

    if (text is None) == (file is None):
        raise BadInputError("say it once: --text TEXT or --text-file FILE")
    said = (text if file is None else read_text(file, MOST_TEXT)) or ""
    if not said.strip():
        raise BadInputError(f"{'--text' if file is None else '--text-file'}: there are no words")
    return said.strip()


def day_of(option: str, text: str) -> str:
    """A day, `YYYY-MM-DD`. Raises BadInputError, which names the option."""
    from touchstone.handin import day_written

    try:
        return day_written(text).isoformat()
    except ValueError:
        raise BadInputError(f"{option}: write a day as YYYY-MM-DD, such as 2027-02-01") from None


def digest_of(option: str, text: str) -> str:
    """A digest. Raises BadInputError, which names the option."""
    if not _DIGEST.fullmatch(text):
        raise BadInputError(f"{option}: write sha256: and 64 lowercase hex digits")
    return text


def digest_of_file(file: Path) -> str:
    """The digest of a file of any size. Raises BadInputError."""
    from hashlib import file_digest

    try:
        with file.open("rb") as data:
            return f"sha256:{file_digest(data, 'sha256').hexdigest()}"
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read: {error.strerror}") from error


def bytes_of(file: Path) -> bytes:
    """A file that goes with a deed, whole. Raises BadInputError: it is empty, or too large."""
    from touchstone.review.parts import MOST_EVIDENCE

    try:
        with file.open("rb") as data:
            found = data.read(MOST_EVIDENCE + 1)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read: {error.strerror}") from error
    if not 0 < len(found) <= MOST_EVIDENCE:
        raise BadInputError(f"{file}: is empty, or larger than {MOST_EVIDENCE} bytes")
    return found


def party_of(name: str | None) -> str | None:
    """A party's id, if one was typed. Raises BadInputError."""
    from touchstone.service.file_io import a_name

    return None if name is None else a_name("--as", name)


def name_of(place: str, name: str) -> str:
    """An id of something in a case, as it was typed. Raises BadInputError with the place."""
    from touchstone.service.file_io import a_name

    return a_name(place, name)


def statement_of(option: str, text: str) -> str:
    """Words for the record, of one line or several. Raises BadInputError with the option."""
    from touchstone.service.file_io import statement

    return statement(text, option)


def fingerprint_of(option: str, text: str) -> str:
    """A key's fingerprint, as it was typed. Raises BadInputError with the option."""
    if not _FINGERPRINT.fullmatch(text):
        raise BadInputError(
            f"{option}: write a key's fingerprint, SHA256: and 64 lowercase hex digits"
        )
    return text


def public_key_of(option: str, text: str) -> str:
    """A public key, as it was typed. Raises BadInputError with the option."""
    if not _PUBLIC_KEY.fullmatch(text):
        raise BadInputError(f"{option}: write a public key: 64 lowercase hex digits")
    return text


def claimed_key(place: str, claim: str) -> str:
    """The public key of a signer's claim, as it was typed, unproved. Raises BadInputError."""
    if not _CLAIM.fullmatch(claim):
        raise BadInputError(
            f"{place}: write what touchstone party init NAME --signer, or touchstone keys"
            " automation NAME, prints where the key is: 64 hex digits, a dot and 128 hex digits"
        )
    return claim.partition(".")[0]


def check_claim(place: str, claim: str, party: str) -> None:
    """Refuse a claim that does not show that who made it holds the key, for that party.

    Raises BadInputError.
    """
    from touchstone.ledger.claims import opened_claim
    from touchstone.ledger.errors import AlteredError

    try:
        opened_claim(claim, party)
    except AlteredError as error:
        raise BadInputError(
            f"{place}: does not show that its key is to sign for {party}: it was mistyped, or made"
            " for another party; copy it again from the machine that holds the key"
        ) from error


def key_elsewhere(key: str | None, following: str | None, where: "Where") -> tuple[str, str] | None:
    """The public key of a machine without a network, and the fingerprint of the one after it.

    None: the keys of this machine are meant. Raises BadInputError where the options do not go
    together, or are none.
    """
    if (key is None) != (following is None) or (key is not None and where.to_file is None):
        raise BadInputError("--key: goes with --next and --to-file, for a key of another machine")
    if key is None or following is None:
        return None
    return public_key_of("--key", key), fingerprint_of("--next", following)
