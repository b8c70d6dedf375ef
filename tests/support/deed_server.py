"""A server of contract 2 in memory, and parties that sign for it: what tests of the checks need.

It does what a store must: everything in one place, the answer kept, the same bytes again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Protocol

from support.ledger_signer import Signer
from touchstone import ledger
from touchstone.ledger import contract2
from touchstone.ledger.contract2 import (
    AdmittedDeed,
    CaseLog,
    DeedStatement,
    DeedTopics,
    RecordedDeed,
    SeenHead,
    SentPart,
    SignedAnswer,
    SubmittedDeed,
)

AT = "2026-11-21T09:00:00Z"
TYPES: Mapping[str, DeedTopics] = {
    "case-opened": DeedTopics(frozenset(), frozenset()),
    "review-halted": DeedTopics(frozenset({"halt"})),
    "review-resumed": DeedTopics(frozenset({"halt"}), frozenset({"halt"})),
    "finding-made": DeedTopics(frozenset({"finding:1"})),
    "finding-responded": DeedTopics(frozenset({"finding:1"}), frozenset({"finding:1"})),
    "case-destroyed": DeedTopics(frozenset({"status"}), exact=True),
}
Topics = Callable[[Mapping[str, Any]], DeedTopics]
MARKING = {"scheme": "TLP:2.0", "label": "AMBER", "parties": []}


def topics_of(facts: Mapping[str, Any]) -> DeedTopics:
    """What a type asks of its topics: what a table beside the rules will say."""
    return TYPES.get(facts["type"], DeedTopics())


def drawn(*names: object) -> bytes:
    """32 bytes that never repeat and never change."""
    return sha256(repr(names).encode()).digest()


@dataclass
class Server(CaseLog):
    """A case's log with its answers; `installation` signs them."""

    installation: Signer = field(default_factory=lambda: Signer("installation"))
    topics: Topics = topics_of

    def __post_init__(self) -> None:
        CaseLog.__init__(self)
        self.entries: list[RecordedDeed] = []
        self.answers: dict[str, SignedAnswer] = {}
        self.by_seq: dict[tuple[str, int], str] = {}

    def recorded_digest(self, key: str, seq: int) -> str | None:
        return self.by_seq.get((key, seq))

    def answer(self, digest: str) -> SignedAnswer | None:
        return self.answers.get(digest)

    def submit(self, deed: SubmittedDeed, asker: str, now: str = AT) -> SignedAnswer:
        """The answer, stored; UnpromisedError where nothing is promised."""
        try:
            admitted = contract2.admit_deed(deed, self, asker=asker, now=now, topics=self.topics)
        except ledger.RefusedDeedError as error:
            statement = contract2.parse_statement_envelope(deed.envelope).statement
            refusal = contract2.refuse_deed(statement, error, self, now)
            return self._kept(contract2.sign_answer(refusal, self.installation))
        if isinstance(admitted, SignedAnswer):
            return admitted
        return self._record(admitted)

    def _record(self, admitted: AdmittedDeed) -> SignedAnswer:
        n = self.size
        padding = [drawn("pad", n, i) for i in range(5)]
        recorded = contract2.record_deed(
            admitted, (drawn("deed", n), drawn("recorded", n)), padding
        )
        statement = admitted.statement
        dated = str(admitted.facts["at"])
        self.append(recorded.entry.leaf, statement, admitted.act, admitted.at, dated)
        self.entries.append(recorded)
        self.by_seq[statement.key, statement.seq] = statement.digest
        receipt = recorded.receipt(self.root(self.size))
        return self._kept(contract2.sign_answer(receipt, self.installation))

    def _kept(self, answer: SignedAnswer) -> SignedAnswer:
        self.answers[answer.answer.deed] = answer
        return answer


class DeedTaker(Protocol):
    """What a hand asks of a server: the log as it stands, and an answer."""

    installation: Signer

    @property
    def topics(self) -> Topics: ...

    @property
    def log(self) -> str | None: ...

    @property
    def size(self) -> int: ...

    def root(self, size: int) -> bytes: ...

    def newest(self, topic: str) -> int | None: ...

    def submit(self, deed: SubmittedDeed, asker: str, now: str = AT) -> SignedAnswer: ...


@dataclass
class Hand:
    """One key of a party, which signs deeds elsewhere."""

    party: str
    signer: Signer
    seq: int = 0
    before: str | None = None
    sight: int = 0

    @property
    def key(self) -> str:
        return ledger.fingerprint(self.signer.public_key)

    def sign(
        self,
        server: DeedTaker,
        deed: str,
        *,
        facts: Mapping[str, Any] | None = None,
        seen: int | None = None,
        change: Callable[[DeedStatement], DeedStatement] | None = None,
        content: str | None = None,
        **said: Any,
    ) -> SubmittedDeed:
        """A deed on what the hand sees of the server's log, and nothing written down yet."""
        size = server.size if seen is None else seen
        event = {"type": deed, "schema": 1, "actor": self.party, "at": AT, "marking": MARKING}
        event |= dict(facts or {})
        data = ledger.dumps(event)
        part = SentPart(drawn(self.key, self.seq, deed, size, data), data)
        parts: tuple[SentPart, ...] = (part,)
        if content is not None:
            text = ledger.dumps({"kind": "content", "marking": MARKING, "content": content})
            parts = (part, SentPart(drawn(self.key, self.seq, "content", size), text))
        topics = server.topics(event)
        named = {topic: server.newest(topic) for topic in topics.must_name}
        asked: dict[str, Any] = {
            "touches": tuple(sorted(topics.touches)),
            "on": named,
            "exact": topics.exact,
        } | said
        statement = DeedStatement(
            server.log,
            self.key,
            self.party,
            deed,
            tuple(ledger.commit_part(one.salt, one.data) for one in parts),
            self.seq,
            self.before,
            SeenHead(size, server.root(size).hex()),
            **asked,
        )
        statement = change(statement) if change else statement
        return SubmittedDeed(contract2.sign_statement(statement, self.signer).value, parts)

    def done(self, deed: SubmittedDeed) -> None:
        """The deed was recorded: the next one follows it."""
        statement = contract2.parse_statement_envelope(deed.envelope).statement
        self.seq, self.before = statement.seq + 1, statement.digest
        self.sight = statement.seen.size

    def act(self, server: DeedTaker, deed: str, **said: Any) -> SignedAnswer:
        """Sign, send, and go on only once it is recorded."""
        signed = self.sign(server, deed, **said)
        answer = server.submit(signed, self.party)
        assert isinstance(answer.answer, contract2.RecordedAnswer), answer.answer
        self.done(signed)
        return answer


def key_act(server: DeedTaker, about: str, **act: Any) -> dict[str, Any]:
    """What a deed says that acts on the keys of a party."""
    topic = f"keys:{about}"
    return {
        "facts": {"key_act": act},
        "touches": (topic,),
        "on": {topic: server.newest(topic)},
    }


@dataclass(frozen=True)
class Scene:
    """A case of two parties, the lab with a device of its own for halts and answers."""

    server: Server
    centre: Hand
    lab: Hand
    device: Hand


def opened(
    kinds: tuple[str, ...] = ("finding-responded", "review-halted", "review-resumed"),
) -> Scene:
    """The case, opened and joined."""
    server = Server()
    return Scene(server, *begun(server, kinds))


def begun(
    server: DeedTaker, kinds: tuple[str, ...], nonce: str = "nonce"
) -> tuple[Hand, Hand, Hand]:
    """The hands of a case that they begin: the centre's, the lab's, and of its device.

    Another `nonce` begins another case: one deed begins one log.
    """
    centre = Hand("example-centre", Signer("centre"))
    lab, device = (Hand("example-lab", Signer(name)) for name in ("lab", "device"))

    def following(name: str) -> str:
        return ledger.fingerprint(Signer(f"{name} next").public_key)

    opening = {
        "agreement": "sha256:" + drawn("agreement").hex(),
        "nonce": drawn(nonce).hex(),
        "installation_key": server.installation.public_key.hex(),
    }
    joins = key_act(
        server,
        "example-centre",
        act="joined",
        party="example-centre",
        role="centre",
        key=centre.signer.public_key.hex(),
        next=following("centre"),
    )
    centre.act(server, "case-opened", **joins | {"facts": opening | joins["facts"]})
    centre.act(
        server,
        "party-invited",
        **key_act(
            server,
            "example-lab",
            act="invited",
            party="example-lab",
            role="developer",
            expects=lab.key,
        ),
    )
    lab.act(
        server,
        "party-joined",
        **key_act(
            server,
            "example-lab",
            act="joined",
            party="example-lab",
            role="developer",
            key=lab.signer.public_key.hex(),
            next=following("lab"),
        ),
    )
    lab.act(
        server,
        "signer-admitted",
        **key_act(
            server,
            "example-lab",
            act="admitted",
            alg="ed25519",
            kinds=list(kinds),
            key=device.signer.public_key.hex(),
            label="an officer's device",
        ),
    )
    return centre, lab, device


def with_other(deed: SubmittedDeed, data: bytes) -> SubmittedDeed:
    """The deed with another part 0 than was signed for."""
    return replace(deed, parts=(replace(deed.parts[0], data=data), *deed.parts[1:]))
