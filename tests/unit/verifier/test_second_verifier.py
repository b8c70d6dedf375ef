"""A verifier written from the pages alone agrees with the shipped one, on both contracts."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, currently_in_test_context, event, given, settings
from hypothesis import strategies as st

from support.second_verifier import second_opinion, written
from touchstone import ledger
from touchstone.ledger import contract2
from touchstone.verifier import Verdict, verify_bundle

FOLDER = Path(__file__).parents[2] / "vectors/ledger"
MANIFESTS = {
    "": json.loads((FOLDER / "manifest.json").read_text()),
    "contract2/": json.loads((FOLDER / "contract2/manifest.json").read_text()),
}
EXPECTED = {
    f"{folder}{name}": expected
    for folder, manifest in MANIFESTS.items()
    for name, expected in manifest["bundles"].items()
}
TRUST = MANIFESTS[""]["trust"]
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_pages_alone_give_each_vector_its_answer(name: str):
    expected = EXPECTED[name]
    said = second_opinion((FOLDER / name).read_bytes(), (TRUST,))
    assert (said.word, said.line, said.unchecked) == (
        expected["verdict"],
        expected["line"],
        expected["unchecked_deeds"],
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles") / "bundle.jsonl"


def heard(data: bytes) -> tuple[str | None, Any]:
    """What the ledger's own reader of this format says: the line where it refuses, or a summary."""
    deeds = b'"touchstone/bundle/2"' in data.split(b"\n")[0]
    try:
        return None, contract2.check_deed_bundle([data]) if deeds else ledger.check_bundle([data])
    except (ledger.AlteredError, ledger.MalformedError) as error:
        return str(error).split(",")[0].split(":")[0], None


def agreed(data: bytes, place: Path) -> Verdict:
    """What the verifier says, after the ledger and the second verifier said the same."""
    place.write_bytes(data)
    verdict = verify_bundle(place)
    second, (line, summary) = second_opinion(data), heard(data)
    if currently_in_test_context():
        event(verdict.word)
    assert (second.word, second.line) == (verdict.word, verdict.line), verdict.lines()
    if verdict.word == "altered":
        assert line == f"line {verdict.line}", verdict.lines()
        return verdict
    assert summary is not None, (line, verdict.lines())
    assert verdict.deeds_unchecked == second.unchecked
    if verdict.contract == 2:
        ours = (verdict.deeds_unchecked, verdict.deeds_after_withheld, verdict.deeds_disavowed)
        assert ours == (second.unchecked, second.after_withheld, second.disavowed)
        assert ours == (summary.unchecked, summary.after_hidden, summary.disavowed)
        told = [(one.n, one.party, one.type) for one in verdict.disavowed]
        assert told == second.disavowed_deeds
        assert told == [(one.n, one.party, one.type) for one in summary.disavowed_deeds]
        again = [(one.n, one.party, list(one.by)) for one in verdict.recoveries if one.n]
        assert again == second.recovered
        assert again == [(one.n, one.party, list(one.by)) for one in summary.recoveries]
        assert dict(verdict.seen_by) == second.seen_by == summary.seen_by_party
        assert (verdict.entries_withheld, verdict.answers) == (summary.hidden, summary.answers)
    return verdict


@shared
@given(st.text())
def test_the_page_says_which_characters_are_escaped(text: str):
    assert written([text]).encode() == ledger.dumps([text])


@shared
@given(data=st.data())
def test_any_changed_byte_is_found(data: st.DataObject, place: Path):
    bundle = bytearray((FOLDER / "contract2/with-answers.jsonl").read_bytes())
    at = data.draw(st.integers(0, len(bundle) - 1))
    bundle[at] ^= data.draw(st.integers(1, 255))
    assert agreed(bytes(bundle), place).word == "altered"


@pytest.mark.parametrize("how", ["dropped", "doubled", "swapped"])
def test_any_line_dropped_doubled_or_moved_is_found(how: str, place: Path, deed_making: ModuleType):
    lines = (FOLDER / "contract2/with-answers.jsonl").read_bytes().splitlines()[:-1]
    # The older checkpoint and the answers may be left out, come twice or change places.
    for at in range(1, len(lines) - 3, 5):
        damaged = list(lines)
        if how == "dropped":
            del damaged[at]
        elif how == "doubled":
            damaged.insert(at, damaged[at])
        else:
            damaged[at - 1], damaged[at] = damaged[at], damaged[at - 1]
        assert agreed(deed_making.sealed(damaged), place).word == "altered", at


values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            1,
            7,
            2**53 - 1,
            "",
            "RED",
            [],
            {},
            "0" * 64,
            "a-b",
            "halt",
            "keys:example-lab",
            "finding:1",
            "2026-11-21T09:05:00Z",
            "2026-02-30T09:00:00Z",
            "example-lab",
            "example-centre",
            "deed",
            "recorded",
            "content",
            "joined",
            "SHA256:" + "0" * 64,
            {"act": "removed", "key": "SHA256:" + "0" * 64, "last": None},
        ]
    ),
    st.integers(-2, 15),
    st.text(max_size=4),
)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key in a value."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    inner = [spots(one) for _key, one in pairs if isinstance(one, (dict, list))]
    return [(value, key) for key, _one in pairs] + [spot for many in inner for spot in many]


def damage(value: Any, data: st.DataObject) -> None:
    """Change, drop or add one thing, anywhere."""
    container, key = data.draw(st.sampled_from(spots(value)), label="where")
    how = data.draw(st.sampled_from(["put", "drop", "add"]), label="how")
    if how == "drop":
        del container[key]
    elif how == "add" and isinstance(container, dict):
        added = data.draw(st.sampled_from(["extra", "halt", "key_act", "admits", "last", "label"]))
        container[added] = data.draw(values)
    else:
        container[key] = data.draw(values, label="what")


@st.composite
def withheld(draw: st.DrawFn) -> tuple[int, ...]:
    """Entries that are withheld whole: often none, so that everything is held strictly."""
    return tuple(draw(st.lists(st.integers(0, 12), max_size=3, unique=True)))


@shared
@given(data=st.data(), hidden=withheld())
def test_any_change_to_a_payload_that_is_signed_again_is_judged_alike(
    data: st.DataObject, hidden: tuple[int, ...], place: Path, deed_making: ModuleType
):
    n = data.draw(st.integers(0, 12), label="entry")

    def payload(at: int, old: bytes) -> bytes:
        if at != n:
            return old
        value = json.loads(old)
        damage(value, data)
        return ledger.dumps(value)

    making = deed_making.Making(deed_making.hidden(*hidden), payload=payload)
    agreed(deed_making.sealed(deed_making.lines_of(deed_making.make_case(making)).body), place)


@shared
@given(data=st.data(), hidden=withheld())
def test_any_change_to_a_part_that_is_committed_again_is_judged_alike(
    data: st.DataObject, hidden: tuple[int, ...], place: Path, deed_making: ModuleType
):
    n = data.draw(st.integers(0, 12), label="entry")
    i = data.draw(st.integers(0, 4), label="part")

    def part(at: int, which: int, old: bytes) -> bytes:
        if (at, which) != (n, i):
            return old
        value = json.loads(old)
        damage(value, data)
        return ledger.dumps(value)

    making = deed_making.Making(deed_making.hidden(*hidden), part=part)
    agreed(deed_making.sealed(deed_making.lines_of(deed_making.make_case(making)).body), place)


@pytest.mark.parametrize("story", ["ACTS", "RECOVERY"])
@shared
@given(data=st.data(), hidden=withheld())
def test_acts_in_any_order_and_by_anyone_are_judged_alike(
    data: st.DataObject,
    hidden: tuple[int, ...],
    place: Path,
    deed_making: ModuleType,
    story: str,
):
    """Deeds left out, done again or moved, with other keys, topics and sights."""
    told = getattr(deed_making, story)
    # Of a recovery the last acts are looked at: those before are the first story's.
    first = 1 if story == "ACTS" else len(deed_making.ACTS)
    acts = list(deed_making.hidden(*(first - 1 + n for n in hidden if n), acts=told))
    for _time in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(first, len(acts) - 1), label="which")
        act = acts[at]
        match data.draw(st.sampled_from(["drop", "again", "move", "key", "topic", "behind"])):
            case "drop":
                del acts[at]
            case "again":
                acts.insert(data.draw(st.integers(1, len(acts))), act)
            case "move":
                acts.insert(data.draw(st.integers(1, len(acts) - 1)), acts.pop(at))
            case "key":
                signer = data.draw(st.sampled_from(sorted(deed_making.SIGNERS)))
                acts[at] = deed_making.replace(act, signer=signer)
            case "topic":
                n = data.draw(st.none() | st.integers(first - 1, first + 12))
                acts[at] = deed_making.replace(act, on=dict.fromkeys(act.on or ["halt"], n))
            case _:
                acts[at] = deed_making.replace(act, behind=data.draw(st.integers(0, 12)))
    making = deed_making.Making(tuple(acts), recorded=deed_making.slowly(acts))
    agreed(deed_making.sealed(deed_making.lines_of(deed_making.make_case(making)).body), place)


@shared
@given(data=st.data())
def test_any_change_to_a_line_that_is_sealed_again_is_judged_alike(
    data: st.DataObject, place: Path, deed_making: ModuleType
):
    body = (FOLDER / "contract2/with-answers.jsonl").read_bytes().splitlines()[:-1]
    at = data.draw(st.integers(0, len(body) - 1), label="line")
    value = json.loads(body[at])
    damage(value, data)
    body[at] = ledger.dumps(value)
    agreed(deed_making.sealed(body), place)


@pytest.mark.parametrize(
    "name",
    [
        "authentic",
        "deeds-of-a-key-withheld",
        "with-answers",
        "recovered",
        "recovery-under-way",
        "recovery-objected",
        "recovered-by-what-is-withheld",
    ],
)
def test_what_is_said_beside_the_verdict_is_agreed_on(name: str, place: Path):
    verdict = agreed((FOLDER / f"contract2/{name}.jsonl").read_bytes(), place)
    assert verdict.word == "consistent"
    assert verdict.contract == 2


def test_a_recovery_is_said_with_whose_word_it_was_by_and_what_is_disavowed(place: Path):
    verdict = agreed((FOLDER / "contract2/recovered.jsonl").read_bytes(), place)
    lines = verdict.lines()
    by = "by the word of example-centre, example-lab"
    assert f"key recovered: example-agency at entry 20, {by}" in lines
    assert "disavowed: entry 16, example-agency, designation-concurred" in lines
    assert "disavowed: entry 17, example-agency, designation-concurred" in lines
    told = verdict.as_dict()
    kind = "designation-concurred"
    assert {"n": 17, "party": "example-agency", "type": kind} in told["disavowed"]
    assert list(told["recoveries"]) == [
        {"party": "example-agency", "n": 20, "by": ("example-centre", "example-lab")}
    ]
    pending = agreed((FOLDER / "contract2/recovery-under-way.jsonl").read_bytes(), place)
    assert [(one.n, one.by) for one in pending.recoveries] == [
        (None, ("example-centre", "example-lab"))
    ]
    objected = agreed((FOLDER / "contract2/recovery-objected.jsonl").read_bytes(), place)
    assert objected.recoveries == ()


@pytest.mark.parametrize("i", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    "value",
    [
        {"content": [{"a": 1, "kind": "content", "marking": 1}], "kind": "content"},
        {"envelope": {"a": 1, "kind": "deed", "marking": 0}, "kind": "deed", "z": 1},
        {"envelope": {"a": 1, "kind": "deed", "marking": 0}, "kind": "deed"},
        {"at": "2026-11-21T09:04:00Z", "kind": "recorded", "z": {"marking": 1}},
        {"actor": "a", "at": "2026-11-21T09:04:00Z", "marking": {"schema": 1, "type": "a"}},
        {"kind": ["deed"], "marking": 1},
        {"kind": "deed"},
        {},
    ],
)
def test_a_part_whose_names_stand_further_in_is_no_part(
    place: Path, deed_making: ModuleType, i: int, value: dict[str, Any]
):
    def part(at: int, which: int, old: bytes) -> bytes:
        return ledger.dumps(value) if (at, which) == (4, i) else old

    case = deed_making.make_case(deed_making.Making(deed_making.ACTS[:6], part=part))
    verdict = agreed(deed_making.sealed(deed_making.lines_of(case).body), place)
    assert verdict.word == "altered"
