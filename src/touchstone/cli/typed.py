"""What somebody types or hands in with a deed: lines, words, days, digests and files."""

import re
from pathlib import Path

from touchstone.errors import BadInputError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def reason_of(option: str, text: str) -> str:
    """One line for the record. Raises BadInputError, which names the option."""
    from touchstone.service.file_io import one_line

    return one_line(text, option)


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
