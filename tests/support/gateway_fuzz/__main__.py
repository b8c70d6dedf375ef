"""`python -m support.gateway_fuzz`: see the package."""

import argparse
import asyncio
import json
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from support.gateway_fuzz.campaign import BrokenError, Target, batches, target
from support.gateway_fuzz.hostile import Case

BATCH = 32
MOODS = (*[200] * 12, 0, 302, 401, 429, 500, 503)
"""What the endpoint answers to a batch; 0: its streams break off."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything held; 1: something did not, and lies in a file for --replay."""
    parser = argparse.ArgumentParser(prog="gateway-fuzz")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--replay", type=Path, help="a file that an earlier campaign left")
    parser.add_argument("--out", type=Path, default=Path("out/gateway-fuzz-found.json"))
    asked = parser.parse_args(arguments)
    # The stub's own complaints about clients that leave.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, target(Path(folder)) as found:
        if asked.replay:
            return replay(found, asked.replay)
        say(f"seed {asked.seed}")
        return campaign(found, asked.seed, asked.seconds, asked.out)


def say(line: str) -> None:
    """Tell whoever started it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def campaign(found: Target, seed: int, seconds: float, out: Path) -> int:
    """Throw batches until the time is over or something does not hold."""
    end, random = time.monotonic() + seconds, Random(seed)
    cases: list[Case] = []
    mood = 200
    try:
        for cases in batches(seed, BATCH):
            mood = random.choice(MOODS)
            asyncio.run(found.throw(cases, mood))
            if random.random() < 0.1:
                found.check_bundles(random)
            if time.monotonic() > end:
                break
        found.check_audit()
    except BrokenError as error:
        say(f"broken: {error}")
        left = [case for case in cases if breaks(found, [case], mood)] or cases
        saved = {
            "seed": seed,
            "why": str(error),
            "endpoint": mood,
            "cases": [case.as_json() for case in left],
        }
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(saved, indent=1), "utf-8")
        say(f"{len(left)} of {len(cases)} cases are in {out}: --replay {out}")
        return 1
    say(f"everything held: {found.tally}")
    return 0


def replay(found: Target, path: Path) -> int:
    """Throw the cases of a file once more."""
    saved = json.loads(path.read_text("utf-8"))
    cases = [Case.from_json(each) for each in saved["cases"]]
    try:
        asyncio.run(found.throw(cases, saved["endpoint"]))
    except BrokenError as error:
        say(f"broken again: {error}")
        return 1
    say("everything held")
    return 0


def breaks(found: Target, cases: list[Case], mood: int) -> bool:
    """Whether these cases alone do it."""
    try:
        asyncio.run(found.throw(cases, mood))
    except (BrokenError, OSError, AssertionError):
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
