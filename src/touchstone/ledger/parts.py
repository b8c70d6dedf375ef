"""What the parts of an entry open to, and which key each party signs its deeds with.

The forms are checked, not the words: what an event or a marking means is for rooms above.
"""

from typing import Any

from touchstone.ledger import forms
from touchstone.ledger.canonical import loads
from touchstone.ledger.deeds import Deed, SignedDeed, parse_envelope
from touchstone.ledger.entries import Entry
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import fingerprint

FIRST_TYPE = "case-opened"
_FACTS = ("type", "schema", "actor", "at", "marking")


def parse_facts(data: bytes, n: int) -> dict[str, Any]:
    """Part 0 of entry n as an object; MalformedError if a required field is missing or misshapen.

    The returned facts are as they were written, unknown fields included.
    """
    facts = parse_event(data, n)
    # For its refusals alone; `PartyKeys` follows what is admitted.
    _admitted(facts)
    return facts


def parse_event(data: bytes, n: int) -> dict[str, Any]:
    """Part 0 of entry n under either contract, whatever it says of keys."""
    facts = forms.some_fields(loads(data), _FACTS, "part 0")
    forms.kebab(facts["type"], "part 0's type")
    forms.integer(facts["schema"], "part 0's schema", least=1)
    forms.text(facts["actor"], "part 0's actor")
    forms.time(facts["at"], "part 0's at")
    check_marking(facts["marking"])
    if n == 0:
        # The nonce makes the leaf, and so the log's id, another in each case.
        forms.some_fields(facts, ("agreement", "installation_key", "nonce"), "entry 0's part 0")
        if facts["type"] != FIRST_TYPE:
            raise MalformedError(f"entry 0 is of type {facts['type']}, not {FIRST_TYPE}")
        forms.digest(facts["agreement"], "entry 0's agreement")
        forms.hex32(facts["installation_key"], "entry 0's installation_key")
        forms.hex32(facts["nonce"], "entry 0's nonce")
    return facts


def parse_content(data: bytes) -> dict[str, Any]:
    """A part other than part 0 as an object; MalformedError if it is of no known kind."""
    part = forms.some_fields(loads(data), ("marking", "kind"), "a part")
    check_marking(part["marking"])
    match part["kind"]:
        case "content":
            forms.some_fields(part, ("content",), "a content part")
        case "evidence":
            names = ("digest", "size", "media_type", "name")
            forms.some_fields(part, names, "an evidence part")
            forms.digest(part["digest"], "evidence's digest")
            forms.integer(part["size"], "evidence's size")
            forms.text(part["media_type"], "evidence's media_type")
            forms.text(part["name"], "evidence's name")
        case "deed":
            forms.some_fields(part, ("envelope",), "a deed part")
        case _:
            raise MalformedError("a part's kind is none of content, evidence and deed")
    return part


class PartyKeys:
    """Which key each party signs with, as far as the opened part 0s tell.

    Feed it every entry's facts in order, None for a part 0 that is not opened.
    """

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._complete = True

    def follow(self, facts: dict[str, Any] | None) -> None:
        """Take in the admissions of the next entry."""
        if facts is None:
            self._complete = False
        else:
            self._keys |= _admitted(facts)

    def verify(self, signed: SignedDeed) -> bool:
        """Whether the deed's signature could be checked; AlteredError if it does not hold.

        It cannot where part 0s are not opened and may have admitted a key that is not known here.
        """
        key = self._keys.get(signed.deed.actor)
        if not self._complete and (key is None or fingerprint(key) != signed.keyid):
            return False
        if key is None:
            raise AlteredError(f"no key was admitted for the deed's actor {signed.deed.actor!r}")
        signed.verify(key)
        return True


def check_deed_place(
    part: dict[str, Any], entry: Entry, previous: bytes, facts: dict[str, Any] | None
) -> SignedDeed:
    """The signed deed of a deed part, checked to be of this entry and this past; not its signature.

    `previous` is the root (32 bytes) of the log at size `entry.n`; `facts` is part 0 if it is
    opened. Raises AlteredError if the deed belongs elsewhere.
    """
    signed = parse_envelope(part["envelope"])
    deed = signed.deed
    here = Deed(
        log=entry.log,
        n=entry.n,
        previous=previous.hex(),
        # Of a withheld event the deed's own word stands: the rest of it still binds.
        deed=facts["type"] if facts else deed.deed,
        actor=facts["actor"] if facts else deed.actor,
        parts=entry.parts[:-1],
    )
    if deed != here:
        raise AlteredError("the deed was signed for another place, past or content")
    return signed


def check_marking(value: object) -> None:
    """Raise MalformedError unless a JSON value has the form of a marking."""
    marking = forms.fields(value, ("scheme", "label", "parties"), "a marking")
    forms.text(marking["scheme"], "a marking's scheme")
    forms.text(marking["label"], "a marking's label")
    for party in forms.array(marking["parties"], "a marking's parties"):
        forms.text(party, "a marking's party")


def _admitted(facts: dict[str, Any]) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for admission in forms.array(facts.get("admits", []), "part 0's admits"):
        admits = forms.fields(admission, ("party", "role", "key"), "an admission")
        party = forms.text(admits["party"], "an admission's party")
        forms.text(admits["role"], "an admission's role")
        if party in keys:
            raise MalformedError(f"{party!r} is admitted twice in one list")
        keys[party] = bytes.fromhex(forms.hex32(admits["key"], "an admission's key"))
    return keys
