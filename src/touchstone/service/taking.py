"""The server's half of a deed: it holds no party's key, and takes what was signed elsewhere.

What comes in is an envelope with its parts, the bytes of evidence, who asks and when; what goes out
is an answer that the installation signed. Nothing here knows how a deed was made: `signing` does.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from touchstone.editions.case_summary import summarise
from touchstone.evaluation.digests import digest_bytes
from touchstone.framework import Framework, framework_of
from touchstone.ledger.contract2 import (
    DeedTopics,
    SignedAnswer,
    SubmittedDeed,
)
from touchstone.ledger.errors import RefusedDeedError, UnpromisedError
from touchstone.records import DeedTaking, DeedWriter, Destruction, RecordsError
from touchstone.review import (
    Attached,
    BadEventError,
    Event,
    Refused,
    State,
    check_deed,
    decide,
    evolve,
    layout_of,
    parse_event,
    topics_of,
)
from touchstone.review.events.opening import CaseOpened
from touchstone.review.events.settling import CaseDestroyed
from touchstone.review.grounds import Ground
from touchstone.service.certificates import drafted, is_of_head
from touchstone.service.errors import RefusedDeed, UnknownFrameworkError
from touchstone.service.frameworks import framework_in
from touchstone.service.installation import Installation
from touchstone.terms.bundle.bounds import MAX_BYTES
from touchstone.verdicts.content_parsers import PARSERS

WITNESSED = frozenset(
    {"designation-made", "designation-revised", "release-announced", "case-destroyed"}
)
"""Types of deeds after which witnesses are asked at once, and not by the timer alone."""


STOPPING = frozenset({"review-halted", "review-withdrawn", "case-closed"})
"""Types of deeds after which nothing that was planned to run is begun."""
ENDING = STOPPING - {"review-halted"}
"""Those after which nothing of the case is ever run again."""


def take_deed(
    installation: Installation,
    case: str,
    submitted: SubmittedDeed,
    *,
    asker: str,
    now: str,
    evidence: Iterable[bytes] = (),
) -> SignedAnswer:
    """The installation's answer to a deed: a receipt, or a refusal for good; kept first.

    Args:
        installation: Where.
        case: The case's id; a new one where the deed opens it.
        submitted: Envelope and parts.
        asker: The party that sends, which is the deed's own.
        now: The server's time (UTC).
        evidence: What this party brings with it of the evidence that the parts name; the rest it
            sent before, to `installation.staging`.

    Raises:
        UnpromisedError: the deed is not taken as it came, and may be later. Who is no party of the
            case is told the same whether or not there is one.
        RecordsError: no answer; the same bytes may be sent again.
    """
    taker = Taker(installation, now)
    taker.bring(evidence)
    answer = installation.records.deeds.take(
        case, submitted, asker=asker, now=now, topics=taker.topics, judge=taker.judge
    )
    taker.stands(case)
    if taker.destruction is not None:
        # The deed stands whatever the disk does: what is left goes as the record is next opened.
        with suppress(RecordsError):
            installation.records.destructions.finish(case, 0)
    return answer


def take_back_deed(
    installation: Installation, case: str, envelope: object, *, asker: str, now: str
) -> SignedAnswer:
    """The answer to a deed (its envelope) that its party takes back: a refusal, or its receipt.

    `asker` and `now` are as for `take_deed`. Raises as it does.
    """
    return installation.records.deeds.cancel(case, envelope, asker=asker, now=now)


class Taker:
    """Judges the deeds of one transaction, each on the state that the one before it left."""

    def __init__(
        self,
        installation: Installation,
        now: str,
        state: State | None = None,
        framework: Framework | None = None,
    ) -> None:
        """`state` is the case's before the first of them, `now` the server's time (UTC).

        `framework` is the one that the case is pinned to, where its text is at hand.
        """
        self.state = state
        self.destruction: Destruction | None = None
        """What was destroyed, once a deed destroyed the case."""
        self._installation = installation
        self._now = now
        self._framework = framework
        self._evidence: dict[str, bytes] = {}
        self._event: Event | None = None
        self._types: set[str] = set()

    def bring(self, evidence: Iterable[bytes]) -> None:
        """Keep bytes at hand that deeds may name."""
        # By digest: a part names it so, whoever brought the bytes.
        self._evidence.update((digest_bytes(data), data) for data in evidence)

    def topics(self, facts: Mapping[str, Any]) -> DeedTopics:
        """What a deed asks of its topics. Raises RefusedDeedError where it is no event."""
        with _final("event"):
            self._event = parse_event(facts)
            return topics_of(self._event)

    def judge(self, taking: DeedTaking) -> None:
        """Checks 9 and 10; then the deed is recorded, with all that follows from it.

        Raises:
            RefusedDeedError: its cause is a BadEventError, or the RefusedDeed of the law.
            UnpromisedError: evidence, a framework or a certificate that it names is not at hand.
        """
        event, writer = self._event, taking.writer
        if event is None:
            raise TypeError("a deed is judged after it was asked for its topics")
        if self.state is None:
            # A case that is to begin has nothing to be read, nor a name to be remembered.
            self.state = self._installation.state_in(writer) if writer.next_n else State()
        state, at, parts = self.state, taking.admitted.at, self._attached(event, taking)
        # The law first: it says more than that something is missing which it would not take.
        try:
            with _final("law"):
                require_law(self._pinned(writer.case, state, event, parts), state, event, at)
        except UnknownFrameworkError as error:
            raise UnpromisedError("framework", str(error)) from error
        with _final("layout"):
            check_deed(state, event, parts, PARSERS)
            self._check_opening(event)
            certificate = self._certificate_of(event, writer)
        for each in parts:
            if each.value["kind"] == "evidence":
                self._keep_evidence(writer, event.actor, each.value)
        taking.record()
        self.state = evolve(state, event, at)
        self._types.add(event.type)
        writer.summarise(summarise(writer.case, self.state))
        if certificate is not None:
            self.destruction = writer.destroy(certificate)

    def stands(self, case: str) -> None:
        """Say that the transaction stands: what was folded needs not be read again."""
        here = self._installation
        here.witness_due = here.witness_due or bool(self._types & WITNESSED)
        # By whichever way it came: whoever halts or leaves must not have to ask for it twice.
        if self._types & STOPPING:
            here.records.jobs.halt(case)
        elif self.state is not None and "review-resumed" in self._types and not self.state.halted:
            here.records.jobs.resume(case)
        if self._types & ENDING:
            # What cannot be deleted now goes when the keys are next asked for, or at a rebuild: the
            # deed stands, and its answer waits for no file.
            with suppress(RecordsError):
                here.records.endpoint_keys.end(case)
        if self.state is not None and self.state.size:
            here.remember_state(case, self.state)

    def _attached(self, event: Event, taking: DeedTaking) -> list[Attached]:
        """What goes with the deed; evidence with its bytes, or with what its party sent before."""
        admitted, parts = taking.admitted, []
        reads = any(part.needs_bytes for part in layout_of(event).parts)
        came = zip(admitted.values, admitted.parts[1:], strict=True)
        for number, (value, part) in enumerate(came, start=1):
            if value["kind"] == "content":
                parts.append(Attached(value, length=len(part.data)))
                continue
            digest = value["digest"]
            data, kept = self._evidence.get(digest), None
            if data is None:
                kept = taking.writer.staged_size(event.actor, digest)
                if kept is None:
                    why = f"the bytes of part {number} are not here yet: send them first"
                    raise UnpromisedError("evidence", why)
                if reads and kept <= MAX_BYTES:
                    data = taking.writer.staged_bytes(event.actor, digest)
            parts.append(Attached(value, data, len(part.data), kept))
        return parts

    def _keep_evidence(self, writer: DeedWriter, party: str, value: Mapping[str, Any]) -> None:
        digest, media_type, name = value["digest"], value["media_type"], value["name"]
        if digest in self._evidence:
            writer.put_evidence(self._evidence[digest], media_type, name)
        else:
            writer.use_staged(party, digest, media_type, name)

    def _check_opening(self, event: Event) -> None:
        """Only this installation's record is begun here. Raises BadEventError."""
        # Any key of the history: it may have been rotated while the opening was on its way.
        if isinstance(event, CaseOpened):
            keys = {line.public_key for line in self._installation.keyring.history.lines}
            if event.installation_key not in keys:
                raise Ground("installation-key-unknown", deed=event.type).fault

    def _certificate_of(self, event: Event, writer: DeedWriter) -> str | None:
        """What was drafted for a case that is destroyed; None for every other deed."""
        if not isinstance(event, CaseDestroyed):
            return None
        certificate = drafted(self._installation, writer.case, event.certificate)
        if certificate is None:
            raise UnpromisedError(
                "certificate", "the certificate that it names is not here any more: ask for one"
            )
        if not is_of_head(certificate, writer.log, writer.next_n, writer.root):
            raise Ground("certificate-of-another-head", deed=event.type).fault
        return certificate

    def _pinned(self, case: str, state: State, event: Event, parts: list[Attached]) -> Framework:
        """The framework that the deed is judged by."""
        if self._framework is None:
            if isinstance(event, CaseOpened):
                self._framework = _framework_sent(event, parts)
            else:
                self._framework = framework_in(self._installation, case, state)
        return self._framework


def _framework_sent(event: CaseOpened, parts: list[Attached]) -> Framework:
    """The framework that comes with what opens a case. Raises BadEventError."""
    try:
        return framework_of(parts[0].value["content"])
    except (LookupError, ValueError) as error:
        raise Ground("framework-missing", deed=event.type).fault from error


def require_law(framework: Framework, state: State, event: Event, at: str) -> None:
    """Ask the law, as at `at` (UTC), the time of recording. Raises RefusedDeed; BadEventError."""
    try:
        decide(framework, state, event, at)
    except Refused as refusal:
        raise RefusedDeed(event, refusal.reason, refusal.code, refusal.data) from refusal


@contextmanager
def _final(code: str) -> Iterator[None]:
    """Make a refusal for good of what is raised within, with its ground's own code."""
    try:
        yield
    except (BadEventError, Refused) as error:
        # It outlives a destruction of the case, in the answer and in the side log.
        kept = error.kept if isinstance(error, BadEventError) else error.reason
        raise RefusedDeedError(f"{code}-{error.code}", " ".join(kept.split())) from error
