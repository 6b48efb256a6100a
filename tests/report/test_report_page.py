import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mtcm_pipeline.figures.cameras3d import camera_plot
from mtcm_pipeline.figures.style import new_figure
from mtcm_pipeline.report.page import ReportContent, build_report

EVIL = '<script>alert("1")</script>&\'.jpg'


class Page(HTMLParser):
    """Every tag with its attributes, every text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self._raw = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._raw = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._raw = False

    def handle_data(self, data):
        if not self._raw and data.strip():
            self.texts.append(" ".join(data.split()))

    def named(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def content(names=("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"), **changes):
    """First two chosen in reverse, third dropped, the others not needed."""
    n = len(names)
    usable = [i != 2 for i in range(n)]
    scores = pd.DataFrame(
        {
            "name": names,
            "fault_score": [0.9 if i == 2 else 0.1 for i in range(n)],
            "faulty": [i == 2 for i in range(n)],
            "usable": usable,
            "reason": ["blurred" if i == 2 else "" for i in range(n)],
        }
    )
    selection = pd.DataFrame(
        {
            "name": names,
            "chosen": [i < 2 for i in range(n)],
            "rank": pd.array(
                [{0: 2, 1: 1}.get(i, pd.NA) for i in range(n)], dtype="Int64"
            ),
            "gain": [{0: 0.25, 1: 3.5}.get(i, np.nan) for i in range(n)],
            "reason": [f"because of {name}" for name in names],
        }
    )
    figure = new_figure(2, 1)
    figure.text(0.2, 0.5, "curve")
    given = {
        "identity": "Bronze Head",
        "summary": {"frames in": str(n)},
        "frames": pd.DataFrame({"name": names}),
        "scores": scores,
        "selection": selection,
        "data_quality": pd.DataFrame({"part": ["masks"], "absent": [3]}),
        "thumbnails": {
            name: np.full((90, 120, 3), 40 * i, np.uint8) for i, name in enumerate(names)
        },
        "figures": {"Curves": figure},
        "camera_plot": None,
        "parameters": {"select": {"budget": 2, "rate": 0.00012345}, "seed": 7},
        "export_path": "data/08_export/Bronze Head",
    }
    return ReportContent(**(given | changes))


def thumbnails_of(page: Page) -> dict[str, Image.Image]:
    found = {}
    for image in page.named("img"):
        if image["src"].startswith("data:image/jpeg;base64,"):
            data = base64.b64decode(image["src"].split(",")[1])
            found[image["alt"]] = Image.open(io.BytesIO(data))
    return found


def test_every_thumbnail_is_on_the_page_once():
    given = content()
    page = Page(build_report(given))
    alts = [image["alt"] for image in page.named("img")]
    shown = thumbnails_of(page)
    assert set(shown) == set(given.thumbnails)
    assert all(alts.count(name) == 1 for name in given.thumbnails)
    for name, pixels in given.thumbnails.items():
        assert shown[name].size == (120, 90)
        assert np.abs(np.asarray(shown[name], float) - pixels).max() <= 3


def test_large_thumbnails_are_shrunk_and_grey_ones_shown():
    names = ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
    large = {
        "a.jpg": np.zeros((400, 800, 3), np.uint8),
        "b.jpg": np.zeros((9, 9), np.uint8),
    }
    shown = thumbnails_of(Page(build_report(content(names, thumbnails=large))))
    assert shown["a.jpg"].size == (160, 80)
    assert shown["b.jpg"].size == (9, 9)


def test_chosen_by_rank_then_what_was_not_needed_then_dropped():
    page = Page(build_report(content()))
    pictures = [
        i["alt"] for i in page.named("img") if i["src"].startswith("data:image/j")
    ]
    assert pictures == ["b.jpg", "a.jpg", "d.jpg", "e.jpg", "c.jpg"]
    texts = page.texts
    assert texts.index("1") < texts.index("b.jpg") < texts.index("gain 3.5")
    assert "Chosen frames, best first (2)" in texts
    assert "Dropped frames, worst first (1)" in texts
    assert texts[texts.index("fault score 0.9") - 1] == "blurred"


def test_numbers_parameters_and_paths_are_written_in_full():
    texts = Page(build_report(content(versions={"torch": "2.13.0"}))).texts
    for text in (
        "frames in",
        "select.budget",
        "0.00012345",
        "data/08_export/Bronze Head",
        "torch",
        "2.13.0",
        "masks",
    ):
        assert text in texts


def test_text_of_the_user_stays_text():
    names = (EVIL, "b.jpg", '"><img src=x onerror=alert(1)>', "d.jpg", "e.jpg")
    clean = _with_words(tuple("abcde"), "some harmless words")
    evil = _with_words(names, EVIL)
    assert [tag for tag, _ in clean.tags] == [tag for tag, _ in evil.tags]
    assert not any("onerror" in attributes for _, attributes in evil.tags)
    assert evil.texts.count(EVIL) >= 8
    assert f"because of {names[2]}" in evil.texts


def _with_words(names: tuple[str, ...], word: str) -> Page:
    given = content(
        names,
        identity=word,
        summary={word: word},
        data_quality=pd.DataFrame({word: [word]}),
        parameters={word: word},
        versions={word: word},
        export_path=word,
    )
    return Page(build_report(given))


def test_names_in_the_camera_plot_cannot_end_the_script():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1, 3))
    plot = camera_plot([EVIL], vectors, vectors, ["</script><b>"], ["</script><i>"])
    harmless = camera_plot(["a"], vectors, vectors, ["usable"], [""])
    evil_page = Page(build_report(content(camera_plot=plot)))
    page = Page(build_report(content(camera_plot=harmless)))
    assert [tag for tag, _ in evil_page.tags] == [tag for tag, _ in page.tags]
    assert evil_page.texts == page.texts


@pytest.fixture(scope="module")
def page_with_plot() -> str:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 3))
    plot = camera_plot(list("abcde"), vectors, vectors, ["usable"] * 5, [""] * 5)
    return build_report(content(camera_plot=plot))


def test_the_page_asks_the_network_for_nothing(page_with_plot):
    page = Page(page_with_plot)
    assert not page.named("link") and not page.named("iframe")
    assert not any("src" in script for script in page.named("script"))
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:image/")), address
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page_with_plot, flags=re.S)
    outside = page_with_plot
    for script in scripts:
        if len(script) > 1_000_000:  # plotly's own code
            outside = outside.replace(script, "")
    assert len(outside) < len(page_with_plot)
    assert not re.search(r"https?://|@import|url\(", outside)


def test_the_page_forbids_the_browser_to_load_anything(page_with_plot):
    policy = next(
        meta["content"]
        for meta in Page(page_with_plot).named("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy and "http" not in policy


def test_the_camera_plot_and_its_library_are_inside(page_with_plot):
    assert 'id="cameras-3d"' in page_with_plot
    assert "Plotly.newPlot" in page_with_plot and len(page_with_plot) > 1_000_000


def test_figures_are_inside_as_pictures():
    page = Page(build_report(content()))
    curve = next(image for image in page.named("img") if image["alt"] == "Curves")
    data = base64.b64decode(curve["src"].removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(data)).size == (220, 110)  # 2 x 1 inches at 110 dpi


def test_frames_without_rank_score_or_picture_are_shown():
    names = ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
    given = content(names, thumbnails={})
    given.scores.loc[2, "fault_score"] = np.nan
    given.scores.loc[3, ["usable", "reason"]] = [False, "no pose"]
    texts = Page(build_report(given)).texts
    assert texts.count("no image") == 5
    assert "fault score –" in texts and "no pose" in texts
    assert "nan" not in texts and "<NA>" not in texts


@pytest.mark.parametrize("columns", [["name"], []])
def test_an_empty_capture_gives_a_page(columns):
    empty = pd.DataFrame(columns=columns)
    texts = Page(
        build_report(
            content(
                frames=empty,
                scores=empty,
                selection=empty,
                data_quality=pd.DataFrame(),
                thumbnails={},
                figures={},
                parameters={},
                summary={},
            )
        )
    ).texts
    assert "No frame was chosen." in texts and "No frame was dropped." in texts
    assert "No frame has a pose, so there is nothing to draw." in texts


def test_inputs_are_left_as_they_were():
    given = content()
    before = given.selection.copy(), given.scores.copy()
    build_report(given)
    pd.testing.assert_frame_equal(given.selection, before[0])
    pd.testing.assert_frame_equal(given.scores, before[1])
