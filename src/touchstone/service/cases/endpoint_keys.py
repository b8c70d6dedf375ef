"""Keys of a developer's endpoints: handed in, revoked, and told of by the developer alone.

None of it is a deed: nothing of a key, not even its name, goes into the record. Whoever is not the
developer of a case that it has joined is told what is told of a case that is not there.
"""

import contextlib

from touchstone.ledger.contract2 import unknown_case
from touchstone.ledger.errors import UnpromisedError
from touchstone.records import EndpointKeyError, HandedInKey
from touchstone.review.audience_view import newest_entry, required
from touchstone.review.errors import MissingPartError
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import develops
from touchstone.verdicts.content_parsers import submission_of


def hand_in_endpoint_key(installation: Installation, party: str, handed: HandedInKey) -> None:
    """Keep a key for measuring the case, in place of the one of that name.

    Raises:
        UnpromisedError: there is no such case that this party develops, or it has ended.
        EndpointKeyError: the submission that was handed in names no such key; or as
            `EndpointKeyFiles.hand_in`, and so DestroyedError, RecordsError.
    """
    _require_developer(installation, handed.case, party)
    named = _named_by_the_submission(installation, handed.case)
    if named and handed.name not in named:
        raise EndpointKeyError(
            "key-unnamed",
            f"no mode of the submission names such a key; it names: {', '.join(named)}",
        )
    # After it, too: who ends the case destroys the keys that lie there then, and no later one.
    if not is_over(installation, handed.case):
        installation.records.endpoint_keys.hand_in(handed)
    if is_over(installation, handed.case):
        installation.records.endpoint_keys.end(handed.case)
        raise UnpromisedError("case-ended", "this case has ended: nothing is asked with a key")


def revoke_endpoint_key(installation: Installation, party: str, revoked: HandedInKey) -> None:
    """Take a key back: nothing is begun with it any more, nor with one of the environment.

    Raises as `hand_in_endpoint_key`; EndpointKeyError also where there is none.
    """
    _require_developer(installation, revoked.case, party)
    installation.records.endpoint_keys.revoke(revoked)


def handed_in_keys(installation: Installation, party: str, case: str) -> list[HandedInKey]:
    """What the developer handed in for a case, by name. Raises UnpromisedError."""
    _require_developer(installation, case, party)
    if is_over(installation, case):
        installation.records.endpoint_keys.end(case)
    return installation.records.endpoint_keys.of(case)


def endpoint_key_of(installation: Installation, case: str, name: str) -> HandedInKey | None:
    """What the developer handed in or revoked last under a name; None where neither stands.

    Of a case that has ended no key stands, and what was revoked does. Raises RecordsError.
    """
    if is_over(installation, case):
        installation.records.endpoint_keys.end(case)
    return installation.records.endpoint_keys.get(case, name)


def is_over(installation: Installation, case: str) -> bool:
    """Whether a case was withdrawn, closed or destroyed: nothing of it is run any more."""
    return installation.state(case).status != "open"


def _named_by_the_submission(installation: Installation, case: str) -> tuple[str, ...]:
    """The variables of the newest submission's modes, each once; none before one is handed in."""
    if is_over(installation, case) or installation.state(case).submission is None:
        return ()
    # Of a case that is destroyed meanwhile it is gone: that the case has ended is told later.
    with contextlib.suppress(MissingPartError):
        entry = newest_entry(installation.records.case(case), "submission-received")
        submission = required(entry, "submission", submission_of)
        return tuple(dict.fromkeys(mode.api_key_env for mode in submission.modes))
    return ()


def _require_developer(installation: Installation, case: str, party: str) -> None:
    if not develops(installation, case, party, sight="contents"):
        raise unknown_case()
