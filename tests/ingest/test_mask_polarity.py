import numpy as np
import pytest

from mtcm_pipeline.ingest.mask_polarity import polarity_note
from mtcm_pipeline.ingest.measures import border_share


def note_of(masks) -> str:
    """What is said of masks; None where a frame has none."""
    numbers = [
        (np.nan, np.nan) if mask is None else (border_share(mask), mask.mean())
        for mask in masks
    ]
    return polarity_note(*np.array(numbers).T)


def subject(rows: slice = slice(8, 32)) -> np.ndarray:
    mask = np.zeros((40, 30), dtype=bool)
    mask[rows, 9:22] = True
    return mask


def test_inverted_masks_are_remarked_upon_and_counted():
    note = note_of([~subject(), ~subject(), ~subject(), subject(), None])
    assert note.startswith("3 of 4 masks") and note.endswith("invert the masks")


@pytest.mark.parametrize(
    "masks",
    [
        [subject(), subject(slice(8, 40)), None],  # a bust that is cut off below
        [np.ones((40, 30), dtype=bool)] * 3,  # nothing is left out
        [~subject(), subject()],  # half of them is not most of them
        [None, None],
    ],
)
def test_of_usual_masks_nothing_is_said(masks):
    assert note_of(masks) == ""
