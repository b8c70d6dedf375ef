"""Who calls, by signed token or by hashed key: a person, nationalities, residence, verified or not.

It knows no organisation, programme, list or tier: those are the registry's in the signed bundle.
"""

from touchstone.gateway.identity.callers import Caller
from touchstone.gateway.identity.identities import Identities

__all__ = ["Caller", "Identities"]
