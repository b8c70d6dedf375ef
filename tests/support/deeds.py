"""Invented deeds for the record's tests; as a script, a process that appends until it is killed.

    deeds.py append HOME DATABASE CASE BATCHES

prints `<next n> <root>` after each batch of three entries that was acknowledged. DATABASE is `-`
for SQLite. Each batch puts one piece of evidence, names it in its events, and sets the status.
"""

import hashlib
import os
import random
import sys
from pathlib import Path
from typing import Any

from support.contract1 import NewPart, append, opening
from touchstone.keys import Keyring
from touchstone.ledger import dumps
from touchstone.records import Records, Summary

AT = "2026-11-21T10:00:00Z"
BATCH = 3


def fact(kind: str = "noted", **facts: Any) -> NewPart:
    """A part 0."""
    event = {
        "type": kind,
        "schema": 1,
        "actor": "example-lab",
        "at": AT,
        "marking": {"scheme": "TLP:2.0", "label": "AMBER", "parties": []},
    }
    return NewPart(os.urandom(32), dumps(event | facts))


def content(text: str = "content") -> NewPart:
    """A part with content."""
    return NewPart(os.urandom(32), dumps({"kind": "content", "content": text}))


def summary(status: str = "open", **changes: str) -> Summary:
    """What lists show."""
    facts: dict[str, Any] = {
        "title": "A review",
        "model_name": "example-1",
        "developer": "example-lab",
        "framework": "example",
        "status": status,
        "updated": AT,
    }
    return Summary(**(facts | changes))


def open_case(records: Records, case: str = "case-1") -> None:
    """Open a case with one entry."""
    with opening(records, case) as writer:
        append(writer, [fact("case-opened"), content("agreement")])
        writer.summarise(summary())
    records.installation.publish()


def append_batch(records: Records, case: str, evidence: bytes) -> tuple[int, str]:
    """One transaction: evidence, three entries, the index. Gives next n and root once it stands."""
    with records.transaction(case) as writer:
        digest = writer.put_evidence(evidence, "text/plain", "log")
        for step in range(BATCH):
            append(writer, [fact(digest=digest, step=step), content(f"step {step}")])
        writer.summarise(summary(digest))
    # As every command does when it ends.
    records.installation.publish()
    return writer.next_n, writer.root


def main(home: str, database: str, case: str, batches: str) -> None:
    """Append batches and acknowledge each on stdout."""
    folder = Path(home)
    records = Records.open(
        folder, Keyring.open(folder / "keys"), None if database == "-" else database
    )
    sizes = random.Random(os.getpid())
    for number in range(int(batches)):
        evidence = f"{os.getpid()} {number} ".encode() * sizes.randint(1, 3000)
        size, root = append_batch(records, case, evidence)
        sys.stdout.write(f"{size} {root}\n")
        sys.stdout.flush()


def digest_of(data: bytes) -> str:
    """`sha256:` and hex."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


if __name__ == "__main__":
    main(*sys.argv[2:])
