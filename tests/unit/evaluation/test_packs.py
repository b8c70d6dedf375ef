"""A pack's parts by themselves: its manifest, its files, its items' form, its scores."""

import math
import re
from collections import OrderedDict
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText
from inspect_ai.scorer import Score, Scorer, Target, accuracy, match, scorer
from inspect_ai.solver import TaskState
from pydantic import BaseModel

from support.packs import write_pack
from touchstone.evaluation.outcomes import ReportedScore
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.frozen import THEIRS, NoFormError, freeze, from_form, thaw, to_form
from touchstone.evaluation.packs.items import item_set
from touchstone.evaluation.packs.looking import faults_of
from touchstone.evaluation.packs.manifest import PackLimits, PackScore, parse_manifest
from touchstone.evaluation.packs.relay import (
    RequestRefusedError,
    SampleCalls,
    checked_request,
)
from touchstone.evaluation.packs.running import concluded, seconds_taken
from touchstone.evaluation.packs.source import read_pack
from touchstone.evaluation.packs.statement import Statement, taken
from touchstone.evaluation.packs.wire import MalformedMessageError, length_of, unpacked
from touchstone.evaluation.submission import Mode, ModeSettings

LETTERS = PackScore(scorer="s", values="letters", solved_from=1.0)
NUMBER = PackScore(scorer="s", values="number", range=(-1.0, 2.0), solved_from=0.5)


class Known(BaseModel):
    level: int
    tags: set[str] = set()


class Plain:
    pass


class Level(Enum):
    LOW = ()
    HIGH = (1,)


# ------------------------------------------------------------------ items
def test_a_form_holds_all_that_it_was_given():
    value = {
        "a": [1, 2**60, 0.1, -0.0, None, True, "\ud800"],
        "b": ({1, 2}, frozenset({"x"}), b"\0\xff"),
        "float": {"float": "no number"},
        "known": Known(level=2, tags={"b", "a"}),
        "member": [Level.LOW, Level.HIGH],
    }
    form = to_form(value, "metadata")
    again = from_form(form)
    assert again == value
    assert type(again["b"]) is tuple
    assert math.copysign(1, again["a"][3]) == -1


def test_a_set_is_the_same_in_any_order():
    words = [f"word-{number}" for number in range(50)]
    assert to_form({*words}, "m") == to_form({*words[::-1]}, "m")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (Plain(), "Plain"),
        ({"deep": [Plain()]}, r"metadata.deep\[0\]"),
        (OrderedDict(a=1), "OrderedDict"),
        ({1: "a"}, "a key that is a int"),
        (lambda: None, "function"),
    ],
)
def test_what_has_no_form_is_refused_by_name(value: Any, names: str):
    with pytest.raises(NoFormError, match=names):
        to_form(value, "metadata")


def test_a_circle_is_refused():
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(NoFormError, match="levels deep"):
        to_form(circle, "metadata")


def test_ids_of_messages_do_not_count(tmp_path: Path):
    def one() -> Sample:
        return Sample(input=[ChatMessageUser(content="Hello")], id="a", metadata={"n": 1})

    first, second = one(), one()
    assert not isinstance(first.input, str)
    assert not isinstance(second.input, str)
    first.input[0].id, second.input[0].id = "m1", "m2"
    assert freeze(first, tmp_path) == freeze(second, tmp_path)
    again = thaw(freeze(first, tmp_path), 7)
    assert (again.id, again.metadata) == ("7", {"n": 1, THEIRS: "a"})
    assert not isinstance(again.input, str)
    assert again.input[0].text == "Hello"


def test_files_and_pictures_count_by_content(tmp_path: Path):
    def frozen(folder: Path, content: bytes) -> Any:
        folder.mkdir(exist_ok=True)
        (folder / "p.png").write_bytes(content)
        (folder / "setup.sh").write_bytes(content)
        asked = ChatMessageUser(content=[ContentText(text="What?"), ContentImage(image="p.png")])
        sample = Sample(
            input=[asked],
            files={"a.txt": "p.png", "b.txt": "only a text"},
            setup="setup.sh",
        )
        return freeze(sample, folder)

    one = frozen(tmp_path / "one", b"picture")
    assert one == frozen(tmp_path / "two", b"picture")
    other = frozen(tmp_path / "one", b"Picture")
    for part in ("input", "files", "setup"):
        assert one[part] != other[part]
    assert one["files"]["b.txt"] == "only a text"


@pytest.mark.parametrize("where", ["https://example.com/a.png", "s3://example/a.png"])
def test_what_lies_elsewhere_is_refused(where: str, tmp_path: Path):
    with pytest.raises(NoFormError, match="lies elsewhere"):
        freeze(Sample(input="a", files={"a": where}), tmp_path)


def test_items_stand_in_the_order_of_their_content(tmp_path: Path):
    made = [freeze(Sample(input=f"q{n}", id=n), tmp_path) for n in range(9)]
    assert item_set(made).digest == item_set(made[::-1]).digest
    assert item_set(made).digest != item_set(made[1:]).digest
    # An id that is there twice, or none, is no fault: the position is ours.
    assert len(item_set([{**each, "id": None} for each in made]).items) == len(made)


def test_an_item_that_is_there_twice_is_refused(tmp_path: Path):
    made = freeze(Sample(input="q", id="one"), tmp_path)
    with pytest.raises(PackError, match="'one' is there twice"):
        item_set([made, made])


@pytest.mark.parametrize("given", [None, [], [{"input": "a"}], [7]])
def test_what_is_no_item_set_is_refused(given: Any):
    with pytest.raises(PackError):
        item_set(given)


# ------------------------------------------------------------------ scores
@pytest.mark.parametrize(("value", "number"), [("C", 1.0), ("P", 0.5), ("I", 0.0), ("N", 0.0)])
def test_letters_are_taken(value: str, number: float):
    assert taken(Score(value=value), LETTERS) == (number, "")


@pytest.mark.parametrize(("value", "number"), [(2, 2.0), (-1, -1.0), (True, 1.0), (0.25, 0.25)])
def test_numbers_are_taken(value: Any, number: float):
    assert taken(Score(value=value), NUMBER) == (number, "")


@pytest.mark.parametrize("value", ["banana", "1", {"a": 1}, [1], float("nan"), float("inf"), 2.5])
@pytest.mark.parametrize("declared", [LETTERS, NUMBER])
def test_what_was_not_declared_is_no_score(value: Any, declared: PackScore):
    number, fault = taken(Score(value=value), declared)
    assert number is None
    assert fault


def test_a_key_picks_one_of_several():
    declared = NUMBER.model_copy(update={"key": "a"})
    assert taken(Score(value={"a": 1, "b": 0}), declared) == (1.0, "")
    assert taken(Score(value={"b": 1}), declared)[0] is None
    assert taken(Score(value=1), declared)[0] is None
    assert taken(None, declared)[0] is None


def said(value: float | None = 1.0, **more: Any) -> Statement:
    return Statement(0, value, **more)


@pytest.mark.parametrize(
    ("statement", "heard", "result"),
    [
        (said(), {"calls": 1}, ("solved", "")),
        (said(), {}, ("lost-instrument", "judge")),
        (said(0.0), {"calls": 1}, ("unsolved", "")),
        (said(0.0), {}, ("no-attempt", "")),
        (said(0.0), {"last_failed": True}, ("lost-endpoint", "endpoint")),
        (said(None), {"last_failed": True}, ("lost-endpoint", "endpoint")),
        (said(None, scoring=True), {"calls": 1}, ("lost-instrument", "judge")),
        (said(None), {"calls": 1}, ("lost-instrument", "engine")),
        (said(0.0), {"calls": 1, "shortened": True}, ("cut", "")),
        (said(0.0), {"calls": 1, "refused": True}, ("refused", "")),
        (said(0.0, limit="token"), {"calls": 1}, ("limit", "")),
        (said(None), {"calls": 1, "capped": True}, ("lost-instrument", "engine")),
        (said(0.0), {"calls": 1, "capped": True}, ("lost-instrument", "engine")),
        (said(1.0), {"calls": 1, "capped": True}, ("solved", "")),
    ],
)
def test_what_a_statement_is_worth(
    statement: Statement, heard: dict[str, Any], result: tuple[str, str]
):
    assert concluded(statement, SampleCalls(executions=1, **heard), LETTERS)[:2] == result


def test_without_a_threshold_a_score_is_only_reported():
    declared = LETTERS.model_copy(update={"solved_from": None})
    for value in (0.0, 1.0):
        assert concluded(said(value), SampleCalls(executions=1, calls=1), declared)[0] == "reported"


@pytest.mark.parametrize(
    ("heard", "result"),
    [
        ({"calls": 1, "refused": True}, "refused"),
        ({"calls": 1, "shortened": True}, "cut"),
        ({}, "no-attempt"),
        ({"calls": 1, "capped": True}, "lost-instrument"),
        ({"calls": 1, "last_failed": True}, "reported"),
    ],
)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_score_of_what_was_declined_or_cut_is_not_reported(
    heard: dict[str, Any], result: str, value: float
):
    declared = LETTERS.model_copy(update={"solved_from": None})
    assert concluded(said(value), SampleCalls(executions=1, **heard), declared)[0] == result


@pytest.mark.parametrize(
    ("value", "low", "high", "share"),
    [(3.5, -1.0, 5.0, 0.75), (0.1, 0.0, 1.0, 0.1), (1e308, -1e308, 1e308, 1.0)],
)
def test_a_reported_score_stands_as_given_and_as_a_share(
    value: float, low: float, high: float, share: float
):
    found = ReportedScore.of(value, low, high)
    assert [float(found.value), float(found.share)] == pytest.approx([value, share])
    # As the facts of the record have decimals.
    assert re.fullmatch(r"[01]\.[0-9]{12}", found.share)


# ------------------------------------------------------------------ what is declared
@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("solved_from = 1.0", "solved_from = 0.0", "above 0.0"),
        ("solved_from = 1.0", "solved_from = nan", "has an end"),
        ('values = "letters"', 'values = "bananas"', "values"),
        ('file = "task.py"', 'file = "../task.py"', "plain path"),
        ('owner = "Example Lab"', "", "owner"),
        ('id = "capitals"', 'id = "Capitals of Europe"', "'.', '_' and '-'"),
        ("[task]", "[tasks]", "task"),
    ],
)
def test_a_manifest_is_refused_with_its_key(tmp_path: Path, old: str, new: str, names: str):
    text = (write_pack(tmp_path / "p") / "pack.toml").read_text()
    assert old in text
    with pytest.raises(PackError, match=names):
        parse_manifest(text.replace(old, new).encode())


def test_limits_of_the_pack_go_before_the_tasks_own():
    own = PackLimits(messages=500, tokens=5_000_000)
    assert PackLimits(tokens=10).over(own) == PackLimits(messages=500, tokens=10)


def test_a_pack_is_the_same_in_another_folder(tmp_path: Path):
    one, two = (read_pack(write_pack(tmp_path / name)) for name in ("one", "two"))
    assert one.digest == two.digest
    assert "items.json" in one.files
    assert "items.json" not in one.code
    (tmp_path / "two" / "items.json").write_text("[]")
    assert read_pack(tmp_path / "two").digest != one.digest


def test_a_link_in_a_pack_is_refused(tmp_path: Path):
    folder = write_pack(tmp_path / "p")
    (folder / "more.json").symlink_to("/etc/passwd")
    with pytest.raises(PackError, match="holds no links"):
        read_pack(folder)


def test_a_file_that_is_named_and_not_there_is_refused(tmp_path: Path):
    folder = write_pack(tmp_path / "p")
    (folder / "items.json").unlink()
    with pytest.raises(PackError, match=r"task\.data"):
        read_pack(folder)
    (folder / "task.py").unlink()
    with pytest.raises(PackError, match=r"task\.file"):
        read_pack(folder)


# ------------------------------------------------------------------ what a seal cannot bear
SAMPLES = [Sample(input="one"), Sample(input="two")]


@scorer(metrics=[accuracy()])
def neighbour(near: list[Sample] | None = None) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - Inspect's form
        return Score(value=len(near or SAMPLES))

    return score


def test_what_a_seal_cannot_bear_is_named(tmp_path: Path):
    (tmp_path / "task.py").write_text(
        "def s():\n    get_model('example/grader')\n    model_graded_qa(model='example/other')\n"
        "    get_model(role='grader')\n    open('a/b')\n"
    )
    task = Task(
        dataset=MemoryDataset(SAMPLES),
        scorer=[neighbour(), neighbour(list(SAMPLES)), match()],
    )
    faults = faults_of(task, tmp_path)
    for part in ("(SAMPLES)", "(near)", "'example/grader'", "'example/other'"):
        assert any(part in each for each in faults), part
    assert len(faults) == 5
    plain = Task(dataset=MemoryDataset([Sample(input="x")]), scorer=match())
    assert faults_of(plain, tmp_path / "none") == []


# ------------------------------------------------------------------ the relay
def mode(**settings: Any) -> Mode:
    return Mode(
        id="m",
        variant="v",
        model="openai-api/example/tiny",
        base_url="http://127.0.0.1:9/v1",
        api_key_env="EXAMPLE_KEY",
        settings=ModeSettings(**settings),
    )


def test_a_pack_cannot_make_another_mode_of_it():
    asked = {"messages": [], "temperature": 1.5, "reasoning_effort": "low", "max_tokens": 900}
    request = checked_request(asked, mode(temperature="0.5", max_tokens=100))
    assert request == {
        "messages": [],
        "temperature": 0.5,
        "reasoning_effort": "low",
        "max_tokens": 100,
    }
    assert checked_request({"messages": []}, mode(max_tokens=100))["max_tokens"] == 100


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {},
        {"messages": "all"},
        {"messages": [1]},
        {"messages": [], "n": 5},
        {"messages": [], "extra_body": {}},
        {"messages": [], "tools": {}},
        {"messages": [], "tools": [{}]},
        {"messages": [], "tools": [{"function": {"name": "a", "parameters": []}}]},
        {"messages": [], "max_tokens": "many"},
        {"messages": [], "max_tokens": 0},
    ],
)
def test_what_is_no_request_is_refused(given: Any):
    with pytest.raises(RequestRefusedError):
        checked_request(given, mode())


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"[" * 100_000])
def test_what_is_no_message_is_refused(body: bytes):
    with pytest.raises(MalformedMessageError):
        unpacked(body)


def test_a_message_that_is_too_long_is_refused_before_it_is_read():
    with pytest.raises(MalformedMessageError):
        length_of(b"\xff\xff\xff\xff", 1000)


@pytest.mark.parametrize(
    ("said", "taken"),
    [(7.5, 7.5), (60.0, 60.0), (60.1, 0.0), (-1.0, 0.0), (math.inf, 0.0), (math.nan, 0.0)],
)
def test_seconds_that_cannot_be_are_not_taken(said: float, taken: float):
    assert seconds_taken(said, 60) == taken
