"""What people hand in or type: texts and tables, bounded, legible, and refused in one line."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from touchstone.errors import BadInputError
from touchstone.handin import unseen
from touchstone.review.events.base import Name
from touchstone.service.errors import UnreadableTextError

_NAME: TypeAdapter[str] = TypeAdapter(Name)
MOST = 400
"""Characters of a reason."""
MOST_STATEMENT = 8_000
"""Characters of longer words."""


def one_line(text: str, option: str) -> str:
    """A line for the record that somebody typed as an option; runs of spaces are one space.

    Raises:
        BadInputError: it is empty, longer than 400 characters, of several lines, or holds what
            nobody can see.
    """
    line = " ".join(text.split())
    if not line or len(line) > MOST or len(text.strip().splitlines()) > 1:
        raise BadInputError(f"{option}: write one line of at most {MOST} characters")
    if bad := unseen(line):
        raise BadInputError(f"{option}: holds the unseen character {bad}: type it anew without it")
    return line


def statement(text: str, option: str) -> str:
    """Words for the record that somebody typed as an option, of one line or several.

    Raises:
        BadInputError: it is empty, longer than 8,000 characters, or holds what nobody can see.
    """
    said = text.strip()
    if not 0 < len(said) <= MOST_STATEMENT:
        raise BadInputError(f"{option}: write at most {MOST_STATEMENT} characters, and some")
    if bad := unseen(said.replace("\n", "")):
        raise BadInputError(f"{option}: holds the unseen character {bad}: type it anew without it")
    return said


@dataclass(frozen=True)
class NamedText:
    """A text that somebody hands in, and what errors call it: a file's name, for one."""

    text: str
    source: str


def read_named(path: Path, limit: int) -> NamedText:
    """The text of a file of at most `limit` bytes, called as the file is; errors as `read_text`."""
    return NamedText(read_text(path, limit), path.name)


def read_text(path: Path, limit: int) -> str:
    """The text of a file of at most `limit` bytes.

    Raises:
        UnreadableTextError: it cannot be read, is larger, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise UnreadableTextError(f"{path}: larger than {limit} bytes")
        return data.decode()
    except OSError as error:
        raise UnreadableTextError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableTextError(
            f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error


def a_name(option: str, text: str) -> str:
    """An id given with an option: of a party, a deployment and the like.

    Raises:
        BadInputError: it can be no id. The line names the option.
    """
    try:
        return _NAME.validate_python(text)
    except ValidationError:
        raise BadInputError(
            f"{option}: write an id: letters, digits, '.', '_' and '-', at most 128"
        ) from None


def read_parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    """The names of the columns of a Parquet file, and its rows as texts.

    Raises:
        BadInputError: it is none, or what reads such files is not installed.
        OSError: it cannot be read.
    """
    # Imported here: a heavy library without types, for this kind of file only.
    try:
        pa: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise BadInputError(f"{path}: Parquet needs pyarrow; install it, or give CSV") from error
    try:
        table = parquet.read_table(path)
    except pa.ArrowException as error:
        raise BadInputError(f"{path} is no Parquet file that can be read: {error}") from error
    columns = [[str(cell) for cell in column.to_pylist()] for column in table.columns]
    return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]
