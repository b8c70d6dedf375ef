"""The data path of one worker: requests judged, written down, forwarded, and cut when barred.

It takes no bundle by itself and signs no receipt: `apply` is told what is in force.
"""

from touchstone.gateway.enforcing.enforcement import Enforcement
from touchstone.gateway.enforcing.ports import AuditSink, Cut

__all__ = ["AuditSink", "Cut", "Enforcement"]
