"""Files of splats: layout by hand, other writers' files, and broken ones."""

from __future__ import annotations

import io

import numpy as np
import pytest
from plyfile import PlyData, PlyElement

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.splat_ply import read_splat_ply, splat_ply


def one_splat(**changed):
    parts = {
        "means_xyz": np.array([[1.0, 2, 3]]),
        "quats_wxyz": np.array([[0.0, 0, 2, 0]]),
        "log_scales": np.array([[-1.0, -2, -3]]),
        "opacity_logits": np.array([0.5]),
        # bands x channels: h0, then h1..h3
        "harmonics": np.array(
            [[[10, 20, 30], [11, 21, 31], [12, 22, 32], [13, 23, 33.0]]]
        ),
    }
    return {**parts, **changed}


def test_the_rest_of_the_harmonics_lies_by_channel():
    vertex = PlyData.read(io.BytesIO(splat_ply(**one_splat())))["vertex"]
    assert [vertex[f"f_dc_{i}"][0] for i in range(3)] == [10, 20, 30]
    rest = np.array([vertex[f"f_rest_{i}"][0] for i in range(45)]).reshape(3, 15)
    assert rest[:, :3].tolist() == [[11, 12, 13], [21, 22, 23], [31, 32, 33]]
    assert not rest[:, 3:].any()
    assert [vertex[f"rot_{i}"][0] for i in range(4)] == [0, 0, 1, 0]  # of length 1
    assert [vertex[n][0] for n in ("nx", "ny", "nz", "opacity")] == [0, 0, 0, 0.5]


def test_no_splat_is_a_file_too():
    parts = {name: part[:0] for name, part in one_splat().items()}
    content = splat_ply(**parts)
    assert len(PlyData.read(io.BytesIO(content))["vertex"]) == 0
    assert read_splat_ply(content)["harmonics"].shape == (0, 16, 3)


def foreign_file(names: list[str], kind: str = "f4", **how) -> bytes:
    rows = np.zeros(2, [(name, kind) for name in names])
    for number, name in enumerate(names):
        rows[name] = number, 100 + number
    buffer = io.BytesIO()
    PlyData([PlyElement.describe(rows, "vertex")], **how).write(buffer)
    return buffer.getvalue()


PLAIN = [
    *("opacity", "z", "y", "x", "f_dc_0", "f_dc_1", "f_dc_2"),
    *(f"scale_{i}" for i in range(3)),
    *(f"rot_{i}" for i in range(4)),
]


def test_another_writers_order_and_degree_are_understood():
    arrays = read_splat_ply(foreign_file(PLAIN, byte_order="<"))
    assert arrays["means_xyz"].tolist() == [[3, 2, 1], [103, 102, 101]]
    assert arrays["opacity_logits"].tolist() == [0, 100]
    assert arrays["harmonics"].tolist() == [[[4, 5, 6]], [[104, 105, 106]]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a binary little-endian"),
        (b"\x89PNG\r\n", "not a binary little-endian"),
        (foreign_file(PLAIN, text=True), "not a binary little-endian"),
        (foreign_file(PLAIN, byte_order=">"), "not a binary little-endian"),
        (foreign_file(PLAIN, "f8", byte_order="<"), "float properties only"),
        (foreign_file(PLAIN[:-1], byte_order="<"), "lacks rot_3"),
        (foreign_file(PLAIN, byte_order="<")[:-1], "breaks off"),
    ],
)
def test_what_is_no_file_of_splats_is_refused(content, message):
    with pytest.raises(FileContentError, match=message):
        read_splat_ply(content)


def test_a_diverged_fit_and_too_many_harmonics_are_refused():
    with pytest.raises(FileContentError, match="the first is number 0"):
        splat_ply(**one_splat(opacity_logits=np.array([np.nan])))
    with pytest.raises(FileContentError, match="17 harmonics"):
        splat_ply(**one_splat(harmonics=np.zeros((1, 17, 3))))
