"""The whole of `reconstruct` with a worker that only pretends, and the worker itself."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.nerfstudio import read_transforms
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.sfm import process, run
from mtcm_pipeline.sfm.compare import align_and_compare
from mtcm_pipeline.sfm.job import SfmJob, job_from_json, job_to_json
from mtcm_pipeline.sfm.marks import whole_folder, write_mark, write_whole
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.sfm.packing import pack_reading, unpack_reading
from mtcm_pipeline.sfm.process import SfmProcessError, run_worker
from mtcm_pipeline.sfm.run import reconstruct
from synthetic import orbit_cameras

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures"
STEP = {"seconds": 1.0, "cpu_seconds": 2.0}


def points_of(names: tuple[str, ...]) -> SparsePoints:
    """Two points that every image sees."""
    count = len(names)
    return SparsePoints(
        xyz=np.eye(3)[:2],
        rgb=np.full((2, 3), 7, dtype=np.uint8),
        error_px=np.array([0.5, 0.25]),
        track_point=np.repeat([0, 1], count),
        track_image=np.tile(np.array(names), 2),
        track_xy=np.arange(4.0 * count).reshape(-1, 2),
        model_images=np.array(names),
    )


def silent(step: str, done: int, total: int) -> None:
    pass


def jpeg(seed: int) -> bytes:
    """A picture full of corners, shifted from seed to seed."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (160, 200, 3)).astype(np.uint8))
    blurred = noise.filter(ImageFilter.GaussianBlur(1.5))
    buffer = io.BytesIO()
    blurred.crop((4 * seed, 0, 4 * seed + 160, 120)).save(buffer, "JPEG")
    return buffer.getvalue()


IMAGES = {f"p {i}.jpg": (lambda i=i: jpeg(i)) for i in range(6)}


def fake_worker(sizes: dict[bool, list[int]]):
    """A worker whose models have `sizes` images, by whether distortion is held."""
    calls = []

    def run_worker(job: SfmJob, on_progress) -> None:
        calls.append(job)
        on_progress("model", 1, 6)
        if job.model_folder.is_dir():
            return
        files = [file for group in job.cameras for file in group.files]
        models, at = {}, 0
        for number, size in enumerate(sizes[job.mapping.fixed_distortion]):
            held = files[at : at + size]
            models[f"model {number}"] = {"files": held, "points": 9, "error_px": 0.5}
            at += size
        steps = dict.fromkeys(("features", "matches", "model"), STEP)
        with whole_folder(job.model_folder) as folder:
            if models:
                kept = models["model 0"]["files"]
                cameras = orbit_cameras(len(kept))
                named = type(cameras)(
                    tuple(kept),
                    cameras.cam_from_world,
                    cameras.camera_ids,
                    cameras.cameras,
                    "structure from motion",
                )
                reading = PoseReading(named, points_of(tuple(kept)), {}, ())
                write_whole(folder / "reading.npz", pack_reading(reading))
            write_mark(folder / "summary.json", models=models, steps=steps)

    return run_worker, calls


def test_frames_get_their_names_back_and_the_rest_are_named(tmp_path, monkeypatch):
    worker, calls = fake_worker({False: [4, 1]})
    monkeypatch.setattr(run, "run_worker", worker)
    result = reconstruct(IMAGES, {}, tmp_path, SfmOptions(), on_progress=silent)
    assert result.registered == 4 and result.reading.cameras.names == tuple(IMAGES)[:4]
    assert result.unregistered == ("p 4.jpg", "p 5.jpg")
    assert "separate model of 1" in result.reading.problems["p 4.jpg"]
    assert "did not register" in result.reading.problems["p 5.jpg"]
    assert set(result.reading.points.track_image) <= set(tuple(IMAGES)[:4])
    assert result.reading.points.images() == set(tuple(IMAGES)[:4])
    assert result.models[0].files == tuple(IMAGES)[:4] and len(calls) == 1
    assert any("2 of 6 images were not registered" in n for n in result.reading.notes)
    assert result.seconds["features"] == 1.0


@pytest.mark.parametrize(
    ("registered", "use_masks", "told"),
    [(2, True, True), (3, True, False), (2, False, False)],
)
def test_masks_that_leave_few_registered_are_named(
    tmp_path, monkeypatch, registered, use_masks, told
):
    worker, _ = fake_worker({False: [registered], True: [registered]})
    monkeypatch.setattr(run, "run_worker", worker)
    monkeypatch.setattr(run, "_FEWEST", 2)
    white = io.BytesIO()
    Image.new("L", (160, 120), 255).save(white, "PNG")
    masks = {f"{Path(name).stem}.png": white.getvalue for name in IMAGES}
    options = SfmOptions(use_masks=use_masks)
    result = reconstruct(IMAGES, masks, tmp_path, options, on_progress=silent)
    assert any("sfm.use_masks=false" in n for n in result.reading.notes) == told


def test_patient_settings_are_tried_when_few_register_and_the_best_is_kept(
    tmp_path, monkeypatch
):
    worker, calls = fake_worker({False: [3], True: [5]})
    monkeypatch.setattr(run, "run_worker", worker)
    focals = dict.fromkeys(IMAGES, 150.0)
    result = reconstruct(
        IMAGES, {}, tmp_path, SfmOptions(), focal_px=focals, on_progress=silent
    )
    assert [job.cameras[0].focal_px for job in calls] == [150.0, None, 150.0]
    assert [job.mapping.fixed_distortion for job in calls] == [False, False, True]
    assert calls[2].features.peak_threshold < calls[0].features.peak_threshold
    assert result.kept == 2 and result.registered == 5 and len(result.attempts) == 3
    # Features are shared by the first two attempts; matches and models are not.
    assert result.seconds == {
        "prepare": result.seconds["prepare"],
        "features": 2.0,
        "matches": 3.0,
        "model": 3.0,
    }


def test_the_better_attempt_counts_not_the_last(tmp_path, monkeypatch):
    worker, _ = fake_worker({False: [3], True: []})
    monkeypatch.setattr(run, "run_worker", worker)
    result = reconstruct(IMAGES, {}, tmp_path, SfmOptions(), on_progress=silent)
    assert result.kept == 0 and result.registered == 3


def test_nothing_registered_and_too_few_images_are_errors(tmp_path, monkeypatch):
    worker, _ = fake_worker({False: [2], True: []})
    monkeypatch.setattr(run, "run_worker", worker)
    with pytest.raises(CaptureError, match=r"could not register 6 images.*masks"):
        reconstruct(IMAGES, {}, tmp_path, SfmOptions(), on_progress=silent)
    two = {name: IMAGES[name] for name in list(IMAGES)[:2]}
    with pytest.raises(CaptureError, match="at least 3 images, and 2 of 2"):
        reconstruct(two, {}, tmp_path, SfmOptions(), on_progress=silent)


def test_a_reading_survives_packing():
    cameras = orbit_cameras(5)
    reading = PoseReading(cameras, points_of(cameras.names), {"a": "b"}, ("n",))
    again = unpack_reading(pack_reading(reading))
    np.testing.assert_array_equal(
        again.cameras.cam_from_world, reading.cameras.cam_from_world
    )
    assert again.cameras.names == cameras.names and again.problems == {"a": "b"}
    assert dict(again.cameras.cameras) == dict(cameras.cameras) and again.notes == ("n",)
    np.testing.assert_array_equal(again.points.track_xy, reading.points.track_xy)
    assert (again.points.track_image == reading.points.track_image).all()
    assert (again.points.model_images == reading.points.model_images).all()
    assert unpack_reading(pack_reading(PoseReading(cameras, None, {}, ()))).points is None


def job_of(tmp_path, monkeypatch, **options) -> SfmJob:
    """The first job that `reconstruct` would give its worker."""
    worker, calls = fake_worker({False: [6]})
    monkeypatch.setattr(run, "run_worker", worker)
    reconstruct(IMAGES, {}, tmp_path, SfmOptions(**options), on_progress=silent)
    return calls[0]


def test_keys_follow_what_a_step_depends_on(tmp_path, monkeypatch):
    base = job_of(tmp_path, monkeypatch)
    assert job_from_json(job_to_json(base)) == base
    seeded = job_of(tmp_path, monkeypatch, seed=1)
    assert seeded.features_key == base.features_key
    assert seeded.matches_key != base.matches_key and seeded.model_key != base.model_key
    fewer = job_of(tmp_path, monkeypatch, max_features=500)
    assert fewer.features_key != base.features_key
    assert job_of(tmp_path, monkeypatch, threads=1).model_key == base.model_key


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """Has a few lines of Python run in place of the worker."""

    def use(code: str) -> SfmJob:
        job = job_of(tmp_path, monkeypatch)
        real = subprocess.Popen

        def popen(command, **kwargs):
            return real([sys.executable, "-c", code], **kwargs)

        monkeypatch.setattr(process.subprocess, "Popen", popen)
        return job

    return use


def test_progress_comes_from_both_kinds_of_lines(stub):
    code = """
print('@sfm {"step": "features", "total": 4}')
print("I1123 x feature_extraction.cc:270] Processed file [3/4]")
print('@sfm {"step": "matches", "total": 500}')
print("I1123 x feature_matching.cc:90] Processing block [2/2]")
print('@sfm {"step": "model", "done": 3, "total": 4}')
print('@sfm {"finished": true}')
"""
    heard = []
    run_worker(stub(code), lambda *call: heard.append(call))
    assert heard == [
        ("features", 0, 4),
        ("features", 3, 4),
        ("features", 4, 4),
        ("matches", 0, 500),
        ("matches", 250, 500),
        ("matches", 500, 500),
        ("model", 3, 4),
        ("model", 4, 4),
    ]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL.*memory.*run again"),
        ("import os; os.abort()", "SIGABRT.*crash inside pycolmap"),
        ("print('the log'); raise SystemExit(3)", "exit status 3.*the log"),
        (
            """print('@sfm {"error": "ValueError: bad"}'); raise SystemExit(1)""",
            "ValueError: bad",
        ),
    ],
)
def test_every_end_of_the_worker_is_told(stub, code, message):
    with pytest.raises(SfmProcessError, match=message):
        run_worker(stub(code), silent)


def test_the_worker_ends_when_we_stop_listening(stub):
    job = stub("""
import os, time
print('@sfm {"step": "features", "done": %d, "total": 9}' % os.getpid(), flush=True)
time.sleep(60)
""")
    seen = []

    def interrupted(step, done, total):
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_worker(job, interrupted)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)


def test_the_worker_imports_no_torch_and_no_kedro():
    code = (
        "import sys, mtcm_pipeline.sfm.worker\n"
        "raise SystemExit(bool({'torch', 'kedro'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def fox(every: int) -> tuple[dict, Path]:
    folder = CAPTURES / "fox"
    if not folder.is_dir():
        pytest.skip("the shared captures are not here")
    files = sorted((folder / "images").iterdir())[::every]
    return {file.name: file.read_bytes for file in files}, folder


@pytest.mark.slow
def test_a_killed_run_continues_and_ends_as_an_unbroken_one(tmp_path, monkeypatch):
    images, folder = fox(3)
    options = SfmOptions(threads=1)
    pids: list[int] = []
    real = subprocess.Popen

    def popen(*args, **kwargs):
        pids.append((started := real(*args, **kwargs)).pid)
        return started

    monkeypatch.setattr(process.subprocess, "Popen", popen)
    stages = {"features": 5, "matches": 0, "model": 6}  # where it is killed

    def kill_at(stage):
        def progress(step, done, total):
            if step == stage and done >= stages[stage]:
                os.kill(pids[-1], signal.SIGKILL)

        return progress

    for stage in stages:
        with pytest.raises(SfmProcessError, match="SIGKILL"):
            reconstruct(images, {}, tmp_path / "a", options, on_progress=kill_at(stage))
    kept = {
        path: path.stat().st_mtime_ns
        for path in (tmp_path / "a").glob("features-*/*.json")
    }
    assert {path.name for path in kept} == {
        "features.json",
        "matching.json",
        "matches.json",
    }
    steps = set()
    broken = reconstruct(
        images,
        {},
        tmp_path / "a",
        options,
        on_progress=lambda step, *_: steps.add(step),
    )
    assert steps == {"model"}
    assert all(path.stat().st_mtime_ns == t for path, t in kept.items())

    whole = reconstruct(images, {}, tmp_path / "b", options, on_progress=silent)
    assert broken.reading.cameras.names == whole.reading.cameras.names
    np.testing.assert_array_equal(
        broken.reading.cameras.cam_from_world, whole.reading.cameras.cam_from_world
    )
    np.testing.assert_array_equal(broken.reading.points.xyz, whole.reading.points.xyz)
    content = json.loads((folder / "transforms.json").read_text())
    given = read_transforms(content, set(images)).cameras
    found = align_and_compare(whole.reading.cameras, given)
    assert whole.registered >= 15
    assert found.median_rotation_deg < 2.0 and found.median_centre_error < 0.02


@pytest.mark.slow
def test_the_worker_does_not_outlive_its_parent(tmp_path):
    _, folder = fox(3)
    parent = """
import sys
from pathlib import Path
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.sfm.run import reconstruct
files = sorted(Path(sys.argv[1]).iterdir())
images = {file.name: file.read_bytes for file in files}
reconstruct(images, {}, Path(sys.argv[2]), SfmOptions(),
            on_progress=lambda *call: print(*call, flush=True))
"""
    command = [sys.executable, "-c", parent, str(folder / "images")]
    started = subprocess.Popen(
        [*command, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(60, started.kill)
    watchdog.start()
    assert started.stdout is not None
    for line in started.stdout:
        step, done, _ = line.split()
        assert step == "features"
        if int(done) >= 1:  # the worker is at it
            break
    started.kill()
    started.wait()
    watchdog.cancel()
    started.stdout.close()
    database = next(tmp_path.glob("features-*")) / "database.db"
    sizes = []
    for _ in range(8):
        time.sleep(0.5)
        sizes.append(sum(p.stat().st_size for p in database.parent.glob("database*")))
    assert sizes[-1] == sizes[3]  # nobody writes any more
