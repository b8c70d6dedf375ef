"""A case that lives twice: by the law of the review, and in a log of contract 2.

Every party has two keys, its own and a device's, so that one can sign while the other goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.deed_server import AT, Hand, Server, key_act
from support.ledger_signer import Signer
from support.review_case import AGENCY, CENTRE, LAB, ROLES, TREASURY, Case, hex32
from support.timed import decide
from touchstone import ledger
from touchstone.framework import Framework
from touchstone.ledger import MalformedError, RefusedDeedError
from touchstone.ledger.contract2 import DeedTopics, RecordedAnswer, SubmittedDeed
from touchstone.review import BadEventError, Event, parse_event, topics_of
from touchstone.review.events import TYPES

PARTIES = (LAB, CENTRE, AGENCY, TREASURY)
KEY_DEEDS = {
    "case-opened",
    "party-invited",
    "party-joined",
    "signer-admitted",
    "signer-removed",
    "party-key-rotated",
    "party-reinvited",
    "party-rejoined",
    "recovery-objected",
}
KINDS = sorted({str(each.model_fields["type"].default) for each in TYPES} - KEY_DEEDS)

UNTIL = "2026-11-28T09:00:00Z"
"""As long after the day of these deeds as any may wait."""


def now(event: Event) -> dict[str, Any]:
    """What a hand signs of it: dated by the server's clock."""
    return {"facts": event.facts() | {"at": AT}, "until": UNTIL}


def following(name: str) -> str:
    """The fingerprint of the key after this one."""
    return ledger.fingerprint(Signer(f"{name} next").public_key)


@dataclass
class HeldCase:
    """`case` is opened as `review_case` does; `server` has the same parties, joined by key."""

    case: Case
    server: Server = field(default_factory=Server)
    hands: dict[str, Hand] = field(default_factory=dict)
    devices: dict[str, Hand] = field(default_factory=dict)

    def do(self, event: Event) -> None:
        """Do a deed by its party's own key, as it stands now, in both."""
        self.case.do(event)
        self.hands[event.actor].act(self.server, event.type, **now(event))

    def sign(self, event: Event, *, on: bool = True) -> SubmittedDeed:
        """The deed by the party's device on what stands now, sent to nobody yet.

        `on`: whether it names what it must.
        """
        said: dict[str, Any] = now(event) | ({} if on else {"on": {}})
        hand = self.devices[event.actor]
        return hand.sign(self.server, event.type, **said)

    def admits(self, event: Event) -> bool:
        """Whether the law of the review alone takes the deed as the case stands now."""
        return decide(self.case.framework, self.case.state, event) == event

    def answer(self, deed: SubmittedDeed, party: str) -> str:
        """The server's: `recorded`, or the code of the refusal."""
        answer = self.server.submit(deed, party).answer
        return "recorded" if isinstance(answer, RecordedAnswer) else answer.code


def joined(framework: Framework) -> HeldCase:
    """A case in which four parties of `review_case` have joined with two keys.

    Acts on keys are here what the ledger alone makes of them.
    """
    held = HeldCase(Case(framework).open())
    server = held.server
    for party in PARTIES:
        held.hands[party] = Hand(party, Signer(party))
        held.devices[party] = Hand(party, Signer(f"{party} device"))
    others = [party for party in PARTIES if party != CENTRE]
    centre = held.hands[CENTRE]
    opening = {
        "agreement": f"sha256:{hex32('agreement')}",
        "nonce": hex32("nonce"),
        "installation_key": server.installation.public_key.hex(),
    }
    first = key_act(
        server,
        CENTRE,
        act="joined",
        party=CENTRE,
        role="centre",
        key=centre.signer.public_key.hex(),
        next=following(CENTRE),
    )
    centre.act(server, "case-opened", **first | {"facts": opening | first["facts"]})
    for party in others:
        role, hand = ROLES[party], held.hands[party]
        centre.act(
            server,
            "party-invited",
            **key_act(server, party, act="invited", party=party, role=role, expects=hand.key),
        )
        hand.act(
            server,
            "party-joined",
            **key_act(
                server,
                party,
                act="joined",
                party=party,
                role=role,
                key=hand.signer.public_key.hex(),
                next=following(party),
            ),
        )
    for party, hand in held.hands.items():
        hand.act(
            server,
            "signer-admitted",
            **key_act(
                server,
                party,
                act="admitted",
                alg="ed25519",
                kinds=KINDS,
                key=held.devices[party].signer.public_key.hex(),
                label="a device",
            ),
        )
    server.topics = topics_of_facts
    return held


def topics_of_facts(facts: Mapping[str, Any]) -> DeedTopics:
    """What a part 0 asks of its topics, as whoever takes it asks."""
    try:
        return topics_of(parse_event(facts))
    except (BadEventError, MalformedError) as error:
        raise RefusedDeedError("event", str(error)) from error
