"""The fleet's log in PostgreSQL: what one connection asks of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any, Self

import psycopg

from touchstone.gateway.errors import FeedLostError
from touchstone.gateway.fleet.lease import Renewal
from touchstone.terms import PolicyBundle

CHANNEL = "touchstone_fleet"
_SCHEMA = Path(__file__).with_name("schema.sql")
_SCHEMA_LOCK = 0x746F7563
"""Two gateways that start together are not to make the same tables at once."""


@dataclass(frozen=True, slots=True)
class MemberState:
    """How one gateway of the fleet stands."""

    gateway: str
    obeys: int
    """It serves nothing under an older bundle."""
    alive: bool
    """Whether its lease runs; without one it serves nothing."""
    silent_seconds: float | None
    """Since its lease was granted last; None: never, or it left."""

    def applied(self, number: int) -> bool:
        """Whether nobody is served by it under a bundle older than this any more."""
        return self.obeys >= number or not self.alive


class FleetLog:
    """One connection to the log. Every method raises psycopg.Error where it is out of reach."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], stream: str) -> None:
        self._connection = connection
        self._stream = stream

    @classmethod
    async def open(cls, dsn: str, stream: str) -> Self:
        """Connect, make what is missing, and listen."""
        # Each statement is its own: a transaction left open would hold the row that others wait
        # for.
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        try:
            async with connection.transaction():
                # `IF NOT EXISTS` alone races: two that make one table at once collide in the
                # catalogue.
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
                found = await connection.execute("SELECT to_regclass('touchstone_fleet_receipts')")
                if (await found.fetchone() or [None])[0] is None:
                    await connection.execute(_SCHEMA.read_bytes())
            await connection.execute(f"LISTEN {CHANNEL}".encode())
        except BaseException:
            await connection.close()
            raise
        return cls(connection, stream)

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    async def join(self, gateway: str, instance: str, key: str, seconds: float) -> bool:
        """Take the gateway's place; False: another process holds it, and its lease runs."""
        row = await self._row(
            "SELECT touchstone_fleet_join(%s, %s, %s, %s, %s)",
            (self._stream, gateway, instance, key, seconds),
        )
        return bool(row and row[0])

    async def renew(self, gateway: str, instance: str, obeys: int) -> Renewal:
        """Ask to go on serving under the bundle `obeys`; 0: it has none."""
        row = await self._row(
            "SELECT granted, newest, newest_digest FROM touchstone_fleet_renew(%s, %s, %s, %s)",
            (self._stream, gateway, instance, obeys),
        )
        granted, newest, digest = row or (False, None, None)
        return Renewal(bool(granted), newest, digest)

    async def leave(self, gateway: str, instance: str) -> None:
        """Give the lease back: it serves nothing any more."""
        await self._connection.execute(
            "UPDATE touchstone_fleet_members SET renewed_at = '-infinity'"
            " WHERE stream = %s AND gateway = %s AND instance = %s",
            (self._stream, gateway, instance),
        )

    async def newest(self) -> int | None:
        """The number of the newest bundle."""
        row = await self._row(
            "SELECT max(number) FROM touchstone_fleet_bundles WHERE stream = %s", (self._stream,)
        )
        return row[0] if row else None

    async def fetch(self, number: int) -> bytes | None:
        """A bundle's bytes."""
        row = await self._row(
            "SELECT data FROM touchstone_fleet_bundles WHERE stream = %s AND number = %s",
            (self._stream, number),
        )
        return bytes(row[0]) if row else None

    async def publish(self, bundle: PolicyBundle, data: bytes, gateway: str) -> None:
        """Add the next bundle; nothing happens where it is there already.

        Raises FeedLostError where another has its place, or it does not follow.
        """
        try:
            await self._connection.execute(
                "INSERT INTO touchstone_fleet_bundles"
                " (stream, number, digest, previous, data, published_by)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (self._stream, bundle.number, bundle.digest, bundle.previous, data, gateway),
            )
        except psycopg.errors.IntegrityConstraintViolation as error:
            found = await self._row(
                "SELECT digest FROM touchstone_fleet_bundles WHERE stream = %s AND number = %s",
                (self._stream, bundle.number),
            )
            # The trigger speaks before the conflict does: where ours is there already, all is well.
            if found is None or found[0] != bundle.digest:
                raise FeedLostError(f"the fleet's log: {error.diag.message_primary}") from error

    async def keep_receipt(self, gateway: str, number: int, data: bytes) -> None:
        """Add a receipt, unless it is there."""
        await self._connection.execute(
            "INSERT INTO touchstone_fleet_receipts (stream, gateway, number, data)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (self._stream, gateway, number, data),
        )

    async def last_receipt(self, gateway: str) -> int:
        """The number of the newest receipt of a gateway; 0: none."""
        row = await self._row(
            "SELECT coalesce(max(number), 0) FROM touchstone_fleet_receipts"
            " WHERE stream = %s AND gateway = %s",
            (self._stream, gateway),
        )
        return int(row[0]) if row else 0

    async def standing(self, number: int) -> list[MemberState]:
        """How every gateway stands to a bundle."""
        found = await self._connection.execute(
            "SELECT * FROM touchstone_fleet_standing(%s, %s)", (self._stream, number)
        )
        return [MemberState(*row) for row in await found.fetchall()]

    async def woken(self, seconds: float) -> bool:
        """Wait for word of a new bundle of this stream, at most so long. It may be missed."""
        wanted = md5(self._stream.encode(), usedforsecurity=False).hexdigest()
        async for notify in self._connection.notifies(timeout=seconds, stop_after=1):
            return notify.payload == wanted
        return False

    async def _row(self, query: str, values: Sequence[object]) -> tuple[Any, ...] | None:
        found = await self._connection.execute(query.encode(), values)
        row: tuple[Any, ...] | None = await found.fetchone()
        return row
