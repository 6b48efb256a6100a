"""A journal of rows: round trip, half lines, files of something else."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
from kedro.io import DatasetError

from mtcm_pipeline.datasets.row_journal import CsvJournal, Journals, JournalsDataset
from mtcm_pipeline.errors import FileContentError
from trial_cases import a_row

ROWS = [a_row(), a_row(budget=10, masked_psnr=21.123456789012345, repeated=True)]


def same(one, other) -> bool:
    pairs = ((getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return all(
        a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))
        for a, b in pairs
    )


def filled(path: Path) -> CsvJournal:
    journal = CsvJournal(path)
    for row in ROWS:
        journal.append(row)
    return journal


def test_rows_come_back_to_the_last_digit_and_with_their_types(tmp_path):
    back = filled(tmp_path / "deep" / "rows.csv").read()
    assert all(same(a, b) for a, b in zip(ROWS, back, strict=True))
    assert type(back[1].budget) is int
    assert back[1].repeated is True


def test_names_with_commas_and_quotes_survive(tmp_path):
    odd = replace(ROWS[0], capture='Smith, "Ada"', views="a,1.jpg/b.jpg")
    journal = CsvJournal(tmp_path / "rows.csv")
    journal.append(odd)
    assert same(journal.read()[0], odd)


def test_every_cut_of_the_file_leaves_whole_rows_and_can_be_continued(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("os.fsync", lambda file: None)  # a thousand times, for nothing
    path = tmp_path / "rows.csv"
    filled(path)
    content = path.read_bytes()
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        known = CsvJournal(path).read()
        assert len(known) == max(whole - 1, 0)
        for row in ROWS[len(known) :]:
            CsvJournal(path).append(row)
        assert path.read_bytes() == content


def test_a_file_of_something_else_and_a_broken_row_are_named(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("name,reason\na.jpg,blurred\n", encoding="utf-8")
    with pytest.raises(FileContentError, match="name, reason"):
        CsvJournal(path).read()
    path.unlink()
    filled(path)
    path.write_text(
        path.read_text(encoding="utf-8").replace(",10,", ",ten,"), encoding="utf-8"
    )
    with pytest.raises(FileContentError, match="'budget' is 'ten'"):
        CsvJournal(path).read()


def test_settings_have_journals_of_their_own_and_nothing_is_saved(tmp_path):
    dataset = JournalsDataset(path=str(tmp_path / "journals"))
    journals = dataset.load()
    assert isinstance(journals, Journals)
    journals.of("one").append(ROWS[0])
    assert journals.of("other").read() == []
    assert len(dataset.load().of("one").read()) == 1
    with pytest.raises(DatasetError):
        dataset.save([])
