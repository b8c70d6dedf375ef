"""Several gateways of one developer: one ordered log of bundles, and leases to serve under it.

`lease` is pure. The log is a PostgreSQL database of the developer's own; nobody else's is reached.
"""

from touchstone.gateway.fleet.lease import Lease, Renewal
from touchstone.gateway.fleet.log import FleetLog, MemberState
from touchstone.gateway.fleet.member import Member

__all__ = ["FleetLog", "Lease", "Member", "MemberState", "Renewal"]
