"""May this audience read what carries this marking? No, unless a rule says yes."""

from dataclasses import dataclass
from typing import Literal

from touchstone.clearance.audiences import Audience
from touchstone.clearance.markings import EVERY_PARTY, LABELS, TLP, Marking

MembershipState = Literal["none", "invited", "joined"]
"""What a party is in a case, at the time of asking."""


@dataclass(frozen=True)
class Decision:
    """An answer and its reason, one sentence for a person."""

    allowed: bool
    reason: str


def may_read(
    audience: Audience,
    marking: Marking,
    author: str | None = None,
    case_parties: frozenset[str] = frozenset(),
    *,
    content: bool = True,
) -> Decision:
    """Whether the audience may read a part with this marking.

    `author` is the id of the party whose own part it is, where the caller knows it: a party reads
    what it wrote. `case_parties` are the ids of who takes part in the case, at the time of asking:
    EVERY_PARTY on a marking names them, whenever they joined; who has left is none of them. An
    unknown scheme or label denies everybody, its author too, since nobody here can tell what it
    forbids. `content` says whether the part holds words or evidence, and not only what was done: a
    person who sees facts alone is not shown it, whoever wrote it.
    """
    # Before anything else: no rule of ours may open what a scheme of others marks.
    if marking.scheme != TLP:
        return _no(f"the marking scheme {marking.scheme!a} is not known here")
    if marking.label not in LABELS:
        return _no(f"{TLP} has no label {marking.label!a}")
    if beyond := _beyond_sight(audience, content=content):
        return _no(beyond)
    # Before the parties are looked at: an author reads a part that is limited to others.
    if author in audience.parties:
        return _yes(f"{author} wrote it")
    if marking.parties:
        return _named(audience, marking, case_parties)
    return _unnamed(audience, marking)


def may_open(audience: Audience, membership: MembershipState) -> Decision:
    """Whether the audience may open a case as a member has it.

    What is then shown, each part's marking says.
    """
    if beyond := _beyond_sight(audience, content=False):
        return _no(beyond)
    if membership == "joined":
        return _yes(f"{audience.name} has joined it")
    return _no(f"{audience.name} has not joined it")


def may_open_to_join(audience: Audience, membership: MembershipState) -> Decision:
    """Whether the audience may open a case for what an invited party needs to join, or as a member.

    As `may_open` for the rest.
    """
    # Sight first, for the invited too: who sees nothing of its party's cases joins none either.
    if membership == "invited" and not _beyond_sight(audience, content=False):
        return _yes(f"{audience.name} is invited to it")
    return may_open(audience, membership)


def _beyond_sight(audience: Audience, *, content: bool) -> str:
    """Why whoever asks sees less than its party may read; an empty text where it does not."""
    if audience.sight == "nothing":
        return f"whoever asks for {audience.name} is to read nothing of cases"
    if content and audience.sight == "facts":
        return f"whoever asks for {audience.name} sees facts and proofs, and no contents"
    return ""


def may_take(audience: Audience, read: Decision, lookers: frozenset[str]) -> Decision:
    """Whether the audience may be handed a copy of what it may `read`: a file, a bundle, an answer.

    `lookers` are the ids of those whom the case's agreement lets look at it and no more.
    """
    met = sorted(audience.parties & lookers)
    if not read.allowed or not met:
        return read
    return _no(
        f"it is view only for {met[0]}, by the agreement: the developer has it, and another text of"
        " the agreement, which developer and centre sign, can hand it out"
    )


def _named(audience: Audience, marking: Marking, case_parties: frozenset[str]) -> Decision:
    """Parties on the marking limit it, whatever its label: naming someone never opens it wider."""
    named = {*marking.parties}
    if EVERY_PARTY in named:
        named = (named - {EVERY_PARTY}) | case_parties
    # Sorted, so that the reason names the same party each time.
    met = sorted(audience.parties & named)
    if met:
        return _yes(f"{marking.label} names {met[0]}")
    # It does not say to whom: that somebody else is named may itself be what is kept back.
    return _no(f"{marking.label} is limited to parties that {audience.name} is not among")


def _unnamed(audience: Audience, marking: Marking) -> Decision:
    if marking.label == "CLEAR":
        return _yes("CLEAR is for everyone")
    if marking.label == "GREEN" and audience.ceiling == "GREEN":
        return _yes("GREEN is for the community")
    if marking.label == "GREEN":
        return _no(f"GREEN is for the community, and {audience.name} is not in it")
    return _no(f"{marking.label} is for named parties, and none is named")


def _yes(reason: str) -> Decision:
    return Decision(allowed=True, reason=reason)


def _no(reason: str) -> Decision:
    return Decision(allowed=False, reason=reason)
