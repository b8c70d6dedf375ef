"""Where a deed is done: here, by a server, or in a file for a machine that reaches none.

Every command that does a deed takes the options of `Where`, one that shows a case those of
`AtServer`, and leaves the rest to a hand::

    @review.command
    def halt(case: CaseId, *, reason: str, where: Where = HERE) -> int:
        why = one_line(reason, "--reason")
        return act(where, case, lambda known: review_halted(known, known.by, why), role="centre")

    @designation.command
    def show(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
        with where.hand as hand:
            known = hand.look(case)
        ...

A hand drafts on the case as its party has it, shows what binds, asks, signs and hands over.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from cyclopts import Group, Parameter

from touchstone.cli.output import tell
from touchstone.errors import AnswerIsNoError, BadInputError
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.client.party_home import PartyHome
    from touchstone.deeds.deed import Deed
    from touchstone.framework import Framework
    from touchstone.keys import FileSigner
    from touchstone.records import HandedInKey
    from touchstone.review.events.base import Role

DONE = 0
Draft = Callable[["PartyCase"], "Deed"]
"""Makes the deed from the case as its party has it; `known.by` is the party that acts."""
CaseId = Annotated[str, Parameter(help="The case's id, or enough of its beginning.")]
_GROUP = Group("Where and by whom", sort_key=10)


_As = Annotated[
    str | None, Parameter(name="--as", group=_GROUP, help="The party that acts, whose key signs.")
]
_Server = Annotated[
    str | None,
    Parameter(group=_GROUP, help="Address of the server; default: the record of this machine."),
]
_Trust = Annotated[
    str | None,
    Parameter(
        group=_GROUP, help="Fingerprint of the server's first key: once, at the first contact."
    ),
]
_InJson = Annotated[bool, Parameter(group=_GROUP, negative="", help="Print JSON instead of text.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AtServer:
    """Where, and for whom: the same for all commands that sign nothing."""

    party: _As = None
    server: _Server = None
    trust: _Trust = None
    json: _InJson = False

    @property
    def hand(self) -> AbstractContextManager["Hand"]:
        """The hand that looks there, and needs no key for it. Raises as `hand_of`."""
        where = Where(party=self.party, server=self.server, trust=self.trust)
        return hand_of(where, looking=True)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a deed is done, by whom, and whether that is asked before; the same for all deeds."""

    party: _As = None
    server: _Server = None
    trust: _Trust = None
    to_file: Annotated[
        Path | None,
        Parameter(group=_GROUP, help="Write the deed to this file, to be signed elsewhere."),
    ] = None
    yes: Annotated[bool, Parameter(group=_GROUP, negative="", help="Sign without asking.")] = False
    json: _InJson = False

    @property
    def elsewhere(self) -> bool:
        """Whether it is done by a server, or in a file, and not in this machine's record."""
        return self.server is not None or self.to_file is not None


HERE, ANYWHERE = Where(), AtServer()


class NotDoneError(AnswerIsNoError):
    """The law, or the server, refuses a deed; the line begins with the refusal's code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"refused ({code}): {why}")
        self.code = code


@dataclass(frozen=True)
class DeedDone:
    """What became of a deed."""

    case: str
    by: str
    deed: "Deed"
    n: int | None
    """The entry at which it stands; None where it was written to a file."""
    file: Path | None = None

    def lines(self) -> Iterator[str]:
        """For people."""
        from touchstone.client.preview import sentence_of

        if self.file is None:
            entry = f"Entry {self.n} of case {short_case(self.case)}"
            yield f"{entry}, {self.by}: {sentence_of(self.deed)}"
            return
        yield f"Written to {self.file}, and not signed, for {self.by}: {sentence_of(self.deed)}"
        yield f"Next, where the key is: touchstone deed sign {self.file}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "case": self.case,
            "actor": self.by,
            "type": self.deed.event.type,
            "entry": self.n,
            "file": None if self.file is None else str(self.file),
        }


class Hand(Protocol):
    """One party's hand, for cases of one place."""

    def look(self, case: str, role: "Role | None" = None) -> "PartyCase":
        """The case as the party has it now.

        `case` is its id, or enough of its beginning. `role` says who looks where `--as` does not:
        the one party that has it; None: the centre here, and whose machine it is elsewhere.
        Raises BadInputError where nobody is meant, or no case.
        """

    def act(
        self,
        case: str,
        draft: Draft,
        role: "Role | None" = None,
        signer: "FileSigner | None" = None,
    ) -> DeedDone:
        """Do a deed: show what binds, ask, sign and hand over.

        `role` is as for `look`; where it is None and `--as` names nobody, that is refused.
        `signer` is the key where it is not the one that the party has in the case.

        Raises NotDoneError; NotConfirmedError: nobody said yes; BadInputError; WaitingError: it is
        signed, and was not answered.
        """

    def begin(
        self, case: str, draft: Draft, framework: "Framework", roles: "dict[str, Role]"
    ) -> DeedDone:
        """Do the deed that opens a case, under an id that is new; or write it to a file.

        `roles` are the parties that are to take part, with the acting one. Raises as `act`.
        """

    def keys(self, *, make: bool = False) -> "PartyHome":
        """The acting party's keys, as far as they are where this hand acts.

        `make`: where there is none here, in the record of this machine, one is made and told.
        Raises NotInitialisedError, BadInputError.
        """

    def cases(self) -> tuple[str, ...]:
        """The ids of all cases that the acting party has joined."""

    def installation_key(self) -> str:
        """The public key (hex) of the installation whose record this is, as it is now."""

    def endpoint_key(self, case: str, name: str) -> "HandedInKey | None":
        """What the developer handed in for a case under a name; None where none of it is here.

        A server gives no key out. Raises RecordsError.
        """

    def draft_destruction(self, case: str, reason: str) -> "dict[str, Any]":
        """A certificate of destruction for a case (its whole id), for its centre to sign for.

        Raises UnpromisedError for who is not its centre; DraftError where it is not what was asked.
        """

    def draft_report(self, case: str, audience: str) -> "dict[str, Any]":
        """The facts of the next edition for an audience. Raises as `draft_destruction`."""

    def settle(self, case: str) -> None:
        """Send again what was signed in a case and has no answer: else it would be done twice.

        A refusal settles it. Raises WaitingError, UnheardError.
        """

    def unasked(self) -> "Hand":
        """The same, once somebody said yes to all that follows."""


@contextmanager
def hand_of(where: Where, *, looking: bool = False) -> Iterator[Hand]:
    """The hand that the options ask for. What is refused within becomes a NotDoneError.

    `looking`: it signs nothing, so that at a server a person's own token is enough.

    Raises BadInputError where the options do not go together.
    """
    check_options(where)
    with refusals():
        if where.server is not None:
            from touchstone.cli.hands_there import server_hand

            yield server_hand(where, looking=looking)
        else:
            from touchstone.cli.hands_here import hand_here

            with hand_here(where) as hand:
                yield hand


@contextmanager
def refusals() -> Iterator[None]:
    """Make a NotDoneError of what law or server refuse within."""
    from touchstone.ledger.errors import RefusedDeedError
    from touchstone.review import Refused

    try:
        yield
    except (RefusedDeedError, Refused) as refusal:
        raise NotDoneError(refusal.code, str(refusal)) from refusal


def require_centre(known: "PartyCase") -> None:
    """Ask a server to draft nothing for who is not the centre, whom it would tell nothing.

    Raises NotDoneError.
    """
    if known.by not in known.state.having("centre"):
        raise NotDoneError("not-your-role", f"{known.by} is not the centre: it signs for this")


def act(where: Where, case: str, draft: Draft, role: "Role | None" = None) -> int:
    """A command that does one deed: its exit code. Raises as `Hand.act`."""
    with hand_of(where) as hand:
        done = hand.act(case, draft, role)
    tell(done, json=where.json)
    return DONE


def careful(case: str, draft: Draft) -> Draft:
    """The same draft, which refuses a case that was not named whole where its deed is for good.

    `case` is as it was typed. The draft raises as `require_whole`.
    """
    from touchstone.review.rules import FOR_GOOD

    def drafted(known: "PartyCase") -> "Deed":
        deed = draft(known)
        if isinstance(deed.event, FOR_GOOD):
            require_whole(case, known.id)
        return deed

    return drafted


def require_whole(case: str, found: str) -> None:
    """Refuse the beginning of a case's id, or an older name: for what cannot be undone.

    Raises BadInputError with the whole one.
    """
    if case != found:
        raise BadInputError(f"CASE: this cannot be undone: write the whole id, {found}")


def check_options(where: Where | AtServer) -> None:
    """Refuse what cannot go together, before anything is opened or asked. Raises BadInputError."""
    if where.trust is not None and where.server is None:
        raise BadInputError("--trust: says whom a server is believed to be: add --server URL")
    if where.trust is not None:
        from touchstone.cli.typed import fingerprint_of

        fingerprint_of("--trust", where.trust)
    if isinstance(where, Where) and where.to_file is not None and where.to_file.exists():
        raise BadInputError(f"--to-file: {where.to_file} exists; name a new file")
    if where.party is not None:
        from touchstone.service.file_io import a_name

        a_name("--as", where.party)
