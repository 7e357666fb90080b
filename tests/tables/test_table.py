"""Tables, and the files that other programs read."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from unseam import Table
from unseam.errors import DataError, OutputError
from unseam.tables.table import joined


@pytest.fixture
def table():
    return Table(
        {
            "image": ["a", 'b, "c"', "é"],
            "id": [1, 2, 3],
            "area_px": [0.1, 12.0, float("nan")],
            "touches_border": [True, False, True],
        }
    )


def test_csv_has_points_all_digits_and_empty_cells(table):
    assert table.to_csv() == 'image,id,area_px,touches_border\na,1,0.1,TRUE\n"b, ""c""",2,12,FALSE\né,3,,TRUE\n'


def test_csv_gives_pandas_the_same_table(table, tmp_path):
    table.to_csv(tmp_path / "t.csv")
    read = pd.read_csv(tmp_path / "t.csv")
    assert read["touches_border"].dtype == bool
    pd.testing.assert_frame_equal(read, table.to_pandas(), check_dtype=False)


def test_only_words_beyond_ascii_need_the_mark_that_excel_wants(table, tmp_path):
    table.to_csv(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbfimage,")
    table.where(np.array([0])).to_csv(tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_bytes().startswith(b"image,")


def test_numbers_survive_csv_to_the_last_bit(rng):
    values = np.concatenate([rng.random(50) * 10.0 ** rng.integers(-20, 20, 50), [1e15, 2.0**53, -0.5]])
    rows = list(csv.reader(io.StringIO(Table({"x": values}).to_csv())))[1:]
    np.testing.assert_array_equal([float(row[0]) for row in rows], values)


def test_parquet_keeps_types(table, tmp_path):
    pytest.importorskip("pyarrow")
    table.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table.to_pandas(), check_dtype=False)


def test_without_the_libraries_one_sentence_says_what_to_install(table, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="pip install pandas"):
        table.to_pandas()
    with pytest.raises(OutputError, match=r"pip install 'unseam\[parquet\]'"):
        table.to_parquet(tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())


def test_joined_tables_have_empty_cells_where_one_lacks_a_column():
    both = joined([Table({"image": ["a"], "um": [2.0]}), Table({"image": ["bcd"], "word": ["x"]})])
    assert both.to_csv() == "image,um,word\na,2,\nbcd,,x\n"


def test_rows_columns_and_selections(table):
    assert table.names == tuple(table) == ("image", "id", "area_px", "touches_border")
    assert len(table) == 3
    assert "id" in table
    assert table.where(table["id"] > 1)["image"].tolist() == ['b, "c"', "é"]
    assert table.with_columns({"group": ["x", "y", "z"]}, after="image").names[:3] == ("image", "group", "id")
    assert table == Table({name: table[name] for name in table})
    assert table != table.where(table["id"] > 1)
    with pytest.raises(KeyError, match="there is no column 'area'; the table has image, id"):
        table["area"]


def test_a_notebook_shows_the_first_rows_and_escapes_names():
    html = Table({"image": ["<b>"] * 25})._repr_html_()
    assert html.count("&lt;b&gt;") == 20
    assert "5 more row(s)" in html
