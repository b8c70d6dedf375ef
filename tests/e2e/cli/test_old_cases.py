"""A case of record contract 1: read, verified and exported as before, and never added to."""

import shutil
from pathlib import Path

import pytest

from support.every_command import WITH_CASE, words_for
from support.june import June
from support.old_cases import old_home
from touchstone.clearance import party_audience
from touchstone.ledger import check_bundle
from touchstone.service.cases.case_admin import open_found
from touchstone.service.installation import open_installation
from touchstone.service.reporting.edition_files import issue_editions

READ_ONLY = {
    ("next",),
    ("reads", "show"),
    ("review", "show"),
    ("parity", "compare"),
    ("directive", "preview"),
    ("directive", "status"),
}
"""Commands that write nothing: they look at an old case as at any other."""


@pytest.fixture
def old(june: June, tmp_path: Path) -> June:
    """A home in which an earlier version opened a case, and halted it; beside it June's files."""
    june.home = tmp_path / "old"
    june.case = old_home(june.home, tmp_path)
    return june


def written(old: June) -> tuple[object, ...]:
    with open_installation(old.home, apart=True) as here:
        reader = here.records.case(old.case)
        waiting = here.records.jobs.counts(old.case)
        return reader.size, reader.root, len(here.records.names()), waiting


def test_it_is_listed_shown_and_checked(old: June):
    (row,) = old.call("review", "list", "--json").json
    assert (row["case"], row["status"], row["developer"]) == (old.case, "halted", "example-lab")
    shown = old.call("review", "show", old.case[:8])
    assert (shown.code, "as it was" in shown.out) == (0, True), shown.err
    assert old.call("check").code == 0
    assert old.call("rebuild").code == 0


def test_upgrade_says_what_becomes_of_it(old: June, tmp_path: Path):
    before = written(old)
    said = old.call("upgrade")
    assert (said.code, said.err) == (0, "")
    (line,) = said.out.splitlines()
    assert line.startswith(f"1 of 1 cases are of record contract 1 ({old.case[:12]}): they are")
    assert written(old) == before
    old.home = tmp_path / "new"
    assert old.call("upgrade").out == "Nothing to do: of 0 cases all are of record contract 2.\n"


IN_ALL_CASES = {("party", "signers", "admit"), ("party", "signers", "remove")}


def test_what_would_write_into_it_is_refused_in_one_line(old: June, tmp_path: Path):
    before, out = written(old), tmp_path / "out"
    refusing = {words for words in WITH_CASE if words not in READ_ONLY}
    assert len(refusing) >= 10
    for words in refusing:
        # What goes through all of a party's cases says in which ones it was not done.
        code = 1 if words in IN_ALL_CASES else 2
        said = old.call(*words_for(words, WITH_CASE[words], old, out))
        assert said.code == code, (words, said)
        line = said.refused(code)
        assert "is kept in record contract 1" in line, words
        assert "a new case of the same submission" in line
        assert written(old) == before, words
    assert not any(out.rglob("*.json"))


def test_it_is_exported_in_its_own_format_and_verifies(old: June, tmp_path: Path):
    with open_installation(old.home, apart=True) as here:
        case = open_found(here, old.case)
        size = case.state.size
        wanted = [party_audience(party, "GREEN") for party, _ in case.participants.roles]
        editions = issue_editions(case, tmp_path / "out", wanted)
        assert case.state.size == size
        for edition in editions:
            assert edition.report.stat().st_size > 0
            with edition.bundle.open("rb") as lines:
                assert check_bundle(lines).deeds == size
        pinned = here.keyring.history.lines[0].fingerprint
    for edition in editions:
        verdict = old.call("verify", edition.bundle, "--trust", pinned)
        assert (verdict.code, "authentic" in verdict.out.lower()) == (0, True), verdict.out
    shutil.rmtree(tmp_path / "out")
