import io

import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.masks import decode_mask, encode_mask

SIZE = (6, 4)
MEANT = np.zeros((4, 6), dtype=bool)
MEANT[1:3, 2:5] = True


def png(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def grey(low: int, high: int, dtype=np.uint8) -> bytes:
    return png(Image.fromarray(np.where(MEANT, high, low).astype(dtype)))


def palette(*colours: tuple[int, int, int]) -> bytes:
    image = Image.fromarray(MEANT.astype(np.uint8), "L").convert("L")
    indexed = Image.frombytes("P", SIZE, image.tobytes())
    indexed.putpalette([channel for colour in colours for channel in colour])
    return png(indexed)


def rgba(rgb: tuple[int, int, int]) -> bytes:
    pixels = np.zeros((4, 6, 4), dtype=np.uint8)
    pixels[..., :3] = rgb
    pixels[..., 3] = np.where(MEANT, 255, 0)
    return png(Image.fromarray(pixels))


def opaque_rgba() -> bytes:
    pixels = np.repeat(np.where(MEANT, 255, 0).astype(np.uint8)[..., None], 4, axis=2)
    pixels[..., 3] = 255
    return png(Image.fromarray(pixels))


ENCODINGS = {
    "1 bit": png(Image.fromarray(MEANT)),
    "grey 0/255": grey(0, 255),
    "grey 0/1": grey(0, 1),
    "grey antialiased": grey(40, 200),
    "16 bit full scale": grey(0, 65535, np.uint16),
    "16 bit 0/1": grey(0, 1, np.uint16),
    "16 bit 0/255": grey(0, 255, np.uint16),
    "rgb": png(Image.fromarray(np.where(MEANT, 255, 0).astype(np.uint8)).convert("RGB")),
    "alpha varies, white": rgba((255, 255, 255)),
    "alpha varies, black": rgba((0, 0, 0)),
    "alpha is constant": opaque_rgba(),
    "palette black/white": palette((0, 0, 0), (255, 255, 255)),
    "palette of labels": palette((0, 0, 0), (0, 0, 64)),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_gives_the_same_mask(encoding):
    mask, note = decode_mask(ENCODINGS[encoding], "a.png", size=SIZE)
    assert mask.dtype == bool and not note
    np.testing.assert_array_equal(mask, MEANT)


@pytest.mark.parametrize("value", [True, False])
def test_uniform_masks(value):
    mask, _ = decode_mask(encode_mask(np.full((4, 6), value)), "a.png", size=SIZE)
    assert (mask == value).all()


def test_same_shape_is_scaled_with_a_note():
    mask, note = decode_mask(ENCODINGS["grey 0/255"], "a.png", size=(12, 8))
    np.testing.assert_array_equal(mask, MEANT.repeat(2, axis=0).repeat(2, axis=1))
    assert "a.png" in note and "6x4 to 12x8" in note


def test_shape_may_be_off_by_rounding_of_one_px():
    wide = png(Image.new("L", (4272, 2848)))
    assert decode_mask(wide, "a.png", size=(400, 267))[0].shape == (267, 400)


@pytest.mark.parametrize("size", [(4, 6), (6, 6)])
def test_another_shape_is_refused_naming_both_sizes(size):
    with pytest.raises(FileContentError, match=rf"a\.png.*6x4.*{size[0]}x{size[1]}"):
        decode_mask(ENCODINGS["1 bit"], "a.png", size=size)


def test_a_mask_on_its_side_is_told_from_another_shape():
    with pytest.raises(FileContentError, match=r"on its side.*EXIF orientation.*Turn"):
        decode_mask(ENCODINGS["1 bit"], "a.png", size=(4, 6))
    with pytest.raises(FileContentError, match="another shape"):
        decode_mask(ENCODINGS["1 bit"], "a.png", size=(6, 6))


@pytest.mark.parametrize(("data", "why"), [(b"", "empty"), (b"hello", "no picture")])
def test_what_is_no_picture_is_refused_with_the_reason(data, why):
    with pytest.raises(FileContentError, match=rf"a\.png.*{len(data)} bytes.*{why}"):
        decode_mask(data, "a.png", size=(64, 64))


def test_truncated_mask_is_refused():
    noise = np.random.default_rng(0).integers(0, 2, (64, 64)).astype(bool)
    data = encode_mask(noise)
    with pytest.raises(FileContentError, match=r"a\.png"):
        decode_mask(data[: len(data) // 2], "a.png", size=(64, 64))
