"""Gaussian splats as the `.ply` that the usual viewers open.

The layout of Kerbl et al. 2023's own software: binary little-endian float32, one vertex
a Gaussian, with logits of opacities, logarithms of standard deviations, quaternions
w, x, y, z, and the rest of the harmonics by channel (all coefficients of red first). The
normals are part of the layout and 0. Harmonics are padded with zeros to degree 3, which
some viewers expect without looking.

Dimension letters: N Gaussians, P properties, B = (degree + 1)^2 harmonics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import FileContentError

Real = NDArray[np.floating]

# (3 + 1)^2 - 1 coefficients a channel.
_REST = 15
_COLUMNS = (
    *("x", "y", "z", "nx", "ny", "nz"),
    *(f"f_dc_{i}" for i in range(3)),
    *(f"f_rest_{i}" for i in range(3 * _REST)),
    "opacity",
    *(f"scale_{i}" for i in range(3)),
    *(f"rot_{i}" for i in range(4)),
)


def splat_ply(
    *,
    means_xyz: Real,
    quats_wxyz: Real,
    log_scales: Real,
    opacity_logits: Real,
    harmonics: Real,
) -> bytes:
    """The file's content.

    Args:
        means_xyz: (N, 3) centres in the capture's own world.
        quats_wxyz: (N, 4) rotations, any non-zero length; written as unit quaternions.
        log_scales: (N, 3) logarithms of standard deviations, world units.
        opacity_logits: (N,).
        harmonics: (N, B, 3), B <= 16, by RGB channel, degree by degree.

    Raises:
        FileContentError: a number is not finite, or there are more harmonics than fit.
    """
    n, bands = harmonics.shape[:2]
    if bands - 1 > _REST:
        raise FileContentError(
            f"{bands} harmonics do not fit into a .ply of splats, which holds 16"
        )
    rest = np.zeros((n, 3, _REST))
    rest[:, :, : bands - 1] = harmonics[:, 1:].transpose(0, 2, 1)
    rows = np.concatenate(
        [
            means_xyz,
            np.zeros((n, 3)),
            harmonics[:, 0],
            rest.reshape(n, 3 * _REST),
            opacity_logits[:, None],
            log_scales,
            quats_wxyz / np.linalg.norm(quats_wxyz, axis=1, keepdims=True),
        ],
        axis=1,
    ).astype("<f4")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise FileContentError(
            f"{len(bad)} of {n} Gaussians (the first is number {bad[0]}) have numbers "
            f"that are not finite; the fit has diverged: lower its learning rates"
        )
    return _header(n) + rows.tobytes()


def _header(count: int) -> bytes:
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {count}",
        *(f"property float {name}" for name in _COLUMNS),
        "end_header",
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def read_splat_ply(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The arrays of a file of splats, named and shaped as `splat_ply` takes them.

    Args:
        content: binary little-endian, all properties float; any order of them.

    Returns:
        Harmonics with as many bands as the file has, 1, 4, 9 or 16.

    Raises:
        FileContentError: another format, a property is missing, or the file breaks off.
    """
    names, count, start = _read_header(content)
    size = count * len(names) * 4
    if len(content) < start + size:
        raise FileContentError(
            f"the .ply breaks off: {count} splats take {size} bytes behind its header "
            f"and there are {len(content) - start}"
        )
    flat = np.frombuffer(content, "<f4", count * len(names), start)
    columns = dict(zip(names, flat.reshape(count, len(names)).T, strict=True))
    bands = sum(name.startswith("f_rest_") for name in names) // 3 + 1

    def stacked(*wanted: str) -> NDArray[np.float32]:
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise FileContentError(f"the .ply of splats lacks {', '.join(missing)}")
        return np.stack([columns[name] for name in wanted], axis=1)

    rest = [f"f_rest_{i}" for i in range(3 * (bands - 1))]
    colours = stacked("f_dc_0", "f_dc_1", "f_dc_2")[:, None]  # (N, 1, 3)
    if rest:
        by_channel = stacked(*rest).reshape(count, 3, bands - 1)
        colours = np.concatenate([colours, by_channel.transpose(0, 2, 1)], axis=1)
    return {
        "means_xyz": stacked("x", "y", "z"),
        "quats_wxyz": stacked("rot_0", "rot_1", "rot_2", "rot_3"),
        "log_scales": stacked("scale_0", "scale_1", "scale_2"),
        "opacity_logits": stacked("opacity")[:, 0],
        "harmonics": colours,
    }


def _read_header(content: bytes) -> tuple[list[str], int, int]:
    """Names of the vertices' properties, their number, and where the numbers begin."""
    head, end, _ = content.partition(b"end_header\n")
    lines = head.decode("ascii", errors="replace").split("\n")
    vertices = [line for line in lines if line.startswith("element vertex ")]
    floats = [line for line in lines if line.startswith("property float ")]
    properties = [line for line in lines if line.startswith("property ")]
    binary = "format binary_little_endian 1.0" in lines
    if not (end and lines[0] == "ply" and binary and len(vertices) == 1):
        raise FileContentError(
            "not a binary little-endian .ply with one list of vertices, as splats are"
        )
    if len(floats) != len(properties):
        raise FileContentError("a .ply of splats has float properties only")
    return (
        [line.split()[2] for line in floats],
        int(vertices[0].split()[2]),
        len(head) + len(end),
    )
