"""What an installation says in a case by itself: deeds of its own key, of one type alone.

No act on keys admits it: a case begins under its key, and its key history goes with each bundle. So
whoever reads knows the key, and knows that no party lent it.
"""

from collections.abc import Iterable

from touchstone.ledger.contract2.keyacts import KeyAct, KnownKey
from touchstone.ledger.contract2.statements import DeedStatement
from touchstone.ledger.errors import AlteredError
from touchstone.ledger.signing import fingerprint

INSTALLATION = "installation"
"""The actor of such a deed. No party can be called so."""
OWN_DEEDS = frozenset({"reads-digested"})
"""The types of them: in anything else an installation would speak for others."""


def own_key(statement: DeedStatement, act: KeyAct | None, keys: Iterable[bytes]) -> KnownKey:
    """The key that an installation's own deed is checked with, of its `keys` (32 bytes each).

    Also a revoked one: it binds the installation and nobody else (ADR 198). Raises AlteredError.
    """
    if act is not None or statement.deed not in OWN_DEEDS:
        raise AlteredError(f"the installation signs no deed of type {statement.deed} itself")
    for key in keys:
        if fingerprint(key) == statement.key:
            return KnownKey(key, INSTALLATION, OWN_DEEDS)
    raise AlteredError("the installation's deed is by no key of its history")
