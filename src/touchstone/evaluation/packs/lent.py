"""Sandboxes that the parent lends to a pack's process: one place for a sample's programs.

The process says over the relay's socket what is to run where. Its samples' sandboxes are ours: they
are started once, for samples that have one, no more at once than samples run; what they did is
written down here, so that nobody's word for it but ours is needed.
"""

import base64
import binascii
import re
import secrets
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.to_thread
from inspect_ai.event import SandboxEvent
from inspect_ai.util import SandboxUnavailableError, SandboxUserUnsupportedError

from touchstone.evaluation.inspect_seam import content_display
from touchstone.evaluation.packs.manifest import PackSandbox
from touchstone.evaluation.packs.wire import LENT_PART
from touchstone.evaluation.packs.witnessed import OUTPUT_NOTED
from touchstone.evaluation.sandbox import (
    GuardHits,
    SandboxConfig,
    SandboxError,
    events_of,
    on_event,
)
from touchstone.evaluation.sandbox.provider import TouchstoneSandbox
from touchstone.evaluation.witnessed_output import witness_of

OUTPUT = 1024 * 1024
"""Bytes of each stream of a program that are given back: its last ones."""
MOST_INPUT = 512 * 1024
LENT_AT_ONCE = 64
"""Calls of all sandboxes of a process under way at once."""
_MOST_ARGUMENTS = 4096
_LARGEST_FILE = 2**40
_SURROGATE = re.compile("[\\ud800-\\udfff]")


class LoanRefusedError(ValueError):
    """What was asked is not lent; the text says why."""


@dataclass(frozen=True)
class LoanLimits:
    """What a pack's process may ask of its sandboxes, all its samples together."""

    calls: int = 20_000
    recorded: int = 64 * 1024 * 1024
    """Characters of what is written down of them."""


@dataclass
class _Lent:
    """The sandboxes of one sample."""

    environments: dict[str, TouchstoneSandbox]
    scopes: set[anyio.CancelScope] = field(default_factory=set)
    idle: anyio.Event | None = None
    """Set once nothing runs there any more, where somebody waits for that."""
    over: bool = False


@dataclass
class Lending:
    """The sandboxes of one process.

    Args:
        places: The samples that have one.
        declared: What the pack says of it.
        at_once: How many samples may have theirs at the same time.
        limits: What may be asked in all.
    """

    places: frozenset[int]
    declared: PackSandbox = field(default_factory=PackSandbox)
    at_once: int = 1
    limits: LoanLimits = field(default_factory=LoanLimits)
    seen: dict[int, list[SandboxEvent]] = field(default_factory=dict)
    """What was done in each sample's sandboxes, as we saw it, in the order of its end."""
    breached: str = ""
    """How the boundary of one was attacked; empty where it was not."""
    _lent: dict[int, _Lent] = field(default_factory=dict)
    _called: dict[Any, anyio.CancelScope] = field(default_factory=dict)
    _calls: int = 0
    _recorded: int = 0
    _token: str = field(default_factory=lambda: secrets.token_hex(8))

    def name_of(self, place: int) -> str:
        """By which the events of a sample's sandboxes are found."""
        return f"pack-{self._token}-{place}"

    def hits(self, place: int) -> tuple[GuardHits, ...]:
        """What the sample's sandboxes noticed."""
        return events_of(self.name_of(place)) if place in self._lent else ()

    def listen(self) -> Callable[[], None]:
        """Hear of attacks on a boundary until the result is called."""

        def heard(event: GuardHits) -> None:
            if event.breach and event.sample.startswith(f"pack-{self._token}-"):
                self.breached = self.breached or event.detail

        return on_event(heard)

    def cancel(self, call: Any) -> None:
        """Nobody waits for a call any more: what it runs is killed."""
        if isinstance(call, int) and (scope := self._called.get(call)) is not None:
            scope.cancel()

    async def answer(
        self, place: int, message: Mapping[str, Any], *, large: bool = False
    ) -> dict[str, Any]:
        """What is answered to one request.

        Args:
            place: The sample that it is for.
            message: What is asked.
            large: Whether it came in more bytes than one that is done may have.

        Raises:
            LoanRefusedError: it is not done; the text says why.
        """
        verb = message.get("sandbox")
        self._check(place, large=large)
        if verb == "start":
            return await self._start(place)
        lent = self._lent.get(place)
        if lent is None or lent.over:
            raise LoanRefusedError("the sample's sandbox was not started, or has ended")
        if verb == "end":
            await self._end(lent)
            return {}
        name = message.get("name")
        if not isinstance(name, str) or name not in lent.environments:
            raise LoanRefusedError(f"the sample has no environment {str(name)[:80]!a}")
        verbs = {"exec": self._exec, "write": self._write, "read": self._read}
        if not isinstance(verb, str) or verb not in verbs:
            raise LoanRefusedError(f"a sandbox does not {str(verb)[:80]!a}")
        return await self._bounded(verbs[verb], lent, lent.environments[name], message, place)

    def _check(self, place: int, *, large: bool) -> None:
        if large:
            raise LoanRefusedError("a call of a sandbox of more than 1 MiB")
        if place not in self.places:
            raise LoanRefusedError("a sandbox was asked for a sample that has none")
        if self.breached:
            raise LoanRefusedError("the boundary of a sandbox was attacked: nothing more runs")
        if self._calls >= self.limits.calls:
            raise LoanRefusedError(f"the pack has used its sandboxes {self.limits.calls} times")
        if self._recorded >= self.limits.recorded:
            raise LoanRefusedError("what the pack's sandboxes did has filled its record")
        self._calls += 1

    async def _start(self, place: int) -> dict[str, Any]:
        # Once: a second one would be another place than the one in which the subject worked.
        if place in self._lent:
            raise LoanRefusedError("the sample's sandbox was started already")
        if sum(not each.over for each in self._lent.values()) >= self.at_once:
            raise LoanRefusedError(f"more than {self.at_once} samples with a sandbox at once")
        config = SandboxConfig(
            memory_mib=self.declared.memory_mib,
            disk_mib=self.declared.disk_mib,
            processes=self.declared.processes,
        )
        lent = self._lent[place] = _Lent({})
        for name in self.declared.names:
            made = TouchstoneSandbox(config, self.name_of(place), name, output_bytes=OUTPUT)
            lent.environments[name] = made
            try:
                await made.start()
            except SandboxError as error:
                await self._end(lent)
                raise LoanRefusedError(f"the sandbox did not start: {error}") from error
        return {"names": list(lent.environments)}

    async def _end(self, lent: _Lent) -> None:
        lent.over = True
        if lent.scopes:
            lent.idle = anyio.Event()
            for scope in tuple(lent.scopes):
                scope.cancel()
            await lent.idle.wait()
        for each in lent.environments.values():
            # In a thread: it waits until all inside is dead.
            await anyio.to_thread.run_sync(each.close)

    async def close(self) -> None:
        """Kill and remove every sandbox."""
        with anyio.CancelScope(shield=True):
            for each in self._lent.values():
                await self._end(each)

    async def _bounded(
        self,
        do: Callable[..., Awaitable[dict[str, Any]]],
        lent: _Lent,
        sandbox: TouchstoneSandbox,
        message: Mapping[str, Any],
        place: int,
    ) -> dict[str, Any]:
        if len(self._called) >= LENT_AT_ONCE:
            raise LoanRefusedError(f"more than {LENT_AT_ONCE} calls of sandboxes at once")
        call = message.get("call")
        if type(call) is not int or call in self._called:
            raise LoanRefusedError("a call without a number of its own")
        with anyio.CancelScope() as scope:
            self._called[call] = scope
            lent.scopes.add(scope)
            try:
                return await _raised(do(sandbox, message, place))
            finally:
                del self._called[call]
                lent.scopes.discard(scope)
                if lent.idle is not None and not lent.scopes:
                    lent.idle.set()
        raise LoanRefusedError("given up")

    async def _exec(
        self, sandbox: TouchstoneSandbox, message: Mapping[str, Any], place: int
    ) -> dict[str, Any]:
        cmd, env, cwd = message.get("cmd"), message.get("env") or {}, message.get("cwd")
        if not _texts(cmd) or not cmd or len(cmd) > _MOST_ARGUMENTS:
            raise LoanRefusedError("a command that is no list of texts")
        if not isinstance(env, dict) or not _texts([*env, *env.values()]):
            raise LoanRefusedError("variables that are no texts")
        if cwd is not None and not _is_text(cwd):
            raise LoanRefusedError("a folder that is no text")
        seconds = message.get("timeout")
        if seconds is not None and (type(seconds) is not int or seconds < 1):
            raise LoanRefusedError("a time that is no number of seconds")
        given = None if message.get("input") is None else _unpacked(message["input"], MOST_INPUT)
        began = datetime.now(UTC)
        found = await sandbox.run(cmd, given, cwd, env, seconds=seconds)
        output = f"{found.stderr}\n\n{found.stdout}" if found.stderr else found.stdout
        options = {"cwd": cwd, "env": env, "timeout": seconds}
        told = witness_of(found.stderr, found.stdout)
        self._saw(
            place,
            SandboxEvent(
                timestamp=began,
                action="exec",
                cmd=shlex.join(cmd),
                input=None if given is None else content_display(_readable(given)),
                options={name: value for name, value in options.items() if value},
                result=found.returncode,
                output=content_display(output),
                completed=datetime.now(UTC),
                metadata=None if told is None else {OUTPUT_NOTED: told},
            ),
        )
        return {
            "code": found.returncode,
            "stdout": _packed(found.stdout.encode()),
            "stderr": _packed(found.stderr.encode()),
        }

    async def _write(
        self, sandbox: TouchstoneSandbox, message: Mapping[str, Any], place: int
    ) -> dict[str, Any]:
        file, at, data = (
            _file(message),
            message.get("at"),
            _unpacked(message.get("data"), LENT_PART),
        )
        began = datetime.now(UTC)
        # The first part takes the place of what was there; the others are put at its end.
        await sandbox.write_part(file, data, append=at != 0)
        if at == 0:
            shown = content_display(_readable(data) if message.get("text") is True else data)
            self._saw(
                place,
                SandboxEvent(
                    timestamp=began,
                    action="write_file",
                    file=file,
                    input=shown,
                    completed=datetime.now(UTC),
                ),
            )
        return {}

    async def _read(
        self, sandbox: TouchstoneSandbox, message: Mapping[str, Any], place: int
    ) -> dict[str, Any]:
        file, at = _file(message), message.get("at")
        if type(at) is not int or not 0 <= at < _LARGEST_FILE:
            raise LoanRefusedError("a place in a file that is none")
        began = datetime.now(UTC)
        data = await sandbox.read_part(file, at, LENT_PART)
        if at == 0:
            shown = content_display(_readable(data) if message.get("text") is True else data)
            self._saw(
                place,
                SandboxEvent(
                    timestamp=began,
                    action="read_file",
                    file=file,
                    output=shown,
                    completed=datetime.now(UTC),
                ),
            )
        return {"data": _packed(data)}

    def _saw(self, place: int, event: SandboxEvent) -> None:
        texts = (event.cmd, event.file, event.input, event.output, str(event.options or ""))
        self._recorded += sum(len(each or "") for each in texts) + 200
        self.seen.setdefault(place, []).append(event)


async def _raised(done: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """What was done, or what of Inspect's errors it came to."""
    try:
        return await done
    except TimeoutError as error:
        kind, text = "timeout", str(error)
    except FileNotFoundError as error:
        kind, text = "not-found", str(error)
    except PermissionError as error:
        kind, text = "permission", str(error)
    except IsADirectoryError as error:
        kind, text = "directory", str(error)
    except OSError as error:
        kind, text = "system", str(error)
    except LoanRefusedError:
        raise
    except ValueError as error:
        kind, text = "value", str(error)
    except (SandboxError, SandboxUnavailableError, SandboxUserUnsupportedError) as error:
        raise LoanRefusedError(str(error)) from error
    return {"raised": kind, "text": text[:_MOST_ARGUMENTS]}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_text(value: Any) -> bool:
    # Half a surrogate pair is a text in JSON, and none that can be written down.
    return isinstance(value, str) and not _SURROGATE.search(value)


def _file(message: Mapping[str, Any]) -> str:
    file = message.get("file")
    if not isinstance(file, str) or not _is_text(file) or not 1 <= len(file) <= _MOST_ARGUMENTS:
        raise LoanRefusedError("a file that is no path")
    return file


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unpacked(text: Any, most: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise LoanRefusedError("bytes that are not in base64") from None
    if len(data) > most:
        raise LoanRefusedError(f"more than {most} bytes at once")
    return data


def _readable(data: bytes) -> str:
    return data.decode("utf-8", "replace")
