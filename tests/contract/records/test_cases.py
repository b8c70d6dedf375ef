"""A case as kept: what was acknowledged is there, whole, and in order."""

import shutil
from pathlib import Path

import pytest
from django.db import connections

from support import deeds
from support.contract1 import append, opening
from support.record_deeds import destroy_case, put_evidence
from support.record_place import Place
from touchstone.ledger import (
    EMPTY_ROOT,
    Tree,
    commit_part,
    leaf_hash,
    parse_entry,
    verify_lines,
)
from touchstone.records import (
    CaseMissingError,
    DamagedError,
    DestroyedError,
    EvidenceMissingError,
    PartError,
    Records,
    UnreachableError,
)
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import EntryRow
from touchstone.records.settings import connect

CASE = "case-1"


def test_a_case_is_opened_by_its_first_entry(place: Place):
    records = place.open()
    with opening(records, CASE) as writer:
        assert (writer.log, writer.next_n, writer.root) == (None, 0, EMPTY_ROOT.hex())
        assert append(writer, [deeds.fact("case-opened")]) == 0
        assert writer.log
        assert append(writer, [deeds.fact("second")]) == 1
        writer.summarise(deeds.summary())
    case = records.case(CASE)
    line = next(case.lines())
    assert case.log == writer.log == leaf_hash(line).hex()
    assert parse_entry(line).log is None
    assert verify_lines(case.lines()).root.hex() == case.root == writer.root
    assert [event["type"] for event in case.events()] == ["case-opened", "second"]


def test_entries_are_kept_as_hashed_and_parts_as_given(records: Records):
    part, one, two = deeds.fact("noted", count=1), deeds.content("é"), deeds.content("two")
    with records.transaction(CASE) as writer:
        n = append(writer, [part, one, two])
    case = records.case(CASE)
    kept = case.entry_parts(n)
    assert [(p.salt, p.data, p.label) for p in kept] == [
        (p.salt, p.data, "") for p in (part, one, two)
    ]
    entry = parse_entry(list(case.lines())[n])
    assert entry.parts == tuple(commit_part(p.salt or b"", p.data or b"") for p in kept)
    assert case.events(start=n) == [writer.events()[n]]
    case.check()


def test_the_writer_names_the_place_that_a_deed_binds(records: Records):
    places = []
    with records.transaction(CASE) as writer:
        assert writer.log == records.case(CASE).log
        for _ in range(5):
            places.append((writer.next_n, writer.root))
            append(writer, [deeds.fact()])
    case = records.case(CASE)
    tree = Tree(leaf_hash(line) for line in case.lines())
    assert places == [(n, tree.root(n).hex()) for n in range(1, 6)]
    assert case.root == writer.root == tree.root().hex()


def test_events_of_an_open_transaction_are_seen_in_it_alone(records: Records):
    with records.transaction(CASE) as writer:
        append(writer, [deeds.fact("second")])
        append(writer, [deeds.fact("third")])
        assert [e["type"] for e in writer.events()] == ["case-opened", "second", "third"]
        assert [e["type"] for e in writer.events(start=1)] == ["second", "third"]
        assert [e["type"] for e in writer.events(start=2)] == ["third"]


def test_what_fails_leaves_nothing(records: Records):
    before = records.case(CASE)
    leaves = records.installation.prove(CASE).index

    def fail() -> None:
        with records.transaction(CASE) as writer:
            append(writer, [deeds.fact(), deeds.content()])
            writer.put_evidence(b"evidence", "text/plain", "log")
            writer.summarise(deeds.summary("other"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    after = records.case(CASE)
    assert (after.size, after.root) == (before.size, before.root)
    assert after.evidence_index() == []
    assert records.cases()[0].summary == deeds.summary()
    assert records.installation.prove(CASE).index == leaves
    after.check()


def test_a_reader_does_not_move_while_others_write(records: Records):
    reader = records.case(CASE)
    deeds.append_batch(records, CASE, b"evidence")
    assert (reader.size, len(reader.events()), len(list(reader.lines()))) == (1, 1, 1)
    assert len(list(reader.parts())) == 2
    reader.check()


def test_a_case_is_read_as_it_stood_at_a_size(records: Records):
    before = records.case(CASE)
    deeds.append_batch(records, CASE, b"evidence")
    again = records.case(CASE, size=1)
    assert (again.size, again.root, again.events()) == (1, before.root, before.events())
    assert records.case(CASE, size=4).root == records.case(CASE).root
    again.check()
    for size in (0, 5):
        with pytest.raises(CaseMissingError):
            records.case(CASE, size=size)


def test_many_entries_in_one_transaction_are_read_page_by_page(records: Records):
    with records.transaction(CASE) as writer:
        for number in range(1200):
            append(writer, [deeds.fact(number=number)])
    case = records.case(CASE)
    assert [event.get("number") for event in case.events()[1:]] == list(range(1200))
    assert len(list(case.lines(start=1100))) == 101
    assert [part.n for part in case.parts(start=1000)] == list(range(1000, 1201))
    case.check()


def test_entries_are_found_by_their_type(records: Records):
    with records.transaction(CASE) as writer:
        for number in range(1200):
            kind = "odd" if number % 2 else "even"
            append(writer, [deeds.fact(kind, number=number), deeds.content(f"{number}")])
    case = records.case(CASE)
    assert [n for n, _ in case.events_of(["case-opened"])] == [0]
    assert [(n, each["number"]) for n, each in case.events_of(["odd", "case-opened"])[1:]] == [
        (number + 1, number) for number in range(1, 1200, 2)
    ]
    wanted = {0, *range(2, 1201, 2)}
    among_all = [part for part in case.parts() if part.n in wanted]
    assert list(case.parts_of(["odd", "case-opened"])) == among_all
    assert case.events_of(["never"]) == case.events_of([]) == []
    assert list(case.parts_of(["never"])) == []
    # As it stood before: later ones of the type are not there.
    assert [n for n, _ in records.case(CASE, size=6).events_of(["odd"])] == [2, 4]
    assert {part.n for part in records.case(CASE, size=6).parts_of(["odd"])} == {2, 4}


def test_of_other_types_nothing_is_read(records: Records, place: Place):
    """By an index on either database, where there are many."""
    with records.transaction(CASE) as writer:
        for _ in range(500):
            append(writer, [deeds.fact("odd")])
    alias = connect(place.home, place.database)
    rows = EntryRow.objects.using(alias).filter(case=CASE, type__in=["never", "even"])
    with connections[alias].cursor() as cursor:
        cursor.execute("ANALYZE" if place.server is None else "SET enable_seqscan = off")
    assert "entries_by_type" in rows.values_list("n").explain()


def test_an_empty_transaction_changes_nothing(records: Records):
    before = records.installation.prove(CASE)
    with records.transaction(CASE):
        pass
    assert records.installation.prove(CASE) == before


def test_a_case_that_is_not_there_is_missing(place: Place):
    records = place.open()
    with pytest.raises(CaseMissingError):
        records.case("nobody")
    with pytest.raises(CaseMissingError), records.transaction("nobody"):
        pass


def test_evidence_comes_back_by_its_digest(records: Records):
    for data in (b"", b"small", bytes(range(256)) * 10_000):
        digest = put_evidence(records, CASE, data, "text/plain", "log é")
        assert digest == deeds.digest_of(data)
        assert records.case(CASE).evidence(digest) == data
    facts = {fact.size: fact for fact in records.case(CASE).evidence_index()}
    assert set(facts) == {0, 5, 2_560_000}
    assert (facts[5].name, facts[5].media_type) == ("log é", "text/plain")


def test_the_same_evidence_is_kept_once(records: Records, place: Place):
    first = put_evidence(records, CASE, b"evidence", "text/plain", "log")
    assert put_evidence(records, CASE, b"evidence", "text/plain", "log") == first
    assert len(place.evidence_files()) == len(records.case(CASE).evidence_index()) == 1


def test_unknown_evidence_is_a_missing_key(records: Records):
    with pytest.raises(KeyError) as caught:
        records.case(CASE).evidence(deeds.digest_of(b"never"))
    assert isinstance(caught.value, EvidenceMissingError)
    assert str(caught.value).startswith("case-1: no evidence sha256:")


def test_evidence_of_one_case_is_not_found_by_another(records: Records):
    deeds.open_case(records, "case-2")
    digest = put_evidence(records, CASE, b"evidence", "text/plain", "log")
    with pytest.raises(EvidenceMissingError):
        records.case("case-2").evidence(digest)


def test_evidence_is_sealed_and_its_name_tells_nothing(records: Records, place: Place):
    digest = put_evidence(records, CASE, b"a secret finding", "text/plain", "log")
    (path,) = place.evidence_files()
    assert b"secret" not in path.read_bytes()
    assert digest.removeprefix("sha256:") not in str(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_altered_or_lost_evidence_is_noticed(records: Records, place: Place):
    digest = put_evidence(records, CASE, b"evidence", "text/plain", "log")
    (path,) = place.evidence_files()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedError, match="evidence was altered"):
        records.case(CASE).evidence(digest)
    path.unlink()
    with pytest.raises(DamagedError, match="evidence is gone"):
        records.case(CASE).evidence(digest)


def test_files_that_a_crash_left_are_swept(records: Records, place: Place):
    digest = put_evidence(records, CASE, b"evidence", "text/plain", "log")

    def crash() -> None:
        with records.transaction(CASE) as writer:
            writer.put_evidence(b"never committed", "text/plain", "log")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash()
    (kept,) = (path for path in place.evidence_files() if path.stat().st_size < 60)
    kept.with_name(".half-written").write_bytes(b"half")
    assert len(place.evidence_files()) == 3
    assert records.sweep() == 2
    assert records.sweep() == 0
    assert records.case(CASE).evidence(digest) == b"evidence"


def test_what_a_sweep_cannot_delete_is_named(
    records: Records, place: Place, monkeypatch: pytest.MonkeyPatch
):
    put_evidence(records, CASE, b"evidence", "text/plain", "log")
    (kept,) = place.evidence_files()
    left = kept.with_name(".half-written")
    left.write_bytes(b"half")
    unlink = Path.unlink

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        if path == left:
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(UnreachableError, match=r"\.half-written: cannot be deleted: Permission"):
        records.sweep()
    monkeypatch.undo()
    # Another process swept it between the look and this one's turn.
    monkeypatch.setattr(EvidenceFiles, "_files", lambda *_: [kept, left])
    left.unlink()
    assert records.sweep() == 1


def test_an_erased_part_is_gone_and_says_why(records: Records):
    with records.transaction(CASE) as writer:
        n = append(writer, [deeds.fact(), deeds.content("one"), deeds.content("two")])
    root = records.case(CASE).root
    with records.transaction(CASE) as writer:
        writer.erase(n, 1, "erased by agreement")
    case = records.case(CASE)
    zero, one, two = case.entry_parts(n)
    assert (one.salt, one.data, one.label) == (None, None, "erased by agreement")
    assert two.data == deeds.content("two").data
    assert zero.data
    assert case.root == root
    case.check()


def test_only_what_may_be_erased_is(records: Records):
    for n, i, label, said in (
        (0, 0, "why", "bears on the state"),
        (0, 1, "", "say in the label"),
        (0, 2, "why", "no stored part"),
        (9, 1, "why", "no stored part"),
    ):
        with pytest.raises(PartError, match=said), records.transaction(CASE) as writer:
            writer.erase(n, i, label)
    with records.transaction(CASE) as writer:
        writer.erase(0, 1, "why")
    with pytest.raises(PartError), records.transaction(CASE) as writer:
        writer.erase(0, 1, "another reason")


def test_a_case_may_be_opened_and_destroyed_at_once(place: Place):
    records = place.open()
    with opening(records, CASE) as writer:
        append(writer, [deeds.fact("case-opened"), deeds.content()])
        writer.destroy()
        append(writer, [deeds.fact("destroyed")])
        writer.summarise(deeds.summary())
    case = records.case(CASE)
    assert (case.size, case.destroyed) == (2, True)
    case.check()


def test_a_destroyed_case_keeps_its_facts_and_loses_its_content(records: Records, place: Place):
    deeds.append_batch(records, CASE, b"evidence")
    digest = deeds.digest_of(b"evidence")
    before = records.case(CASE)
    facts = destroy_case(records, CASE)
    assert (facts.case, facts.log, facts.size, facts.root) == (CASE, before.log, 4, before.root)
    assert (facts.parts, facts.evidence, facts.evidence_bytes) == (4, 1, 8)
    after = records.case(CASE)
    assert after.destroyed
    assert after.events() == before.events()
    assert list(after.lines()) == list(before.lines())
    assert {part.label for part in after.parts() if part.i} == {"destroyed with the case"}
    assert all(part.data for part in after.parts() if not part.i)
    assert place.evidence_files() == []
    for read in (lambda: after.evidence(digest), after.evidence_index):
        with pytest.raises(DestroyedError):
            read()
    # A reader from before the destruction holds the key still, but there is nothing left to open.
    with pytest.raises(EvidenceMissingError):
        before.evidence(digest)
    after.check()


def test_a_destroyed_case_takes_facts_only(records: Records):
    with records.transaction(CASE) as writer:
        append(writer, [deeds.fact("last"), deeds.content()])
        writer.destroy()
        append(writer, [deeds.fact("destroyed")])
    assert [e["type"] for e in records.case(CASE).events()] == ["case-opened", "last", "destroyed"]
    with records.transaction(CASE) as writer:
        append(writer, [deeds.fact("certificate")])
        with pytest.raises(DestroyedError):
            append(writer, [deeds.fact(), deeds.content()])
        with pytest.raises(DestroyedError):
            writer.put_evidence(b"x", "text/plain", "x")
        with pytest.raises(DestroyedError):
            writer.destroy()
    case = records.case(CASE)
    assert case.size == 4
    case.check()


def test_a_destruction_that_fails_destroys_nothing(records: Records):
    digest = put_evidence(records, CASE, b"evidence", "text/plain", "log")

    def fail() -> None:
        with records.transaction(CASE) as writer:
            writer.destroy()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    case = records.case(CASE)
    assert not case.destroyed
    assert case.evidence(digest) == b"evidence"
    assert case.entry_parts(0)[1].data


def test_evidence_that_a_crash_left_of_a_destroyed_case_is_deleted_on_opening(
    records: Records, place: Place, monkeypatch: pytest.MonkeyPatch
):
    put_evidence(records, CASE, b"evidence", "text/plain", "log")
    with monkeypatch.context() as patch:
        patch.setattr(records.destructions, "finish", lambda _: False)
        destroy_case(records, CASE)
    assert len(place.evidence_files()) == 1
    assert records.destructions.unfinished() == [CASE]
    again = place.open()
    assert place.evidence_files() == []
    assert again.destructions.unfinished() == []


@pytest.mark.parametrize("kept", ["a link", "cannot be deleted"])
def test_a_destruction_is_unfinished_while_evidence_is_left(
    records: Records, place: Place, monkeypatch: pytest.MonkeyPatch, kept: str
):
    put_evidence(records, CASE, b"evidence", "text/plain", "log")
    folder = place.home / "evidence" / CASE
    with monkeypatch.context() as patch:
        if kept == "a link":
            folder.rename(place.home / "aside")
            folder.symlink_to(place.home / "aside")
        else:
            patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        destroy_case(records, CASE)
        assert records.destructions.unfinished() == [CASE]
        assert records.destructions.left_of(CASE) == [folder]
        assert place.open().destructions.unfinished() == [CASE]
    if kept == "a link":
        folder.unlink()
    assert place.open().destructions.unfinished() == []
    assert records.destructions.left_of(CASE) == []


def test_other_cases_survive_a_destruction(records: Records):
    deeds.open_case(records, "case-2")
    digest = put_evidence(records, "case-2", b"evidence", "text/plain", "log")
    destroy_case(records, CASE)
    assert records.case("case-2").evidence(digest) == b"evidence"
    assert records.case("case-2").entry_parts(0)[1].data
