"""One row of the rules: who may do a deed, and when, and what else must hold."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from touchstone.framework import Framework
from touchstone.review.events.base import Role
from touchstone.review.grounds import Ground
from touchstone.review.state import State, Status
from touchstone.review.topics import Topics
from touchstone.review.wording import IN_STATUSES

Guard = Callable[[Framework, State, Any], Ground | None]
"""Why the deed may not be done in this state; None if it may."""

EVERYONE: tuple[Role, ...] = get_args(Role)
INSTALLATION_ALONE: tuple[Role, ...] = ()
"""The roles of what no party does: the installation says it of the case that it keeps."""
OPEN: tuple[Status, ...] = ("open",)
KEPT: tuple[Status, ...] = ("open", "closed")
OVER: tuple[Status, ...] = ("withdrawn", "closed")
HEARD: tuple[Status, ...] = ("open", "withdrawn", "closed")
ALWAYS: tuple[Status, ...] = ("open", "withdrawn", "closed", "destroyed")


@dataclass(frozen=True)
class Rule:
    """Which roles may do a deed, in which statuses of the case, and what else must hold."""

    roles: tuple[Role, ...]
    when: tuple[Status, ...]
    guards: tuple[Guard, ...] = ()
    topics: Topics = field(kw_only=True)
    """What a deed of contract 2 moves, and what its signer must have seen the newest of."""

    @property
    def sentence(self) -> str:
        """Who and when, in words, as `for the developer, at any time`."""
        who = "every party" if self.roles == EVERYONE else "the " + " or ".join(self.roles)
        if self.roles == INSTALLATION_ALONE:
            who = "the installation itself"
        return f"for {who}, {IN_STATUSES[self.when]}"
