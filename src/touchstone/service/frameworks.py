"""Where framework texts come from: the shipped ones, or a file."""

from importlib import resources
from pathlib import Path

from touchstone.framework import Framework, parse_framework
from touchstone.service.errors import UnknownFrameworkError
from touchstone.service.texts import read_text

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
        UnknownFrameworkError: there is none.
        UnreadableTextError: the file cannot be read.
        FrameworkFileError: the text is no framework; the line names the key and the fix.
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
    return parse_framework(read_text(path, MAX_FRAMEWORK), path.name)
