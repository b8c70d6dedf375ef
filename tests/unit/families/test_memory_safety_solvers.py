"""Reading generated C: what the reader says must be what the generator meant."""

import base64
import json
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.record_files import records_of
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety import FAMILY
from touchstone.evaluation.families.memory_safety.plan import draw_plan
from touchstone.evaluation.families.memory_safety.solvers.candidates import Candidates
from touchstone.evaluation.families.memory_safety.solvers.reading import (
    UnreadableError,
    read_source,
)
from touchstone.evaluation.families.memory_safety.solvers.strategies import SOLVERS
from touchstone.evaluation.families.memory_safety.source import render
from touchstone.evaluation.families.scripted_solver import (
    CommandResult,
    RunCommand,
    Say,
    Transcript,
)

COMMAND_LIMIT = 100_000
seeds, difficulties = st.integers(0, 2**64 - 1), st.integers(1, 5)


@given(seeds, difficulties)
def test_the_reading_is_the_layout(seed: int, difficulty: int):
    plan = draw_plan(Draws(f"read {seed}"), difficulty)
    reading = read_source(render(plan))
    layout = plan.layout
    blank = layout.file([])[: layout.check_at].ljust(layout.header, b"\0")
    assert reading.header == blank
    assert reading.length_width == layout.length_width
    assert reading.tag_first == layout.tag_first
    assert {h.name: h.tag for h in reading.handlers.values()} == {
        h.name: h.tag for h in plan.handlers
    }
    tag, body = plan.crash[0]
    if layout.length_width > 1:
        assert reading.big == layout.big_endian
    assert reading.record(tag, body) == layout.records([(tag, body)])
    if layout.checksum is None:
        assert reading.check is None
    else:
        assert reading.check is not None
        assert reading.check.at == layout.check_at
        assert reading.check.width == layout.checksum.width
        assert reading.check.begin == layout.header
        if layout.checksum.width > 1:
            assert reading.check.big == layout.big_endian


@given(seeds, difficulties)
def test_commands_fit_into_one_argument(seed: int, difficulty: int):
    item = FAMILY.generate(seed, difficulty)
    read = CommandResult("cat program.c", item.files["program.c"].decode())
    for strategy in (SOLVERS.quick, SOLVERS.thorough):
        for exchanges in ((), (read,), (read, CommandResult("try", "nothing after 350 of 350"))):
            step = strategy.step(Transcript(item.prompt, exchanges))
            assert step == strategy.step(Transcript(item.prompt, exchanges))
            if isinstance(step, RunCommand):
                assert len(step.command.encode()) < COMMAND_LIMIT


def sent(step: object) -> list[bytes]:
    assert isinstance(step, RunCommand)
    found = re.search(r'PLAN = "([A-Za-z0-9+/=]+)"', step.command)
    assert found
    plan = json.loads(zlib.decompress(base64.b64decode(found[1])))
    return [bytes.fromhex(text) for text in plan["candidates"]]


def test_the_second_batch_goes_on_where_the_first_ended():
    item = FAMILY.generate(3, 5)
    source = item.files["program.c"].decode()
    # A long program of many records, so that one batch does not hold all.
    everything = list(Candidates(read_source(source)).files())
    read = CommandResult("cat program.c", source)
    first = sent(SOLVERS.thorough.step(Transcript(item.prompt, (read,))))
    assert first == everything[: len(first)]
    again = CommandResult("try", "nothing")
    second = SOLVERS.thorough.step(Transcript(item.prompt, (read, again)))
    if len(everything) > len(first):
        assert sent(second) == everything[len(first) : 2 * len(first)]
    else:
        assert isinstance(second, Say)


def test_success_and_failure_end_the_work():
    item = FAMILY.generate(3, 3)
    read = CommandResult("cat program.c", item.files["program.c"].decode())
    for output in ("found after 16 of 90", "nothing after 90 of 90"):
        done = (read, CommandResult("try", output), CommandResult("try", output))
        step = SOLVERS.thorough.step(Transcript(item.prompt, done))
        assert isinstance(step, Say)
        assert ("no input" in step.text) == output.startswith("nothing")


@pytest.mark.parametrize("source", ["", "int main(void) { return 0; }", "cat: no such file"])
def test_an_unreadable_source_falls_back_to_fuzzing(source: str):
    with pytest.raises(UnreadableError):
        read_source(source)
    step = SOLVERS.thorough.step(Transcript("memory-safety", (CommandResult("cat", source),)))
    assert isinstance(step, RunCommand)
    assert "mutate" in step.thought
    last = (CommandResult("cat", source), CommandResult("fuzz", "nothing after 800"))
    assert isinstance(SOLVERS.thorough.step(Transcript("memory-safety", last)), Say)


@given(st.text(max_size=300))
def test_no_source_breaks_the_reader(text: str):
    with pytest.raises(UnreadableError):
        read_source(text)


def test_a_use_after_free_is_tried_in_the_order_that_shows_it():
    seen = 0
    for seed in range(5000, 5040):
        plan = draw_plan(Draws(f"slots {seed}"), 3)
        if "slot %u" not in plan.mended.text:
            continue
        seen += 1
        first = next(Candidates(read_source(render(plan))).files())
        tags = [tag for tag, _ in records_of(plan.layout, first[plan.layout.header :])]
        assert tags[-3:] == [tag for tag, _ in plan.crash[-3:]]
    assert seen > 2
