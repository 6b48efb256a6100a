"""Which file belongs to which image."""

import random
import unicodedata

import pytest

from mtcm_pipeline.capture.matching import frame_names, match_to_images
from mtcm_pipeline.errors import CaptureError


def test_natural_order_whatever_the_order_on_disk():
    names = ["r_10.png", "r_2.png", "r_1.png", "a.png", "r_02b.png"]
    expected = ("a.png", "r_1.png", "r_2.png", "r_02b.png", "r_10.png")
    for seed in range(5):
        random.Random(seed).shuffle(names)
        assert frame_names(names) == expected


def test_no_images_says_where_to_put_them():
    with pytest.raises(CaptureError, match="data/raw_images"):
        frame_names([])


def test_two_images_of_one_stem_are_both_named():
    with pytest.raises(CaptureError, match=r"a\.jpg.*a\.png"):
        frame_names(["a.jpg", "a.png", "b.jpg"])


def test_exact_then_stem_then_letter_case():
    images = ["DSC_1.jpg", "dsc_2.jpg", "c.png", "d.jpg"]
    entries = ["DSC_1.png", "DSC_2.JPG", "c.png", "d.jpg.png", "e.png"]
    matches = match_to_images(entries, images)
    assert matches.by_image == {
        "DSC_1.jpg": "DSC_1.png",
        "dsc_2.jpg": "DSC_2.JPG",
        "c.png": "c.png",
        "d.jpg": "d.jpg.png",
    }
    assert matches.unmatched == ("e.png",)
    assert matches.notes("masks")[0].endswith("left out: 1 (e.png)")
    assert "e.png" in matches.notes("masks")[0]


def test_an_exact_name_is_not_stolen_by_a_stem():
    matches = match_to_images(["a.heic", "a.jpg"], ["a.jpg"])
    assert matches.by_image == {"a.jpg": "a.jpg"}
    assert matches.ambiguous == ("a.heic",)


@pytest.mark.parametrize("image_form", ["NFC", "NFD"])
@pytest.mark.parametrize("entry_form", ["NFC", "NFD"])
def test_accents_in_one_piece_or_two_are_the_same_name(image_form, entry_form):
    """macOS writes file names in pieces (NFD), most tools' metadata are in one."""
    plain = ["Größe 1.jpg", "É 2.JPG", "ǖ.png"]
    images = [unicodedata.normalize(image_form, name) for name in plain]
    typed = ["Größe 1.jpg", "É 2.JPG", "Ǖ.png"]
    entries = [unicodedata.normalize(entry_form, name) for name in typed]
    matches = match_to_images(entries, images)
    assert matches.by_image == dict(zip(images, entries, strict=True))
    masks = [f"{entry.rsplit('.', 1)[0]}.png" for entry in entries]
    assert match_to_images(masks, images).by_image == dict(
        zip(images, masks, strict=True)
    )


def test_both_spellings_on_the_disk_take_each_their_own():
    both = [unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD")]
    assert match_to_images(both, both).by_image == dict(zip(both, both, strict=True))
    third = match_to_images(["É.jpg"], both)
    assert third.by_image == {} and third.ambiguous == ("É.jpg",)


def test_images_that_differ_in_case_only_take_no_third_spelling():
    matches = match_to_images(["Ab.png"], ["AB.jpg", "ab.jpg"])
    assert matches.by_image == {}
    assert matches.ambiguous == ("Ab.png",)


def test_many_are_counted_and_some_are_named():
    matches = match_to_images([f"x{i}.png" for i in range(40)], ["a.jpg"])
    (note,) = matches.notes("masks")
    assert note.startswith("masks that") and "left out: 40 (" in note
    assert "x0.png" in note
    assert "x39.png" not in note
