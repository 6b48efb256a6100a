import numpy as np
import pytest
from fault_captures import object_of, orbit_photos

from mtcm_pipeline.errors import CaptureError, MtcmError
from mtcm_pipeline.faults import pools
from mtcm_pipeline.formats.camera_models import pycolmap_camera

ORBIT = orbit_photos(60)


def bearings(photos) -> np.ndarray:
    offsets = photos.cameras.centres_xyz - object_of(ORBIT.cameras)
    return offsets / np.linalg.norm(offsets, axis=1, keepdims=True)


def projected(photos, name: str, xyz: np.ndarray) -> np.ndarray:
    pose = photos.cameras.pose_of(name)
    camera = pycolmap_camera(photos.cameras.camera_of(name))
    return np.asarray(camera.img_from_cam((pose[:3, :3] @ xyz + pose[:3, 3])[None]))[0]


@pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_a_lingering_pool_has_its_share_in_one_place(share, seed):
    pool = pools.lingering(ORBIT, seed, share=share)
    kept = np.isin(ORBIT.names, pool.names)
    assert pool.names == tuple(np.array(ORBIT.names)[kept])
    # 20 frames about some frame of the pool are all there, and are the share.
    nearness = bearings(pool) @ bearings(ORBIT).T
    whole = max(int(kept[np.argsort(-row)[:20]].sum()) for row in nearness)
    assert whole == 20
    assert 20 / len(pool) == pytest.approx(share, abs=0.03)
    for name in pool.names:
        assert (pool.images[name] == ORBIT.images[name]).all()
        assert (pool.cameras.pose_of(name) == ORBIT.cameras.pose_of(name)).all()


def test_it_can_linger_at_several_places():
    pool = pools.lingering(ORBIT, 0, share=0.8, places=3)
    assert len(pool) == 25  # 20 of them at the three places
    assert pool.names != pools.lingering(ORBIT, 0, share=0.8).names


@pytest.mark.parametrize("seed", range(4))
def test_close_ups_show_a_point_where_the_enlarged_part_has_it(seed):
    pool = pools.close_ups(ORBIT, seed, share=0.3, zoom=(1.5, 2.5))
    assert pool.names == ORBIT.names
    xyz = object_of(ORBIT.cameras) + np.array([0.1, -0.05, 0.08])
    zooms = []
    for name in pool.names:
        old, new = ORBIT.cameras.camera_of(name), pool.cameras.camera_of(name)
        assert (pool.cameras.pose_of(name) == ORBIT.cameras.pose_of(name)).all()
        if old == new:
            assert (pool.images[name] == ORBIT.images[name]).all()
            continue
        zooms.append(new.params[0] / old.params[0])
        # Of the four corners of the box only the enlargement and one corner are free.
        corner = np.array(old.params[2:]) - np.array(new.params[2:]) / zooms[-1]
        size = np.array([old.width, old.height]) / zooms[-1]
        assert (corner >= -1e-9).all()
        assert (corner + size <= [old.width + 1e-9, old.height + 1e-9]).all()
        expected = (projected(ORBIT, name, xyz) - corner) * zooms[-1]
        np.testing.assert_allclose(projected(pool, name, xyz), expected, atol=1e-6)
    assert len(zooms) == 18
    assert 1.5 <= min(zooms) < max(zooms) <= 2.5


def test_the_pixels_of_a_close_up_are_those_of_the_box():
    box = (40.0, 30.0, 120.0, 90.0)
    name = ORBIT.names[5]
    pool = pools.cropped(ORBIT, {name: box})
    assert pool.cameras.camera_of(name).params == (280.0, 280.0, 80.0, 60.0)
    part = ORBIT.images[name][30:90, 40:120].astype(float)
    small = pool.images[name].reshape(60, 2, 80, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - part).mean() < 4  # ringing at the edges of the blocks
    share = ORBIT.masks[name][30:90, 40:120].mean()
    assert pool.masks[name].mean() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_a_thinned_sector_keeps_one_in_n_there_and_all_elsewhere(seed):
    pool = pools.thinned_sector(ORBIT, seed, share=0.4, keep_every=4)
    gone = np.flatnonzero(~np.isin(ORBIT.names, pool.names))
    assert len(gone) == 18  # of 24
    # The orbit turns steadily, so that a sector is a stretch of it, maybe around the end.
    stretch = np.zeros(len(ORBIT), dtype=bool)
    stretch[gone] = True
    assert np.diff(gone).max() <= 4 or gone[0] < 4 or gone[-1] > 55
    assert len(pool) == 42


def test_the_same_seed_gives_the_same_pool_and_another_another():
    for pool in (pools.lingering, pools.close_ups, pools.thinned_sector):
        first, again, other = pool(ORBIT, 1), pool(ORBIT, 1), pool(ORBIT, 2)
        assert first.names == again.names
        assert first.cameras.cameras == again.cameras.cameras
        assert (first.names, first.cameras.cameras) != (
            other.names,
            other.cameras.cameras,
        )


def test_what_is_impossible_says_why():
    with pytest.raises(MtcmError, match="1/3 to 1"):
        pools.lingering(ORBIT, 0, share=0.2)
    with pytest.raises(MtcmError, match="give zooms from 1"):
        pools.close_ups(ORBIT, 0, zoom=(0.5, 2))
    with pytest.raises(MtcmError, match="give a share of 0 to 1"):
        pools.thinned_sector(ORBIT, 0, share=1.5)
    with pytest.raises(CaptureError, match="frames would be left"):
        pools.lingering(orbit_photos(12), 0, share=0.9)
