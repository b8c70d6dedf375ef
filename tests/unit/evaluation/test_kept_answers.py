"""Answers that outlive a death: given once, each to its own request, and never altered."""

from pathlib import Path

import pytest

from touchstone.evaluation.errors import JournalError
from touchstone.evaluation.journal import MOST_RESUMPTIONS, Journal
from touchstone.evaluation.kept_answers import (
    KEY_NAME,
    NAME,
    DifferingRequestError,
    HeardAnswer,
    KeptAnswers,
    request_digest,
)
from touchstone.evaluation.outcomes import AdjudicationRule, Usage

FIRST = HeardAnswer("answer", b"one", 0.5)
SECOND = HeardAnswer("declined", b"no", 1.5, "content_filter")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with KeptAnswers(tmp_path, "c1") as kept:
        kept.keep(0, "a", FIRST)
        kept.keep(1, "a", FIRST)
        kept.keep(0, "b", SECOND)
    return tmp_path


def test_each_answer_is_given_once_and_to_its_own_sample(folder: Path):
    with KeptAnswers(folder, "c1") as kept:
        assert dict(kept.held) == {0: 2, 1: 1}
        # Asked at once, they may come in another order.
        assert (kept.take(0, "b"), kept.take(0, "a"), kept.take(0, "a")) == (SECOND, FIRST, None)
        assert dict(kept.held)[1] == 1


def test_another_request_is_told_while_answers_are_left(folder: Path):
    with KeptAnswers(folder, "c1") as kept, pytest.raises(DifferingRequestError):
        kept.take(0, "c")


@pytest.mark.parametrize("place", [5, 40, -1])
def test_what_was_altered_is_used_by_nobody(folder: Path, place: int):
    data = bytearray((folder / NAME).read_bytes())
    data[place] ^= 1
    (folder / NAME).write_bytes(data)
    with KeptAnswers(folder, "c1") as kept:
        assert (bool(kept.altered), dict(kept.held)) == (True, {})
        kept.keep(0, "d", FIRST)
    assert (folder / NAME).read_bytes() == bytes(data)


def test_an_answer_that_was_taken_out_or_is_another_chunks_is_seen(folder: Path):
    data = (folder / NAME).read_bytes()
    with KeptAnswers(folder, "c2") as kept:
        assert kept.altered == "answer 1 is altered"
    (folder / NAME).write_bytes(data[4 + int.from_bytes(data[:4], "big") :])
    with KeptAnswers(folder, "c1") as kept:
        assert kept.altered == "answer 1 is altered"


def test_a_torn_last_answer_is_cut_and_the_rest_stands(folder: Path):
    (folder / NAME).write_bytes((folder / NAME).read_bytes()[:-1])
    with KeptAnswers(folder, "c1") as kept:
        assert (kept.altered, dict(kept.held)) == ("", {0: 1, 1: 1})
        kept.keep(0, "b", SECOND)
    with KeptAnswers(folder, "c1") as kept:
        assert (kept.altered, dict(kept.held)) == ("", {0: 2, 1: 1})


def test_answers_are_sealed_and_go_with_their_key(folder: Path):
    assert b"one" not in (folder / NAME).read_bytes()
    assert {(folder / name).stat().st_mode & 0o777 for name in (NAME, KEY_NAME)} == {0o600}
    key = (folder / KEY_NAME).read_bytes()
    (folder / KEY_NAME).unlink()
    with KeptAnswers(folder, "c1") as kept:
        assert kept.altered == "their key is gone"
    (folder / KEY_NAME).write_bytes(key[:5])
    (folder / KEY_NAME).chmod(0o600)
    with KeptAnswers(folder, "c1") as kept:
        assert kept.altered == "their key is none"
        kept.drop()
    assert not list(folder.iterdir())


def test_what_finds_no_room_is_not_kept_and_neither_is_what_follows(tmp_path: Path):
    with KeptAnswers(tmp_path, "c1", most=400) as kept:
        kept.keep(0, "a", FIRST)
        kept.keep(0, "b", HeardAnswer("answer", b"x" * 400, 0.1))
        kept.keep(0, "c", FIRST)
    with KeptAnswers(tmp_path, "c1") as kept:
        assert dict(kept.held) == {0: 1}


def test_a_link_in_the_place_of_the_answers_is_refused(tmp_path: Path):
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="cannot be kept"):
        KeptAnswers(tmp_path, "c1")


def test_a_request_is_known_by_all_that_is_sent_and_not_by_what_numbers_its_attempts():
    request = {"messages": [{"role": "user", "content": "hi"}], "temperature": 0.0}
    turned = {"temperature": 0.0, "messages": [{"content": "hi", "role": "user"}]}
    assert request_digest(request) == request_digest({**turned, "extra_headers": {"x": "1"}})
    assert request_digest(request) != request_digest({**request, "temperature": 0.5})
    assert request_digest(request) != request_digest({**request, "messages": []})


@pytest.mark.parametrize(
    ("begun", "kept", "final", "lost"),
    [
        (1, {0: 2}, False, False),
        (1, {0: 3}, False, False),
        (1, {0: 1}, False, True),
        (1, {1: 2}, False, True),
        (1, {0: 2}, True, True),
        (MOST_RESUMPTIONS, {0: 2}, False, True),
    ],
)
def test_a_sample_runs_again_only_where_each_of_its_answers_is_kept(
    tmp_path: Path, begun: int, kept: dict[int, int], *, final: bool, lost: bool
):
    with Journal(tmp_path, "c1") as journal:
        for _ in range(begun):
            journal.begin(0)
        journal.use(0, Usage(input=1, output=1))
        journal.use(0, Usage(input=1, output=1))
        rule = AdjudicationRule()
        settled = journal.settle({0: "00"}, rule, "killed", final=final, kept=kept)
    assert bool(settled) is lost
