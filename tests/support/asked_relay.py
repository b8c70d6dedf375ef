"""A relay asked over a socket, without a pack."""

import socket
from typing import Any

import anyio
import anyio.to_thread

from touchstone.evaluation.packs.relay import Relay
from touchstone.evaluation.packs.wire import packed, receive_message


def ask_relay(relay: Relay, *messages: dict[str, Any] | bytes) -> list[dict[str, Any] | None]:
    """What a relay answers, one after another; None where it has closed."""
    ours, theirs = socket.socketpair()

    def talk() -> list[dict[str, Any] | None]:
        found = []
        for number, each in enumerate(messages):
            given = each if isinstance(each, bytes) else packed({"call": number, **each})
            theirs.sendall(given)
            found.append(receive_message(theirs))
        theirs.close()
        return found

    async def served() -> None:
        with ours:
            await relay.serve(ours)

    async def run() -> list[dict[str, Any] | None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(served)
            found = [await anyio.to_thread.run_sync(talk)]
        return found[0]

    return anyio.run(run)
