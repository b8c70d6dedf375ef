"""Whatever is done to a bundle, the ledger's reader and the verifier say the same, at one line."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchstone import ledger
from touchstone.verifier import Verdict, verify_bundle

shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles") / "bundle.jsonl"


def heard(data: bytes) -> tuple[str, ledger.BundleSummary | None]:
    """What the ledger's own reader says."""
    try:
        return "", ledger.check_bundle([data])
    except (ledger.AlteredError, ledger.MalformedError) as error:
        return str(error), None


def agreed(data: bytes, place: Path) -> Verdict:
    """What the verifier says, after the ledger was heard to say the same."""
    place.write_bytes(data)
    verdict = verify_bundle(place)
    refusal, summary = heard(data)
    if summary is None:
        assert verdict.word == "altered", f"only the ledger refuses: {refusal}"
        assert refusal.split(",")[0].split(":")[0] == f"line {verdict.line}", verdict.lines()
    else:
        assert verdict.word == "consistent", f"only the verifier refuses: {verdict.lines()}"
        counted = (verdict.deeds_checked + verdict.deeds_unchecked, verdict.deeds_unchecked)
        assert counted == (summary.deeds, summary.unchecked_deeds)
        newest = bytes.fromhex(summary.keys.lines[-1].public_key)
        assert verdict.issuers[-1] == ledger.fingerprint(newest)
    return verdict


@shared
@given(data=st.data())
def test_any_changed_byte_is_found(data: st.DataObject, authentic: Path, place: Path):
    bundle = bytearray(authentic.read_bytes())
    at = data.draw(st.integers(0, len(bundle) - 1))
    bundle[at] ^= data.draw(st.integers(1, 255))
    assert agreed(bytes(bundle), place).word == "altered"


@shared
@given(data=st.data())
def test_any_truncation_is_found(data: st.DataObject, authentic: Path, place: Path):
    bundle = authentic.read_bytes()
    # What ends within its first line is no bundle: test_no_bundle.py has that.
    first = bundle.index(b"\n") + 1
    assert agreed(bundle[: data.draw(st.integers(first, len(bundle) - 1))], place).word == "altered"


@shared
@given(data=st.data())
def test_any_byte_put_in_or_taken_out_is_found(data: st.DataObject, authentic: Path, place: Path):
    bundle = authentic.read_bytes()
    at = data.draw(st.integers(0, len(bundle) - 1))
    added = data.draw(st.binary(max_size=3))
    damaged = bundle[:at] + added + bundle[at + (not added) :]
    assert agreed(damaged, place).word == "altered"


@pytest.mark.parametrize("how", ["dropped", "doubled", "swapped", "moved"])
@pytest.mark.parametrize("line", range(26))
def test_any_line_dropped_doubled_or_moved_is_found(
    how: str, line: int, authentic: Path, place: Path, making: ModuleType
):
    body = authentic.read_bytes().splitlines()[:-1]
    damaged = list(body)
    if how == "dropped":
        del damaged[line]
    elif how == "doubled":
        damaged.insert(line, damaged[line])
    elif how == "swapped":
        damaged[line - 1], damaged[line] = damaged[line], damaged[line - 1]
    else:
        damaged.insert((line + 7) % 25, damaged.pop(line))
    verdict = agreed(making.sealed(damaged), place)
    # An older checkpoint may be left out or come twice: nothing is lost by it.
    harmless = damaged == body or (line == 25 and how in {"dropped", "doubled"})
    assert verdict.word == ("consistent" if harmless else "altered")


values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            1,
            -1,
            2**53 - 1,
            "",
            "0",
            "RED",
            [],
            {},
            [[]],
            "0" * 64,
            "a-b",
            "é",
            "\u2028",
            "2026-02-29T00:00:00Z",
            "2026-02-28T23:59:60Z",
            "2026-02-28T24:00:00Z",
            "0001-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "part",
            "erased",
            "withheld",
            "AAAA",
        ]
    ),
    st.integers(-3, 30),
    st.text(max_size=5),
    st.lists(st.text(max_size=3), max_size=3),
)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key in a value."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    inner = [spots(one) for _key, one in pairs if isinstance(one, (dict, list))]
    return [(value, key) for key, _one in pairs] + [spot for many in inner for spot in many]


def damage(value: Any, data: st.DataObject) -> None:
    """Change, drop or add one thing, anywhere."""
    container, key = data.draw(st.sampled_from(spots(value)), label="where")
    how = data.draw(st.sampled_from(["put", "drop", "copy", "add"]), label="how")
    if how == "drop":
        del container[key]
    elif how == "copy":
        other, name = data.draw(st.sampled_from(spots(value)))
        container[key] = json.loads(json.dumps(other[name]))
    elif how == "add" and isinstance(container, dict):
        container[data.draw(st.sampled_from(["extra", "label", "v", "kind", "admits", "at"]))] = (
            data.draw(values)
        )
    else:
        container[key] = data.draw(values, label="what")


@shared
@given(data=st.data())
def test_any_change_to_a_line_that_is_sealed_again_is_judged_alike(
    data: st.DataObject, authentic: Path, place: Path, making: ModuleType
):
    body = authentic.read_bytes().splitlines()[:-1]
    at = data.draw(st.integers(0, len(body) - 1), label="line")
    value = json.loads(body[at])
    damage(value, data)
    body[at] = ledger.dumps(value)
    agreed(making.sealed(body), place)


@shared
@given(data=st.data())
def test_any_change_to_a_part_that_is_committed_again_is_judged_alike(
    data: st.DataObject, place: Path, making: ModuleType
):
    n = data.draw(st.integers(0, 5), label="entry")
    i = data.draw(st.integers(0, 3), label="part")

    def change(at: int, which: int, old: bytes) -> bytes:
        if (at, which) != (n, i):
            return old
        value = json.loads(old)
        damage(value, data)
        return ledger.dumps(value)

    built = making.lines_of(making.make_case(making.Build(part=change)))
    agreed(making.sealed(built.body), place)


@pytest.mark.parametrize(
    "shape",
    [
        {"content": [{"a": 1, "kind": "content", "marking": 1}]},
        {"deed": [{"envelope": 1, "kind": "deed", "marking": 1}]},
    ],
)
@pytest.mark.parametrize("kind", [{}, {"kind": "content"}, {"kind": "deed"}])
def test_a_part_whose_names_stand_further_in_is_no_part(
    place: Path, making: ModuleType, shape: dict[str, Any], kind: dict[str, str]
):
    def change(at: int, which: int, old: bytes) -> bytes:
        return ledger.dumps({**shape, **kind}) if (at, which) == (1, 1) else old

    built = making.lines_of(making.make_case(making.Build(part=change)))
    assert agreed(making.sealed(built.body), place).word == "altered"


@shared
@given(data=st.data())
def test_any_change_to_a_note_is_judged_alike(
    data: st.DataObject, authentic: Path, place: Path, making: ModuleType
):
    body = authentic.read_bytes().splitlines()[:-1]
    at = data.draw(st.sampled_from([24, 25]))
    value = json.loads(body[at])
    note = value["checkpoint"]
    spot = data.draw(st.integers(0, len(note)))
    what = data.draw(
        st.sampled_from(["\n", " ", "+", "=", "A", "é", "\x1f", "\x7f", "\x85", "\u2028", "—", "0"])
        | st.text(max_size=2)
    )
    value["checkpoint"] = note[:spot] + what + note[spot + data.draw(st.integers(0, 2)) :]
    body[at] = ledger.dumps(value)
    agreed(making.sealed(body), place)
