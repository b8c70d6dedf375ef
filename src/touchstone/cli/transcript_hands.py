"""Where transcripts are looked at: in this machine's record, or by a server, whose word is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from touchstone.cli.hands import AtServer
from touchstone.cli.opened import opened

if TYPE_CHECKING:
    from touchstone.server.principal import Principal
    from touchstone.service.installation import Installation

T = TypeVar("T")


@contextmanager
def record_here(case: str, where: AtServer) -> "Iterator[tuple[Installation, Principal, str]]":
    """The record of this machine, who looks there for which party, and the case's whole id."""
    # Before anything of the record: with it Django is set up for the accounts, too.
    from touchstone.server.accounts.preparing import open_accounts

    with opened() as installation:
        from touchstone.records.settings import from_environment
        from touchstone.server.accounts.transcript_reads import operator_for
        from touchstone.service.cases.case_admin import open_begun

        found = open_begun(installation, case)
        open_accounts(installation.home, from_environment())
        yield installation, operator_for(where.party or found.participants.centre), found.id


def told_as(kind: type[T], told: object) -> T:
    """What a server told, in its form. Raises UnheardError."""
    from pydantic import TypeAdapter, ValidationError

    from touchstone.client.errors import UnheardError

    try:
        return TypeAdapter(kind).validate_python(told, strict=False)
    except ValidationError as error:
        raise UnheardError("what came does not tell of transcripts") from error
