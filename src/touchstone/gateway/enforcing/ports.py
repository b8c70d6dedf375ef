"""What enforcement is given, and what it gives back when a policy was applied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class AuditSink(Protocol):
    """Where it is written down what was decided, before anything is forwarded."""

    async def commit(self, event: Mapping[str, Any]) -> None:
        """Return once the event is durable.

        It holds no token and no prompt. `caller` is a person's id, of which a sink writes a
        pseudonym alone.
        """


@dataclass(frozen=True, slots=True)
class Cut:
    """What one worker did when a policy was applied."""

    live: int
    """Exchanges that were in flight."""
    cut: int
    """Those that the policy bars: their connections were reset."""
    kept: int
    late_bytes: int
    """Bytes that were handed to a barred connection after the policy was applied."""
