"""The generated capture against brute force, its own files and its stated truth."""

import io
import json
from datetime import datetime

import numpy as np
import pytest
from PIL import ExifTags, Image
from surface_samples import surface_points

from mtcm_pipeline.capture.rotations import matrix_from_quat, rotation_angle_deg
from mtcm_pipeline.sample.generate import generate_sample, subject_surface
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sample.truth import generation_record

SMALL = SampleOptions(seed=5, frames=16, width=120, height=160, voxel_mm=5.0)
CLEAN = SampleOptions(seed=5, frames=12, width=240, height=320, voxel_mm=4, faults=False)


def mean_colours(images):
    """Stands for an encoder: (N, 3)."""
    return np.stack([image.mean(axis=(0, 1)) for image in images]).astype(np.float32)


@pytest.fixture(scope="module")
def faulty():
    return generate_sample(SMALL, embed=mean_colours)


@pytest.fixture(scope="module")
def clean():
    return generate_sample(CLEAN)


@pytest.fixture(scope="module")
def points():
    """(P, 3) known points of the clean capture's subject, and their normals."""
    surface = subject_surface(CLEAN)
    xyz = surface_points(surface, 200_000, np.random.default_rng(0))
    return xyz, surface.normals(xyz.T).T


def picture(capture, name):
    return np.asarray(Image.open(io.BytesIO(capture.parts["raw_images"][name])))


def mask(capture, name):
    content = capture.parts["masks"][name.replace(".jpg", ".png")]
    return np.asarray(Image.open(io.BytesIO(content))) > 127


def project(capture, name, xyz):
    """Pixel positions (P, 2) and depths (P,) by the textbook, from the true camera."""
    pose = capture.truth.cameras.pose_of(name)
    fx, fy, cx, cy = capture.truth.cameras.camera_of(name).params
    in_camera = xyz @ pose[:3, :3].T + pose[:3, 3]
    x = fx * in_camera[:, 0] / in_camera[:, 2] + cx
    y = fy * in_camera[:, 1] / in_camera[:, 2] + cy
    return np.stack([x, y], axis=1), in_camera[:, 2]


def splatted_depth(capture, name, xyz):
    """(H, W) nearest depth of splatted points, infinite where there are none."""
    camera = capture.truth.cameras.camera_of(name)
    xy, depth = project(capture, name, xyz)
    columns, rows = np.floor(xy).astype(int).T
    nearest = np.full((camera.height, camera.width), np.inf)
    ok = (columns >= 0) & (columns < camera.width) & (rows >= 0) & (rows < camera.height)
    np.minimum.at(nearest, (rows[ok], columns[ok]), depth[ok])
    return nearest


def test_equal_options_give_equal_bytes(faulty):
    again = generate_sample(SMALL, embed=mean_colours)
    assert {part: dict(files) for part, files in again.parts.items()} == {
        part: dict(files) for part, files in faulty.parts.items()
    }


def test_another_seed_gives_another_subject_path_and_lens(clean):
    other = generate_sample(
        SampleOptions(seed=6, frames=12, width=60, height=80, voxel_mm=8, faults=False)
    )
    first, second = other.truth.cameras.cameras[1], clean.truth.cameras.cameras[1]
    assert first.params[0] / first.width != pytest.approx(second.params[0] / second.width)
    assert not np.allclose(other.truth.azimuth_deg, clean.truth.azimuth_deg, atol=0.5)


def test_masks_equal_the_silhouette_of_brute_force_points(clean, points):
    xyz, _ = points
    for name in clean.truth.cameras.names:
        covered = np.isfinite(splatted_depth(clean, name, xyz))
        stated = mask(clean, name)
        # Points lie inside the mask but for half-covered pixels on the rim ...
        assert (covered & ~stated).sum() < 0.025 * stated.sum()
        # ... and leave none of it bare but for chance.
        assert (stated & ~covered).sum() < 0.05 * stated.sum()


def test_a_point_of_the_surface_has_one_colour_in_two_views(clean, points):
    xyz, normals = points
    names = clean.truth.cameras.names
    azimuth = clean.truth.azimuth_deg
    pairs = [
        (i, i + 1)
        for i in range(len(names) - 1)
        if abs((azimuth[i + 1] - azimuth[i] + 180) % 360 - 180) < 60
    ]
    assert pairs
    for first, second in pairs:
        samples, seen = [], np.ones(len(xyz), bool)
        for name in (names[first], names[second]):
            xy, depth = project(clean, name, xyz)
            columns, rows = np.floor(xy).astype(int).T
            inside = (columns >= 0) & (columns < 240) & (rows >= 0) & (rows < 320)
            columns, rows = np.clip(columns, 0, 239), np.clip(rows, 0, 319)
            front = depth < splatted_depth(clean, name, xyz)[rows, columns] + 0.003
            centre = clean.truth.cameras.centres_xyz[names.index(name)]
            ray = (centre - xyz) / np.linalg.norm(centre - xyz, axis=1, keepdims=True)
            seen &= inside & front & ((ray * normals).sum(axis=1) > 0.5)
            grey = picture(clean, name).astype(float).mean(axis=2)
            samples.append(grey[rows, columns])
        assert seen.sum() > 500
        agreement = np.corrcoef(samples[0][seen], samples[1][seen])[0, 1]
        assert agreement > 0.85, (first, second)


def test_the_mask_shows_the_subject_uncut_and_big_enough(clean):
    for name in clean.truth.cameras.names:
        assert 0.1 < mask(clean, name).mean() < 0.6


def test_poses_json_is_the_truth_under_one_similarity(clean):
    content = json.loads(clean.parts["metadata"]["poses.json"])
    similarity = clean.truth.world_from_subject
    for name, frame in content["images"].items():
        rotation = matrix_from_quat(np.array(frame["qvec"]))
        assert np.linalg.norm(frame["qvec"]) == pytest.approx(1)
        centre = -rotation.T @ np.array(frame["tvec"])
        pose = clean.truth.cameras.pose_of(name)
        true_centre = -pose[:3, :3].T @ pose[:3, 3]
        expected = similarity[:3, :3] @ true_centre + similarity[:3, 3]
        np.testing.assert_allclose(centre, expected, atol=1e-9)
        axis = similarity[:3, :3] @ pose[2, :3]
        np.testing.assert_allclose(rotation[2], axis / np.linalg.norm(axis), atol=1e-9)
    camera = content["cameras"]["1"]
    assert (camera["model"], camera["width"], camera["height"]) == ("PINHOLE", 240, 320)
    assert np.linalg.det(similarity[:3, :3]) > 0


def test_azimuth_is_measured_from_the_face_to_the_subjects_left(clean):
    truth = clean.truth
    centres = truth.cameras.centres_xyz
    left = (truth.azimuth_deg > 20) & (truth.azimuth_deg < 160)
    right = (truth.azimuth_deg < -20) & (truth.azimuth_deg > -160)
    assert left.any() and right.any()
    assert (centres[left, 0] > 0).all() and (centres[right, 0] < 0).all()
    front = np.abs(truth.azimuth_deg) < 70
    assert (centres[front, 2] > 0).all()


def test_no_camera_stands_in_a_gap(clean):
    for centre, width in CLEAN.gaps_deg:
        away = np.abs((clean.truth.azimuth_deg - centre + 180) % 360 - 180)
        assert (away >= width / 2 - 1e-6).all()


def test_pictures_say_when_and_with_which_lens(faulty):
    times = []
    for name, content in sorted(faulty.parts["raw_images"].items()):
        image = Image.open(io.BytesIO(content))
        exif = image.getexif()
        own = exif.get_ifd(ExifTags.IFD.Exif)
        stamp = own[ExifTags.Base.DateTimeOriginal], own[ExifTags.Base.SubsecTimeOriginal]
        times.append(datetime.strptime(".".join(stamp), "%Y:%m:%d %H:%M:%S.%f"))
        assert image.size == (120, 160)
        assert exif[ExifTags.Base.Make] and float(own[ExifTags.Base.FocalLength]) > 1
        # The 35 mm equivalent is defined on the diagonal: 43.27 mm there, 200 px here.
        equivalent = own[ExifTags.Base.FocalLengthIn35mmFilm]
        focal_px = faulty.truth.cameras.camera_of(name).params[0]
        assert focal_px == pytest.approx(equivalent / 43.2666 * 200, rel=0.011)
    assert times == sorted(times) and len(set(times)) == 16


def test_every_fault_is_stated_once_and_equal_in_both_files(faulty):
    planted = json.loads(faulty.parts["metadata"]["planted_faults.json"])
    assert sorted(planted.values()) == [
        "blurred", "duplicate", "embedding_missing",
        "foreign", "mask_missing", "wrong_pose",
    ]  # fmt: skip
    truth = json.loads(faulty.parts["metadata"]["truth.json"])
    assert truth["faults"] == planted
    assert truth["generated_with"] == json.loads(json.dumps(generation_record(SMALL)))


def sharpness(capture, name):
    grey = picture(capture, name).astype(float).mean(axis=2)
    laplacian = (
        grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
        - 4 * grey[1:-1, 1:-1]
    )  # fmt: skip
    return laplacian.var()


def faulty_name(capture, kind):
    (name,) = [name for name, own in capture.truth.faults.items() if own == kind]
    return name


def test_the_blurred_frame_is_the_least_sharp(faulty):
    values = {name: sharpness(faulty, name) for name in faulty.truth.cameras.names}
    worst, second = sorted(values, key=lambda name: values[name])[:2]
    assert worst == faulty_name(faulty, "blurred")
    assert values[worst] < 0.5 * values[second]


def test_stated_poses_are_wrong_for_the_wrong_pose_and_the_duplicate_only(faulty):
    truth = faulty.truth
    similarity = truth.world_from_subject
    scale = np.cbrt(np.linalg.det(similarity[:3, :3]))
    true_rotations = (
        truth.cameras.cam_from_world[:, :3, :3] @ similarity[:3, :3].T / scale
    )
    angles = rotation_angle_deg(true_rotations, truth.given.cam_from_world[:, :3, :3])
    expected = truth.cameras.centres_xyz @ similarity[:3, :3].T + similarity[:3, 3]
    shifts = np.linalg.norm(truth.given.centres_xyz - expected, axis=1) / scale
    for row, name in enumerate(truth.cameras.names):
        kind = truth.faults.get(name)
        if kind == "wrong_pose":
            assert 20 < angles[row] < 35 and shifts[row] > 0.3
        elif kind == "duplicate":
            assert 0 < angles[row] < 0.6 and 0 < shifts[row] < 0.01
        else:
            assert angles[row] < 1e-4 and shifts[row] < 1e-9


def test_the_duplicate_shows_the_picture_before_it_a_moment_later(faulty):
    name = faulty_name(faulty, "duplicate")
    original = faulty.truth.duplicate_of[name]
    names = faulty.truth.cameras.names
    assert names.index(name) == names.index(original) + 1
    before = names[names.index(original) - 1]
    one, two, other = (picture(faulty, n).astype(float) for n in (original, name, before))
    assert np.abs(one - two).mean() < 0.15 * np.abs(one - other).mean()
    images = faulty.parts["raw_images"]
    assert images[name] != images[original]


def test_the_foreign_frame_shows_something_blue_and_no_other_does(faulty):
    def blueness(name):
        colour = picture(faulty, name)[mask(faulty, name)].mean(axis=0)
        return colour[2] / colour[0]

    foreign = faulty_name(faulty, "foreign")
    masked = [name.replace(".png", ".jpg") for name in faulty.parts["masks"]]
    assert blueness(foreign) > 1.5 * max(blueness(n) for n in masked if n != foreign)


def test_exactly_one_mask_and_one_embedding_are_missing(faulty):
    for part, suffix in (("masks", ".png"), ("embeddings", ".npy")):
        kind = part.removesuffix("s") + "_missing"
        missing = faulty_name(faulty, kind).replace(".jpg", suffix)
        expected = {n.replace(".jpg", suffix) for n in faulty.truth.cameras.names}
        assert expected - set(faulty.parts[part]) == {missing}


def test_embeddings_belong_to_their_pictures(faulty):
    for file, content in faulty.parts["embeddings"].items():
        vector = np.load(io.BytesIO(content), allow_pickle=False)
        decoded = picture(faulty, file.replace(".npy", ".jpg")).mean(axis=(0, 1))
        np.testing.assert_allclose(vector, decoded, atol=1.5)


def test_without_an_encoder_no_embedding_is_called_missing(clean):
    assert "embeddings" not in clean.parts
    assert not clean.truth.faults
