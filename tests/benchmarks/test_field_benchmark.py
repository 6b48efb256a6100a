"""The field's benchmark: split by hand, rows of a tiny capture."""

from __future__ import annotations

import numpy as np
from click.testing import CliRunner
from PIL import Image

from mtcm_pipeline.benchmarks.field_benchmark import main, split_names


def test_every_seventh_frame_from_the_fourth_is_held_out():
    names = [f"{i}" for i in range(20)]
    training, held_out = split_names(names, 0)
    assert held_out == ["3", "10", "17"]
    assert sorted(training + held_out, key=int) == names
    few, again = split_names(names, 4)
    assert (len(few), few[0], few[-1]) == (4, "0", "19")
    assert again == held_out and set(few) < set(training)


def test_a_capture_without_poses_is_refused_in_a_sentence(tmp_path):
    folder = tmp_path / "X" / "images"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "a.png")
    arguments = ["--capture", str(tmp_path / "X"), "--out", str(tmp_path / "t.csv")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "there are no poses" in result.output
