"""`touchstone bench api` measures a real server: a few deeds here, so that it is known to run."""

from touchstone.bench.api import run


def test_it_measures_deeds_clients_pages_and_lists_in_one_run():
    table = run(deeds=4, clients=3, cases=30)
    rows = {row.name: row for row in table.rows}
    assert rows["3 clients at once: lost or double"].met
    listed = next(row for name, row in rows.items() if name.startswith("a list of"))
    assert listed.name == "a list of 35 cases"
    assert rows["its queries"].value < 10
    assert rows["what HTTP adds"].against == "the limit"
    assert (rows["`touchstone next`, from a cold start"].ratio or 0) > 1
    assert len(table.rows) == 10
