"""Where framework texts come from: the shipped ones, or a file."""

from importlib import resources
from pathlib import Path

from touchstone.framework import Framework, parse_framework
from touchstone.service.errors import UnknownFrameworkError

MAX_FRAMEWORK = 1 << 20


def shipped_ids() -> tuple[str, ...]:
    """Ids of the frameworks that come with Touchstone, sorted."""
    folder = resources.files("touchstone.framework").joinpath("shipped")
    return tuple(
        sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    )


def load_framework(named: str) -> Framework:
    """The framework of a shipped id, or of a TOML file.

    Args:
        named: An id such as `us-2026-06`, or a path; what ends in `.toml` is a path.

    Raises:
        UnknownFrameworkError: there is none, or the file cannot be read.
        FrameworkFileError: the text is no framework; the line names the key and the mend.
    """
    if named in shipped_ids():
        text = (
            resources.files("touchstone.framework")
            .joinpath(f"shipped/{named}.toml")
            .read_text("utf-8")
        )
        return parse_framework(text, f"{named}.toml")
    path = Path(named)
    if path.suffix != ".toml":
        known = ", ".join(shipped_ids())
        raise UnknownFrameworkError(
            f"no framework is called {named!r}; shipped are {known}; or give a .toml file"
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FRAMEWORK + 1)
        if len(data) > MAX_FRAMEWORK:
            raise UnknownFrameworkError(f"{path}: larger than {MAX_FRAMEWORK} bytes")
        return parse_framework(data.decode(), path.name)
    except OSError as error:
        raise UnknownFrameworkError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnknownFrameworkError(
            f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
