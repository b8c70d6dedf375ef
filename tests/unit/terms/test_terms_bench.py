"""The bench measures what the issue names, on documents of the size that it names."""

from support.terms_files import NOW
from touchstone.bench import terms as bench
from touchstone.terms import in_force
from touchstone.terms.difference import difference


def test_every_limit_has_a_row():
    table = bench.run(rounds=1, people=500)
    assert [row.unit for row in table.rows] == ["us", "ms", "ms", "ms", "ms"]
    assert all(row.value > 0 and row.goal and row.met is not None for row in table.rows)


def test_the_documents_differ_and_neither_is_empty():
    old, new = bench.document(0), bench.document(1)
    assert len(old.rules) == len(new.rules) == 40
    found = difference(in_force(old), in_force(new), bench.users(500), at=NOW)
    assert found.gaining
    assert found.losing
