"""A party takes its edition away: whole, its own, of the installation it pinned, or none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.party_server import CASE, Begun
from touchstone.client.errors import WrongInstallationError
from touchstone.client.held_edition import take_edition
from touchstone.ledger import AlteredError, MalformedError
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import own_bundle, own_page
from touchstone.verifier import verify_bundle

LAB = "example-lab"


@dataclass
class Giving:
    """A server that gives some party's edition, cut after so many lines."""

    here: Installation
    party: str = LAB
    lines: int | None = None

    def bundle(self, case: str) -> Iterable[bytes]:
        whole = list(own_bundle(self.here, case, self.party, sight="contents"))
        return (line.removesuffix(b"\n") for line in whole[: self.lines])

    def page(self, case: str) -> bytes:
        return own_page(self.here, case, self.party, sight="contents")


def pinned(case: Begun) -> str:
    return case.here.keyring.history.lines[0].fingerprint


def kept(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir())


def test_what_is_held_verifies_as_the_partys_own(case: Begun, tmp_path: Path) -> None:
    held = take_edition(Giving(case.here), CASE, LAB, pinned(case), tmp_path / "held")
    verdict = verify_bundle(Path(held.bundle), trust=[pinned(case)])
    assert verdict.word == "authentic"
    assert held.lines()[-1].endswith(f" {held.bundle} --trust {pinned(case)}")
    assert held.entries == case.here.state(CASE).size
    assert Path(held.report).read_bytes().startswith(b"<!doctype html>")


@pytest.mark.parametrize("lines", [0, 1, 9, -1])
def test_of_a_bundle_that_is_cut_nothing_is_kept(case: Begun, tmp_path: Path, lines: int) -> None:
    with pytest.raises((AlteredError, MalformedError)):
        take_edition(Giving(case.here, lines=lines), CASE, LAB, pinned(case), tmp_path / "held")
    assert not list(kept(tmp_path / "held"))


def test_anothers_bundle_is_not_kept(case: Begun, tmp_path: Path) -> None:
    giving = Giving(case.here, "example-agency")
    with pytest.raises(AlteredError, match="is for 'example-agency'"):
        take_edition(giving, CASE, LAB, pinned(case), tmp_path / "held")
    assert not list(kept(tmp_path / "held"))


def test_another_installations_bundle_is_not_kept(case: Begun, tmp_path: Path) -> None:
    other = "SHA256:" + "0" * 64
    with pytest.raises(WrongInstallationError, match="is pinned"):
        take_edition(Giving(case.here), CASE, LAB, other, tmp_path / "held")
    assert not list(kept(tmp_path / "held"))
