"""Text files that people hand in: bounded, UTF-8, and refused in one line."""

from pathlib import Path

from touchstone.service.errors import UnreadableTextError


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
