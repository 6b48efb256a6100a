"""The page as text: what is on it, what is not, and that names stay names."""

import base64
import io
import json
import re
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_cases import content

from mtcm_pipeline.figures.cameras3d import camera_plot
from mtcm_pipeline.report.missing_section import MissingSection
from mtcm_pipeline.report.page import build_report

EVIL = '<script>alert("1")</script>&\'.jpg'


class Page(HTMLParser):
    """Every tag with its attributes, every text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.scripts: dict[str, str] = {}
        self._raw = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._raw = tag if tag in ("script", "style") else ""
        self._id = attributes.get("id", "")

    def handle_endtag(self, tag):
        self._raw = ""

    def handle_data(self, data):
        if self._raw:
            self.scripts[self._id] = self.scripts.get(self._id, "") + data
        elif data.strip():
            self.texts.append(" ".join(data.split()))

    def named(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def thumbnails_of(page: Page) -> dict[str, Image.Image]:
    found = {}
    for image in page.named("img"):
        if image.get("src", "").startswith("data:image/webp;base64,"):
            data = base64.b64decode(image["src"].split(",")[1])
            found[image["alt"]] = Image.open(io.BytesIO(data))
    return found


def cards_of(page: Page) -> list[dict]:
    return [tag for tag in page.named("li") if "data-name" in tag]


def test_every_thumbnail_is_on_the_page_once():
    given = content()
    page = Page(build_report(given))
    alts = [image.get("alt") for image in page.named("img")]
    shown = thumbnails_of(page)
    assert set(shown) == set(given.thumbnails)
    assert all(alts.count(name) == 1 for name in given.thumbnails)
    for name, pixels in given.thumbnails.items():
        assert shown[name].size == (120, 90)
        assert np.abs(np.asarray(shown[name], float) - pixels).max() <= 6


def test_large_thumbnails_are_shrunk_and_grey_ones_shown():
    large = {
        "a.jpg": np.zeros((400, 800, 3), np.uint8),
        "b.jpg": np.zeros((9, 9), np.uint8),
    }
    shown = thumbnails_of(Page(build_report(content(thumbnails=large))))
    assert shown["a.jpg"].size == (160, 80)
    assert shown["b.jpg"].size == (9, 9)


def test_a_thousand_frames_stay_under_fifteen_megabytes():
    """Noise is what compresses worst; a photograph takes a third of it."""
    rng = np.random.default_rng(0)
    names = tuple(f"IMG_{i:05d}.jpg" for i in range(1000))
    noise = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    vectors = rng.normal(size=(1000, 3))
    points = rng.normal(size=(5000, 3))
    rgb = rng.integers(0, 256, (5000, 3), dtype=np.uint8)
    plot = camera_plot(
        names,
        vectors,
        vectors,
        ["usable"] * 1000,
        ["not needed: nearest chosen frame IMG_00000.jpg at 8.1 degrees"] * 1000,
        points_xyz=points,
        points_rgb=rgb,
    )
    given = content(names, camera_plot=plot, thumbnails=dict.fromkeys(names, noise))
    assert len(build_report(given).encode()) < 13_500_000  # figures have the rest


def test_chosen_by_rank_then_what_was_not_needed_then_dropped():
    page = Page(build_report(content()))
    cards = cards_of(page)
    assert [card["data-name"] for card in cards] == [f"{k}.jpg" for k in "badec"]
    states = ["chosen", "chosen", "kept", "kept", "dropped"]
    assert [card["data-state"] for card in cards] == states
    assert [card["data-order"] for card in cards] == ["1", "0", "3", "4", "2"]
    texts = page.texts
    assert texts.index("chosen, rank 1") < texts.index("chosen, rank 2")
    assert "fault score 0.1 · gain 3.5" in texts
    dropped = texts[texts.index("c.jpg") :]
    assert dropped[:4] == ["c.jpg", "dropped", "left profile", "blurred"]


def test_filters_list_each_state_and_each_reason_once():
    given = content()
    given.scores.loc[3, ["usable", "reason"]] = [False, "duplicate of a.jpg"]
    page = Page(build_report(given))
    values = [tag.get("value") for tag in page.named("input") if tag["type"] == "radio"]
    assert values == ["", "chosen", "kept", "dropped"]
    for text in ("all 5", "chosen 2", "kept, not needed 1", "dropped 2"):
        assert text in page.texts
    assert page.texts.count("duplicate") == 1
    kinds = {card["data-name"]: card["data-kind"] for card in cards_of(page)}
    assert kinds["d.jpg"] == "duplicate" and kinds["c.jpg"] == "blurred"
    assert kinds["a.jpg"] == ""


def test_numbers_parameters_and_paths_are_written_in_full():
    texts = Page(build_report(content(versions={"torch": "2.13.0"}))).texts
    for text in (
        "frames in",
        "select.budget",
        "0.00012345",
        "data/outputs/Bronze Head",
        "ns-train splatfacto --data 'data/outputs/Bronze Head'",
        "torch",
        "2.13.0",
        "masks",
    ):
        assert text in texts


def test_coverage_and_labels_are_on_the_page():
    page = Page(build_report(content()))
    alts = [image.get("alt") for image in page.named("img")]
    assert "Views seen from above: kept" in alts
    assert "widest sector (°)" in page.texts
    assert any("Azimuths count from the first frame, a.jpg" in t for t in page.texts)


def test_missing_views_have_a_section_only_where_they_were_sought():
    assert "Missing views" not in Page(build_report(content())).texts
    table = pd.DataFrame({"label": ["back-right, eye level"], "gain": [0.4]})
    page = Page(build_report(content(missing=MissingSection(proposals=table))))
    assert page.texts.count("Missing views") == 2  # in the navigation, and itself
    assert "back-right, eye level" in page.texts
    assert "Uncovered sectors" not in page.texts
    sectors = pd.DataFrame({"label": ["back, eye level"], "gap_deg": [41.5]})
    section = MissingSection(
        sectors=sectors, why_none="None asked.", coverage="One lies."
    )
    texts = Page(build_report(content(missing=section))).texts
    shown = ["None asked.", "Uncovered sectors", "One lies.", "gap (°)", "41.5"]
    places = [texts.index(text) for text in shown]
    assert places == sorted(places) and "The table is empty." not in texts


def test_a_warning_on_labels_stands_with_the_labels():
    texts = Page(build_report(content(label_warning="names without a front"))).texts
    assert texts.index("names without a front") == texts.index("Labels", 30) + 1


def test_what_the_user_dropped_is_not_called_kept():
    given = content()
    given.scores["user"] = ["", "", "", "drop", "drop"]
    given.scores["overruled"] = ["", "", "", "", "exposure"]
    given.scores.loc[3:, "usable"] = False
    page = Page(build_report(given))
    states = {card["data-name"]: card["data-state"] for card in cards_of(page)}
    assert [states[f"{k}.jpg"] for k in "abcde"] == [
        "chosen",
        "chosen",
        "dropped",
        "by-you",
        "by-you",
    ]
    values = [tag.get("value") for tag in page.named("input") if tag["type"] == "radio"]
    assert values == ["", "chosen", "kept", "by-you", "dropped"]
    for text in ("kept, not needed 0", "dropped by you 2", "dropped 1"):
        assert text in page.texts
    e = page.texts[page.texts.index("e.jpg") :]
    assert e[1] == "dropped by you" and e[3] == "select.drop; found before: exposure"
    assert page.texts[page.texts.index("e.jpg") - 1] == "−"  # a sign beside the colour
    kinds = {card["data-name"]: card["data-kind"] for card in cards_of(page)}
    assert kinds["e.jpg"] == "" and kinds["c.jpg"] == "blurred"


@pytest.mark.parametrize("name", ["Fußball_01.jpg", "MÜLLER é.jpg", "ИЗОБРАЖЕНИЕ.jpg"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_text_that_is_searched_is_the_name_in_small_letters(name, form):
    names = (unicodedata.normalize(form, name), *"bcde")
    (card,) = [
        c
        for c in cards_of(Page(build_report(content(names))))
        if c["data-name"] == names[0]
    ]
    assert unicodedata.normalize("NFC", name).lower() in card["data-text"]


def test_warnings_stand_at_the_top_and_nowhere_without_any():
    calm = Page(build_report(content()))
    assert "Warning" not in calm.texts and "alert" not in str(calm.tags)
    texts = ("all poses are bent", "a second one")
    page = Page(build_report(content(warnings=texts)))
    places = [page.texts.index(text) for text in (*texts, "Frames (5)")]
    assert places == sorted(places) and "Warnings" in page.texts


def test_the_remarks_of_the_data_quality_are_lists_below_its_counts():
    quality = pd.DataFrame(
        {
            "part": ["mask", "problem", "problem", "note"],
            "present": [3, 0, 0, 0],
            "absent": [2, 0, 0, 0],
            "examples": ["a.jpg", "a.jpg: cut off", "b.jpg: empty", "5 poses"],
        }
    )
    page = Page(build_report(content(data_quality=quality)))
    wanted = ["mask", "Problems of frames", "a.jpg: cut off", "b.jpg: empty", "Notes"]
    start = page.texts.index("Data quality", page.texts.index("Selection", 40))
    places = [page.texts.index(text, start) for text in [*wanted, "5 poses"]]
    assert places == sorted(places)
    assert "problem" not in page.texts[start:] and "note" not in page.texts[start:]


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
        warnings=(word,),
    )
    return Page(build_report(given))


def test_names_in_the_camera_plot_cannot_end_the_script():
    vectors = np.random.default_rng(0).normal(size=(1, 3))
    plot = camera_plot([EVIL], vectors, vectors, ["</script><b>"], ["</script><i>"])
    harmless = camera_plot(["a"], vectors, vectors, ["usable"], [""])
    evil_page = Page(build_report(content(camera_plot=plot)))
    page = Page(build_report(content(camera_plot=harmless)))
    assert [tag for tag, _ in evil_page.tags] == [tag for tag, _ in page.tags]
    assert evil_page.texts == page.texts
    data = json.loads(evil_page.scripts["cameras-data"])["data"]
    assert [EVIL] in [trace.get("customdata") for trace in data]


@pytest.fixture(scope="module")
def page_with_plot() -> str:
    vectors = np.random.default_rng(0).normal(size=(5, 3))
    plot = camera_plot(list("abcde"), vectors, vectors, ["usable"] * 5, [""] * 5)
    return build_report(content(camera_plot=plot))


def test_the_page_asks_the_network_for_nothing(page_with_plot):
    page = Page(page_with_plot)
    assert not page.named("iframe")
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
    page = Page(page_with_plot)
    assert len(page.scripts["plotly-code"]) > 1_000_000
    figure = json.loads(page.scripts["cameras-data"])
    assert set(figure) >= {"data", "layout"}
    without = Page(build_report(content()))
    assert "plotly-code" not in without.scripts


def test_figures_and_finished_pictures_are_inside():
    page = Page(build_report(content()))
    curve = next(image for image in page.named("img") if image.get("alt") == "Curves")
    data = base64.b64decode(curve["src"].removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(data)).size == (220, 110)  # 2 x 1 inches at 110 dpi
    again = Page(build_report(content(figures={"From a file": data})))
    copied = next(i for i in again.named("img") if i.get("alt") == "From a file")
    assert copied["src"] == curve["src"]


def test_frames_without_rank_score_or_picture_are_shown():
    given = content(thumbnails={})
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
                coverage={},
                diversity=pd.DataFrame(),
                labels=pd.DataFrame(),
                label_counts=pd.DataFrame(),
            )
        )
    ).texts
    assert "The capture has no frames." in texts and "No labels were made." in texts
    assert "No frame has a pose, so there is nothing to draw." in texts


def test_inputs_are_left_as_they_were():
    given = content()
    before = given.selection.copy(), given.scores.copy()
    build_report(given)
    pd.testing.assert_frame_equal(given.selection, before[0])
    pd.testing.assert_frame_equal(given.scores, before[1])
