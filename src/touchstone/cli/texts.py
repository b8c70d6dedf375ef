"""What commands about terms read from files, and where they lay bundles."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from touchstone.service.access.user_base import UserBase
    from touchstone.service.bundle_folder import BundleFolder
    from touchstone.service.file_io import NamedText


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
