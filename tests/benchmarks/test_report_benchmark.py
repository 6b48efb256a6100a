"""The made-up report is a whole one."""

from __future__ import annotations

from mtcm_pipeline.benchmarks.report_benchmark import made_up_report


def test_every_made_up_frame_has_a_card_and_a_picture():
    page = made_up_report(12)
    sheet = page[page.index('id="sheet"') : page.index('id="space"')]
    assert sheet.count("<li") == 12
    assert sheet.count("data:image/webp") == 12
    assert "IMG_0012.jpg" in sheet and 'id="cameras-data"' in page
