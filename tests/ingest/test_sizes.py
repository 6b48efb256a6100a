"""Size and aspect outliers, on sizes whose ratios are known."""

import numpy as np

from mtcm_pipeline.ingest.sizes import most_common_size, size_note, size_outliers


def sides(*sizes):
    return tuple(np.array(sizes, dtype=np.float64).T)


def outliers(*sizes):
    return size_outliers(*sides(*sizes), size_factor=1.25, aspect_factor=1.05).tolist()


USUAL = [(1200, 900)] * 5


def test_a_camera_that_was_turned_is_no_outlier():
    assert outliers(*USUAL, (900, 1200), (1200, 900)) == [False] * 7


def test_another_resolution_of_the_same_shape():
    # 1.2 and 1/1.2 are within the factor 1.25; 1.3 and a half are not.
    found = outliers(*USUAL, (1440, 1080), (1000, 750), (1560, 1170), (600, 450))
    assert found == [False] * 7 + [True, True]
    assert outliers(*USUAL, (1500, 1125), (960, 720)) == [False] * 7  # exactly 1.25


def test_another_shape_of_the_same_area():
    # 3:2 against 4:3 is 1.125; rounding 1200 x 900 to 400 x 299 would be 1.003.
    assert outliers(*USUAL, (1273, 849), (849, 1273), (1202, 898)) == [
        *[False] * 5,
        True,
        True,
        False,
    ]


def test_unknown_sizes_neither_count_nor_stand_out():
    unknown = (np.nan, np.nan)
    assert outliers(unknown, unknown, unknown, (80, 60), (80, 60), (800, 600)) == [
        *[False] * 5,
        True,
    ]
    assert outliers(unknown) == [False]


def test_turns_count_together_and_ties_go_to_the_middle():
    mixed = sides((4, 3), (3, 4), (9, 6), (9, 6), (3, 4))
    assert most_common_size(*mixed) == (3, 4)
    different = [(40, 30), (4000, 3000), (80, 60)]
    for order in (different, different[::-1]):
        assert most_common_size(*sides(*order)) == (60, 80)


def test_the_answer_does_not_depend_on_scale_or_order():
    random = np.random.default_rng(0)
    widths = random.choice([600, 640, 800, 1200], 40).astype(float)
    heights = random.choice([400, 480, 600], 40).astype(float)
    options = {"size_factor": 1.25, "aspect_factor": 1.05}
    found = size_outliers(widths, heights, **options)
    assert 0 < found.sum() < 40
    order = random.permutation(40)
    again = size_outliers(widths[order] * 3, heights[order] * 3, **options)
    assert np.array_equal(again, found[order])


def test_the_note_names_the_frames_with_their_sizes():
    names = ("a", "b", "c")
    widths, heights = sides((80, 60), (80, 60), (800, 600))
    note = size_note(names, np.array([False, False, True]), widths, heights)
    assert "1 frame is" in note and "c (800x600)" in note and "80 and 60 px" in note
    assert size_note(names, np.zeros(3, dtype=bool), widths, heights) == ""
