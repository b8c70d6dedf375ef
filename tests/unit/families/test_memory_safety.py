"""The generator of memory-safety items, without a compiler."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.record_files import records_of
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety import FAMILY
from touchstone.evaluation.families.memory_safety import judge as judge_script
from touchstone.evaluation.families.memory_safety.layout import draw_layout
from touchstone.evaluation.families.memory_safety.plan import Plan, draw_plan
from touchstone.evaluation.families.memory_safety.source import FILE_LIMIT, render

seeds = st.integers(0, 2**64 - 1)
difficulties = st.integers(1, 5)


def plan_of(seed: int, difficulty: int) -> Plan:
    return draw_plan(Draws(f"test {seed}"), difficulty)


@given(seeds, difficulties)
def test_files_read_back_as_their_records(seed: int, difficulty: int):
    plan = plan_of(seed, difficulty)
    for records in (plan.sample, plan.crash):
        data = plan.layout.file(records)
        assert data.startswith(plan.layout.magic)
        assert records_of(plan.layout, data[plan.layout.header :]) == list(records)
        assert len(data) < FILE_LIMIT


@given(seeds, difficulties)
def test_handlers_have_names_and_tags_of_their_own(seed: int, difficulty: int):
    plan = plan_of(seed, difficulty)
    names = [handler.name for handler in plan.handlers]
    assert len(set(names)) == len(names)
    assert len({handler.tag for handler in plan.handlers}) == len(names)
    assert plan.mended.name in names
    used = {tag for tag, _ in (*plan.sample, *plan.crash)}
    assert used <= {handler.tag for handler in plan.handlers}


@given(seeds, difficulties)
def test_the_mend_changes_little_and_only_one_function(seed: int, difficulty: int):
    plan = plan_of(seed, difficulty)
    flawed, mended = (render(plan, mended=m).split("\n\n") for m in (False, True))
    changed = [one for one, two in zip(flawed, mended, strict=True) if one != two]
    assert len(changed) == 1
    assert plan.mended.name in changed[0]


@given(seeds)
def test_difficulty_adds_layers(seed: int):
    sources = [FAMILY.generate(seed, difficulty).files["program.c"] for difficulty in range(1, 6)]
    assert b"wrong version" not in sources[0]
    assert [b"wrong checksum" in source for source in sources] == [False, False, True, True, True]
    assert [b"too early" in source for source in sources] == [False] * 3 + [True] * 2
    assert [b"wrong token" in source for source in sources] == [False] * 4 + [True]
    assert len(sources[0]) < len(sources[2]) < len(sources[4])


@given(st.binary(max_size=200))
def test_the_crc_is_the_known_one(data: bytes):
    """A checksum of the layout, started as CRC-32 is, gives zlib's value."""
    from touchstone.evaluation.families.memory_safety.layout import _crc  # noqa: PLC0415 - one use

    assert _crc(0xFFFFFFFF).compute(data) ^ 0xFFFFFFFF == zlib.crc32(data)


@given(st.text(max_size=8), st.integers(1, 1000))
def test_draws_stay_in_range(label: str, limit: int):
    draws = Draws(label)
    assert all(0 <= draws.below(limit) < limit for _ in range(5))
    drawn = draws.sample(range(limit), min(limit, 9))
    assert len(set(drawn)) == min(limit, 9)
    assert set(drawn) <= set(range(limit))


def test_draws_are_even():
    counts = [0] * 6
    draws = Draws("dice")
    for _ in range(6000):
        counts[draws.below(6)] += 1
    assert min(counts) > 850
    assert max(counts) < 1150


def test_all_bug_kinds_and_checksums_come_up():
    kinds, widths = set(), set()
    for seed in range(80):
        plan = plan_of(seed, 3 + seed % 3)
        flawed = next(h for h in plan.handlers if h.name == plan.mended.name)
        # What follows the guards tells the kinds apart.
        kinds |= {
            word for word in ("block", "cell", "rows", "slot", "label") if word in flawed.text
        }
        layout = draw_layout(Draws(str(seed)), 3 + seed % 3, long_records=False)
        assert layout.checksum is not None
        widths.add(layout.checksum.width)
    assert kinds == {"block", "cell", "rows", "slot", "label"}
    assert widths == {1, 2, 4}


STACK = "    #0 0x7f1 in memcpy (/lib/libasan.so+0x1)\n    #1 0x55a in on_ember /t/program.c:40\n\n"


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n" + STACK,
            ("heap-buffer-overflow", "on_ember"),
        ),
        (
            "==1==ERROR: AddressSanitizer: attempting double-free on 0x1:\n" + STACK,
            ("attempting double-free", "on_ember"),
        ),
        (
            "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x7ff\n" + STACK,
            ("SEGV", "on_ember"),
        ),
        (
            "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0\n"
            + STACK
            + "==1==Hint: address points to the zero page.\n",
            None,
        ),
        ("==1==ERROR: AddressSanitizer: stack-overflow on address 0x1\n" + STACK, None),
        ("==1==ERROR: AddressSanitizer: allocation-size-too-big\n" + STACK, None),
        (
            "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n"
            "    #0 0x7f1 in memcpy (/lib/libasan.so+0x1)\n\nfreed by:\n" + STACK,
            None,
        ),
        ("", None),
        ("AddressSanitizer: heap-buffer-overflow\n" + STACK, None),
    ],
)
def test_which_reports_count(report: str, expected: tuple[str, str] | None):
    assert judge_script.memory_error(report) == expected
