"""The reader of points against plyfile's writer and against the project's own."""

import io

import numpy as np
import pytest
from plyfile import PlyData, PlyElement

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.point_ply import point_ply, read_point_ply

RNG = np.random.default_rng(3)
XYZ = RNG.normal(size=(50, 3))
RGB = RNG.integers(0, 256, (50, 3)).astype(np.uint8)


def by_plyfile(number, colour=None, *, text=False, byte_order="<"):
    kinds = [(axis, number) for axis in "xyz"] + [("confidence", "f4")]
    kinds += [] if colour is None else [(c, colour) for c in ("red", "green", "blue")]
    rows = np.zeros(len(XYZ), kinds)
    for column, axis in enumerate("xyz"):
        rows[axis] = XYZ[:, column]
    for column, channel in enumerate(("red", "green", "blue") if colour else ()):
        values = RGB[:, column]
        rows[channel] = values / 255 if colour[0] == "f" else values
    buffer = io.BytesIO()
    PlyData([PlyElement.describe(rows, "vertex")], text, byte_order).write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize(("number", "colour"), [("f4", "u1"), ("f8", "f4"), ("f8", "u2")])
def test_every_kind_of_file_is_read(text, byte_order, number, colour):
    content = by_plyfile(number, colour, text=text, byte_order=byte_order)
    xyz, rgb, broken = read_point_ply(content, "a.ply")
    np.testing.assert_allclose(xyz, XYZ, atol=1e-6)
    np.testing.assert_array_equal(rgb, RGB)
    assert broken == 0


def test_without_colours_points_are_black():
    xyz, rgb, _ = read_point_ply(by_plyfile("f4"), "a.ply")
    assert xyz.shape == (50, 3) and not rgb.any()


def test_what_was_written_is_read_with_more_digits_than_a_float_has():
    far = XYZ + np.array([500_000.0, 5_400_000.0, 0.0])
    xyz, rgb, _ = read_point_ply(point_ply(far, RGB), "a.ply")
    np.testing.assert_allclose(xyz, far, rtol=1e-11)
    np.testing.assert_array_equal(rgb, RGB)
    assert (xyz != xyz.astype(np.float32)).any()


def test_points_that_are_not_finite_are_left_out_and_counted():
    bad = XYZ.copy()
    bad[[3, 7], [0, 2]] = np.nan, np.inf
    xyz, rgb, broken = read_point_ply(point_ply(bad, RGB), "a.ply")
    kept = np.delete(np.arange(50), [3, 7])
    np.testing.assert_allclose(xyz, XYZ[kept], atol=1e-11)
    np.testing.assert_array_equal(rgb, RGB[kept])
    assert broken == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no ply",
        b"\xff\xfe\x00",
        by_plyfile("f4")[:-5],
        by_plyfile("f4", text=True)[:-30],
        by_plyfile("f4").replace(b"element vertex", b"element points"),
        by_plyfile("f4").replace(b"float z", b"float w"),
        b"ply\nformat ascii 1.0\nelement vertex 1\nproperty list uchar float x\n"
        b"property list uchar float y\nproperty list uchar float z\nend_header\n"
        b"1 1 1 1 2 1 2\n",
    ],
)
def test_what_is_no_file_of_points_is_refused_by_name(content):
    with pytest.raises(FileContentError, match=r"cloud\.ply is no \.ply of points"):
        read_point_ply(content, "cloud.ply")
