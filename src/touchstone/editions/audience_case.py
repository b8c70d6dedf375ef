"""What one edition is made from: the entries that its audience may read, and what follows."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from touchstone.clearance import PUBLIC, Audience
from touchstone.editions.sentences import sentence
from touchstone.framework import Framework, framework_of
from touchstone.review import State, evolve
from touchstone.review.audience_view import Entry

Example = Literal["none", "framework", "all"]
"""What of a case is invented: nothing, the framework alone, or parties and model as well."""


@dataclass(frozen=True)
class AudienceCase:
    """A case for one audience.

    Everything is derived from what that audience may read, so that a section cannot draw on what
    another event withholds.
    """

    id: str
    entries: tuple[Entry, ...]
    """Every entry, visible or not, in order."""
    audience: Audience
    example: Example = "none"
    """What of it is invented. That is no secret, so every edition says it."""

    @cached_property
    def state(self) -> State:
        """The case as far as the audience can know it."""
        return _folded(State(), self.entries)

    def grown(self, entries: Sequence[Entry]) -> "AudienceCase":
        """The case with the entries that came since; what was folded is not folded again."""
        found = replace(self, entries=(*self.entries, *entries))
        found.__dict__["state"] = _folded(self.state, entries)
        return found

    @cached_property
    def framework(self) -> Framework | None:
        """The framework, from the record's own copy; None where that is not to be read."""
        # The copy in the record, since the file of today may say something else under the same
        # name.
        opened = self.visible("case-opened")
        return opened[-1].parsed("framework", framework_of) if opened else None

    @cached_property
    def names(self) -> dict[str, str]:
        """What people call parties and criteria, by id."""
        framework = self.framework
        names = {each.id: each.name for each in framework.parties} if framework else {}
        developer = (self.submitted or {}).get("developer", {})
        # The framework names the parties that it knows; a developer is named by its own submission.
        if "id" in developer:
            names[developer["id"]] = developer.get("name") or developer["id"]
        return {**names, PUBLIC.name: sentence("edition.the-public")}

    @cached_property
    def titles(self) -> dict[str, str]:
        """The framework's titles of its criteria, by id."""
        return {each.id: each.title for each in self.framework.criteria} if self.framework else {}

    @property
    def submitted(self) -> dict[str, Any] | None:
        """The whole submission, where it is to be read."""
        found: dict[str, Any] | None = self.content("submission-received", "submission")
        return found

    @property
    def whole(self) -> bool:
        """Whether nothing that happened is withheld: only then does absence say anything."""
        # Of a case with one withheld entry nothing may be concluded from what is missing: the
        # missing thing may be that entry.
        return all(entry.visible for entry in self.entries)

    def name(self, party: str) -> str:
        """What people call a party; its id where no name may be read."""
        return self.names.get(party, party)

    def title(self, criterion: str) -> str:
        """A criterion's title; from its id where the framework has none."""
        return self.titles.get(criterion) or plain(criterion).capitalize()

    def visible(self, kind: str) -> list[Entry]:
        """The entries of one type that the audience may read."""
        return [entry for entry in self.entries if entry.kind == kind and entry.visible]

    def content(self, kind: str, name: str) -> Any:
        """A part's content in the newest visible entry of a type; None: not to be read."""
        found = self.visible(kind)
        return found[-1].content(name) if found else None


def _folded(state: State, entries: Iterable[Entry]) -> State:
    for entry in entries:
        # From what may be read alone, and folded by the same rules as the case: a section that
        # asked the whole state would tell what it withholds.
        if entry.visible:
            # An answer to something withheld changes nothing that the audience could know.
            with contextlib.suppress(KeyError):
                state = evolve(state, entry.event, entry.recorded)
    return state


def plain(word: str) -> str:
    """An id of several words as people write them."""
    return word.replace("-", " ")
