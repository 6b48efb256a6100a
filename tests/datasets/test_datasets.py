"""Round trips, refusals and folders as they are found on disks."""

from __future__ import annotations

import errno
import json
import logging
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError
from kedro.io.core import Version

from mtcm_pipeline.capture.files import empty_where_unreadable, natural_key
from mtcm_pipeline.datasets import (
    CheckpointsDataset,
    FileFolderDataset,
    FolderDataset,
    HTMLDataset,
    NpyDataset,
    NpzDataset,
    TextDataset,
    Weights,
    WeightsDataset,
)
from mtcm_pipeline.datasets.versioned import NO_VERSION
from mtcm_pipeline.errors import FileContentError

_V1 = Version("v1", "v1")


def images(path, **options):
    return FileFolderDataset(path=str(path), suffixes=[".jpg", ".PNG"], **options)


def test_files_are_listed_as_people_count_and_read_late(tmp_path, caplog):
    for name in ["b2.jpg", "b10.JPG", "b1.png", "._b1.png", ".DS_Store", "x.txt"]:
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "raw").mkdir()
    with caplog.at_level(logging.WARNING):
        loaded = images(tmp_path).load()
    assert list(loaded) == ["b1.png", "b2.jpg", "b10.JPG"]
    assert "1 sub-folder(s) not searched: 'raw'" in caplog.text
    assert "1 file(s) left out, which are not .jpg/.png: 'x.txt'" in caplog.text
    images(tmp_path).load()
    assert len(caplog.records) == 2, "each is said once, however many nodes read them"
    (tmp_path / "b2.jpg").write_bytes(b"later")
    assert loaded["b2.jpg"]() == b"later"


def test_a_file_that_may_not_be_read_is_a_broken_one(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"1")
    (tmp_path / "b.jpg").write_bytes(b"2")
    read = Path.read_bytes

    def refusing(path):  # root may read everything, so that a mode would not do
        if path.name == "a.jpg":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    loaded = images(tmp_path).load()
    assert loaded["b.jpg"]() == b"2"
    with pytest.raises(FileContentError, match=r"a\.jpg cannot be read \(Permission"):
        loaded["a.jpg"]()
    assert empty_where_unreadable(loaded)["a.jpg"]() == b""
    assert empty_where_unreadable(loaded)["b.jpg"]() == b"2"


def test_missing_folder_is_an_error_or_empty(tmp_path):
    with pytest.raises(DatasetError, match="is not a folder: put the"):
        images(tmp_path / "none").load()
    assert images(tmp_path / "none", optional=True).load() == {}


def test_folder_with_brackets_is_read(tmp_path):
    folder = tmp_path / "[test] *"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"1")
    assert list(images(folder).load()) == ["a.jpg"]


def test_natural_order_is_total():
    names = ["a1", "a01", "A1", "a", "1", "10", "2", "é2", "a1b10", "a1b9", "²"]
    ordered = sorted(names, key=natural_key)
    assert len({str(natural_key(name)) for name in names}) == len(names)
    assert ordered.index("2") < ordered.index("10")
    assert ordered.index("a1b9") < ordered.index("a1b10")


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.array(7), np.array(["ä", "b"]), np.eye(0)]
)
def test_npy_round_trip(tmp_path, array):
    dataset = NpyDataset(filepath=str(tmp_path / "[a]" / "x.npy"), version=_V1)
    dataset.save(array)
    loaded = dataset.load()
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)
    assert dataset.preview()["data"] is not None


def test_pickled_arrays_are_never_loaded_or_saved(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DatasetError, match="cannot be read"):
        NpyDataset(filepath=str(path)).load()
    path.write_bytes(pickle.dumps([1]))
    with pytest.raises(DatasetError, match="cannot be read"):
        NpyDataset(filepath=str(path)).load()
    with pytest.raises(DatasetError):
        NpyDataset(filepath=str(tmp_path / "y.npy")).save(np.array([None]))
    with pytest.raises(DatasetError, match="Python objects"):
        NpzDataset(filepath=str(tmp_path / "y.npz")).save({"a": [None]})
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


def test_truncated_files_are_named(tmp_path):
    for dataset, value in [(NpyDataset, np.eye(3)), (NpzDataset, {"a": np.eye(3)})]:
        path = tmp_path / "x"
        dataset(filepath=str(path)).save(value)
        whole = path.read_bytes()
        for length in (0, 5, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            with pytest.raises(DatasetError, match=f"{path} cannot be read"):
                dataset(filepath=str(path)).load()


def test_npz_round_trip_with_texts(tmp_path):
    dataset = NpzDataset(filepath=str(tmp_path / "x.npz"))
    given = {"names": np.array(["頭", "b"]), "a": np.eye(2), "file": np.array(1)}
    dataset.save(given)
    loaded = dataset.load()
    assert list(loaded) == list(given)
    for name, value in given.items():
        np.testing.assert_array_equal(loaded[name], value)
    assert dataset.preview()["data"][1][:2] == ["a", "(2, 2)"]


def test_weights_round_trip(tmp_path):
    import torch

    dataset = WeightsDataset(filepath=str(tmp_path / "w.safetensors"))
    tied = torch.eye(2)
    tensors = {"a": tied, "b": tied, "c": torch.arange(6).reshape(2, 3).T}
    dataset.save(Weights(tensors, {"options": '{"d": 1}'}))
    loaded = dataset.load()
    assert loaded.metadata == {"options": '{"d": 1}'}
    for name, tensor in tensors.items():
        assert torch.equal(loaded.tensors[name], tensor)
    assert ["c", "(3, 2)", "I64"] in dataset.preview()["data"]
    (tmp_path / "w.safetensors").write_bytes(b"\x08")
    with pytest.raises(DatasetError, match="cannot be read"):
        dataset.load()


@pytest.mark.parametrize("dataset", [TextDataset, HTMLDataset])
def test_text_round_trip(tmp_path, dataset):
    page = dataset(filepath=str(tmp_path / "x.html"), version=_V1)
    page.save("<p>ä\r\n</p>")
    assert page.load() == "<p>ä\r\n</p>"
    assert "ä" in page.preview()
    with pytest.raises(DatasetError):
        page.save("again")  # a version is written once


def test_folder_round_trip_of_all_kinds(tmp_path):
    from matplotlib.figure import Figure

    dataset = FolderDataset(filepath=str(tmp_path / "[out]"), version=_V1)
    dataset.save(
        {
            "a.txt": "ä",
            "images/b.jpg": lambda: b"jpg",
            "deep/er/c.npy": np.eye(2),
            "d.json": {"x": [1, 2]},
            "e.csv": pd.DataFrame({"x": [1], "y": ["z"]}),
            "f.png": Figure(),
            "raw.npy": b"bytes as they are",
        }
    )
    loaded = dataset.load()
    assert sorted(loaded) == sorted(
        ["a.txt", "images/b.jpg", "deep/er/c.npy", "d.json", "e.csv", "f.png", "raw.npy"]
    )
    assert loaded["a.txt"]().decode() == "ä"
    assert loaded["images/b.jpg"]() == b"jpg"
    np.testing.assert_array_equal(np.load(loaded.path / "deep/er/c.npy"), np.eye(2))
    assert json.loads(loaded["d.json"]()) == {"x": [1, 2]}
    assert loaded["e.csv"]() == b"x,y\n1,z\n"
    assert loaded["f.png"]().startswith(b"\x89PNG")
    assert len(dataset.preview()["data"]) == 7


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", ".", "a\\b"])
def test_folder_keeps_its_contents_inside(tmp_path, name):
    dataset = FolderDataset(filepath=str(tmp_path / "out"), version=_V1)
    with pytest.raises(DatasetError, match="relative path inside"):
        dataset.save({name: b"x"})
    assert not list(tmp_path.rglob("x"))


@pytest.mark.parametrize("value", [3, None, object(), {"a": 1}, lambda: 3])
def test_folder_names_what_it_cannot_write_and_leaves_nothing(tmp_path, value):
    dataset = FolderDataset(filepath=str(tmp_path / "out"), version=_V1)
    with pytest.raises(DatasetError, match=r"'b\.txt'.*cannot be written"):
        dataset.save({"a.txt": "x", "b.txt": value})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_versions_are_listed_without_globs(tmp_path):
    path = str(tmp_path / "[test] *" / "x.txt")
    for version in ("v1", "v2"):
        TextDataset(filepath=path, version=Version(None, version)).save(version)
    dataset = TextDataset(filepath=path, version=Version(None, None))
    assert dataset.load() == "v2"
    assert dataset.list_versions(full_path=False) == ["v2", "v1"]
    pinned = TextDataset(filepath=path, version=Version(NO_VERSION, None))
    assert not pinned.exists()
    with pytest.raises(DatasetError, match="run the pipeline"):
        pinned.load()


def test_checkpoints_are_read_back_and_cleared(tmp_path):
    handle = CheckpointsDataset(path=str(tmp_path / "c")).load()
    assert handle.read("last") is None
    handle.write("last", b"1")
    handle.write("last", b"2")
    assert CheckpointsDataset(path=str(tmp_path / "c")).load().read("last") == b"2"
    handle.clear()
    assert handle.read("last") is None
    with pytest.raises(Exception, match="plain file name"):
        handle.write("../x", b"1")
