"""An endpoint's key is written in its case's lock, on both databases: no destruction passes it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connections

from support.record_deeds import destroy_case
from touchstone.keys.files import write_file
from touchstone.records import CaseMissingError, DestroyedError, Records, endpointkeys
from touchstone.records.endpointkeys import HandedInKey
from touchstone.records.inserting import case_head
from touchstone.records.models import CaseRow

CASE, NAME, VALUE = "case-1", "EXAMPLE_LAB_KEY", "sk-canary-30c7"


def handed(value: str = VALUE, case: str = CASE) -> HandedInKey:
    return HandedInKey(NAME, case, value, by="ann", at="2026-12-01T09:00:00Z")


def test_it_is_written_in_the_lock_of_its_case(records: Records, monkeypatch: pytest.MonkeyPatch):
    locked: list[str] = []
    told: list[tuple[list[str], bool]] = []

    def head(alias: str, case: str, *, lock: bool = False) -> CaseRow | None:
        locked.extend([case] * lock)
        return case_head(alias, case, lock=lock)

    def write(path: Path, pieces: Iterable[bytes]) -> None:
        within = any(each.in_atomic_block for each in connections.all(initialized_only=True))
        told.append((list(locked), within))
        write_file(path, pieces)

    monkeypatch.setattr(endpointkeys, "case_head", head)
    monkeypatch.setattr(endpointkeys, "write_file", write)
    records.endpoint_keys.hand_in(handed())
    records.endpoint_keys.revoke(handed(""))
    assert told == [([CASE], True), ([CASE, CASE], True)]


def test_it_goes_with_the_content_of_its_case_and_comes_with_none(records: Records):
    keys = records.endpoint_keys
    keys.hand_in(handed())
    assert keys.get(CASE, NAME) == handed()
    with pytest.raises(CaseMissingError):
        keys.hand_in(handed(case="case-2"))
    assert (keys.get("case-2", NAME), keys.of("case-2")) == (None, [])
    destroy_case(records, CASE)
    assert (records.destructions.left_of(CASE), keys.get(CASE, NAME)) == ([], None)
    for change in (keys.hand_in, keys.revoke):
        with pytest.raises(DestroyedError):
            change(handed())
    assert records.destructions.left_of(CASE) == []


def test_what_ends_with_a_case_is_its_keys_and_not_that_one_was_revoked(records: Records):
    keys, other = records.endpoint_keys, "OTHER_KEY"
    for name in (NAME, other, "THIRD_KEY"):
        keys.hand_in(replace(handed(), name=name))
    keys.revoke(replace(handed(""), name=other))
    folder = keys.folder(CASE)
    (folder / ".draft").write_bytes(b"left by a crash")
    damaged = folder / "of-no-name"
    damaged.write_bytes(b"what nobody can open")
    keys.end(CASE)
    assert [(each.name, each.revoked) for each in keys.of(CASE)] == [(other, True)]
    assert len([*folder.iterdir()]) == 1
    keys.end(CASE)
    destroy_case(records, CASE)
    keys.end(CASE)
    assert records.destructions.left_of(CASE) == []
    with pytest.raises(CaseMissingError):
        keys.end("case-2")
