"""The hand of this machine's operator: the installation's record, and parties' keys beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from touchstone.clearance import party_audience
from touchstone.cli.hands import DeedDone, Draft, NotDoneError, Where, careful
from touchstone.cli.hands_there import agreed, doubt, to_file
from touchstone.cli.opened import act as kept_in_view
from touchstone.cli.opened import opened
from touchstone.cli.passphrases import asked_once
from touchstone.client.party_case import PartyCase
from touchstone.client.party_home import PartyHome
from touchstone.deeds.seen_case import SeenCase
from touchstone.errors import BadInputError
from touchstone.framework import Framework
from touchstone.keys import FileSigner
from touchstone.ledger import loads
from touchstone.ledger.contract2 import CaseLog
from touchstone.records import HandedInKey
from touchstone.review import Refused, State, require_known
from touchstone.review.audience_view import Entry, read_entries_of
from touchstone.review.errors import MissingPartError
from touchstone.review.events.base import Role
from touchstone.service.case_context import Case, destroyed_error
from touchstone.service.cases.case_admin import open_begun
from touchstone.service.cases.drafting import drafted_certificate, drafted_edition
from touchstone.service.cases.endpoint_keys import endpoint_key_of
from touchstone.service.commit import record_opening
from touchstone.service.installation import Installation

if TYPE_CHECKING:
    from touchstone.cli.hands import Hand


@dataclass(frozen=True)
class HandHere:
    """Acts in the record of this machine, by the key that lies beside it; meets `Hand`."""

    where: Where
    installation: Installation

    def look(self, case: str, role: Role | None = None) -> PartyCase:
        """See `Hand.look`."""
        found = open_begun(self.installation, case)
        return self._known(found, role or "centre")

    def act(
        self,
        case: str,
        draft: Draft,
        role: Role | None = None,
        signer: FileSigner | None = None,
    ) -> DeedDone:
        """See `Hand.act`. The key is the one that the deed needs, of those beside the record."""
        del signer
        found = kept_in_view(open_begun(self.installation, case))
        known = self._known(found, role)
        with _as_it_stands(found):
            deed = careful(case, draft)(known)
            if self.where.to_file is not None:
                return to_file(self.where, known, deed)
            if not self.where.yes:
                agreed(self.where, known, deed)
            else:
                doubt(known, deed)
            # On the log that was shown: what moved since is for whoever signs to look at again.
            after = found.record([deed], known.seen.log)
        return DeedDone(found.id, known.by, deed, after.size - 1)

    def begin(
        self, case: str, draft: Draft, framework: Framework, roles: dict[str, Role]
    ) -> DeedDone:
        """See `Hand.begin`."""
        by = self.where.party or next(name for name, role in roles.items() if role == "centre")
        here, told = self.installation, tuple(roles.items())
        seen = SeenCase(by, CaseLog(), State(), (), here.clock, here.random, told)
        known = PartyCase(case, by, seen, framework, seen.entries_of)
        if self.where.to_file is not None:
            return to_file(self.where, known, draft(known))
        deed = agreed(self.where, known, draft(known))
        record_opening(here, case, framework, [deed])
        return DeedDone(case, by, deed, 0)

    def keys(self, *, make: bool = False) -> PartyHome:
        """See `Hand.keys`: those beside the record."""
        if self.where.party is None:
            raise BadInputError("--as: name the party whose keys are meant")
        folder, party = self.installation.home / "keys", self.where.party
        if make and party not in self.installation.keyring.parties():
            made = PartyHome.create(folder, party)
            self.installation.keys_made[party] = made.signer().fingerprint
        return PartyHome.open(folder, party, asked_once())

    def cases(self) -> tuple[str, ...]:
        """See `Hand.cases`; those of record contract 1 take no more deeds."""
        if self.where.party is None:
            raise BadInputError("--as: name the party whose cases are meant")
        here = self.installation
        states = ((row.case, here.state(row.case)) for row in here.records.cases())
        return tuple(
            name
            for name, state in states
            if state.by_invitation and self.where.party in state.parties
        )

    def installation_key(self) -> str:
        """See `Hand.installation_key`."""
        return self.installation.keyring.history.current.hex()

    def endpoint_key(self, case: str, name: str) -> HandedInKey | None:
        """See `Hand.endpoint_key`."""
        return endpoint_key_of(self.installation, case, name)

    def draft_destruction(self, case: str, reason: str) -> dict[str, Any]:
        """See `Hand.draft_destruction`."""
        by = self.look(case).by
        return dict(loads(drafted_certificate(self.installation, case, by, reason).encode()))

    def draft_report(self, case: str, audience: str) -> dict[str, Any]:
        """See `Hand.draft_report`."""
        return asdict(drafted_edition(self.installation, case, self.look(case).by, audience))

    def settle(self, case: str) -> None:
        """See `Hand.settle`: a record that is written here answers at once."""

    def unasked(self) -> "HandHere":
        """See `Hand.unasked`."""
        return replace(self, where=replace(self.where, yes=True))

    def _known(self, case: Case, role: Role | None) -> PartyCase:
        """The case as one of its parties has it; what is hidden from that party is so here too."""
        # In this order: what is recorded in between is then not taken for seen.
        log, state = case.seen, case.state
        by = self.where.party or _having(state, case, role)
        here = self.installation
        seen = SeenCase(by, log, state, (), here.clock, here.random, case.participants.roles)
        reader, audience = here.records.case(case.id), party_audience(by, "GREEN")

        def entries(*types: str) -> Iterator[Entry]:
            return read_entries_of(reader, audience, types)

        return PartyCase(case.id, by, seen, case.framework, entries)


@contextmanager
def _as_it_stands(case: Case) -> Iterator[None]:
    """Say of a case that is newer than this version, or destroyed, that this is what is in the way.

    What a deed was to rest on may then be what nobody understands, or what is gone.
    """
    try:
        yield
    except (BadInputError, MissingPartError, Refused, NotDoneError) as error:
        state, code = case.state, getattr(error, "code", "")
        if state.unknown:
            require_known(state)
        if state.status == "destroyed" and code in {"", "case-destroyed"}:
            raise NotDoneError("case-destroyed", str(destroyed_error(case.id, state))) from error
        raise


@contextmanager
def hand_here(where: Where) -> Iterator[HandHere]:
    """The hand of this machine's operator. Raises as `open_installation`."""
    with opened() as installation:
        yield HandHere(where, installation)


def _having(state: State, case: Case, role: Role | None) -> str:
    """The party that is meant where none is named: the only one of that role."""
    among = dict(case.participants.roles) | {n: each.role for n, each in state.parties.items()}
    found = [name for name, its in among.items() if its == role]
    if len(found) != 1:
        named = ", ".join(sorted(among))
        raise BadInputError(f"--as: name the party that acts; in this case: {named}")
    return found[0]


if TYPE_CHECKING:

    def _meets(hand: HandHere) -> Hand:
        return hand
