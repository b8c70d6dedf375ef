"""A demo that runs again in the same folder."""

from pathlib import Path

from touchstone.demo.story import unused


def test_what_an_earlier_demo_left_stays(tmp_path: Path):
    folder = tmp_path / "access"
    assert unused(folder) == folder
    folder.mkdir()
    assert unused(folder) == tmp_path / "access-2"
    (tmp_path / "access-2").mkdir()
    assert unused(folder) == tmp_path / "access-3"
