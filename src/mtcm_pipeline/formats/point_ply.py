"""Sparse points as the `.ply` from which nerfstudio's splatfacto starts.

nerfstudio writes this file with `create_ply_from_colmap` (ASCII, x y z as float, red
green blue as uint8) and takes it, in its dataparser, to lie in the world of the
transforms.json whose `ply_file_path` names it: the very transform that moves the cameras
moves the points, and `applied_transform` is not applied to them a second time.

Dimension letter: P points.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

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
