"""Where framework texts come from: the shipped ones, or a file."""

from importlib import resources
from pathlib import Path

from touchstone.framework import Framework, parse_framework
from touchstone.review.audience_view import required, stored_entry
from touchstone.service.errors import UnknownFrameworkError
from touchstone.service.file_io import read_text
from touchstone.service.installation import Installation
from touchstone.verdicts.content_parsers import framework_of

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


def pinned_framework(installation: Installation, case: str) -> Framework:
    """The framework that a case is pinned to, from its own record or the shipped ones.

    Raises:
        UnknownFrameworkError: its text went with the content of the case, and none is shipped.
        MissingPartError: it is not to be understood.
    """
    reader = installation.records.case(case)
    if not reader.destroyed:
        return required(stored_entry(reader, 0), "framework", framework_of)
    opened = installation.state(case).opened
    for shipped in map(load_framework, shipped_ids()):
        if opened is not None and shipped.digest == opened.framework.digest:
            return shipped
    raise UnknownFrameworkError(
        f"case {case[:12]}: its framework's text went with its content, and is none of the shipped"
    )
