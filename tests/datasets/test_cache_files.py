"""Which entries a cache gives up."""

import os
from pathlib import Path

from mtcm_pipeline.datasets.cache_files import (
    CacheEntry,
    file_entries,
    folder_entry,
    least_recently_used,
)
from mtcm_pipeline.datasets.checkpoints import CheckpointFolder


def test_the_least_recently_used_leave_until_the_rest_fits():
    entries = [
        CacheEntry(Path(name), size, used)
        for name, size, used in [("new", 5, 9.0), ("old", 4, 1.0), ("mid", 3, 5.0)]
    ]

    def leaving(limit):
        return [entry.path.name for entry in least_recently_used(entries, limit)]

    assert leaving(12) == []
    assert leaving(11) == ["old"]
    assert leaving(8) == ["old"]
    assert leaving(7) == ["old", "mid"]
    assert leaving(0) == ["old", "mid", "new"]


def test_reading_counts_as_use(tmp_path):
    cache = CheckpointFolder(tmp_path)
    for age, name in enumerate(["c", "b", "a"]):
        cache.write(name, b"x" * 10)
        os.utime(tmp_path / name, (1000.0 + age, 1000.0 + age))
    assert cache.read("c") == b"x" * 10  # else the first to go
    assert cache.shrink(25) == 10
    assert [entry.path.name for entry in file_entries(tmp_path)] == ["a", "c"]
    assert cache.read("b") is None
    assert cache.shrink(25) == 0


def test_a_cache_that_is_not_there_shrinks_to_nothing(tmp_path):
    cache = CheckpointFolder(tmp_path / "none")
    assert cache.shrink(0) == 0
    assert not (tmp_path / "none").exists()


def test_what_is_being_written_stays(tmp_path):
    hidden = tmp_path / ".features-1.tmp-123-0123abcd"
    hidden.write_bytes(b"half")
    assert CheckpointFolder(tmp_path).shrink(0) == 0
    assert hidden.exists()


def test_a_folder_is_one_entry_as_young_as_its_youngest_file(tmp_path):
    (tmp_path / "deep").mkdir()
    for name, size, used in [("a", 3, 100.0), ("deep/b", 4, 200.0)]:
        (tmp_path / name).write_bytes(b"x" * size)
        os.utime(tmp_path / name, (used, used))
    entry = folder_entry(tmp_path)
    assert entry is not None
    assert (entry.size_bytes, entry.used_s) == (7, 200.0)
    assert folder_entry(tmp_path / "none") is None
