"""Digests that facts name, each computed from the part that it is the digest of.

Those of terms and bundles load what reads them when the first is asked for: whoever only reads a
case knows its layouts, and never asks.
"""

from collections.abc import Mapping
from typing import Any

from touchstone.ledger import digest_bytes, digest_value
from touchstone.review.parts import Attached, Digesting
from touchstone.review.seeds import seed_commitment


def of_content(part: Attached) -> str:
    """SHA-256 of its canonical JSON."""
    return digest_bytes(part.content)


def within(key: str) -> Digesting:
    """SHA-256 of the canonical JSON of one value in it."""

    def digest(part: Attached) -> str | None:
        value = part.value["content"].get(key)
        return None if value is None else digest_value(value)

    digest.__doc__ = f"SHA-256 of the canonical JSON of its `{key}`."
    return digest


def as_bytes(part: Attached) -> str:
    """SHA-256 of its bytes."""
    # As told: that the bytes have this digest, `checking` holds against them where they are at
    # hand.
    return str(part.value["digest"])


def as_line(part: Attached) -> str:
    """SHA-256 of the receipt's line."""
    return digest_bytes(part.value["content"]["receipt"].encode())


def of_models(part: Attached) -> str:
    """SHA-256 of the canonical JSON of the model names by mode."""
    probes: Mapping[str, Any] = part.value["content"]["probes"]
    return digest_value({mode: probe["models"] for mode, probe in probes.items()})


def of_battery(part: Attached) -> str:
    """SHA-256, in hex, of its battery's id, seed and the SHA-256 of each set, as canonical JSON."""
    battery = part.value["content"]["battery"]
    sets = [digest_value(sealed) for sealed in battery["sets"]]
    digest = digest_value({"id": battery["id"], "seed": battery["seed"], "sets": sets})
    return digest.removeprefix("sha256:")


def of_seed(part: Attached) -> str:
    """The commitment to its seed, in hex."""
    return seed_commitment(bytes.fromhex(part.value["content"]["seed"]))


def of_order(part: Attached) -> str:
    """SHA-256, in hex, of the canonical JSON of its item sets' `order`s."""
    sets = part.value["content"]["battery"]["sets"]
    return digest_value([sealed["order"] for sealed in sets]).removeprefix("sha256:")


def of_terms(part: Attached) -> str:
    """The digest of the terms that the text says."""
    from touchstone.terms.document.terms_file import parse_terms  # noqa: PLC0415

    return parse_terms(_text(part), "the terms").digest


def of_directive(part: Attached) -> str:
    """The digest of the directive that the text says."""
    from touchstone.terms.document.directive_file import directive_text  # noqa: PLC0415
    from touchstone.terms.document.terms_file import digest_of  # noqa: PLC0415

    return digest_of(directive_text(_text(part), "the directive"))


def of_classes(part: Attached) -> str:
    """The digest of the standing classes that the text says."""
    from touchstone.terms.directives.pre_authorisation import standing_text  # noqa: PLC0415
    from touchstone.terms.document.terms_file import digest_of  # noqa: PLC0415

    return digest_of(standing_text(_text(part), "the standing classes"))


def of_bundle(part: Attached) -> str:
    """SHA-256 of its lines without the signature's."""
    from touchstone.terms.bundle.policy_bundle import bundle_digest  # noqa: PLC0415

    return bundle_digest(part.data or b"")


def _text(part: Attached) -> str:
    return str(part.value["content"]["text"])
