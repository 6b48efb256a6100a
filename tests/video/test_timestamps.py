"""Recording times as cameras write them."""

from datetime import datetime

import pytest

from mtcm_pipeline.video.timestamps import recording_time


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (
            {"creation_time": "2024-05-06T07:08:09.5Z"},
            datetime(2024, 5, 6, 7, 8, 9, 500000),
        ),
        (
            {
                "creation_time": "2024-05-06T05:08:09Z",
                "com.apple.quicktime.creationdate": "2024-05-06T07:08:09+0200",
            },
            datetime(2024, 5, 6, 7, 8, 9),  # the clock on the camera's wall
        ),
        ({"creation_time": "1904-01-01T00:00:00Z"}, None),
        ({"creation_time": "yesterday"}, None),
        ({}, None),
    ],
)
def test_recording_time(metadata, expected):
    assert recording_time(metadata) == expected
