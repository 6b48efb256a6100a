"""README.txt of an export folder: what each file is, its axes and units."""

from __future__ import annotations

from collections.abc import Collection

_LINES = {
    "filtered_images.txt": """\
    the selected frames, best first, by their file names in the capture""",
    "transforms.json": """\
    cameras for nerfstudio: camera-to-world, OpenGL axes (right, up, backward),
    intrinsics in px with the lens distortion""",
    "sparse_pc.ply": """\
    the points of sparse/0/ for nerfstudio (transforms.json names them), from which
    splatfacto starts; in the world of its cameras""",
    "sparse/0/": """\
    the same cameras as a COLMAP model (.bin): world-to-camera, OpenCV axes (right,
    down, forward), with the 3D points that at least two of the frames see""",
    "images/": """\
    the pictures without EXIF (no places, serial numbers or names), turned as the
    poses need them; HEIC became JPEG""",
    "masks/": """\
    255 is the subject, 0 is not; same stem as the image""",
    "poses.npy": """\
    K x 4 x 4 float64: camera-to-world, OpenCV axes; rows as in filtered_images.txt""",
    "pose_embeddings.npy": """\
    K x {width} float32: a learned vector a frame; rows likewise""",
    "pose_labels.csv": """\
    angles and words for each view (azimuth from what the column azimuth_from names,
    growing counter-clockwise as seen from above); rows likewise""",
    "view_weights.npy": """\
    K float32: weight of each view in a training loss; rows likewise""",
}
_WITHOUT_LENS = ("with the lens distortion", "of pinhole cameras, without distortion")
_SEEN_POINTS = """\
with the 3D points that at least two of the frames see"""
_ALL_POINTS = """\
with all points that came with the poses (which frames
    see them was not said)"""
_UNDISTORTED = """
The views are undistorted: images, masks, cameras and the points' observations are
those of pinhole cameras with the focal lengths of the lenses. Images were interpolated
for that and encoded anew; those of lenses without distortion keep their pixels."""
_FOR_OTHERS = """\
  Other trainers read images/ and sparse/0; those without lens distortion
  need an export with the parameter export.undistort: true."""
_FOR_OTHERS_UNDISTORTED = "  Other trainers read images/ and sparse/0."
_MASKS_LEFT_OUT = """
Not every frame has a mask. nerfstudio wants masks for all frames or for none, so
transforms.json does not name them.
"""


def readme_text(
    paths: Collection[str],
    *,
    frames: int,
    all_masked: bool,
    undistorted: bool = False,
    embedding_width: int = 0,
    tracked: bool = True,
) -> str:
    """The text for an export that holds the files `paths`.

    Args:
        paths: relative paths of the files.
        frames: number of exported frames, K.
        all_masked: whether every frame has a mask.
        undistorted: whether the views were made those of pinhole cameras.
        embedding_width: numbers in a row of pose_embeddings.npy, if it is there.
        tracked: whether it is known which frames see the points.
    """
    there = [
        f"  {name}\n{text}".replace("{width}", str(embedding_width))
        for name, text in _LINES.items()
        if any(path == name or path.startswith(name) for path in paths)
    ]
    if not tracked:
        there = [line.replace(_SEEN_POINTS, _ALL_POINTS) for line in there]
    if undistorted:
        there = [line.replace(*_WITHOUT_LENS) for line in there] + [_UNDISTORTED]
    has_masks = any(path.startswith("masks/") for path in paths)
    return "\n".join(
        [
            f"{frames} selected views of one capture. Positions are in the capture's own",
            "world and units (those of its poses); pixels count from the upper left",
            "corner of the image, so the centre of the first pixel is (0.5, 0.5).",
            "",
            *there,
            _MASKS_LEFT_OUT if has_masks and not all_masked else "",
            "To open it:",
            "  nerfstudio  ns-train splatfacto --data <this folder>",
            "  COLMAP      colmap gui --import_path sparse/0 --image_path images",
            _FOR_OTHERS_UNDISTORTED if undistorted else _FOR_OTHERS,
            "",
        ]
    )
