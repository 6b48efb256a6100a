import numpy as np
import pandas as pd

from mtcm_pipeline.consistency.relative_quality import relative_quality
from mtcm_pipeline.ingest.quality import relative_to_neighbours
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import frame_table, orbit_cameras, smooth_embeddings

N = 40


def frames_with(luminance):
    cameras = orbit_cameras(N)
    frames = frame_table(cameras).assign(
        luminance=luminance, relative_sharpness=np.log(0.5), duplicate_of=""
    )
    frames["relative_luminance"] = relative_to_neighbours(
        luminance,
        cameras.centres_xyz,
        cameras.viewing_directions,
        np.arange(N) * 1.0,
        6,
    )
    return frames, build_tokens(frames, smooth_embeddings(cameras), cameras)[0]


UNKNOWN = pd.DataFrame({"pose_verdict": ["unknown"] * N, "pose_doubt": [0.5] * N})


def test_one_dark_frame_is_odd_and_its_ratio_is_the_factor():
    luminance = np.full(N, 0.4)
    luminance[11] = 0.1
    quality = relative_quality(*frames_with(luminance), UNKNOWN, 6)
    assert np.isclose(quality["luminance_ratio"][11], 0.25)
    assert np.allclose(quality["luminance_ratio"].drop(11), 1.0)
    assert np.allclose(quality["sharpness_ratio"], 0.5)


def test_a_dark_stretch_is_not_odd_inside():
    luminance = np.full(N, 0.4)
    luminance[10:20] = 0.15
    ratio = relative_quality(*frames_with(luminance), UNKNOWN, 4)["luminance_ratio"]
    assert np.allclose(ratio[13:17], 1.0)


def test_a_mask_of_half_the_neighbours_size_says_so():
    frames, tokens = frames_with(np.full(N, 0.4))
    area = np.full(N, 0.3)
    area[7] = 0.15
    area[9] = np.nan
    quality = relative_quality(frames.assign(mask_area=area), tokens, UNKNOWN, 6)
    assert np.isclose(quality["mask_area_ratio"][7], 0.5)
    assert np.isnan(quality["mask_area_ratio"][9])


def test_an_empty_mask_has_no_area_where_most_frames_show_a_subject():
    frames, tokens = frames_with(np.full(N, 0.4))
    area, empty = np.full(N, 0.3), np.zeros(N, dtype=bool)
    area[[7, 9]], empty[7] = np.nan, True  # 9 has no mask at all
    frames = frames.assign(mask_area=area, mask_empty=empty)
    ratio = relative_quality(frames, tokens, UNKNOWN, 6)["mask_area_ratio"]
    assert ratio[7] == 0.0 and np.isnan(ratio[9])
    area[: N // 2] = np.nan  # then half of the frames show none
    ratio = relative_quality(frames.assign(mask_area=area), tokens, UNKNOWN, 6)
    assert np.isnan(ratio["mask_area_ratio"][7])
