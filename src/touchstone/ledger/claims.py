"""How whoever holds a key shows it to the party that is to admit it: possession, not a promise.

A party admits further keys in its own name and in all its cases at once. Of a mistyped key, or of
one that nobody holds, each case would say that it signs, and nothing would ever be signed by it::

    claim = claim_of("example-lab", signer)      # where the key is
    key = opened_claim(claim, "example-lab")     # where the party's own key is

Nothing of a claim is recorded: what counts in a case is what the party signed.
"""

from touchstone.ledger import forms
from touchstone.ledger.canonical import dumps
from touchstone.ledger.deeds import pre_authentication_encoding
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import KEY_SIZE, SIGNATURE_SIZE, Signer, check_signature

_PAYLOAD_TYPE = "application/vnd.touchstone.signer-claim+json"
_DOMAIN = "touchstone/signer-claim/1"
_LETTERS = frozenset("0123456789abcdef")


def claim_of(party: str, signer: Signer) -> str:
    """`KEY.PROOF`: a public key and its signature that it is to sign for a party, in hex.

    64 digits, a dot and 128 digits, so that it is one word to copy.
    """
    return f"{signer.public_key.hex()}.{signer.sign(_message(party, signer.public_key)).hex()}"


def opened_claim(claim: str, party: str) -> str:
    """The public key (hex) that claims to sign for a party.

    Raises:
        MalformedError: it is no claim.
        AlteredError: whoever made it does not hold the key, or meant another party.
    """
    key, dot, proof = claim.partition(".")
    sizes = (len(key), len(proof)) == (2 * KEY_SIZE, 2 * SIGNATURE_SIZE)
    if not dot or not sizes or not _LETTERS.issuperset(key + proof):
        raise MalformedError("a claim is 64 hex digits, a dot and 128 hex digits")
    public = bytes.fromhex(key)
    try:
        check_signature(public, _message(party, public), bytes.fromhex(proof), "the claim")
    except ValueError as error:
        # Not every 32 bytes are a point of the curve.
        raise AlteredError("the claim's key is none") from error
    return key


def _message(party: str, public_key: bytes) -> bytes:
    said = {"v": 1, "domain": _DOMAIN, "party": forms.text(party, "a party")}
    return pre_authentication_encoding(dumps(said | {"key": public_key.hex()}), _PAYLOAD_TYPE)
