"""The journal: torn last lines are cut, alterations refused, first outcomes stand."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from touchstone.evaluation.errors import JournalError
from touchstone.evaluation.journal import Journal, glance
from touchstone.evaluation.outcomes import AdjudicationRule, Lost, Outcome, Usage

COMMITMENTS = dict.fromkeys(range(4), "00")


def outcome(index: int, result: str = "solved") -> Outcome:
    return Outcome.model_validate(
        {
            "index": index,
            "commitment": "00",
            "result": result,
            "score": "1" if result == "solved" else "0",
            "reason": "right",
            "seconds": "1.000",
        }
    )


def filled(folder: Path) -> Path:
    with Journal(folder, "c") as journal:
        for index in (0, 1):
            journal.begin(index)
            journal.use(index, Usage(input=5, output=1))
        journal.record(outcome(0))
    return folder / "outcomes.jsonl"


def test_what_was_recorded_is_read_again(tmp_path: Path):
    filled(tmp_path)
    with Journal(tmp_path, "c") as journal:
        assert journal.outcomes == {0: outcome(0)}
        assert journal.interrupted() == (1,)
        assert journal.used() == Usage(input=10, output=2)
        assert journal.begin(1) == 2


def test_who_glances_sees_whole_lines_and_changes_nothing(tmp_path: Path):
    data = filled(tmp_path / "whole").read_bytes()
    path = tmp_path / "outcomes.jsonl"
    for end in range(data.index(b"\n") + 1, len(data) + 1):
        path.write_bytes(data[:end])
        seen = glance(tmp_path, "c")
        assert path.read_bytes() == data[:end]
        lines = data[:end].split(b"\n")[:-1]
        assert len(seen.begun) == sum(b'"begin"' in line for line in lines)
        assert len(seen.interrupted) == len(seen.begun) - sum(b'"outcome"' in x for x in lines)
    for spoilt in (b"", data[:8], b"[]\n" + data, data + b"[]\n", data.replace(b'"c"', b'"d"')):
        path.write_bytes(spoilt)
        with pytest.raises(JournalError):
            glance(tmp_path, "c")
    path.unlink()
    with pytest.raises(JournalError):
        glance(tmp_path, "c")


def test_the_first_outcome_stands(tmp_path: Path):
    filled(tmp_path)
    with Journal(tmp_path, "c") as journal:
        assert journal.record(outcome(0, "unsolved")) is False
        assert journal.outcomes[0].result == "solved"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 10_000))
def test_a_journal_torn_anywhere_is_taken_up_to_its_last_whole_line(cut: int, tmp_path: Path):
    folder = tmp_path / str(cut)
    path = filled(folder)
    data = path.read_bytes()
    torn = data[: cut % len(data)]
    path.write_bytes(torn)
    with Journal(folder, "c") as journal:
        journal.record(outcome(7))
    whole = torn[: torn.rfind(b"\n") + 1]
    assert path.read_bytes().startswith(whole)
    with Journal(folder, "c") as journal:
        assert set(journal.outcomes) <= {0, 7}
        assert 7 in journal.outcomes


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b'{"line":"other"}',
        b'{"line":"chunk","chunk":"c","format":"touchstone/outcomes/1"}',
        b'{"line":"outcome","outcome":{"index":9}}',
        b"\xff",
        b"",
        b'{"line":"begin","index":"1"}',
        b"[" * 100_000,
    ],
)
def test_after_an_alteration_no_sample_of_the_chunk_runs_again(line: bytes, tmp_path: Path):
    """Whatever stood there: what has no outcome before it is lost, also what never seems begun."""
    path = filled(tmp_path)
    found = path.read_bytes() + line + b"\n" + b'{"line":"begin","index":3}\n'
    path.write_bytes(found)
    with Journal(tmp_path, "c") as journal:
        lost = journal.settle(COMMITMENTS, AdjudicationRule(), "its worker died")
        assert [(each.index, each.result, each.cause) for each in lost] == [
            (index, "lost-instrument", "engine") for index in (1, 2, 3)
        ]
        assert all("altered at line 7" in each.reason for each in lost)
        assert journal.outcomes[0] == outcome(0)
    assert (tmp_path / "outcomes.jsonl.altered-0").read_bytes() == found
    with Journal(tmp_path, "c") as journal:
        assert len(journal.outcomes) == 4
        assert journal.altered == "line 7"
        assert journal.settle(COMMITMENTS, AdjudicationRule(), "") == ()


def test_a_journal_altered_from_its_first_line_on_loses_all_of_the_chunk(tmp_path: Path):
    path = filled(tmp_path)
    path.write_bytes(b"x" + path.read_bytes())
    with Journal(tmp_path, "c") as journal:
        lost = journal.settle(COMMITMENTS, AdjudicationRule(), "")
    assert {each.result for each in lost} == {"lost-instrument"}
    assert len(lost) == 4


def test_what_is_altered_twice_is_kept_twice(tmp_path: Path):
    path = filled(tmp_path)
    for number in (0, 1):
        path.write_bytes(path.read_bytes() + b"odd\n")
        with Journal(tmp_path, "c"):
            pass
        assert (tmp_path / f"outcomes.jsonl.altered-{number}").exists()


def test_a_second_outcome_of_one_sample_is_an_alteration(tmp_path: Path):
    path = filled(tmp_path)
    last = path.read_bytes().splitlines(keepends=True)[-1]
    path.write_bytes(path.read_bytes() + last)
    with Journal(tmp_path, "c") as journal:
        assert journal.altered == "line 7"


def test_another_chunks_journal_is_refused(tmp_path: Path):
    filled(tmp_path)
    with pytest.raises(JournalError, match="belongs to chunk c"):
        Journal(tmp_path, "d")


def test_a_journal_is_held_by_one(tmp_path: Path):
    with (
        Journal(tmp_path, "c"),
        pytest.raises(JournalError, match="being run by another worker"),
    ):
        Journal(tmp_path, "c")
    filled(tmp_path)


def test_a_planted_link_is_not_followed(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.write_text("precious\n")
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "outcomes.jsonl").symlink_to(outside)
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "j", "c")
    assert outside.read_text() == "precious\n"


def settled(
    folder: Path, *lines: tuple[str, int], final: bool = False
) -> list[tuple[int, str, int]]:
    """What comes of samples interrupted after these lines."""
    with Journal(folder, "c") as journal:
        for line, index in lines:
            if line == "begin":
                journal.begin(index)
            elif line == "use":
                journal.use(index, Usage(input=5, output=1))
            elif line == "lost":
                journal.lose(index, "HTTP 500")
            else:
                journal.judge(outcome(index, line))
    with Journal(folder, "c") as journal:
        found, again = (
            journal.settle(COMMITMENTS, AdjudicationRule(), "its worker died", final=final)
            for _ in range(2)
        )
        assert again == ()
        return [(each.index, each.result, each.executions) for each in found]


def test_what_was_answered_is_settled_and_what_was_not_may_run_again(tmp_path: Path):
    begun = [("begin", 0), ("begin", 1), ("use", 1), ("begin", 2), ("use", 2), ("solved", 2)]
    assert settled(tmp_path, *begun) == [(1, "lost-instrument", 1), (2, "solved", 1)]


def test_a_third_execution_without_an_answer_is_the_last(tmp_path: Path):
    died, failed = [("begin", 0)], [("begin", 1), ("lost", 1)]
    assert settled(tmp_path / "a", *died * 2, *failed * 2) == []
    assert settled(tmp_path / "b", *died * 3, *failed * 3) == [
        (0, "lost-instrument", 3),
        (1, "lost-endpoint", 3),
    ]


def test_of_a_chunk_that_is_given_up_everything_begun_has_an_outcome(tmp_path: Path):
    begun = [("begin", 0), ("begin", 1), ("lost", 1), ("begin", 2), ("solved", 2)]
    assert settled(tmp_path, *begun, final=True) == [
        (0, "lost-instrument", 1),
        (1, "lost-endpoint", 1),
        (2, "solved", 1),
    ]


def test_what_the_endpoint_failed_is_told_until_it_is_settled(tmp_path: Path):
    with Journal(tmp_path, "c") as journal:
        journal.begin(3)
        journal.lose(3, "HTTP 500")
    with Journal(tmp_path, "c") as journal:
        assert journal.lost() == (Lost(index=3, executions=1, reason="HTTP 500"),)
        journal.record(outcome(3))
        assert journal.lost() == ()


def test_an_outcome_of_before_attempts_is_read_with_its_executions():
    text = {"index": 0, "commitment": "ab", "result": "solved", "score": "1", "reason": "r"}
    before = Outcome.model_validate({**text, "seconds": "1", "attempt": 3})
    assert before.executions == 3
    assert "attempt" not in before.model_dump()
    with pytest.raises(ValidationError):
        Outcome.model_validate({**text, "seconds": "1", "executions": 1, "attempt": 3})
