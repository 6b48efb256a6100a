"""The process that runs pycolmap: `python -m mtcm_pipeline.sfm.worker job.json`.

It is a process of its own because pycolmap ends the process on some errors and clashes
with torch's runtime. It tells what it does in lines on standard output that begin with
`PROTOCOL`; COLMAP's own log lines come in between. It ends when its standard input does,
so that it never outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtcm_pipeline.formats.colmap import largest_reconstruction, read_reconstruction
from mtcm_pipeline.sfm.job import PROTOCOL, CameraGroup, SfmJob, job_from_json
from mtcm_pipeline.sfm.marks import (
    Stopwatch,
    read_mark,
    whole_folder,
    write_mark,
    write_whole,
)
from mtcm_pipeline.sfm.packing import pack_reading

if TYPE_CHECKING:
    import pycolmap

SOURCE = "structure from motion"
# COLMAP's guess where nothing is known: the focal length of a moderately wide lens.
FOCAL_GUESS = 1.2
_SMALLEST_MODEL = 3
_PAIRS_AT_ONCE = 250  # between two lines of COLMAP's log, and so steps of the bar


def tell(**message: Any) -> None:
    """One line of the protocol."""
    sys.stdout.write(PROTOCOL + json.dumps(message) + "\n")
    sys.stdout.flush()


def find_features(job: SfmJob) -> None:
    """Fill the database with images, cameras and features; images that have are kept."""
    import pycolmap

    mark = job.features_folder / "features.json"
    if mark.is_file():
        return
    tell(step="features", total=sum(len(group.files) for group in job.cameras))
    clock = Stopwatch()
    job.features_folder.mkdir(parents=True, exist_ok=True)
    database = job.features_folder / "database.db"
    reader = _reader_options(job)
    if not database.is_file():
        _import_images(job, database, reader)
    wanted = pycolmap.FeatureExtractionOptions(
        use_gpu=False, num_threads=job.threads, max_image_size=job.features.max_image_px
    )
    wanted.sift.first_octave = job.features.first_octave
    wanted.sift.peak_threshold = job.features.peak_threshold
    wanted.sift.max_num_features = job.features.max_features
    pycolmap.extract_features(
        database, job.images, reader_options=reader, extraction_options=wanted
    )
    write_mark(mark, **clock.read())


def match_pairs(job: SfmJob) -> None:
    """Match and verify the pairs; what was matched before the process ended is kept.

    The database holds matches for one set of cameras at a time: verification asks for
    their focal lengths, so other cameras have everything verified again.
    """
    import pycolmap

    mark = job.features_folder / "matches.json"
    begun = job.features_folder / "matching.json"
    if read_mark(mark).get("key") == job.matches_key:
        return
    tell(step="matches", total=len(job.pairs))
    clock = Stopwatch()
    database = job.features_folder / "database.db"
    if read_mark(begun).get("key") != job.matches_key:
        mark.unlink(missing_ok=True)
        _set_cameras(job, database)
        write_mark(begun, key=job.matches_key)
    pairs = job.features_folder / "pairs.txt"
    write_whole(pairs, "".join(f"{a} {b}\n" for a, b in job.pairs).encode())
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = job.seed
    pycolmap.match_image_pairs(
        database,
        matching_options=pycolmap.FeatureMatchingOptions(
            use_gpu=False, num_threads=job.threads
        ),
        pairing_options=pycolmap.ImportedPairingOptions(
            match_list_path=pairs, block_size=_PAIRS_AT_ONCE
        ),
        verification_options=verification,
    )
    write_mark(mark, key=job.matches_key, **clock.read())


def build_models(job: SfmJob) -> None:
    """Incremental mapping; the largest model is kept as a reading, all are listed."""
    import pycolmap

    total = sum(len(group.files) for group in job.cameras)
    tell(step="model", total=total)
    clock = Stopwatch()
    done = 2

    def next_image() -> None:
        nonlocal done
        done += 1
        tell(step="model", done=min(done, total), total=total)

    with whole_folder(job.model_folder) as folder:
        models = pycolmap.incremental_mapping(
            job.features_folder / "database.db",
            job.images,
            folder,
            options=_mapping_options(job),
            next_image_callback=next_image,
        )
        named = {f"model {i}": model for i, model in models.items()}
        summary = {name: _summary(model) for name, model in named.items()}
        if named:
            best, notes = largest_reconstruction(named)
            reading = read_reconstruction(named[best], source=SOURCE)
            write_whole(folder / "reading.npz", pack_reading(reading))
            write_mark(folder / "best.json", name=best, notes=notes)
        steps = {
            "features": read_mark(job.features_folder / "features.json"),
            "matches": read_mark(job.features_folder / "matches.json"),
            "model": clock.read(),
        }
        write_mark(folder / "summary.json", models=summary, steps=steps)


def run(job: SfmJob) -> None:
    """The steps that are not done yet; none if the model is there."""
    if job.model_folder.is_dir():
        return
    import pycolmap

    pycolmap.logging.minloglevel = int(pycolmap.logging.Level.INFO)
    pycolmap.set_random_seed(job.seed)
    find_features(job)
    match_pairs(job)
    build_models(job)


def main(arguments: list[str]) -> int:
    """Run the job file named by the only argument."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        run(job_from_json(Path(arguments[0]).read_bytes()))
    except Exception as error:  # whatever it is, it must reach the other process
        tell(error=f"{type(error).__name__}: {error}")
        return 1
    tell(finished=True)
    return 0


def _end_with_parent() -> None:
    """Leave at once when the parent closes our standard input, which its end does."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


def _reader_options(job: SfmJob) -> pycolmap.ImageReaderOptions:
    import pycolmap

    options = pycolmap.ImageReaderOptions(camera_model=job.mapping.camera_model)
    if job.masks is not None:
        options.mask_path = job.masks
    return options


def _import_images(
    job: SfmJob, database: Path, reader: pycolmap.ImageReaderOptions
) -> None:
    """A database with every image and one camera a group, there only when complete."""
    import pycolmap

    temporary = database.with_name("importing.db")
    for stale in database.parent.glob("importing.db*"):
        stale.unlink()
    pycolmap.Database.open(temporary).close()
    for group in job.cameras:
        pycolmap.import_images(
            temporary,
            job.images,
            camera_mode=pycolmap.CameraMode.SINGLE,
            image_names=list(group.files),
            options=reader,
        )
    temporary.replace(database)


def _set_cameras(job: SfmJob, path: Path) -> None:
    """Give the cameras their focal lengths; drop what was verified with others."""
    import pycolmap

    database = pycolmap.Database.open(path)
    for group in job.cameras:
        image = database.read_image_with_name(group.files[0])
        assert image is not None
        database.update_camera(_camera(group, image.camera_id, job.mapping.camera_model))
    database.clear_two_view_geometries()
    database.close()


def _camera(group: CameraGroup, camera_id: int, model: str) -> pycolmap.Camera:
    import pycolmap

    focal = group.focal_px or FOCAL_GUESS * max(group.width, group.height)
    camera = pycolmap.Camera.create_from_model_name(
        camera_id, model, focal, group.width, group.height
    )
    camera.has_prior_focal_length = group.focal_px is not None
    return camera


def _mapping_options(job: SfmJob) -> pycolmap.IncrementalPipelineOptions:
    import pycolmap

    settings = job.mapping
    options = pycolmap.IncrementalPipelineOptions(
        num_threads=job.mapping_threads,
        random_seed=job.seed,
        min_model_size=_SMALLEST_MODEL,
        ba_refine_extra_params=not settings.fixed_distortion,
    )
    mapper = options.mapper
    mapper.num_threads = job.mapping_threads
    mapper.random_seed = job.seed
    mapper.init_min_num_inliers = settings.init_min_inliers
    mapper.init_min_tri_angle = settings.init_min_angle_deg
    mapper.abs_pose_min_num_inliers = settings.pose_min_inliers
    mapper.abs_pose_refine_extra_params = not settings.fixed_distortion
    options.triangulation.random_seed = job.seed
    return options


def _summary(model: pycolmap.Reconstruction) -> dict[str, Any]:
    return {
        "files": sorted(model.images[i].name for i in model.reg_image_ids()),
        "points": model.num_points3D(),
        "error_px": round(float(model.compute_mean_reprojection_error()), 4),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
