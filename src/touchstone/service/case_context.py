"""One case being worked on: where, under which standard, with whom."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from touchstone.clearance import party_audience
from touchstone.deeds.agreed_readers import Readable, readers_in
from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import Participants
from touchstone.deeds.markings import Markings, markings
from touchstone.deeds.signing import SeenLog
from touchstone.editions.audience_case import Example
from touchstone.evaluation import Submission
from touchstone.framework import Framework
from touchstone.keys import RandomSource
from touchstone.records import EarlierContractError
from touchstone.review import State
from touchstone.review.audience_view import Entry, read_entries_of
from touchstone.review.view_only import CARRYING
from touchstone.service.commit import Proposing, record
from touchstone.service.errors import DestroyedCaseError
from touchstone.service.installation import Installation
from touchstone.service.signers import signs_here


def _untold(_deed: Deed) -> None:
    """Nobody asked."""


CONTROLS = "openai-api/subject/control"
"""How the demo's submission calls its subjects, which are programs of ours and no models."""


def destroyed_error(case: str, state: State) -> DestroyedCaseError:
    """What is left of a destroyed case and what can still be done, in one line."""
    on = f" on {state.destroyed.at[:10]}" if state.destroyed else ""
    # Whole: what is for good, as the certificate written again, takes no beginning of an id.
    return DestroyedCaseError("case-destroyed", case=case, on=on)


@dataclass(frozen=True)
class Case:
    """What the deeds of a review have in common."""

    installation: Installation
    id: str
    framework: Framework
    handed_in: Submission | None
    """What is reviewed; None of a case whose content was destroyed."""
    participants: Participants
    unkept: Callable[[Deed], None] = _untold
    """Is told of each deed whose parts a destroyed case does not keep."""

    @property
    def submission(self) -> Submission:
        """What is reviewed. Raises DestroyedCaseError where it went with the case's content."""
        if self.handed_in is None:
            raise destroyed_error(self.id, self.state)
        return self.handed_in

    @property
    def marks(self) -> Markings:
        """The markings of this case."""
        who = self.participants
        return markings(who.developer, who.centre, who.agencies)

    def agreed_readers(self, what: Readable) -> tuple[str, ...]:
        """Who may see that beside developer and centre, by the agreement that holds: party ids."""
        holds, known = self.state.agreement, self.installation.agreed_readers
        if holds is None:
            return ()
        # A digest is of one text in every case, and this is asked at each chunk of outcomes.
        found = known.get(holds.agreement)
        if found is None:
            found = readers_in(self.entries_of(*CARRYING), holds.agreement)
            if found is None:
                return ()
            known.keep(holds.agreement, found)
        return found.get(what, ())

    @property
    def random(self) -> RandomSource:
        """Where the salts of words come from."""
        return self.installation.random

    @property
    def example(self) -> Example:
        """What of it is invented; anybody's own endpoint under an invented framework is not."""
        # Said on every page: an invented case must not be taken for a real one, nor the reverse.
        if not self.framework.example:
            return "none"
        theirs = self.participants.developer in {
            party.id for party in self.framework.parties if party.role == "developer"
        }
        ours = all(mode.model.startswith(CONTROLS) for mode in self.submission.modes)
        return "all" if theirs and ours else "framework"

    @property
    def state(self) -> State:
        """As it stands now."""
        return self.installation.state(self.id)

    def entries_of(self, *types: str) -> Iterator[Entry]:
        """The entries of these types, as the centre may read them."""
        reader = self.installation.records.case(self.id)
        centre = party_audience(self.participants.centre)
        # For what is done here, and handed to nobody: see `edition_files` for what is.
        return read_entries_of(reader, centre, types, use="look")

    @property
    def grows(self) -> bool:
        """Whether its log takes further deeds: one of record contract 1 is only read."""
        return self.state.by_invitation

    def require_growing(self) -> None:
        """Refuse what would write into a case of record contract 1.

        Raises:
            EarlierContractError: it is one.
        """
        if not self.grows:
            raise EarlierContractError(self.id)

    def require_content(self) -> None:
        """Refuse what rests on the content of a destroyed case.

        Raises:
            DestroyedCaseError: it is one.
        """
        if self.state.status == "destroyed":
            raise destroyed_error(self.id, self.state)

    def now(self) -> str:
        """The present moment as the record writes it."""
        return self.installation.now()

    @property
    def seen(self) -> SeenLog:
        """Its log as it stands now; it does not grow. Read it before the state that deeds rest on.

        Raises:
            EarlierContractError: the case is of record contract 1.
        """
        self.require_growing()
        return self.installation.records.deeds.log(self.id)

    def signs_here(self, actor: str, deed: str) -> bool:
        """Whether a key on this machine may sign this type of deed for a party of the case."""
        return signs_here(self.installation, self.id, actor, deed)

    def record(self, deeds: Sequence[Deed] | Proposing, seen: SeenLog | None = None) -> State:
        """Do deeds in one transaction; see `commit.record`.

        A destroyed case takes the facts alone: whoever has what they are digests of, keeps it.
        """
        unkept: list[Deed] = []

        def bare(state: State) -> Sequence[Deed]:
            made = deeds(state) if callable(deeds) else deeds
            if state.status != "destroyed":
                return made
            unkept.extend(deed for deed in made if deed.attachments)
            return [replace(deed, attachments=()) for deed in made]

        after = record(self.installation, self.id, self.framework, bare, seen)
        for deed in unkept:
            self.unkept(deed)
        return after
