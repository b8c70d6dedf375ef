"""What a server drafted for a centre to sign for, once it is seen to be what was asked for."""

from collections.abc import Mapping
from typing import Any

from touchstone.client.errors import DraftError
from touchstone.ledger import AlteredError, KeyHistory, check_signature, dumps

FORM = "touchstone/destruction/1"
Head = tuple[str | None, int, str]
"""A log's id (hex), a size, and the root (hex) at that size."""


def check_certificate(
    certificate: Mapping[str, Any], head: Head, reason: str, keys: KeyHistory
) -> None:
    """Hold a certificate against the log as this machine sees it, and against what it asked for.

    `keys` are the installation's, whose newest one must have signed it. Raises DraftError.
    """
    stated = {name: each for name, each in certificate.items() if name != "signature"}
    if (stated.get("log"), stated.get("size"), stated.get("root")) != head:
        raise DraftError(
            "the certificate is of another head of the log than is seen here: something was"
            " recorded in between; type it again"
        )
    if (stated.get("certificate"), stated.get("reason")) != (FORM, reason):
        raise DraftError("the certificate says something else than was asked for")
    try:
        signature = bytes.fromhex(str(certificate.get("signature")))
        message = FORM.encode() + b"\x00" + dumps(stated)
        check_signature(keys.current, message, signature, "the certificate")
    except (AlteredError, ValueError) as error:
        raise DraftError("the certificate is not signed by the installation's key") from error
