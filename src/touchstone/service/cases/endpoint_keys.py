"""Keys of a developer's endpoints: handed in, revoked, and told of by the developer alone.

None of it is a deed: nothing of a key, not even its name, goes into the record. Whoever is not the
developer of a case that it has joined is told what is told of a case that is not there.
"""

from touchstone.ledger.contract2 import unknown_case
from touchstone.records.endpointkeys import HandedInKey
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import develops


def hand_in_endpoint_key(installation: Installation, party: str, handed: HandedInKey) -> None:
    """Keep a key for measuring the case, in place of the one of that name.

    Raises:
        UnpromisedError: there is no such case that this party develops.
        EndpointKeyError, DestroyedError, RecordsError: as `EndpointKeyFiles.hand_in`.
    """
    _require_developer(installation, handed.case, party)
    installation.records.endpoint_keys.hand_in(handed)


def revoke_endpoint_key(installation: Installation, party: str, revoked: HandedInKey) -> None:
    """Take a key back: nothing is begun with it any more, nor with one of the environment.

    Raises as `hand_in_endpoint_key`; EndpointKeyError also where there is none.
    """
    _require_developer(installation, revoked.case, party)
    installation.records.endpoint_keys.revoke(revoked)


def handed_in_keys(installation: Installation, party: str, case: str) -> list[HandedInKey]:
    """What the developer handed in for a case, by name. Raises UnpromisedError."""
    _require_developer(installation, case, party)
    return installation.records.endpoint_keys.of(case)


def _require_developer(installation: Installation, case: str, party: str) -> None:
    if not develops(installation, case, party):
        raise unknown_case()
