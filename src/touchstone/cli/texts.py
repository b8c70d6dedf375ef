"""What commands about terms read from files, and where they lay bundles."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.cli.hands import Where
    from touchstone.service.access.user_base import UserBase
    from touchstone.service.bundle_folder import BundleFolder
    from touchstone.service.file_io import NamedText

_FINGERPRINT = re.compile(r"SHA256:[0-9a-f]{64}")
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
_CLAIM = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{128}")


def terms_text(file: Path) -> "NamedText":
    """Terms, a directive or standing classes. Raises UnreadableTextError."""
    from touchstone.service.access.terms_texts import MAX_TERMS
    from touchstone.service.file_io import read_named

    # Bounded before it is read: a file may be a device, or have no end.
    return read_named(file, MAX_TERMS)


def terms_text_if(file: Path | None) -> "NamedText | None":
    """The same where a file is given."""
    return None if file is None else terms_text(file)


def user_base(entities: Path | None, people: Path | None = None) -> "UserBase":
    """The real user base, as far as files are given. Raises UnreadableTextError."""
    from touchstone.service.access.terms_texts import MAX_ENTITIES, MAX_PEOPLE
    from touchstone.service.access.user_base import UserBase
    from touchstone.service.file_io import read_named

    return UserBase(
        None if entities is None else read_named(entities, MAX_ENTITIES),
        None if people is None else read_named(people, MAX_PEOPLE),
    )


def shelf(folder: Path | None) -> "BundleFolder | None":
    """Where bundles are laid, if that is given."""
    from touchstone.service.bundle_folder import BundleFolder

    return None if folder is None else BundleFolder(folder)


def line_of(option: str, text: str | None) -> str | None:
    """A line for the record, if one was typed. Raises BadInputError, which names the option."""
    from touchstone.service.file_io import one_line

    return None if text is None else one_line(text, option)


def words_of(place: str, text: str) -> str:
    """A line that must be there. Raises BadInputError, which names the place."""
    from touchstone.service.file_io import one_line

    return one_line(text, place)


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
    """Whether the machine that made a claim holds its key, for a party. Raises BadInputError."""
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
