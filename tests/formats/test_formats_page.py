"""The examples in docs/formats.md mean to the project's readers what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mtcm_pipeline.capture_folders import POSE_SOURCES
from mtcm_pipeline.formats.exif import ExifFacts, focal_px, read_exif_json
from mtcm_pipeline.formats.poses_json import read_poses_json

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = {
    part.splitlines()[0].strip("# "): part for part in re.split(r"(?m)^#+ ", PAGE)[1:]
}


def example(section: str) -> dict:
    (text,) = re.findall(r"```json\n(.*?)```", SECTIONS[section], re.DOTALL)
    return json.loads(text)


def test_the_example_of_poses_is_read_and_stands_where_the_page_says():
    reading = read_poses_json(example("poses.json"), ("IMG_0001.jpg", "IMG_0002.jpg"))
    assert not reading.problems and not reading.notes
    cameras = reading.cameras
    np.testing.assert_allclose(cameras.centres_xyz, [[0, 0, -2.5], [0, 0, 2.5]])
    directions = [[0, 0, 1], [0, 0, -1]]
    np.testing.assert_allclose(cameras.viewing_directions, directions, atol=1e-15)


def test_lists_of_poses_are_read_alike():
    content = example("poses.json")
    lists = {
        "images": [{"name": n, **entry} for n, entry in content["images"].items()],
        "cameras": [{"id": n, **entry} for n, entry in content["cameras"].items()],
    }
    assert (
        read_poses_json(lists).cameras.cameras == read_poses_json(content).cameras.cameras
    )


def test_the_example_of_exif_is_read_whole():
    reading = read_exif_json(example("Times and focal lengths"))
    assert not reading.problems
    first, second = reading.facts.values()
    assert second.timestamp_s - first.timestamp_s == 1.75
    assert first.focal_px == 3100.0
    assert (second.focal_mm, second.focal_35mm) == (4.2, 26.0)
    assert focal_px(second, 4032, 3024) == pytest.approx(26 / 43.267 * 5040, rel=1e-3)


def keys_of_the_page() -> dict[str, list[str]]:
    rows = re.findall(
        r"^\| (`[^|]*`) \| ([^|]*) \|", SECTIONS["Times and focal lengths"], re.MULTILINE
    )
    return {
        row[0].strip("`"): re.findall(r"`(\w+)`", f"{row[0]}, {row[1]}") for row in rows
    }


@pytest.mark.parametrize("key", keys_of_the_page())
def test_every_key_of_the_table_is_known_and_means_the_same(key):
    names = keys_of_the_page()[key]
    assert len(names) >= 2
    told = {read_exif_json({"a.jpg": {name: 26.0}}).facts["a.jpg"] for name in names}
    assert len(told) == 1 and told != {ExifFacts()}


def test_sources_of_poses_stand_in_the_order_in_which_they_are_looked_for():
    rows = re.findall(r"^\| \d \| `([\w./]+)`", SECTIONS["Poses"], re.MULTILINE)
    assert tuple(row.rstrip("/") for row in rows) == POSE_SOURCES
