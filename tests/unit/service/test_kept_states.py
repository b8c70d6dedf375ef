"""What was folded of a case is kept, and is never trusted over the case's entries."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.small_case import measure, small_case
from touchstone.deeds.cases import review_halted
from touchstone.records import CaseReader
from touchstone.review import State
from touchstone.review.packing import pack_state
from touchstone.service import installation as installations
from touchstone.service.case_context import Case
from touchstone.service.cases.checking import check
from touchstone.service.installation import Installation, folding_code, open_installation


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A measured case, of which its state is kept."""
    monkeypatch.setattr(installations, "KEEP_AFTER", 1)
    with small_case(tmp_path) as opened:
        measure(opened, 8, whole=True)
        assert opened.state.size > 10
        yield opened


def read_anew(case: Case) -> tuple[State, list[int]]:
    """The state as another process has it, and from which entries on it read events."""
    starts: list[int] = []
    read = CaseReader.recorded_events

    def noted(self: CaseReader, start: int = 0) -> list[tuple[dict[str, Any], str]]:
        starts.append(start)
        return read(self, start)

    with pytest.MonkeyPatch.context() as patch, open_installation(case.installation.home) as here:
        patch.setattr(CaseReader, "recorded_events", noted)
        return here.state(case.id), starts


def file_of(case: Case) -> Path:
    return case.installation.records.kept_folder(case.id) / "state"


def test_another_process_reads_no_entry_again(case: Case):
    state, starts = read_anew(case)
    assert state == case.state
    assert starts == [state.size]


def test_what_is_kept_of_an_earlier_size_is_gone_on_from(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(installations, "KEEP_AFTER", 1000)
    before = case.state.size
    measured_more(case)
    state, starts = read_anew(case)
    assert state == case.state
    assert state.size > before
    # A log of contract 1 knows its root at its own size alone, and is folded anew.
    contract = case.installation.records.case(case.id).contract
    assert starts == [before if contract > 1 else 0]


def measured_more(case: Case) -> None:
    case.record([review_halted(case, case.participants.centre, "a look", case.marks.pair)])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(file.read_bytes()[:90] + b"\0" * 400),
        lambda file: file.write_bytes(b"9" + file.read_bytes()),
        lambda file: file.write_bytes(file.read_bytes().replace(b"\n", b"0\n", 1)),
    ],
    ids=["gone", "empty", "cut", "overwritten", "another size", "another root"],
)
def test_a_spoiled_file_costs_a_fold_and_nothing_else(case: Case, spoil: object):
    assert callable(spoil)
    spoil(file_of(case))
    state, starts = read_anew(case)
    assert (state, starts) == (case.state, [0])


def test_one_cases_file_is_of_no_use_to_another(case: Case, tmp_path: Path):
    kept = case.installation.records.kept(case.id)
    assert kept is not None
    (tmp_path / "other").mkdir()
    with small_case(tmp_path / "other") as other:
        folder = other.installation.records.kept_folder(other.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state").write_bytes(file_of(case).read_bytes())
        assert other.installation.kept_state(other.id) is None


def keep_a_wrong_one(here: Installation, case: str) -> None:
    reader = here.records.case(case)
    wrong = replace(here.folded_state(case), halted_by=frozenset({"somebody"}))
    here.records.keep(reader, pack_state(wrong, folding_code()))


def test_check_says_where_the_kept_state_is_wrong(case: Case):
    with open_installation(case.installation.home) as here:
        assert check(here, lambda _: None).sound
        keep_a_wrong_one(here, case.id)
        found = check(here, lambda _: None)
    (fault,) = found.faults
    assert "the state kept of it is not what its entries say" in fault.what


def test_where_nothing_may_be_written_nothing_is_kept(case: Case):
    file_of(case).unlink()
    records = case.installation.records
    records.read_only = True
    records.keep(records.case(case.id), b"anything")
    assert not file_of(case).exists()
