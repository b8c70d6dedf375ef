"""Record contract 2: deeds that their signers bind to what they have seen, not to a place.

The format is docs/reference/record-format-2.md. Nothing here keeps state or draws at random: what
the log holds, the time and all salts are handed in.

    admitted = admit_deed(SubmittedDeed(envelope, parts), past, asker="example-lab", now=now,
                          topics=topics_of_type)
    recorded = record_deed(admitted, salts, padding)
    answer = sign_answer(recorded.receipt(root), installation)
"""

from touchstone.ledger.contract2.admission import (
    FORK,
    AdmittedDeed,
    AnsweredLog,
    DeedTopics,
    RecordedDeed,
    SentPart,
    SubmittedDeed,
    admit_deed,
    cancel_deed,
    read_own_deed,
    record_deed,
    refuse_deed,
    unknown_case,
)
from touchstone.ledger.contract2.answers import (
    DeedAnswer,
    RecordedAnswer,
    RefusedAnswer,
    SignedAnswer,
    parse_answer,
    sign_answer,
)
from touchstone.ledger.contract2.caselog import CaseLog
from touchstone.ledger.contract2.checks import (
    MAX_AHEAD,
    MAX_VALIDITY,
    LastDeed,
    PastLog,
    check_dates,
    check_deed_at,
    check_recorded_time,
)
from touchstone.ledger.contract2.following import FollowedLog
from touchstone.ledger.contract2.keyacts import (
    CaseKeys,
    KeyAct,
    KeyInvited,
    KeyJoined,
    KeyRotated,
    KnownKey,
    SignerAdmitted,
    SignerRemoved,
    key_topics,
    parse_key_act,
)
from touchstone.ledger.contract2.lines import (
    DEED_BUNDLE,
    DeedBundleSummary,
    HiddenPart,
    parse_shown_part,
)
from touchstone.ledger.contract2.parts import (
    MAX_SIGNED_PARTS,
    PARTS,
    PaddedEntry,
    parse_deed_facts,
    parse_deed_part,
    parse_padded_entry,
    parse_recorded_part,
    parse_signed_part,
)
from touchstone.ledger.contract2.reading import (
    check_deed_bundle,
    read_deed_bundle,
    write_deed_bundle,
)
from touchstone.ledger.contract2.statements import (
    MAX_STATEMENT,
    NOTHING_SEEN,
    DeedEnvelope,
    DeedStatement,
    SeenHead,
    parse_statement,
    parse_statement_envelope,
    sign_statement,
)

__all__ = [
    "DEED_BUNDLE",
    "FORK",
    "MAX_AHEAD",
    "MAX_SIGNED_PARTS",
    "MAX_STATEMENT",
    "MAX_VALIDITY",
    "NOTHING_SEEN",
    "PARTS",
    "AdmittedDeed",
    "AnsweredLog",
    "CaseKeys",
    "CaseLog",
    "DeedAnswer",
    "DeedBundleSummary",
    "DeedEnvelope",
    "DeedStatement",
    "DeedTopics",
    "FollowedLog",
    "HiddenPart",
    "KeyAct",
    "KeyInvited",
    "KeyJoined",
    "KeyRotated",
    "KnownKey",
    "LastDeed",
    "PaddedEntry",
    "PastLog",
    "RecordedAnswer",
    "RecordedDeed",
    "RefusedAnswer",
    "SeenHead",
    "SentPart",
    "SignedAnswer",
    "SignerAdmitted",
    "SignerRemoved",
    "SubmittedDeed",
    "admit_deed",
    "cancel_deed",
    "check_dates",
    "check_deed_at",
    "check_deed_bundle",
    "check_recorded_time",
    "key_topics",
    "parse_answer",
    "parse_deed_facts",
    "parse_deed_part",
    "parse_key_act",
    "parse_padded_entry",
    "parse_recorded_part",
    "parse_shown_part",
    "parse_signed_part",
    "parse_statement",
    "parse_statement_envelope",
    "read_deed_bundle",
    "read_own_deed",
    "record_deed",
    "refuse_deed",
    "sign_answer",
    "sign_statement",
    "unknown_case",
    "write_deed_bundle",
]
