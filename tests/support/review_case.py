"""A case in memory that tests carry forward through `decide`, as `service` does."""

from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from support.laid import anchor_clock
from support.timed import decide, evolve
from touchstone.clearance import EVERY_PARTY, tlp
from touchstone.framework import Framework, parse_framework
from touchstone.ledger import digest_value, fingerprint
from touchstone.review import Event, State, propose_designation
from touchstone.review.events import joining as events
from touchstone.review.events import judging, measuring, opening
from touchstone.review.events.base import EventWithTexts

E = TypeVar("E", bound=Event)

SHIPPED = Path(__file__).parents[2] / "src" / "touchstone" / "framework" / "shipped"
AT = "2026-10-01T12:00:00Z"
ROLES = {
    "example-lab": "developer",
    "example-centre": "centre",
    "example-agency": "agency",
    "example-treasury": "agency",
    "example-evaluator": "independent-evaluator",
    "example-institute": "co-evaluator",
    "example-bank": "trusted-partner",
    "example-auditor": "auditor",
}
LAB, CENTRE, AGENCY, TREASURY = list(ROLES)[:4]
EVALUATOR, INSTITUTE, BANK, AUDITOR = list(ROLES)[4:]
MARKING = tlp("AMBER", EVERY_PARTY)
"""Every party of the case reads what carries it, and those who may join."""


def hex32(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def digest(name: str) -> str:
    return f"sha256:{hex32(name)}"


def shipped_framework(name: str) -> Framework:
    path = SHIPPED / f"{name}.toml"
    return parse_framework(path.read_text(), path.name)


def example_framework() -> Framework:
    return shipped_framework("example")


def make(event: type[E], actor: str, /, at: str = AT, **facts: Any) -> E:
    return event(actor=actor, at=at, marking=MARKING, **in_digests(event, facts))


def in_digests(event: type[Event], facts: dict[str, Any]) -> dict[str, Any]:
    """Facts in which words stand as the digests that they have as parts."""
    names = event.TEXTS if issubclass(event, EventWithTexts) else ()
    return {
        name: digest(str(value)) if name in names and value and not is_digest(value) else value
        for name, value in facts.items()
    }


def is_digest(value: object) -> bool:
    return isinstance(value, str) and value.startswith("sha256:")


def admission(party: str, key: str | None = None) -> opening.Admission:
    return opening.Admission(party=party, role=ROLES[party], key=hex32(key or party))  # type: ignore[arg-type]


def print_of(key: str) -> str:
    """The fingerprint of the key so called."""
    return fingerprint(bytes.fromhex(hex32(key)))


def joins(party: str, **changes: Any) -> events.JoinedAct:
    facts = {"party": party, "role": ROLES.get(party, "agency"), "key": hex32(party)}
    return events.JoinedAct(**facts | {"next": print_of(f"{party} next")} | changes)


def invitation(party: str, actor: str = CENTRE, **changes: Any) -> events.PartyInvited:
    facts: dict[str, Any] = {"party": party, "role": ROLES.get(party, "agency"), "expects": None}
    return make(events.PartyInvited, actor, key_act=events.InvitedAct(**facts | changes))


def outcome(index: int, result: str = "solved", attempt: int = 1) -> measuring.Outcome:
    return measuring.Outcome(
        index=index,
        item=hex32(f"item {index}"),
        attempt=attempt,
        result=result,  # type: ignore[arg-type]
        tokens=100,
        score="0.5" if result == measuring.REPORTED else None,
    )


class Case:
    """Events that happened, and the state after them."""

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self.events: list[Event] = []
        self.state = State()

    def do(self, event: Event) -> Event:
        happened = decide(self.framework, self.state, event)
        self.state = evolve(self.state, happened)
        self.events.append(happened)
        return happened

    def open(self, kind: str = "review") -> "Case":
        reference = opening.FrameworkReference(id=self.framework.id, digest=self.framework.digest)
        self.do(
            make(
                opening.CaseOpened,
                CENTRE,
                kind=kind,
                framework=reference,
                agreement=digest("agreement"),
                installation_key=hex32("installation"),
                nonce=hex32("nonce"),
                admits=tuple(admission(party) for party in ROLES),
            )
        )
        return self

    def open_by_key(self, *joining: str) -> "Case":
        """Open as records of contract 2 do; these parties are invited and join by their keys."""
        reference = opening.FrameworkReference(id=self.framework.id, digest=self.framework.digest)
        self.do(
            make(
                opening.CaseOpened,
                CENTRE,
                schema=2,
                kind="review",
                framework=reference,
                agreement=digest("agreement"),
                installation_key=hex32("installation"),
                nonce=hex32("nonce"),
                key_act=joins(CENTRE),
            )
        )
        for party in joining:
            self.do(invitation(party))
            self.do(make(events.PartyJoined, party, key_act=joins(party)))
        return self

    def agree(self) -> "Case":
        for party in (LAB, CENTRE):
            self.do(agreement(party))
        return self

    def submit(self, at: str = AT, **facts: Any) -> "Case":
        self.do(submission(at, **facts))
        assert self.state.submission
        named = self.state.submission.submission
        self.do(make(opening.SubmissionAssessed, CENTRE, submission=named, complete=True))
        return self

    def lay_window(self) -> "Case":
        assert self.state.submission
        marking = MARKING
        event = anchor_clock(self.framework.window, self.state.submission, CENTRE, AT, marking)
        self.do(event)
        return self

    def seal(self, battery: str = "battery-1", size: int = 20, attempts: int = 1) -> "Case":
        self.do(sealed(battery, size, attempts))
        return self

    def measure(self, mode: str, solved: int, of: int = 20, battery: str = "battery-1") -> "Case":
        results = tuple(outcome(i, "solved" if i < solved else "unsolved") for i in range(of))
        self.do(recorded(results, mode=mode, battery=battery))
        return self

    def propose(self) -> "Case":
        self.do(proposed(self.framework, self.state))
        return self


def agreement(party: str, **changes: Any) -> opening.AgreementSigned:
    facts: dict[str, Any] = {
        "agreement": digest("agreement"),
        "access": "endpoint",
        "reasoning": "full",
        "retention_days": 90,
        "publication": "agreed-report",
        **changes,
    }
    return make(opening.AgreementSigned, party, **facts)


def submission(at: str = AT, **changes: Any) -> opening.SubmissionReceived:
    final = opening.Variant(id="final", modes=("instant", "thinking"), purpose="final")
    facts: dict[str, Any] = {
        "submission": digest("submission"),
        "model": "Example 1",
        "release_state": "in-development",
        "variants": (final,),
        **changes,
    }
    return make(opening.SubmissionReceived, LAB, at, **facts)


def sealed(
    battery: str = "battery-1", size: int = 20, attempts: int = 1, design: str = "fixed"
) -> measuring.BatterySealed:
    items = measuring.ItemSet(
        criterion="memory-safety",
        size=size,
        attempts=attempts,
        design=design,  # type: ignore[arg-type]
    )
    return make(
        measuring.BatterySealed,
        CENTRE,
        battery=battery,
        commitment=hex32(battery),
        item_sets=(items,),
        elicitation=digest("elicitation"),
        order=hex32("order"),
    )


def recorded(outcomes: tuple[measuring.Outcome, ...], **changes: Any) -> measuring.OutcomesRecorded:
    facts: dict[str, Any] = {
        "battery": "battery-1",
        "criterion": "memory-safety",
        "variant": "final",
        "mode": "instant",
        "chunk": "chunk-1",
        **changes,
    }
    return make(measuring.OutcomesRecorded, CENTRE, outcomes=outcomes, **facts)


def verdict(mode: str, answer: str, solved: int, **changes: Any) -> measuring.VerdictReached:
    facts: dict[str, Any] = {
        "battery": "battery-1",
        "criterion": "memory-safety",
        "variant": "final",
        "mode": mode,
        "verdict": answer,
        "solved": solved,
        "counted": 20,
        "interval": ("0.1", "0.9"),
        # Two modes were submitted, and each may cross the criterion.
        "alpha": "0.025",
        "beta": "0.05",
        **changes,
    }
    return make(measuring.VerdictReached, CENTRE, **facts)


def early(mode: str, answer: str, solved: int, used: int, **changes: Any) -> Event:
    """A verdict that stopped early, as the battery of 20 that `sealed` makes sequential allows."""
    claims = {"above": "0.4", "below": "0.6"}
    facts: dict[str, Any] = {
        "reason": "evidence",
        "used": used,
        "overshoot": 0,
        "size": 20,
        "claimed": claims.get(answer),
        "estimate": "0.5",
        **changes,
    }
    return verdict(mode, answer, solved, counted=used, stop=measuring.Stop(**facts))


def proposed(framework: Framework, state: State) -> judging.DesignationProposed:
    rule = propose_designation(framework, state)
    return make(
        judging.DesignationProposed,
        CENTRE,
        designation=rule.designation,
        says=rule.says,
        words=digest_value(rule.words),
    )
