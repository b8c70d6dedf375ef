from pathlib import Path

import numpy as np
import pytest

from touchstone.bench.populations import invent, read_population
from touchstone.errors import BadInputError


def written(folder: Path, text: str) -> Path:
    path = folder / "matrix.csv"
    path.write_text(text)
    return path


def test_a_first_row_of_bad_outcomes_is_not_taken_for_names(tmp_path: Path):
    with pytest.raises(BadInputError, match=r"a has 7\.0 at column 3, outside"):
        read_population(written(tmp_path, "a,1,7,1\nb,0,0,1\n"))


def test_invented_models_are_correlated_but_not_alike():
    people = invent(np.random.default_rng(0))
    assert people.outcomes.shape == (24, 500)
    between = np.asarray(np.corrcoef(people.outcomes))[np.triu_indices(24, 1)].mean()
    assert 0.3 < between < 0.6
    assert set(np.unique(people.outcomes)) == {0.0, 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "model,i1,i2,i3\na,1,0,1\nb,0,0,1\n",
        "a,1,0,1\nb,0,0,1\n",
        "i1,i2,i3,model\n1,0,1,a\n0,0,1,b\n",
        "model,i1,i2,i3\na,true,False,1.0\nb,0,0,1\n",
        "\ufeffmodel,i1,i2,i3\r\na,1,0,1\r\n\r\nb,0,0,1\r\n",
        "model,0,1,2\na,1,0,1\nb,0,0,1\n",
        "model,101,102,103\na,1,0,1\nb,0,0,1\n",
    ],
)
def test_a_csv_with_names_is_read(tmp_path: Path, text: str):
    people = read_population(written(tmp_path, text))
    assert people.names == ("a", "b")
    assert people.outcomes.tolist() == [[1, 0, 1], [0, 0, 1]]
    assert people.costs is None


@pytest.mark.parametrize("text", ["1,0,1\n0,0,1\n", "i1,i2,i3\n1,0,1\n0,0,1\n"])
def test_a_csv_of_numbers_alone_is_read(tmp_path: Path, text: str):
    people = read_population(written(tmp_path, text))
    assert people.names == ("model-1", "model-2")
    assert people.outcomes.tolist() == [[1, 0, 1], [0, 0, 1]]


def test_costs_are_no_item(tmp_path: Path):
    people = read_population(written(tmp_path, "model,i1,cost,i2\na,1,2.5,0\nb,0,1,1\n"))
    assert people.outcomes.tolist() == [[1, 0], [0, 1]]
    assert people.costs is not None
    assert people.costs.tolist() == [2.5, 1.0]


def test_parquet_is_read_as_csv_is(tmp_path: Path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "matrix.parquet"
    table = pa.table({"model": ["a", "b"], "i1": [1, 0], "i2": [0.5, 1.0], "cost": [2, 3]})
    parquet.write_table(table, path)
    people = read_population(path)
    assert people.names == ("a", "b")
    assert people.outcomes.tolist() == [[1, 0.5], [0, 1]]
    assert people.costs is not None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "holds no models"),
        ("model,i1,i2\n", "holds no models"),
        ("model,i1,i2\na,1,0\nb,1\n", "model 2 has 2 columns where others have 3"),
        ("model,i1,i2\na,1,0\nb,1,x\n", "b has 'x' at i2, which is no number"),
        ("model,i1,i2\na,1,0\nb,1,\n", "b has '' at i2, which is no number"),
        ("model,i1,i2\na,1,0\nb,1,nan\n", r"b has nan at i2, outside \[0, 1\]"),
        ("model,i1,i2\na,1,0\nb,1,2\n", r"b has 2.0 at i2, outside \[0, 1\]"),
        ("model,i1\na,1\nb,1\n", "at least two"),
        ("model,i1,i2\na,1,0\n", "one model"),
        ("model,i1,i2,cost\na,1,0,-1\nb,1,0,1\n", "a has a cost of -1.0"),
        ("model,i1,i2,cost\na,1,0,1\nb,1,0,inf\n", "b has a cost of inf"),
        ("model,i1,i2,cost\na,1,0,1\nb,1,0,nan\n", "b has a cost of nan"),
        ("model,i1,i2,cost\na,1,0,0\nb,1,0,0\n", "every cost is 0"),
        ("model,i1,i2\na,1,0\na,1,1\n", "two models are called 'a'"),
    ],
)
def test_what_is_no_matrix_is_refused(tmp_path: Path, text: str, what: str):
    with pytest.raises(BadInputError, match=what):
        read_population(written(tmp_path, text))


def test_files_that_are_none_are_refused(tmp_path: Path):
    with pytest.raises(BadInputError, match="there is no file"):
        read_population(tmp_path / "none.csv")
    pytest.importorskip("pyarrow")
    path = tmp_path / "matrix.parquet"
    path.write_bytes(b"not parquet at all")
    with pytest.raises(BadInputError, match="no Parquet file"):
        read_population(path)
    binary = tmp_path / "matrix.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadInputError, match="cannot be read"):
        read_population(binary)
