"""Structure from motion, which knows nothing of the truth, must find it again."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mtcm_pipeline.sample.generate import generate_sample
from mtcm_pipeline.sample.options import SampleOptions

# In a process of its own: pycolmap and torch each bring an OpenMP runtime.
SCRIPT = """
import json, sys
from pathlib import Path
import pycolmap

work = Path(sys.argv[1])
options = pycolmap.FeatureExtractionOptions(use_gpu=False, num_threads=2)
pycolmap.extract_features(
    work / "d.db", work / "images", camera_mode=pycolmap.CameraMode.SINGLE,
    extraction_options=options,
)
matching = pycolmap.FeatureMatchingOptions(use_gpu=False, num_threads=2)
pycolmap.match_exhaustive(work / "d.db", matching_options=matching)
models = pycolmap.incremental_mapping(work / "d.db", work / "images", work)
best = max(models.values(), key=lambda model: model.num_reg_images())
centres = {i.name: i.projection_center().tolist() for i in best.images.values()}
(work / "centres.json").write_text(json.dumps(centres))
"""


def aligned(source, target):
    """`source` (N, 3) after the best similarity onto `target` (Umeyama 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, s, vt = np.linalg.svd(b.T @ a)
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = np.trace(np.diag(s) @ sign) / (a**2).sum()
    return scale * a @ (u @ sign @ vt).T + target.mean(axis=0)


@pytest.mark.slow
def test_structure_from_motion_registers_the_clean_frames_where_they_were(tmp_path):
    capture = generate_sample(SampleOptions(frames=40))
    (tmp_path / "images").mkdir()
    clean = [
        n
        for n in capture.truth.cameras.names
        if capture.truth.faults.get(n) in (None, "mask_missing")
    ]
    for name in clean:
        (tmp_path / "images" / name).write_bytes(capture.parts["raw_images"][name])
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], check=True, capture_output=True
    )
    found = json.loads((tmp_path / "centres.json").read_text())
    assert len(found) >= 0.8 * len(clean)
    true = capture.truth.cameras.subset(list(found)).centres_xyz
    errors = np.linalg.norm(aligned(np.array(list(found.values())), true) - true, axis=1)
    assert np.median(errors) < 0.02 * np.median(capture.truth.distance_m)
