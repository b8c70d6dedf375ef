"""At the outsider: says whether a bundle is authentic, consistent or altered, and where.

It shares no code with the rest, keeps nothing, asks no network, and judges no content.

Begin at `touchstone.verifier.verify`: `verify_bundle(path, trust=fingerprints)`.

With a bundle that has come by any way, and a fingerprint that came by another::

    >>> verify_bundle(bundle, trust=[fingerprint]).word
    'authentic'
"""

from .errors import VerifierInputError
from .verdict import Disavowed, Recovery, Verdict
from .verify import verify_bundle

__all__ = ["Disavowed", "Recovery", "Verdict", "VerifierInputError", "verify_bundle"]
