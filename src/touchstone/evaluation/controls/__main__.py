"""`python -m touchstone.evaluation.controls`: serve controls on loopback until interrupted."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from touchstone.evaluation.controls.errors import SubjectInputError
from touchstone.evaluation.controls.faults import FaultKind, ServedFault
from touchstone.evaluation.controls.launch import KEY_VARIABLE
from touchstone.evaluation.controls.named import NAMES, controls, load_items
from touchstone.evaluation.controls.planted import load_scripts
from touchstone.evaluation.controls.server import SubjectServer
from touchstone.keys.files import write_file

_LOOK_EVERY = 1.0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m touchstone.evaluation.controls",
        description=f"Serve named controls over the OpenAI chat API; the key is in {KEY_VARIABLE}.",
    )
    parser.add_argument(
        "--control", action="append", metavar="NAME", help=f"one of {', '.join(NAMES)}; repeatable"
    )
    parser.add_argument("--items", type=Path, metavar="FILE", help="item ids that the oracle knows")
    parser.add_argument(
        "--scripts",
        type=Path,
        metavar="FILE",
        help="what control-planted says and does (docs/how-to/own-pack.md)",
    )
    parser.add_argument("--pace", type=int, default=0, metavar="MS", help="between stream chunks")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--announce", type=Path, metavar="FILE", help="also write the line here")
    parser.add_argument("--parent", type=int, metavar="PID", help="end once this process has")
    parser.add_argument("--fault", choices=[kind.value for kind in FaultKind])
    parser.add_argument("--fault-after", type=int, default=0, metavar="N")
    return parser.parse_args(argv)


def _announce(url: str, names: list[str], path: Path | None) -> None:
    line = json.dumps({"url": url, "models": names})
    if path:
        # Whole at once, so that a reader never sees half a line.
        write_file(path, [f"{line}\n".encode()])
    print(line, flush=True)  # noqa: T201 - the announcement is this program's output


async def _serve(server: SubjectServer, bound: socket.socket, options: argparse.Namespace) -> None:
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    if options.fault != FaultKind.REFUSE.value:
        await web.SockSite(runner, bound).start()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    orphaned = asyncio.create_task(_orphaned(options.parent, stop)) if options.parent else None
    _announce(f"http://127.0.0.1:{bound.getsockname()[1]}/v1", options.control, options.announce)
    await stop.wait()
    if orphaned is not None:
        orphaned.cancel()
    await runner.cleanup()


async def _orphaned(parent: int, stop: asyncio.Event) -> None:
    """Whoever started it was killed, and could not stop it."""
    while _is_there(parent):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(_LOOK_EVERY)
    stop.set()


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another's by now: whoever started this one is gone.
        return False
    return True


def _run(options: argparse.Namespace) -> None:
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise SubjectInputError(f"no key: set {KEY_VARIABLE} to a fresh random text")
    options.control = options.control or ["control-solver"]
    items = load_items(options.items) if options.items else ()
    fault = ServedFault(FaultKind(options.fault), options.fault_after) if options.fault else None
    scripts = load_scripts(options.scripts) if options.scripts else ()
    chosen = controls(options.control, items, scripts)
    server = SubjectServer(chosen, key, fault, options.pace / 1000)
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", options.port))
        except (OSError, OverflowError) as error:
            raise SubjectInputError(f"port {options.port} cannot be used: {error}") from error
        asyncio.run(_serve(server, bound, options))


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 2 on bad input, with one line on stderr."""
    options = _arguments(argv)
    try:
        _run(options)
    except SubjectInputError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one line that a person reads
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
