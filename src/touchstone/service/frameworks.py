"""Where framework texts come from: the shipped ones, or a file."""

from importlib import resources
from pathlib import Path
from typing import NoReturn, cast

from touchstone.framework import Framework, framework_of, parse_framework
from touchstone.handin.shown_ids import short_case
from touchstone.review.audience_view import required, stored_entry
from touchstone.review.state import State
from touchstone.service.errors import UnknownFrameworkError
from touchstone.service.file_io import read_text
from touchstone.service.installation import Installation

MAX_FRAMEWORK = 1 << 20
MOST_FRAMEWORKS = 16
"""So many are kept parsed: most installations know a few."""


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
    # By its ending, so that a file called as a shipped id is never read in its place.
    path = Path(named)
    if path.suffix != ".toml":
        known = ", ".join(shipped_ids())
        raise UnknownFrameworkError(
            f"no framework is called {named!r}; shipped are {known}; or give a .toml file"
        )
    return parse_framework(read_text(path, MAX_FRAMEWORK), path.name)


class ErasedFramework:
    """A framework of which id and digest are known, and whose text went with its case.

    Most deeds that a destroyed case takes are judged by its facts alone. Whatever asks for more
    than these two is refused.
    """

    def __init__(self, named: str, digest: str) -> None:
        self.id = named
        self.digest = digest

    def __getattr__(self, name: str) -> NoReturn:
        """Raise UnknownFrameworkError."""
        raise UnknownFrameworkError(
            f"the text of framework {self.id} went with the content of its case, and is none of "
            "the shipped: what rests on it cannot be done any more"
        )


def framework_in(installation: Installation, case: str, state: State) -> Framework:
    """As `pinned_framework`, for many deeds: while the case has its text, it is read once.

    `state` is the case's.
    """
    if state.opened is None or state.status == "destroyed":
        return pinned_framework(installation, case)
    digest = state.opened.framework.digest
    found = installation.frameworks.get(digest)
    if found is None:
        found = pinned_framework(installation, case)
        # A server meets many cases, and few frameworks are in force at a time.
        while len(installation.frameworks) >= MOST_FRAMEWORKS:
            installation.frameworks.pop(next(iter(installation.frameworks)), None)
        installation.frameworks[digest] = found
    return found


def pinned_framework(installation: Installation, case: str) -> Framework:
    """The framework that a case is pinned to, from its own record or the shipped ones.

    Of a destroyed case whose framework is none of the shipped, what is asked of its text raises
    UnknownFrameworkError.

    Raises:
        UnknownFrameworkError: this version does not know how the case was opened.
        MissingPartError: it is not to be understood.
    """
    reader = installation.records.case(case)
    if not reader.destroyed:
        return required(stored_entry(reader, 0), "framework", framework_of)
    opened = installation.state(case).opened
    if opened is None:
        raise UnknownFrameworkError(f"case {short_case(case)}: its framework is not known")
    named = opened.framework
    # By digest: a shipped one of the same id may have been changed since.
    shipped = (each for each in map(load_framework, shipped_ids()) if each.digest == named.digest)
    # A stand-in, by design: it has what every deed asks for, and refuses the rest.
    return next(shipped, cast("Framework", ErasedFramework(named.id, named.digest)))
