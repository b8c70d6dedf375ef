"""The record as kept: cases, parts, evidence, the installation log, checkpoints, jobs.

It does not decide what may happen to a case, and it fetches and sends nothing.

Begin at `touchstone.records.store`: `Records.open(home, keyring)`.

With the keys of the installation at `home`::

    >>> from touchstone.records import Records  # not from `store`: Django is set up on the way
    >>> records = Records.open(home, keyring, SQLITE)
    >>> records.names()
    []
"""

import importlib
from typing import TYPE_CHECKING, Any

from touchstone.records.errors import (
    AppendOnlyError,
    BusyError,
    CaseExistsError,
    CaseMissingError,
    DamagedError,
    DatabaseSettingError,
    DeedRefusedError,
    DestroyedError,
    EarlierContractError,
    EndpointKeyError,
    EvidenceMissingError,
    FullError,
    NotPreparedError,
    OtherInstallationError,
    PageError,
    PartError,
    ReadOnlyError,
    RecordsError,
    StagingError,
    UnreachableError,
)
from touchstone.records.settings import (
    DATABASE,
    DATABASE_OWNER,
    DATABASE_READER,
    SQLITE,
    configure,
)
from touchstone.records.values import (
    Destruction,
    Event,
    EvidenceFacts,
    HeadProof,
    JobLease,
    JobState,
    Listing,
    OlderCheckpoint,
    RecordedFacts,
    Refusal,
    StoredPart,
    Summarise,
    Summary,
)

if TYPE_CHECKING:
    from touchstone.records.deeds import DeedBatch, Deeds, DeedTaking
    from touchstone.records.deedwriter import DeedWriter
    from touchstone.records.endpointkeys import HandedInKey
    from touchstone.records.installation import InstallationLog
    from touchstone.records.jobs import JobTable
    from touchstone.records.members import InvitationPage, Members, OwnCase, Page
    from touchstone.records.membership import Membership
    from touchstone.records.outcomes import OutcomeTable
    from touchstone.records.preparation import prepare
    from touchstone.records.reader import CaseReader
    from touchstone.records.reading import PartyReading, SentCase
    from touchstone.records.refusals import RefusalLog
    from touchstone.records.soundness import is_begun
    from touchstone.records.staging import Staged, StagingArea
    from touchstone.records.store import Records
    from touchstone.records.writer import CaseWriter

__all__ = [
    "DATABASE",
    "DATABASE_OWNER",
    "DATABASE_READER",
    "SQLITE",
    "AppendOnlyError",
    "BusyError",
    "CaseExistsError",
    "CaseMissingError",
    "CaseReader",
    "CaseWriter",
    "DamagedError",
    "DatabaseSettingError",
    "DeedBatch",
    "DeedRefusedError",
    "DeedTaking",
    "DeedWriter",
    "Deeds",
    "DestroyedError",
    "Destruction",
    "EarlierContractError",
    "EndpointKeyError",
    "Event",
    "EvidenceFacts",
    "EvidenceMissingError",
    "FullError",
    "HandedInKey",
    "HeadProof",
    "InstallationLog",
    "InvitationPage",
    "JobLease",
    "JobState",
    "JobTable",
    "Listing",
    "Members",
    "Membership",
    "NotPreparedError",
    "OlderCheckpoint",
    "OtherInstallationError",
    "OutcomeTable",
    "OwnCase",
    "Page",
    "PageError",
    "PartError",
    "PartyReading",
    "ReadOnlyError",
    "RecordedFacts",
    "Records",
    "RecordsError",
    "Refusal",
    "RefusalLog",
    "SentCase",
    "Staged",
    "StagingArea",
    "StagingError",
    "StoredPart",
    "Summarise",
    "Summary",
    "UnreachableError",
    "configure",
    "is_begun",
    "prepare",
]

_BEHIND_DJANGO = {
    "CaseReader": "reader",
    "CaseWriter": "writer",
    "DeedBatch": "deeds",
    "DeedTaking": "deeds",
    "DeedWriter": "deedwriter",
    "Deeds": "deeds",
    "HandedInKey": "endpointkeys",
    "InstallationLog": "installation",
    "JobTable": "jobs",
    "Members": "members",
    "Membership": "membership",
    "OutcomeTable": "outcomes",
    "OwnCase": "members",
    "InvitationPage": "members",
    "Page": "members",
    "PartyReading": "reading",
    "Records": "store",
    "RefusalLog": "refusals",
    "SentCase": "reading",
    "Staged": "staging",
    "StagingArea": "staging",
    "is_begun": "soundness",
    "prepare": "preparation",
}


def __getattr__(name: str) -> Any:
    """Set Django up when the first name that needs its models is asked for, and no sooner."""
    if name not in _BEHIND_DJANGO:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    configure()
    module = importlib.import_module(f"{__name__}.{_BEHIND_DJANGO[name]}")
    return getattr(module, name)
