"""Whole or not at all: errors, oblivion and kills while writing."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import fsspec
import pytest

from mtcm_pipeline.datasets.atomic_files import (
    is_temporary,
    new_folder,
    remove_abandoned,
    remove_leftovers,
    temporary_path,
    write_file,
)
from mtcm_pipeline.datasets.atomic_filesystem import AtomicLocalFileSystem

_NAMES = ["a.json", "[x] *?.csv", "Ада.txt", "x" * 250, "語" * 80]


@pytest.mark.parametrize("name", _NAMES)
def test_written_file_is_there_alone(tmp_path, name):
    target = tmp_path / "deep" / "er" / name
    write_file(target, b"one")
    write_file(target, b"two")
    assert target.read_bytes() == b"two"
    assert [p.name for p in target.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", _NAMES)
def test_temporary_names_are_recognised_and_names_are_not(tmp_path, name):
    assert is_temporary(temporary_path(tmp_path / name).name)
    assert not is_temporary(name)


@pytest.fixture(scope="module")
def ended_process():
    """The number of a process that is over."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("name", _NAMES)
def test_only_what_an_ended_process_left_of_this_very_target_is_abandoned(
    tmp_path, name, ended_process, monkeypatch
):
    target = tmp_path / name
    running = temporary_path(target)
    monkeypatch.setattr(os, "getpid", lambda: ended_process)
    file, folder = temporary_path(target), temporary_path(target)
    other = temporary_path(tmp_path / "another identity")
    for path in (target, file, other, running):
        path.write_text("half")
    (folder / "deep").mkdir(parents=True)
    assert set(remove_abandoned(target)) == {file, folder}
    assert set(tmp_path.iterdir()) == {target, other, running}
    assert remove_abandoned(tmp_path / "no such folder" / name) == []


def test_failing_file_leaves_the_old_one_alone(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    write_file(target, b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_file(target, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"old")]


def test_failing_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "out"
    with new_folder(target) as folder:
        (folder / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), new_folder(target) as folder:
        (folder / "a").write_text("new")
        raise ZeroDivisionError
    assert [(p.name, p.read_text()) for p in target.iterdir()] == [("a", "old")]
    with new_folder(target) as folder:
        (folder / "b").write_text("new")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "b"]


def test_leftovers_are_removed_and_data_is_not(tmp_path):
    version = tmp_path / "train" / "export" / "v1"
    kept = version / "export" / ".notes.tmp-1-00000000"  # a user's file in an export
    for path in (kept, version / "model.npz"):
        write_file(path, b"x")
    file = temporary_path(version / "model.npz")
    file.write_bytes(b"half")
    folder = temporary_path(version / "export")
    write_file(folder / "a" / "b", b"half")
    assert set(remove_leftovers(tmp_path)) == {file, folder}
    assert kept.exists()
    assert (version / "model.npz").exists()


@pytest.fixture
def files():
    return AtomicLocalFileSystem(auto_mkdir=True, skip_instance_cache=True)


@pytest.mark.parametrize(
    ("mode", "value"), [("w", "äö\n"), ("wb", b"\0\1"), ("xb", b"z")]
)
def test_opened_file_appears_when_it_is_closed(tmp_path, files, mode, value):
    target = tmp_path / "deep" / "[a] #1"
    with files.open(str(target), mode) as file:
        file.write(value)
        assert not target.exists()
    expected = value if isinstance(value, bytes) else value.encode()
    assert target.read_bytes() == expected
    assert [p.name for p in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_error_in_the_block_leaves_the_old_content(tmp_path, files, mode):
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(TypeError), files.open(str(target), mode) as file:
        file.write("half" if mode == "w" else b"half")
        json.dump(object(), file)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_forgotten_file_is_discarded(tmp_path, files, mode):
    file = files.open(str(tmp_path / "a"), mode)
    file.write("half" if mode == "w" else b"half")
    del file
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_reading_appending_and_exclusive_creation_are_as_ever(tmp_path, files):
    target = tmp_path / "a"
    target.write_bytes(b"1\r\n")
    with files.open(str(target), "ab") as file:
        file.write(b"2")
    with files.open(str(target), "rb") as file:
        assert file.read() == b"1\r\n2"
    with pytest.raises(FileExistsError):
        files.open(str(target), "xb")


def test_stock_datasets_write_through_it(tmp_path):
    from kedro_datasets.json import JSONDataset
    from kedro_datasets.pandas import CSVDataset

    import mtcm_pipeline.settings

    assert mtcm_pipeline.settings.HOOKS
    assert isinstance(fsspec.filesystem("file"), AtomicLocalFileSystem)
    for dataset in (JSONDataset, CSVDataset):
        assert isinstance(
            dataset(filepath=str(tmp_path / "a"))._fs, AtomicLocalFileSystem
        )


_WRITERS = {
    "stock JSON": """
        from kedro_datasets.json import JSONDataset as D
        import mtcm_pipeline.settings
        class Slow(dict):
            def items(self):
                yield "a", 1
                stop()
        D(filepath=f"{root}/a", version=V).save(Slow(a=1))
    """,
    "own folder": """
        from mtcm_pipeline.datasets import FolderDataset as D
        D(filepath=f"{root}/a", version=V).save({"x.txt": "whole", "y.txt": stop})
    """,
    "own file": """
        from mtcm_pipeline.datasets import TextDataset as D
        os.fsync = stop
        D(filepath=f"{root}/a", version=V).save("half")
    """,
}


@pytest.mark.parametrize("writer", _WRITERS)
def test_kill_while_saving_leaves_no_version(tmp_path, writer):
    script = textwrap.dedent(
        """
        import os, signal, sys
        from kedro.io.core import Version
        root, V = sys.argv[1], Version("v1", "v1")
        def stop(*_):
            os.kill(os.getpid(), signal.SIGKILL)
        """
    ) + textwrap.dedent(_WRITERS[writer])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "a" / "v1" / "a").exists()
    assert len(remove_leftovers(tmp_path)) == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
