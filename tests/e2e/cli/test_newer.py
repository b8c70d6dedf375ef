"""A case that holds events of a newer version is read by every command, and added to by none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.every_command import WITH_CASE, words_for
from support.june import June
from support.newer import NEWER, add_newer
from touchstone.service.installation import open_installation

READS = {
    ("party", "signers", "show"),
    ("review", "show"),
    ("agreement", "show"),
    ("clock", "show"),
    ("seed", "show"),
    ("finding", "show"),
    ("designation", "show"),
    ("directive", "preview"),
    ("directive", "status"),
    ("reads", "show"),
    ("document", "list"),
    ("transcripts", "list"),
    ("parity", "compare"),
    ("questionnaire", "answers"),
    ("assessment", "show"),
    ("oversight", "list"),
}
"""Commands with a case that write nothing to it, as they are called here."""
NAMES_NONE = {("party", "signers", "remove")}
"""Of a key that signs nowhere there is nothing to remove, as it says."""
MANY = {("party", "signers", "admit")}
BEFORE = {"touchstone: ", "touchstone: refused (events-unknown): "}
TELLS = {("next",)}
"""Commands that read many cases, and say of this one that nothing is told of it."""
LEAVES = {("review", "withdraw"), ("release", "announce")}
"""The developer's own acts, from which nothing keeps it: not even what nobody understands."""
SAID = "touchstone: this case holds events of a newer version ({} at entry {}): upgrade before you add to it"  # noqa: E501


def written(june: June, **newer: object) -> int:
    with open_installation(june.home) as here:
        return add_newer(here, june.case, **newer)  # type: ignore[arg-type]  # as given


def lying(folder: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def entries(june: June) -> list[object]:
    with open_installation(june.home) as here:
        return list(here.records.case(june.case).events())


@pytest.mark.parametrize(
    ("newer", "named"),
    [
        ({"kind": NEWER, "who": "them"}, NEWER),
        ({"kind": "terms-offered", "schema": 2, "text": "other"}, "terms-offered, schema 2,"),
        ({"kind": "directive-issued", "schema": 9, "directive": 7}, "directive-issued, schema 9,"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_every_command_reads_it_and_none_adds_to_it(
    june: June, tmp_path: Path, newer: dict[str, object], named: str
):
    n = written(june, **newer)
    before = entries(june)
    assert len(WITH_CASE) >= 15
    assert set(WITH_CASE) > READS | LEAVES | TELLS | NAMES_NONE
    for words, command in WITH_CASE.items():
        if words in LEAVES:
            continue
        out = tmp_path / "-".join(words)
        said = june.call(*words_for(words, command, june, out))
        if words in READS:
            assert (said.code, said.err) == (0, ""), words
        elif words in NAMES_NONE:
            assert "KEY: no further key is called" in said.refused(2)
        elif words in TELLS:
            assert said.code == 0
            assert "holds events of a newer version: nothing is told of it" in said.err
        else:
            line, told = said.refused(1), SAID.format(named, n).removeprefix("touchstone: ")
            before_it = line.removesuffix(told)
            # What is done in many cases says first in how many.
            assert before_it in BEFORE or (words in MANY and told in line), words
        assert not lying(out), words
    assert entries(june) == before


def test_a_developer_leaves_and_releases_all_the_same(june: June, tmp_path: Path):
    n = written(june, kind=NEWER)
    for words in sorted(LEAVES):
        assert june.call(*words_for(words, WITH_CASE[words], june, tmp_path)).code == 0
    added = [each["type"] for each in entries(june)[n + 1 :]]  # type: ignore[index]
    assert added == ["release-announced", "review-withdrawn"]


def test_what_is_not_known_is_said(june: June):
    n = written(june, kind=NEWER, marks=1)
    shown = june.call("review", "show", june.case, "--json").json
    assert shown["not_known"] == [f"{NEWER} at entry {n}"]
    assert shown["timeline"][-1]["text"].startswith(
        f"An event of a type that this version does not know: {NEWER}, by example-centre, at 20"
    )
    assert (
        f"Not known to this version: {NEWER} at entry {n}"
        in june.call("review", "show", june.case).out
    )
    assert [row["case"] for row in june.call("review", "list", "--json").json] == [june.case]
    checked = june.call("check")
    assert checked.code == 0, checked.out
    assert f"not known to this version: case {june.case}: {NEWER} at entry {n}" in checked.out
    assert "Nothing is amiss." in checked.out
    rebuilt = june.call("rebuild")
    assert rebuilt.code == 0
    assert f"events of a newer version: {june.case}" in rebuilt.out


def test_twin_without_one_nothing_is_said_and_deeds_are_done(june: June):
    assert june.call("review", "show", june.case, "--json").json["not_known"] == []
    assert "newer version" not in june.call("check").out + june.call("rebuild").out
    assert june.terms("decline", "--as", "example-agency").code == 0


def test_a_line_that_a_newer_version_listed_is_left_to_it(june: June):
    written(june, kind=NEWER)
    with open_installation(june.home) as here, here.records.transaction(june.case) as writer:
        listed = next(iter(here.records.cases())).summary
        writer.summarise(type(listed)(**{**_row(listed), "status": "in escrow"}))
    assert june.call("check").code == 0
    assert june.call("rebuild").code == 0
    assert june.call("review", "list", "--json").json[0]["status"] == "in escrow"


def _row(listed: object) -> dict[str, Any]:
    names = ("title", "model_name", "developer", "framework", "status", "updated")
    return {name: getattr(listed, name) for name in names}
