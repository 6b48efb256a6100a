"""Native libraries that must be loaded in one order."""

from __future__ import annotations

import subprocess
import sys

_WRITES_A_PNG_AFTER_PYCOLMAP = """
import io
import mtcm_pipeline
import pycolmap
import numpy as np
from PIL import Image

noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
for _ in range(20):
    written = io.BytesIO()
    Image.fromarray(noise).save(written, "PNG")
assert (np.asarray(Image.open(io.BytesIO(written.getvalue()))) == noise).all()
"""


def test_a_png_is_written_after_pycolmap_is_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WRITES_A_PNG_AFTER_PYCOLMAP],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
