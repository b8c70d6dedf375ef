"""What was decided for whom, in files that cannot be changed unseen and hold no personal data.

`lines` is pure; `writer` is one worker's file, committed in groups; `export` merges and checks all.
"""

from touchstone.gateway.audit.export import AuditSummary, ExportedLine, check_audit, read_audit
from touchstone.gateway.audit.lines import START, AuditLine
from touchstone.gateway.audit.pseudonyms import Pseudonyms
from touchstone.gateway.audit.writer import AuditLog

__all__ = [
    "START",
    "AuditLine",
    "AuditLog",
    "AuditSummary",
    "ExportedLine",
    "Pseudonyms",
    "check_audit",
    "read_audit",
]
