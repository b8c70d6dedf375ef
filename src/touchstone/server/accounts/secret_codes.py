"""Codes and tokens: drawn at random, shown once, and kept as their SHA-256 alone."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

from touchstone.keys import RandomSource

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's: without those that are taken for one another."""
_GROUPS, _GROUP = 6, 5
_TOKEN = re.compile(r"tst1_[A-Za-z0-9_-]{43}")
_TOKEN_BYTES = 32
_PERSON = re.compile(r"p[0-9a-f]{24}")


def new_person_id(random: RandomSource) -> str:
    """A person's public id: no secret, and not to be guessed from another's."""
    return f"p{random.draw(12).hex()}"


def is_person_id(text: str) -> bool:
    """Whether a text has the form of a public id."""
    return _PERSON.fullmatch(text) is not None


def new_code(random: RandomSource) -> str:
    """A one-time code of 150 bits that a person can type: `abcde-fghjk-...`."""
    letters = [_LETTERS[byte % len(_LETTERS)] for byte in random.draw(_GROUPS * _GROUP)]
    groups = ["".join(letters[at : at + _GROUP]) for at in range(0, len(letters), _GROUP)]
    return "-".join(groups)


def new_token(random: RandomSource) -> str:
    """A token of 256 bits, in a form that those who search for lost secrets can know."""
    return f"tst1_{urlsafe_b64encode(random.draw(_TOKEN_BYTES)).decode().rstrip('=')}"


def token_digest(token: str) -> str:
    """The digest (hex) under which a token is kept. What is no token has that of nothing."""
    fits = token if _TOKEN.fullmatch(token) else ""
    return sha256(fits.encode()).hexdigest()
