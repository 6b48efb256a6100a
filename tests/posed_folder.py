"""A folder with pictures and their poses, as other programs leave it."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.formats.nerfstudio import transforms_from_cameras


def posed_folder(folder: Path, cameras: PosedCameras) -> Path:
    """`folder`, made, with a black picture a frame and nerfstudio's transforms.json."""
    (folder / "images").mkdir(parents=True)
    for name in cameras.names:
        camera = cameras.camera_of(name)
        size = (camera.width, camera.height)
        Image.new("RGB", size).save(folder / "images" / name)
    content = json.dumps(transforms_from_cameras(cameras))
    (folder / "transforms.json").write_text(content)
    return folder
