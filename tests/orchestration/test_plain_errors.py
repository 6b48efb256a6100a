"""Errors in words: what a person reads when a run or a command ends."""

from __future__ import annotations

import errno
import os

import click
import pytest

from mtcm_pipeline.datasets import atomic_files
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.orchestration.plain_errors import in_plain_words, told_plainly


def wrapped(cause: Exception) -> Exception:
    """As Kedro hands on what a dataset raised."""
    try:
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("Failed while saving data to dataset") from error
    except RuntimeError as error:
        return error


def test_an_own_error_says_what_it_says():
    assert in_plain_words(wrapped(CaptureError("no pictures"))) == "no pictures"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_must_not_be_written_is_named_with_a_remedy(number):
    error = OSError(number, os.strerror(number), "/data/outputs/Head")
    words = in_plain_words(wrapped(error))
    assert words.startswith(f"/data/outputs/Head: {os.strerror(number)}: ")
    assert "right to" in words


def test_a_full_disk_is_named_with_the_file_and_what_makes_room(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic_files, "_write_synced", full)
    with pytest.raises(OSError) as caught:
        atomic_files.write_file(tmp_path / "x.npz", b"1")
    words = in_plain_words(caught.value)
    assert (
        words.startswith(f"{tmp_path / 'x.npz'}: No space left")
        and "clean-cache" in words
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError("a defect"), FileNotFoundError(2, "no")])
def test_anything_else_keeps_its_traceback(error):
    assert in_plain_words(wrapped(error)) is None
    with pytest.raises(type(error)), told_plainly():
        raise error


def test_a_command_ends_with_the_words_alone():
    with pytest.raises(click.ClickException) as caught, told_plainly():
        raise PermissionError(errno.EACCES, "Permission denied", "data/raw_images")
    assert caught.value.message.startswith("data/raw_images: Permission denied: ")
