"""Reading a log by others in a process apart: no key, no network, bounded memory and time."""

from typing import Any

import anyio

from touchstone.errors import BadInputError
from touchstone.evaluation.packs.apart import (
    ProcessLimits,
    asks_for_nothing,
    main_of,
    run_apart,
)
from touchstone.evaluation.packs.errors import PackError, PackProcessError
from touchstone.evaluation.packs.wire import MalformedMessageError, unpacked
from touchstone.handin import printable_line

PROGRAM = main_of("touchstone.evaluation.outside_logs.child")
LIMITS = ProcessLimits(memory_mib=1024, disk_mib=16, seconds=120, result_mib=1)
MOST_OF_LOG = 64 * 1024 * 1024
"""Bytes of a log that is taken, packed: as much as a deed carries of one."""
_LENGTH = 300
_KEYS = frozenset(
    {"task", "model", "made", "status", "samples", "read", "scores", "altered", "unread"}
)


def read_outside_log(data: bytes, source: str, limits: ProcessLimits = LIMITS) -> dict[str, Any]:
    """What a log says, as `summing.sum_up` has it.

    Raises:
        BadInputError: one line: it is no log, too large to be read, or this machine cannot read it
            apart; nothing of it is taken then.
    """
    if len(data) > MOST_OF_LOG:
        raise BadInputError(f"{source}: is larger than {MOST_OF_LOG} bytes: too large, not read")
    try:
        told = anyio.run(_apart, data, limits)
    except PackError as error:
        raise BadInputError(f"{source}: is read in a sandbox alone: {error}") from error
    except (PackProcessError, MalformedMessageError) as error:
        why = str(error).replace("the pack's process", "its reader").replace("the pack", "it")
        raise BadInputError(
            printable_line(f"{source}: too large or harmful, not read: {why}", _LENGTH)
        ) from error
    if "refused" in told:
        raise BadInputError(
            printable_line(
                f"{source}: {told['refused']}: hand in a log as Inspect writes it (.eval)", _LENGTH
            )
        )
    said = told.get("said")
    if not isinstance(said, dict) or set(said) != _KEYS:
        raise BadInputError(f"{source}: its reader gave nothing that can be read: it is not taken")
    return said


async def _apart(data: bytes, limits: ProcessLimits) -> dict[str, Any]:
    ran = await run_apart({"log": data.hex()}, asks_for_nothing, limits, program=PROGRAM)
    return unpacked(ran.result)
