"""Labels of cameras whose angles are known, and of the sample, whose truth is."""

import unicodedata
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rigs import apart_deg, rig, tokens_of

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.sample.generate import generate_sample
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sample.path import angles_of, handheld_path
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import CENTRE
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.bins import HEIGHTS, SIDES, Bins
from mtcm_pipeline.viewpoints.labels import label_counts, pose_labels
from mtcm_pipeline.viewpoints.options import LabelOptions
from synthetic import CAMERA, frame_table, moved, random_similarity

NUMBERS = ["azimuth_deg", "elevation_deg", "distance", "roll_deg", "pitch_deg"]


def labels_of(cameras, **options):
    settings = LabelOptions(**options)
    return pose_labels(viewpoints_of(tokens_of(cameras), settings), settings.names)


def clear_of_borders(bins: Bins, angles_deg, margin: float = 2.0):
    return np.all([apart_deg(angles_deg, b) > margin for b in bins.borders], axis=0)


def ring(**more):
    return rig(np.arange(0, 360, 15), 10, **more)


def test_a_ring_by_hand():
    table = labels_of(ring(), front_frame="f000.jpg").set_index("name")
    assert np.allclose(table["azimuth_deg"]["f006.jpg"], 90)
    words = {"f000": "front", "f003": "front-left", "f006": "left profile"}
    words |= {"f009": "back-left", "f012": "back", "f015": "back-right"}
    words |= {"f018": "right profile", "f021": "front-right"}
    for stem, word in words.items():
        assert table["side"][f"{stem}.jpg"] == word
    assert set(table["height"]) == {"eye level"} and set(table["framing"]) == {"medium"}
    assert table["label"]["f006.jpg"] == "left profile, eye level, medium"
    # The gauge's origin lies a hair in front of where the axes meet, hence the 0.1.
    assert np.allclose(table["elevation_deg"], 10, atol=0.1)
    assert np.allclose(table["roll_deg"], 0, atol=1e-4)
    assert np.allclose(table["pitch_deg"], -10, atol=1e-4)


def test_heights_distances_and_where_the_camera_looks():
    elevation = [5.0] * 12 + [-30, 40, 70, 5, 5, 5, 5]
    distance = [3.0] * 15 + [1.5, 6.0, 3.0, 3.0]
    pitch = [0.0] * 17 + [30, -30]
    azimuth = np.arange(19) * 360 / 19
    table = labels_of(rig(azimuth, elevation, distance, pitch_deg=pitch))
    assert table["height"].tolist()[12:15] == ["low angle", "high angle", "overhead"]
    assert table["framing"].tolist()[15:17] == ["close-up", "wide"]
    gaze = table["gaze"].tolist()
    assert gaze[0] == "looking level" and gaze[12:15] == [
        "looking up",
        "looking down",
        "looking down",
    ]
    assert gaze[17:] == ["looking up", "looking down"]
    assert table["label"][12].endswith("low angle, medium, looking up")
    assert table["label"][0] == "azimuth 0°, eye level, medium"


@pytest.mark.parametrize(
    ("roll", "word"),
    [(0, "upright"), (40, "tilted right"), (-40, "tilted left"), (180, "upside down")],
)
def test_roll_is_clockwise_for_the_photographer(roll, word):
    turned = np.zeros(24)
    turned[5] = roll
    table = labels_of(ring(roll_deg=turned))
    assert table["tilt"][5] == word
    assert apart_deg(table["roll_deg"][5], roll) < 0.5
    assert (table["tilt"].drop(5) == "upright").all()


def test_without_a_front_no_label_claims_one():
    table = labels_of(ring())
    claims = ("front", "back", "profile")
    assert not table["label"].str.contains("|".join(claims)).any()
    assert set(table["azimuth_from"]) == {"the first frame, f000.jpg"}
    first = ["azimuth 0°"] * 2 + ["azimuth 45°"] * 2
    assert table["side"].tolist()[:4] == first
    assert set(labels_of(ring(), front_azimuth_deg=30)["azimuth_from"]) == {"the front"}


def test_a_front_by_frame_and_by_angle_agree():
    by_frame = labels_of(ring(), front_frame="f004.jpg")
    azimuth = labels_of(ring())["azimuth_deg"][4]
    by_angle = labels_of(ring(), front_azimuth_deg=azimuth)
    assert np.allclose(apart_deg(by_frame["azimuth_deg"], by_angle["azimuth_deg"]), 0)
    assert by_frame["side"].tolist() == by_angle["side"].tolist()


def test_turned_to_the_front_cameras_stand_where_the_labels_say():
    tokens = tokens_of(moved(ring(), random_similarity(2)))
    views = viewpoints_of(tokens, LabelOptions(front_frame="f004.jpg"))
    x, y, z = views.front_from_gauge @ tokens.values[:, CENTRE].T
    azimuth, elevation = np.degrees([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))])
    assert np.allclose(apart_deg(azimuth, views.azimuth_deg), 0, atol=1e-5)
    assert np.allclose(elevation, views.elevation_deg, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_similarity_transform_of_the_capture_changes_no_label(seed):
    rng = np.random.default_rng(seed)
    cameras = rig(
        rng.uniform(0, 300, 30), rng.uniform(-10, 70, 30), rng.uniform(2, 5, 30)
    )
    here = labels_of(cameras, front_frame="f007.jpg")
    there = labels_of(moved(cameras, random_similarity(seed)), front_frame="f007.jpg")
    assert np.allclose(here[NUMBERS], there[NUMBERS], atol=2e-5)
    assert (here.drop(columns=NUMBERS) == there.drop(columns=NUMBERS)).all(axis=None)


def test_cameras_on_a_border_are_on_one_side_of_it_in_every_frame_of_reference():
    cameras = rig(np.arange(0, 360, 22.5), 15)  # every other one on a border of sides
    here = labels_of(cameras, front_frame="f000.jpg")
    expected = SIDES.words_of((np.arange(0, 360, 22.5) + 180) % 360 - 180)
    assert here["side"].tolist() == expected
    for seed in range(5):
        there = labels_of(moved(cameras, random_similarity(seed)), front_frame="f000.jpg")
        assert there["side"].tolist() == expected


@pytest.fixture(scope="module")
def sample_truth():
    """The sample as it is generated, in small pictures."""
    small = SampleOptions(width=48, height=64, voxel_mm=12, supersample=1)
    return generate_sample(small).truth


def test_the_sample_is_labelled_right_away_from_the_borders(sample_truth):
    truth = sample_truth
    posed = [kind != "wrong_pose" for kind in map(truth.faults.get, truth.given.names)]
    front = truth.given.names[int(np.argmin(np.abs(truth.azimuth_deg)))]
    offset = truth.azimuth_deg[truth.given.names.index(front)]
    table = labels_of(truth.given, front_frame=front)
    azimuth = (truth.azimuth_deg - offset + 180) % 360 - 180
    for column, bins, angles in (
        ("side", SIDES, azimuth),
        ("height", HEIGHTS, truth.elevation_deg),
    ):
        clear = clear_of_borders(bins, angles) & posed
        right = np.array(table[column]) == np.array(bins.words_of(angles))
        assert clear.sum() > 45 and right[clear].all()


@pytest.mark.parametrize("seed", range(8))
def test_other_walks_with_and_without_gaps_are_labelled_right(seed):
    rng = np.random.default_rng(seed)
    gaps = ((rng.uniform(-180, 180), rng.uniform(20, 120)),) if seed % 2 else ()
    path = handheld_path(SampleOptions(seed=seed, gaps_deg=gaps), 60, rng)
    azimuth, elevation, _ = angles_of(np.linalg.inv(path.cam_from_subject)[:, :3, 3])
    names = tuple(f"f{i:03d}.jpg" for i in range(60))
    cameras = PosedCameras(names, path.cam_from_subject, (1,) * 60, {1: CAMERA})
    table = labels_of(moved(cameras, random_similarity(seed)), front_frame=names[9])
    azimuth = (azimuth - azimuth[9] + 180) % 360 - 180
    for column, bins, angles in (
        ("side", SIDES, azimuth),
        ("height", HEIGHTS, elevation),
    ):
        clear = clear_of_borders(bins, angles)
        right = np.array(table[column]) == np.array(bins.words_of(angles))
        assert clear.sum() > 40 and right[clear].all()


def test_names_of_an_identity_replace_the_standard_ones():
    names = {"left profile": "north side", "eye level": "from the street"}
    table = labels_of(ring(), front_frame="f000.jpg", names=names)
    assert table["side"][6] == "north side"
    assert table["label"][6] == "north side, from the street, medium"
    with pytest.raises(ValueError, match="left profile"):
        LabelOptions(names={"left profil": "x"})
    with pytest.raises(ValueError, match="keep one"):
        LabelOptions(front_frame="a.jpg", front_azimuth_deg=3)


def test_a_front_that_is_not_there_is_named():
    with pytest.raises(ParameterError, match=r"f003\.jpg"):
        labels_of(ring(), front_frame="f003.jpeg")
    cameras = ring()
    frames = frame_table(cameras)
    tokens = tokens_of(cameras.subset(cameras.names[1:]), frames[1:])
    views = viewpoints_of(tokens)
    assert views.zero == "the first frame, f001.jpg"


def test_a_front_is_found_whether_its_accent_is_in_one_piece_or_two():
    cameras = ring()
    written = unicodedata.normalize("NFD", "é.jpg")
    renamed = replace(cameras, names=(*cameras.names[:3], written, *cameras.names[4:]))
    table = labels_of(renamed, front_frame=unicodedata.normalize("NFC", "é.jpg"))
    assert table["azimuth_deg"][3] == 0 and table["label"][3].startswith("front")


def test_frames_without_a_pose_have_no_words():
    cameras = ring()
    frames = frame_table(cameras)
    posed = cameras.subset(cameras.names[2:])
    embeddings = np.full((24, 384), np.nan)
    tokens, _ = build_tokens(frames, embeddings, posed)
    table = pose_labels(viewpoints_of(tokens))
    assert table["label"][0] == "no pose" and table["side"][0] == ""
    assert np.isnan(table["azimuth_deg"][0]) and table["azimuth_deg"][2] == 0
    with pytest.raises(ParameterError, match="no pose"):
        viewpoints_of(tokens, LabelOptions(front_frame="f001.jpg"))
    nothing, _ = build_tokens(frames, embeddings, cameras.subset([]))
    unposed = pose_labels(viewpoints_of(nothing, LabelOptions(front_frame="f001.jpg")))
    assert set(unposed["label"]) == {"no pose"}


def test_a_room_is_labelled_by_direction_and_has_no_distance():
    """Cameras that look outwards have no subject to be close to."""
    cameras = rig(np.arange(0, 360, 20), 0, distance=0.5)
    turned = np.array(cameras.cam_from_world)
    turned[:, [0, 2]] *= -1  # each camera turned about its own vertical axis
    outward = PosedCameras(cameras.names, turned, cameras.camera_ids, cameras.cameras)
    table = labels_of(outward)
    assert set(table["framing"]) == {""} and table["distance"].isna().all()
    assert np.allclose(apart_deg(table["azimuth_deg"], np.arange(0, 360, 20)), 0, atol=1)


def test_a_camera_straight_above_has_no_side():
    azimuth = np.r_[np.arange(0, 360, 15), 0]
    table = labels_of(rig(azimuth, [10.0] * 24 + [89.5]))
    assert table["side"][24] == "" and table["height"][24] == "overhead"


def test_counts_of_words():
    options = LabelOptions(front_frame="f000.jpg", names={"front": "gate"})
    views = viewpoints_of(tokens_of(ring()), options)
    names = pd.Series(views.names)
    kept, chosen = names != "f000.jpg", names == "f006.jpg"
    counts = label_counts(views, chosen, kept, options.names).set_index(["what", "word"])
    assert counts.loc[("side", "gate")].tolist() == [3, 2, 0]
    assert counts.loc[("side", "left profile")].tolist() == [3, 3, 1]
    assert counts.loc[("height", "eye level")].tolist() == [24, 23, 1]
    assert counts.loc[("height", "overhead")].tolist() == [0, 0, 0]
    assert counts.xs("side")["captured"].sum() == 24
    assert ("framing", "wide") not in counts.index
