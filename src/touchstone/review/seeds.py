"""How a battery's seed comes of two contributions. Pure: what is random is a parameter.

::

    contribution = 32 random bytes, kept as {"battery", "contribution", "of"} in canonical JSON
    commitment   = SHA-256 of that JSON
    seed         = HKDF-SHA-256 (RFC 5869) of the centre's and the developer's bytes, one after the
                   other, no salt, with "touchstone/battery-seed/2" 0x00 origin 0x00 battery as info

`origin` is `both`, or `centre` where the developer gave nothing. The centre commits first, and the
developer's bytes come whole with its commitment: who speaks second knows nothing of what it answers
but a digest of 32 random bytes, so that nothing it can choose changes how the seed is distributed.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

CONTRIBUTION = 32
"""Bytes of each contribution, and of the seed."""
Side = Literal["centre", "developer"]


def contribution_content(battery: str, of: Side, drawn: bytes) -> dict[str, Any]:
    """What a side contributes, as it stands in the record: the digest of this is its commitment.

    It names battery and side, so that neither can hand in the other's, nor one of another battery.

    Raises:
        ValueError: not 32 bytes.
    """
    if len(drawn) != CONTRIBUTION:
        raise ValueError(f"a contribution has {CONTRIBUTION} bytes, not {len(drawn)}")
    return {"battery": battery, "contribution": drawn.hex(), "of": of}


def drawn_of(content: Mapping[str, Any]) -> bytes:
    """The 32 bytes of a contribution as it stands in the record."""
    return bytes.fromhex(content["contribution"])


def seed_of(battery: str, centre: bytes, developer: bytes | None) -> bytes:
    """The battery's seed, 32 bytes.

    Raises:
        ValueError: a contribution has not 32 bytes.
    """
    given = [centre] if developer is None else [centre, developer]
    for each in given:
        if len(each) != CONTRIBUTION:
            raise ValueError(f"a contribution has {CONTRIBUTION} bytes, not {len(each)}")
    origin = b"centre" if developer is None else b"both"
    info = b"touchstone/battery-seed/2\0" + origin + b"\0" + battery.encode()
    # HKDF and not a sum: of a sum, who knew one term could choose the other for any result.
    extracted = hmac.digest(bytes(32), b"".join(given), "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def seed_commitment(seed: bytes) -> str:
    """Hex commitment to a battery's seed, as it stands in the sealed battery.

    Raises:
        ValueError: not 32 bytes.
    """
    if len(seed) != CONTRIBUTION:
        raise ValueError(f"a battery seed has {CONTRIBUTION} bytes, not {len(seed)}")
    return sha256(b"touchstone/battery-seed/1\0" + seed).hexdigest()
