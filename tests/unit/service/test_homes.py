"""Every link and folder on the way to the home is looked at, however many links lead there."""

import os
from pathlib import Path

import pytest

from touchstone.service import homes
from touchstone.service.errors import UnsafeHomeError
from touchstone.service.homes import check_home

SOMEBODY = 65534


@pytest.fixture
def way(tmp_path: Path) -> Path:
    """a/link -> b/link -> c/link -> d/home, by links of both kinds; gives the folder of all."""
    for name in "abc":
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "d" / "home").mkdir(parents=True, mode=0o700)
    (tmp_path / "e" / "in").mkdir(parents=True, mode=0o700)
    (tmp_path / "e").chmod(0o700)
    (tmp_path / "a" / "link").symlink_to("../e/in/../../b/link")
    (tmp_path / "b" / "link").symlink_to(tmp_path / "c" / "link")
    (tmp_path / "c" / "link").symlink_to("./../d/home")
    return tmp_path


def test_a_home_is_found_through_links(way: Path):
    for name in ("a/link", "b/link", "c/link", "d/home", "a/../a/link"):
        assert check_home(way / name) == way / "d" / "home"
    assert check_home(way / "a" / "link" / "not" / "yet") == way / "d" / "home" / "not" / "yet"


@pytest.mark.parametrize("opened", ["a", "b", "c", "d", "d/home", "e"])
def test_a_folder_on_the_way_that_others_may_write_is_refused(way: Path, opened: str):
    (way / opened).chmod(0o777)
    with pytest.raises(UnsafeHomeError, match=rf"/{opened}: others may write there .*chmod go-w"):
        check_home(way / "a" / "link")


def test_twin_without_the_links_on_the_way_one_may_be_swapped(
    way: Path, monkeypatch: pytest.MonkeyPatch
):
    (way / "b").chmod(0o777)
    monkeypatch.setattr(homes, "_way", lambda home: (home.resolve(), [*home.parents]))
    assert check_home(way / "a" / "link") == way / "d" / "home"


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: only root gives a link away")
def test_a_link_of_somebody_else_is_refused_where_folders_are_shared(way: Path):
    (way / "b").chmod(0o1777)
    assert check_home(way / "a" / "link") == way / "d" / "home"
    os.chown(way / "b" / "link", SOMEBODY, SOMEBODY, follow_symlinks=False)
    with pytest.raises(UnsafeHomeError, match="/b/link: belongs to user 65534, not to you"):
        check_home(way / "a" / "link")


def test_links_in_a_circle_are_refused_in_a_line(way: Path):
    (way / "c" / "link").unlink()
    (way / "c" / "link").symlink_to("../a/link")
    with pytest.raises(
        UnsafeHomeError, match="a/link/home: leads through more than 40 links; fix: "
    ):
        check_home(way / "a" / "link" / "home")


def test_a_home_that_cannot_be_looked_at_is_refused_in_a_line(way: Path):
    with pytest.raises(UnsafeHomeError, match="cannot be looked at: File name too long"):
        check_home(way / ("x" * 300))
