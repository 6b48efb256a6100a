"""Pose files that spell the images' names in another way than the disk."""

import unicodedata

import pytest

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.reading import resolve_names

NAMES = ["Größe 1.jpg", "é 2.png", "100%.jpg"]


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
@pytest.mark.parametrize("file", ["NFC", "NFD"])
@pytest.mark.parametrize("change", [str, str.upper, lambda name: f"set/{name}"])
def test_accents_and_letter_case_of_another_kind_find_the_image(disk, file, change):
    images = [unicodedata.normalize(disk, name) for name in NAMES]
    paths = [change(unicodedata.normalize(file, name)) for name in NAMES]
    if change is str.upper:  # the capital of a sharp s is two letters
        paths[0] = paths[0].replace("SS", "ẞ")
    found, notes = resolve_names(paths, images, "poses.json")
    assert found == dict(zip(paths, images, strict=True))
    assert notes == ()


def test_the_exact_name_is_taken_before_one_spelt_otherwise():
    images = ["A.jpg", "a.jpg"]
    found, notes = resolve_names(["a.jpg", "A.JPG", "A.jpg"], images, "poses.json")
    assert found == {"a.jpg": "a.jpg", "A.jpg": "A.jpg"}
    assert "1 of 3" in notes[0] and "A.JPG" in notes[0]


def test_a_spelling_that_could_mean_two_images_means_none():
    found, notes = resolve_names(["AB.jpg"], ["Ab.jpg", "aB.jpg"], "poses.json")
    assert found == {} and len(notes) == 1


def test_two_entries_for_one_image_are_refused_by_name():
    with pytest.raises(CaptureError, match=r"'AB\.jpg' and 'Ab\.jpg' both mean"):
        resolve_names(["AB.jpg", "Ab.jpg"], ["ab.jpg"], "poses.json")
