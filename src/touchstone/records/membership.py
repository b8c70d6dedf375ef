"""Which party is of which case, as the facts of its entries say.

Only how a party comes into a case and leaves it is looked at: it stays whatever becomes of its
keys. Once it has left it keeps what it had. An invitation that was taken back leaves nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Of these types alone: in an event of a newer version `admits` may mean anything.
_ADMITTING = ("case-opened", "party-admitted")
_UNINVITING = "party-uninvited"
LEAVING = ("party-left", "party-removed")
"""The types after which a party takes part no more; none that left ever comes back."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What a party is in a case, and from which entry on; not `joined`: it is invited.

    `last` is the entry by which it left, the last that it reads; None while it takes part.
    """

    role: str
    n: int
    joined: bool
    last: int | None = None


def members_after(
    known: Mapping[str, Membership], n: int, facts: Mapping[str, Any]
) -> dict[str, Membership | None]:
    """Whose membership is another after entry `n`, whose part 0 is `facts`; mostly nobody's.

    None: it is no member any more. `known` holds at least those whom the facts name. No form is
    checked: who records did.
    """
    changed: dict[str, Membership | None] = {
        each["party"]: Membership(each["role"], n, joined=True)
        for each in (facts.get("admits", ()) if facts.get("type") in _ADMITTING else ())
        # Who is in the case already changes its key alone.
        if not _is_in(known, each["party"])
    }
    act = facts.get("key_act") or {}
    kind = act.get("act")
    if kind in ("invited", "joined") and not _is_in(known, act.get("party")):
        changed[act["party"]] = Membership(act["role"], n, kind == "joined")
    if facts.get("type") == _UNINVITING and not _is_in(known, facts["party"]):
        changed[facts["party"]] = None
    if facts.get("type") in LEAVING:
        before = known.get(leaver_of(facts))
        # The first that says so: nobody leaves twice.
        if before is not None and before.joined and before.last is None:
            changed[leaver_of(facts)] = replace(before, last=n)
    return changed


def moved(
    known: Mapping[str, Membership], changed: Mapping[str, Membership | None]
) -> dict[str, Membership]:
    """The members of a case after changes, by party."""
    merged = {**known, **changed}
    return {party: each for party, each in merged.items() if each is not None}


def moves_members(facts: Mapping[str, Any]) -> bool:
    """Whether the facts may change anybody's membership."""
    return "key_act" in facts or facts.get("type") in (*_ADMITTING, _UNINVITING, *LEAVING)


def follow_members(entries: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[str, Membership]:
    """The members of a case, by party, from the part 0s of its entries, each with its n."""
    members: dict[str, Membership] = {}
    for n, facts in entries:
        members = moved(members, members_after(members, n, facts))
    return members


def leaver_of(facts: Mapping[str, Any]) -> str:
    """Which party takes part no more by an event of one of `LEAVING`."""
    return str(facts["actor"] if facts["type"] == "party-left" else facts["party"])


def _is_in(known: Mapping[str, Membership], party: object) -> bool:
    return any(name == party and each.joined for name, each in known.items())
