"""The way into the record for commands of this machine, whose operator's hands hold the keys.

Each deed is signed by the client's half (`signing`) and taken by the server's (`taking`), all deeds
of one call in one transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from touchstone.deeds.deed import Deed, attached
from touchstone.deeds.signing import SeenLog, prepare_deed
from touchstone.evaluation.digests import digest_bytes
from touchstone.framework import Framework
from touchstone.keys import KeyMissingError
from touchstone.ledger import MalformedError
from touchstone.ledger.errors import RefusedDeedError, UnpromisedError
from touchstone.records import DeedBatch, DeedRefusedError, Destruction
from touchstone.review import BadEventError, Event, State, check_deed, evolve
from touchstone.review.events import joining
from touchstone.review.grounds import Ground
from touchstone.service.errors import RefusedDeed
from touchstone.service.installation import Installation
from touchstone.service.signers import signer_of
from touchstone.service.taking import Taker, require_law
from touchstone.verdicts.content_parsers import PARSERS

_BRINGING = (joining.PartyJoined, joining.PartyKeyRotated, joining.PartyRejoined)
Proposing = Callable[[State], Sequence[Deed]]
"""Makes the deeds from the state as it is once the case is locked."""


def record(
    installation: Installation,
    case: str,
    framework: Framework,
    deeds: Sequence[Deed] | Proposing,
    seen: SeenLog | None = None,
) -> State:
    """Do deeds in one transaction; all of them stand, or none. Gives the state afterwards.

    Args:
        installation: Where.
        case: The case's id.
        framework: The framework that the case is pinned to.
        deeds: The deeds, or a function that makes them from the state under the lock.
        seen: The log on which they were prepared, without the lock; None: they rest on nothing
            that may have moved since.

    Raises:
        RefusedDeed: the deed is not for this party now. It is noted in the log of refusals, and the
            signed refusal is kept.
        BadEventError: it does not fit the case, or what goes with it is not what its facts say.
        KeyMissingError: the actor's key is not on this machine.
        EarlierContractError: the case is of record contract 1.
    """
    taker = Taker(installation, installation.now(), None, framework)
    return _do(installation, case, taker, deeds, framework, seen)


def record_opening(
    installation: Installation, case: str, framework: Framework, deeds: Sequence[Deed]
) -> State:
    """Open a case with these deeds, the first of which is `case-opened`; else like `record`."""
    taker = Taker(installation, installation.now(), State(), framework)
    return _do(installation, case, taker, deeds, framework)


def record_destruction(
    installation: Installation, case: str, framework: Framework, deed: Deed, certificate: str
) -> Destruction:
    """Record that a case is destroyed, destroy it and keep the certificate, in one transaction.

    The certificate is kept as the newest draft before.

    Raises:
        BadEventError: the deed does not name the certificate's digest; else as `record`.
    """
    if deed.event.facts().get("certificate") != digest_bytes(certificate.encode()):
        raise Ground("certificate-misstated", deed=deed.event.type).fault
    # The taker looks for it there, as for one that was signed on another machine.
    if installation.records.destructions.draft(case) != certificate:
        installation.records.destructions.keep_draft(case, certificate)
    taker = Taker(installation, installation.now(), None, framework)
    _do(installation, case, taker, [deed], framework)
    if taker.destruction is None:
        raise TypeError(f"{deed.event.type} destroys no case")
    return taker.destruction


def require_lawful(
    installation: Installation, case: str, framework: Framework, deeds: Sequence[Deed]
) -> None:
    """Ask the law whether deeds could be done, one after the other; nothing is signed or written.

    Raises:
        RefusedDeed: not all of them. It is no deed that was refused, and so noted nowhere.
        BadEventError: one does not fit the case.
    """
    state = installation.state(case)
    # As the store would record them: a clock that was set back does not count.
    at = max(installation.now(), state.recorded_at)
    for deed in deeds:
        require_law(framework, state, deed.event, at)
        state = evolve(state, deed.event, at)


def _do(
    installation: Installation,
    case: str,
    taker: Taker,
    deeds: Sequence[Deed] | Proposing,
    framework: Framework,
    seen: SeenLog | None = None,
) -> State:
    begins = taker.state is not None
    doing: list[Event] = []
    with (
        _refusals(installation, case, doing),
        installation.records.deeds.together(case, begins=begins) as batch,
    ):
        state = taker.state = taker.state or installation.state_in(batch.writer)
        for deed in deeds(state) if callable(deeds) else deeds:
            doing.append(deed.event)
            state = take_signed(installation, batch, taker, framework, deed, seen)
    taker.stands(case)
    return state


def take_signed(
    installation: Installation,
    batch: DeedBatch,
    taker: Taker,
    framework: Framework,
    deed: Deed,
    seen: SeenLog | None = None,
) -> State:
    """Sign one deed, on what was `seen` as it was prepared, and have it taken: the state then.

    One key may sign in several processes here: its order is that of the lock.
    """
    state, now, event = taker.state or State(), installation.now(), deed.event
    try:
        past = batch.writer.past
        signer = signer_of(installation.keyring, state, past.keys, event)
        log = past if seen is None else _Resting(past, seen, batch.writer.before.size)
        sent = prepare_deed(deed, log, signer, installation.random, now)
        taker.bring(sent.evidence)
        batch.take(
            sent.submitted, asker=event.actor, now=now, topics=taker.topics, judge=taker.judge
        )
    except (KeyMissingError, MalformedError, UnpromisedError):
        # Nobody could sign this, or nobody so: the law says it in its own words, where it can.
        _preview(framework, state, deed, now)
        raise
    except RefusedDeedError as refusal:
        # A key that may not be brought; the law says why, where it can.
        if refusal.code == "keys" and isinstance(event, _BRINGING):
            _preview(framework, state, deed, now)
        raise
    return taker.state or state


class _Resting:
    """The log as it is, with topics as they were when a deed was prepared."""

    def __init__(self, past: SeenLog, seen: SeenLog, size: int) -> None:
        """`size` is that of the log before this transaction."""
        self.log, self.size, self.recorded_at = past.log, past.size, past.recorded_at
        self.root, self.last_deed = past.root, past.last_deed
        self._past, self._seen, self._size = past, seen, size

    def newest(self, topic: str) -> int | None:
        """The newest entry that touches a topic: of this transaction, else of what was seen."""
        n = self._past.newest(topic)
        return n if n is not None and n >= self._size else self._seen.newest(topic)


def _preview(framework: Framework, state: State, deed: Deed, now: str) -> None:
    """What the server would say of a deed, before anybody signs it."""
    # A clock that was set back does not count.
    require_law(framework, state, deed.event, max(now, state.recorded_at))
    check_deed(state, deed.event, [attached(each) for each in deed.attachments], PARSERS)


@contextmanager
def _refusals(installation: Installation, case: str, doing: Sequence[Event]) -> Iterator[None]:
    """Raise what lies behind a signed refusal, and note what the law refuses."""
    try:
        try:
            yield
        except DeedRefusedError as answered:
            # Whoever acts here reads the law's own words; the signed answer is kept all the same.
            cause = answered.error.__cause__
            if isinstance(cause, BadEventError | RefusedDeed):
                raise cause from answered
            error = answered.error
            raise RefusedDeed(doing[-1], error.why, error.code) from answered
    except RefusedDeed as refusal:
        # Only now: what is noted within the transaction would go with it.
        installation.note_refusal(case, refusal)
        raise
