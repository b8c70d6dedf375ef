"""Certificates of destruction: drafted and kept before the deed that names one.

Who destroys a case signs the digest of a certificate, which names the log as it is then. So the
installation drafts it first, and hands it out to be signed for:

    certificate = draft_certificate(installation, case, "the agreed retention has ended")
"""

from typing import Any

from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import MalformedError, dumps, fingerprint, loads
from touchstone.service.installation import Installation


def draft_certificate(installation: Installation, case: str, reason: str) -> dict[str, Any]:
    """A certificate for a case as its log stands, signed by the installation and kept.

    It is worth nothing before a deed `case-destroyed` names its digest, at this very head of the
    log; another draft takes its place. `reason` is one line and stays for good.

    Raises:
        CaseMissingError: there is no such case.
        FullError: it cannot be kept.
    """
    head = installation.records.head(case)
    signer = installation.keyring.installation
    stated = {
        "certificate": "touchstone/destruction/1",
        "log": head.log,
        "size": head.size,
        "root": head.root,
        "at": installation.now(),
        "destroyed": "the key of the case, and with it all content and evidence",
        "kept": "entries, facts that bear on the state, and proofs",
        "reason": reason,
        "key": fingerprint(signer.public_key),
    }
    signature = signer.sign(b"touchstone/destruction/1\x00" + dumps(stated))
    certificate = {**stated, "signature": signature.hex()}
    installation.records.destructions.keep_draft(case, dumps(certificate).decode())
    return certificate


def drafted(installation: Installation, case: str, digest: str) -> str | None:
    """The certificate of that digest, if it is the one that was drafted last for the case."""
    text = installation.records.destructions.draft(case)
    return text if text is not None and digest_bytes(text.encode()) == digest else None


def is_of_head(certificate: str, log: str | None, size: int, root: str) -> bool:
    """Whether a certificate is of that log at that size and root (hex)."""
    try:
        found = loads(certificate.encode())
    except MalformedError:
        return False
    return isinstance(found, dict) and [found.get(each) for each in ("log", "size", "root")] == [
        log,
        size,
        root,
    ]
