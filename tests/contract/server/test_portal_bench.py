"""`touchstone bench portal` measures every page: a small house here, so that it is known to run."""

from touchstone.bench.portal import run


def test_it_measures_every_page_and_a_bare_one_in_one_run():
    table = run(cases=3, entries=25, people=4, parties=6, largest=40)
    rows = {row.name: row for row in table.rows}
    limited = [row for row in table.rows if row.goal.endswith("ms")]
    assert len(limited) == 10
    assert all(0 < row.value < 10_000 for row in limited)
    assert all(row.met for row in table.rows if row.name.endswith("queries"))
    bare = next(row for row in table.rows if row.against == "a bare Django page")
    assert 0 < (bare.ratio or 0) < 10
    assert rows["the largest case: after a deed"].value > 0
