"""At the outsider: says whether a bundle is authentic, consistent or altered, and where.

It shares no code with the rest, keeps nothing, asks no network, and judges no content.
"""

from .errors import VerifierInputError
from .verify import Verdict, verify_bundle

__all__ = ["Verdict", "VerifierInputError", "verify_bundle"]
