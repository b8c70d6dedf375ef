"""At the outsider: says whether a bundle is authentic, consistent or altered, and where.

It shares no code with the rest, keeps nothing, asks no network, and judges no content.

Begin at `touchstone.verifier.verify`: `verify_bundle(path, trust=fingerprints)`.
"""

from .errors import VerifierInputError
from .verdict import Verdict
from .verify import verify_bundle

__all__ = ["Verdict", "VerifierInputError", "verify_bundle"]
