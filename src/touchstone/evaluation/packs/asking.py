"""The child's end of the relay: a pack's process asks over one socket, and hears over it."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from touchstone.evaluation.packs.wire import packed, receive_message


class Asker:
    """Asks the parent. Thread-safe."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._asked = 0

    def start(self) -> None:
        """Begin to hear answers."""
        threading.Thread(target=self._listen, daemon=True).start()

    async def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request, and wait for its answer; cancelled, the parent is told so."""
        answer: Future[dict[str, Any]] = Future()
        with self._lock:
            self._asked += 1
            number = self._asked
            self._waiting[number] = answer
        try:
            await asyncio.to_thread(self._send, {**message, "call": number})
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            # A program that nobody waits for any more is to end; and the parent may be gone.
            with contextlib.suppress(OSError):
                self._send({"cancel": number})
            raise

    def _send(self, message: Mapping[str, Any]) -> None:
        data = packed(message)
        with self._lock:
            self._sock.sendall(data)

    def _listen(self) -> None:
        while (said := receive_message(self._sock)) is not None:
            with self._lock:
                waiting = self._waiting.pop(said.get("call", 0), None)
            # Given up meanwhile: nobody hears it.
            if waiting is not None and waiting.set_running_or_notify_cancel():
                waiting.set_result(said)


ASKER: list[Asker] = []
"""This process's one, once it has begun."""
