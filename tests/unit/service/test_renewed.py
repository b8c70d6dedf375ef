"""A finished review run again tells developer and centre of other cases, and nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.finished import run_again
from support.small_case import AGENCIES, Minutes, copied_case, measure
from touchstone.editions.sentences import sentence
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import loads
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.reporting.edition_files import as_issued
from unit.service.test_other_cases import another

TOLD = ("example-lab", "example-centre")


@pytest.fixture
def clock() -> Minutes:
    return Minutes()


@pytest.fixture
def case(issued_home: Path, tmp_path: Path, clock: Minutes) -> Iterator[Case]:
    with copied_case(issued_home, tmp_path, clock) as opened:
        yield opened


def folder(case: Case) -> Path:
    return case.installation.home.parent


def page(case: Case, name: str) -> bytes:
    return (folder(case) / "out" / f"report-{name}.html").read_bytes()


def files(case: Case) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder(case) / "out").iterdir()}


def test_a_case_that_came_since_is_named_and_what_was_issued_is_still_there(
    case: Case, clock: Minutes
):
    before = files(case)
    clock.pass_by()
    other = another(case)
    run_again(case)
    after = files(case)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {f"report-{name}.html" for name in TOLD}
    for name in TOLD:
        assert other.id[:12].encode() in page(case, name)
        assert sentence("other-cases.none").encode() in page(case, name), (
            "the edition itself said that there was none"
        )
        assert digest_bytes(as_issued(page(case, name))) == case.state.reports[name].report


def test_what_becomes_of_it_is_told_too_and_what_is_told_already_changes_nothing(
    case: Case, clock: Minutes
):
    other = another(case)
    run_again(case)
    first = files(case)
    clock.pass_by()
    run_again(case)
    assert files(case) == first
    measure(other)
    destroy_case(case.installation, other.id)
    run_again(case)
    assert page(case, "example-lab").count(other.id[:12].encode()) == 1
    assert b"destroyed" in page(case, "example-lab")


def seen_by(case: Case, name: str) -> list[tuple[str, object, object]]:
    """What a bundle lets its holder count: lines and their places, without salts and digests."""
    lines = files(case)[f"bundle-{name}.jsonl"].splitlines()
    read = [loads(line) for line in lines]
    return [(str(each.get("line")), each.get("n"), each.get("i")) for each in read]


def test_no_other_reader_can_tell_whether_there_is_another_case(issued_home: Path, tmp_path: Path):
    worlds = []
    for others in (0, 1):
        place = tmp_path / str(others)
        place.mkdir()
        clock = Minutes()
        with copied_case(issued_home, place, clock) as opened:
            clock.pass_by()
            for _ in range(others):
                another(opened)
            run_again(opened)
            # Their next edition shows every entry's place, also of those that they may not read.
            (place / "out" / f"bundle-{AGENCIES[0]}.jsonl").unlink()
            run_again(opened)
            size = opened.state.size
            worlds.append((size, seen_by(opened, AGENCIES[0])))
    assert worlds[0] == worlds[1]
