import csv
from dataclasses import dataclass

import pytest

from mtcm_pipeline.benchmarks.rows import rows_so_far, write_as_known
from mtcm_pipeline.errors import FileContentError


@dataclass(frozen=True)
class Row:
    name: str
    value: float = float("nan")


def read(path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_row_is_in_the_file_before_the_next_is_computed(tmp_path):
    out = tmp_path / "new" / "table.csv"
    seen = []

    def rows():
        for index in range(3):
            seen.append(len(read(out)))
            yield Row(f"r{index}, with a comma", index / 2)

    assert len(write_as_known(rows(), Row, out)) == 3
    assert seen == [0, 1, 2]
    assert read(out)[2] == {"name": "r2, with a comma", "value": "1.0"}


def test_what_was_known_stays_when_a_later_row_fails(tmp_path):
    def rows():
        yield Row("first")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_as_known(rows(), Row, tmp_path / "table.csv")
    assert [row["name"] for row in read(tmp_path / "table.csv")] == ["first"]


def test_rows_come_back_and_a_half_written_one_does_not(tmp_path):
    out = tmp_path / "table.csv"
    rows = [Row("one, two", 0.5), Row("three", 2.0)]
    assert rows_so_far(Row, out) == []
    write_as_known(rows, Row, out)
    assert rows_so_far(Row, out) == rows
    out.write_text(out.read_text() + "four,1", encoding="utf-8")
    assert rows_so_far(Row, out) == rows


def test_a_table_of_something_else_is_not_gone_on_with(tmp_path):
    out = tmp_path / "table.csv"
    out.write_text("name,price\nx,1\n", encoding="utf-8")
    with pytest.raises(FileContentError, match=r"table\.csv has the columns name, price"):
        rows_so_far(Row, out)
