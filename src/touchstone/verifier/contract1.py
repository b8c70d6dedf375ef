"""Contract 1: a deed names its entry's place and past, and comes last in it."""

import re
from typing import TYPE_CHECKING, Any

from .errors import hold
from .proofs import dsse, fingerprint, root_of, signed
from .strict import parse, shaped, unbase64

if TYPE_CHECKING:
    from .reading import BundleVerification


class Contract1:
    """What is established of the parts of a bundle of contract 1."""

    entry = re.compile(
        rb'\{"log":(null|"[0-9a-f]{64}"),"n":(0|[1-9][0-9]{0,15}),'
        rb'"parts":\["([0-9a-f]{64}(?:","[0-9a-f]{64}){0,63})"\],"v":1\}'
    )
    parts, hidden = "1 to 64", "hidden"

    def __init__(self, reading: "BundleVerification") -> None:
        self.reading, self.all_open = reading, True
        # By party its key; of the entry at hand the type and actor, where part 0 is opened.
        self.parties = dict[str, str]()
        self.event: tuple[str, str] | None = None

    def begin(self, _n: int) -> None:
        """A new entry."""
        self.event = None

    def take(self, n: int, i: int, opened: Any, commitments: bytes) -> None:
        """One part, None where it is not shown."""
        if opened is None:
            # Only a part 0 can have admitted a key.
            self.all_open = self.all_open and i > 0
            return
        if i == 0:
            self.event = self._event(n, opened)
        else:
            kind = str(opened.get("kind")) if isinstance(opened, dict) else ""
            shaped(opened, kind if kind in ("evidence", "deed") else "content", more=True)
            last = i == len(commitments) // 32 - 1
            hold(kind != "deed" or last, "is a deed, but not its entry's last part")
            if kind == "deed":
                self._deed(n, commitments[: 32 * i].hex(), opened.get("envelope"))
        shaped(opened.get("marking"), "marking")

    def end(self, _n: int) -> None:
        """The entry's parts are all read."""

    def answer(self, line: bytes) -> None:
        """There are none: it must be the seal."""
        parse(line, "seal")

    def facts(self) -> dict[str, Any]:
        """What was established."""
        return {"contract": 1}

    def _event(self, n: int, opened: Any) -> tuple[str, str]:
        """An opened part 0: its type and actor; the keys that it admits count from here on."""
        shaped(opened, "event", more=True)
        self.reading.opening(n, opened)
        admits = opened.get("admits", [])
        hold(isinstance(admits, list), "admits no list of parties")
        keys = {shaped(one, "admits")["party"]: one["key"] for one in admits}
        hold(len(keys) == len(admits), "admits a party twice")
        self.parties |= keys
        return opened["type"], opened["actor"]

    def _deed(self, n: int, others: str, envelope: Any) -> None:
        """A party's signature over the place, the past and the parts before it."""
        (signature,) = shaped(envelope, "envelope")["signatures"]
        raw, sig = unbase64(envelope["payload"]), unbase64(signature["sig"])
        hold(raw != b"" and sig != b"", "is a deed in ill-formed base64")
        bound = parse(raw, "payload")
        past = (self.reading.log if n else None, n, root_of(self.reading.peaks).hex())
        hold((bound["log"], bound["n"], bound["previous"]) == past, "is a deed of another place")
        hold("".join(bound["parts"]) == others, "is a deed about other parts")
        said = (bound["deed"], bound["actor"])
        due = self.event or said
        hold(said == due, "is a deed of another type or actor than its entry's event")
        key = bytes.fromhex(self.parties.get(bound["actor"], ""))
        known = fingerprint(key) == signature["keyid"]
        hold(known or not self.all_open, "is a deed by a key that its actor was not admitted with")
        holds = not known or signed(key, sig, dsse(raw))
        hold(holds, "is a deed whose signature does not hold")
        self.reading.counts["deeds_checked" if known else "deeds_unchecked"] += 1
