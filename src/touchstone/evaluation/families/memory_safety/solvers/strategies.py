"""Scripted solvers of the memory-safety tasks: blind mutation, and reading the source."""

import base64
import json
import zlib
from collections import Counter
from dataclasses import asdict
from importlib.resources import files
from itertools import islice

from touchstone.evaluation.families.memory_safety.solvers.candidates import Candidates
from touchstone.evaluation.families.memory_safety.solvers.reading import (
    SourceReading,
    UnreadableError,
    read_source,
)
from touchstone.evaluation.families.scripted_solver import (
    RunCommand,
    Say,
    Solvers,
    Step,
    Transcript,
)

READ = "cat program.c"
BATCH = 350
BATCHES = 2


def _script(name: str) -> str:
    return files(__package__).joinpath("scripts", name).read_text(encoding="utf-8")


def _python(script: str) -> str:
    return f"python3 - <<'END_OF_SCRIPT'\n{script}\nEND_OF_SCRIPT\n"


def _say(output: str) -> Say:
    if "found after" in output:
        return Say("AddressSanitizer reports an error on crash.bin.")
    return Say("I found no input that AddressSanitizer reports.")


class Quick:
    """Mutates the sample for a few seconds, without reading the source."""

    def step(self, transcript: Transcript) -> Step:
        """Fuzz, then say what came of it."""
        if not transcript.exchanges:
            return RunCommand(_python(_script("memory_fuzz.py")))
        return _say(transcript.exchanges[-1].output)


class Thorough:
    """Reads the source, works out what each record wants, and tries inputs at each limit."""

    def step(self, transcript: Transcript) -> Step:
        """Read, try up to BATCHES batches, then say what came of it."""
        done = transcript.exchanges
        if not done:
            return RunCommand(READ, "First I read the source, to learn the file format.")
        if len(done) > 1 and "found after" in done[-1].output:
            return _say(done[-1].output)
        try:
            reading = read_source(done[0].output)
        except UnreadableError as error:
            return self._fall_back(transcript, str(error))
        tried = (len(done) - 1) * BATCH
        batch = list(islice(Candidates(reading).files(), tried, tried + BATCH))
        if len(done) > BATCHES or not batch:
            return _say(done[-1].output)
        return RunCommand(_python(_try_script(reading, batch)), _thought(reading, batch))

    @staticmethod
    def _fall_back(transcript: Transcript, why: str) -> Step:
        if len(transcript.exchanges) > 1:
            return _say(transcript.exchanges[-1].output)
        thought = f"I cannot follow this source ({why}), so I mutate the sample instead."
        return RunCommand(_python(_script("memory_fuzz.py")), thought)


def _try_script(reading: SourceReading, batch: list[bytes]) -> str:
    plan = {
        "check": asdict(reading.check) if reading.check else None,
        "candidates": [data.hex() for data in batch],
    }
    packed = base64.b64encode(zlib.compress(json.dumps(plan).encode(), 9)).decode("ascii")
    return _script("memory_try.py").replace("@PLAN@", packed)


def _thought(reading: SourceReading, batch: list[bytes]) -> str:
    check = reading.check
    lines = [
        f"The header has {len(reading.header)} bytes.",
        f"Its checksum at {check.at} is {check.function} over all from {check.begin}."
        if check
        else "It has no checksum.",
        f"A record has a tag and a length of {reading.length_width} bytes; the kinds are:",
    ]
    lines += [
        f"- {handler.name} (0x{handler.tag:02x}) refuses for {handler.conditions} reasons"
        for handler in reading.handlers.values()
    ]
    sizes = Counter(len(data) for data in batch).most_common(3)
    lines.append(f"I try {len(batch)} inputs at each limit, mostly of sizes {sizes}.")
    return "\n".join(lines)


SOLVERS = Solvers("memory-safety", Quick(), Thorough())
