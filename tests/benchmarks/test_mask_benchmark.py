import csv

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mtcm_pipeline.benchmarks import mask_benchmark
from mtcm_pipeline.benchmarks.mask_benchmark import intersection_over_union
from mtcm_pipeline.errors import ParameterError


class BrightIsForeground:
    """Stands in for the network; (h, w) = (H, W)."""

    name = "bright"

    def saliency(self, rgb):
        return (rgb.mean(axis=2) > 100).astype(np.float32)


def save_square(path, width: int) -> None:
    """A white rectangle of `width` x 40 px in a black picture of 100 x 80 px."""
    pixels = np.zeros((80, 100), dtype=np.uint8)
    pixels[20:60, 10 : 10 + width] = 255
    Image.fromarray(pixels).convert("RGB").save(path)


@pytest.fixture
def capture(tmp_path):
    """Four pictures; true masks of three: equal, half as wide, and equal."""
    folder = tmp_path / "squares"
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for row in range(4):
        save_square(folder / "images" / f"f{row}.png", 40)
    for row, width in enumerate([40, 20, 40]):
        save_square(folder / "masks" / f"f{row}.png", width)
    return folder


def test_overlap_by_hand():
    a, b = np.zeros((2, 3), bool), np.zeros((2, 3), bool)
    assert intersection_over_union(a, b) == 1.0
    a[0], b[:, 0] = True, True
    assert intersection_over_union(a, b) == 1 / 4


def test_made_masks_are_compared_with_the_true_ones(capture, tmp_path, monkeypatch):
    monkeypatch.setattr(
        mask_benchmark, "load_segmenter", lambda name, weights: BrightIsForeground()
    )
    out = tmp_path / "table.csv"
    folders = [str(capture), str(tmp_path / "absent")]
    run = CliRunner().invoke(mask_benchmark.main, [*folders, "--out", str(out)])
    assert run.exit_code == 0, run.output
    with out.open(newline="") as file:
        first, second = csv.DictReader(file)
    counts = [first[key] for key in ("images", "given", "compared", "not_believed")]
    assert counts == ["4", "3", "3", "0"]
    assert float(first["iou_mean"]) == pytest.approx((1 + 0.5 + 1) / 3, abs=1e-4)
    assert (first["iou_lowest"], first["lowest_frame"]) == ("0.5", "f1.png")
    assert "not a folder" in second["problem"]


def test_masks_that_are_not_believed_are_counted(capture, tmp_path):
    Image.new("RGB", (100, 80)).save(capture / "images" / "f0.png")  # nothing there
    (capture / "images" / "f3.png").write_bytes(b"no picture")
    row = mask_benchmark.benchmark_capture(
        capture, BrightIsForeground(), mask_benchmark.MaskOptions()
    )
    assert (row.not_believed, row.unreadable, row.compared) == (1, 1, 2)


def test_without_the_extra_the_command_says_what_to_install(
    capture, tmp_path, monkeypatch
):
    def absent(name, weights):
        raise ParameterError("pip install 'mtcm-pipeline[masks]'")

    monkeypatch.setattr(mask_benchmark, "load_segmenter", absent)
    out = tmp_path / "table.csv"
    run = CliRunner().invoke(mask_benchmark.main, [str(capture), "--out", str(out)])
    assert run.exit_code == 1 and "mtcm-pipeline[masks]" in run.output
    assert not out.exists()
