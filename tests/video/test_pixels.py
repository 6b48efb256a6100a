"""Display matrices by hand: where the upper left pixel goes."""

import numpy as np
import pytest

from mtcm_pipeline.video.pixels import turned


@pytest.mark.parametrize(
    ("matrix", "row", "column"),
    [
        ((1, 0, 0, 1), 0, 0),
        ((0, 1, -1, 0), 0, -1),  # right becomes down, down becomes left: clockwise
        ((-1, 0, 0, -1), -1, -1),
        ((0, -1, 1, 0), -1, 0),  # right becomes up: counter-clockwise
        ((-1, 0, 0, 1), 0, -1),  # mirrored
        ((0, 1, 1, 0), 0, 0),  # transposed
    ],
)
def test_the_upper_left_pixel_goes_where_the_matrix_says(matrix, row, column):
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 0] = 255
    seen = turned(pixels, tuple(65536.0 * v for v in matrix))
    assert seen.shape[:2] == ((3, 2) if matrix[0] == 0 else (2, 3))
    assert (seen[row, column] == 255).all() and seen.sum() == 3 * 255
