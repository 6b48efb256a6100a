"""Points without tracks: the `.ply` from which nerfstudio's splatfacto starts.

nerfstudio writes this file with `create_ply_from_colmap` (ASCII, x y z as float, red
green blue as uint8) and takes it, in its dataparser, to lie in the world of the
transforms.json whose `ply_file_path` names it: the very transform that moves the cameras
moves the points, and `applied_transform` is not applied to them a second time.

Dimension letter: P points.
"""

from __future__ import annotations

import io
import re

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import FileContentError

_XYZ = ("float x", "float y", "float z")
_RGB = ("uint8 red", "uint8 green", "uint8 blue")


def point_ply(xyz: NDArray[np.float64], rgb: NDArray[np.uint8]) -> bytes:
    """The file's content.

    Args:
        xyz: (P, 3) in the world of the cameras beside, in its units.
        rgb: (P, 3); where all are black, as in a COLMAP model without colours, none are
            written, and the trainer begins with colours of its own.
    """
    coloured = bool(rgb.any())
    properties = _XYZ + (_RGB if coloured else ())
    header = [
        "ply",
        "format ascii 1.0",
        f"element vertex {len(xyz)}",
        *(f"property {each}" for each in properties),
        "end_header",
    ]
    columns = [xyz, rgb.astype(np.float64)] if coloured else [xyz]
    # More than a float32 holds, for worlds far from their origin (map coordinates).
    digits = ["%.12g"] * 3 + ["%d"] * (3 if coloured else 0)
    rows = io.StringIO()
    np.savetxt(rows, np.concatenate(columns, axis=1), fmt=digits)
    return ("\n".join(header) + "\n" + rows.getvalue()).encode("ascii")


def read_point_ply(
    content: bytes, name: str
) -> tuple[NDArray[np.float64], NDArray[np.uint8], int]:
    """Points of any `.ply` that has vertices, ASCII or binary.

    Args:
        content: the file.
        name: of the file, for messages.

    Returns:
        (P, 3) positions; (P, 3) colours, black where the file has none; and the number of
        points that were left out, since their positions are not finite.

    Raises:
        FileContentError: no such file, it breaks off, or has no vertices with x, y, z.
    """
    from plyfile import PlyData, PlyParseError

    try:
        vertex = PlyData.read(io.BytesIO(_with_all_digits(content)))["vertex"]
        xyz = np.stack([np.asarray(vertex[axis], np.float64) for axis in "xyz"], axis=1)
    except (PlyParseError, KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise FileContentError(
            f"{name} is no .ply of points ({error}): it needs an element 'vertex' with "
            f"x, y and z; write it again"
        ) from error
    kept = np.isfinite(xyz).all(axis=1)
    rgb = np.zeros((len(xyz), 3), np.uint8)
    if {"red", "green", "blue"} <= {each.name for each in vertex.properties}:
        columns = [vertex[channel] for channel in ("red", "green", "blue")]
        rgb = np.stack([_colours(column) for column in columns], axis=1)
    return xyz[kept], rgb[kept], int(len(xyz) - kept.sum())


def _with_all_digits(content: bytes) -> bytes:
    """An ASCII file may have more digits than the float32 that its header speaks of."""
    header, end, rows = content.partition(b"end_header")
    if b"format ascii" not in header:
        return content
    return re.sub(rb"property float(32)?\b", b"property double", header) + end + rows


def _colours(column: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(P,) as 0..255; numbers with a fraction are shares of it."""
    values = np.nan_to_num(np.asarray(column, dtype=np.float64))
    full = 255.0 if np.issubdtype(column.dtype, np.floating) else 1.0
    return np.rint(np.clip(values * full, 0, 255)).astype(np.uint8)
