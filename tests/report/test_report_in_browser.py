"""The page in a real browser: filters, the click on a camera, phones, dark mode."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from report_cases import content

from browser import browser, opened
from mtcm_pipeline.figures.cameras3d import camera_plot
from mtcm_pipeline.figures.style import new_figure
from mtcm_pipeline.report.page import build_report
from mtcm_pipeline.tokens.gauge import canonical_gauge
from synthetic import orbit_cameras

LONG = "a_very_long_file_name_that_somebody_gave_to_a_photograph_2024-05-11_10-12-55.jpg"

# As macOS writes it: the dots of the Ü are a letter of their own.
UMLAUT = unicodedata.normalize("NFD", "Über_Fußball.jpg")

# Without a graphics card every pixel of a scene in space costs the processor.
SMALL = {"width": 360, "height": 420}


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


def page_of(names, plot):
    rng = np.random.default_rng(1)
    given = content(
        names,
        camera_plot=plot,
        figures={"Wide": new_figure(11, 2)},
        thumbnails={n: rng.integers(0, 255, (60, 80, 3), np.uint8) for n in names},
        parameters={"a": {"long": "value " * 40, "b" * 90: 1}},
    )
    return build_report(given)


@pytest.fixture(scope="module")
def plain_file(tmp_path_factory):
    """Without a plot, which takes a second to draw."""
    path = tmp_path_factory.mktemp("plain") / "report.html"
    names = (*orbit_cameras(8).names[:7], UMLAUT)
    path.write_text(page_of(names, None), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """Eight cameras far apart about a few points, one name as long as they come."""
    cameras = orbit_cameras(8, share=1.0)
    gauge = canonical_gauge(cameras)
    names = (*cameras.names[:7], LONG)
    plot = camera_plot(
        names,
        gauge.points(cameras.centres_xyz),
        gauge.directions(cameras.viewing_directions),
        ["chosen", "chosen", "faulty", *["usable"] * 5],
        ["because"] * 8,
        points_xyz=np.random.default_rng(0).normal(size=(40, 3)) / 9,
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of(names, plot), encoding="utf-8")
    return path


def visible_names(page):
    return page.locator("#sheet li:visible .name").all_text_contents()


def drawn(page):
    page.locator("#space").scroll_into_view_if_needed()
    page.wait_for_selector("#cameras-3d[data-ready=yes]", timeout=90_000)


def test_filters_order_and_search(chromium, plain_file):
    with opened(chromium, plain_file) as (page, complaints):
        assert visible_names(page)[:2] == ["f001.jpg", "f000.jpg"]
        assert page.inner_text("#shown-count") == "8 of 8 frames"
        page.get_by_text("dropped 1", exact=True).click()
        assert visible_names(page) == ["f002.jpg"]
        page.get_by_text("all 8", exact=True).click()
        page.select_option("select[name=reason]", "blurred")
        assert visible_names(page) == ["f002.jpg"]
        page.select_option("select[name=reason]", "")
        page.select_option("select[name=order]", "capture")
        assert visible_names(page)[:3] == ["f000.jpg", "f001.jpg", "f002.jpg"]
        page.select_option("select[name=order]", "score")
        assert visible_names(page)[0] == "f002.jpg"
        page.fill("input[type=search]", "Left PROF")
        assert visible_names(page) == ["f002.jpg"]
        for typed in ("FUßBALL", unicodedata.normalize("NFD", "über")):
            page.fill("input[type=search]", typed)
            assert visible_names(page) == [UMLAUT]
        page.fill("input[type=search]", "nothing like it")
        assert page.is_visible("#nothing") and not visible_names(page)
        assert complaints == []


def test_thumbnails_load(chromium, plain_file):
    with opened(chromium, plain_file) as (page, complaints):
        page.wait_for_function(
            "[...document.querySelectorAll('#sheet img')].every(i => i.naturalWidth > 0)"
        )
        assert page.locator("#sheet img").count() == 8 and complaints == []


def test_a_click_on_a_camera_shows_its_frame(chromium, page_file):
    with opened(chromium, page_file, **SMALL) as (page, complaints):
        drawn(page)
        name = "f002.jpg"
        assert page.evaluate(_CLICK, [name, *page.evaluate(_PLACE_ON_SCREEN, name)])
        picture = page.get_attribute("#shown-picture", "src")
        card = page.locator(f'#sheet li[data-name="{name}"]')
        assert picture == card.locator("img").get_attribute("src")
        assert "current" in card.get_attribute("class")
        assert complaints == []


# A mouse that moves to a place, is pressed, and is held until the frame is shown: the
# plot looks at the mouse once a picture, and pictures take long without a graphics card.
# A held button also makes the plot report the click again with every picture.
_CLICK = """async ([name, x, y]) => {
  const plot = document.getElementById('cameras-3d');
  const canvas = plot._fullLayout.scene._scene.glplot.canvas;
  const frame = plot.getBoundingClientRect();
  const send = (kind, buttons) => canvas.dispatchEvent(new MouseEvent(kind, {
    bubbles: true, clientX: frame.left + x, clientY: frame.top + y, buttons: buttons,
  }));
  const shown = () => document.querySelector('#shown-words .name')?.textContent === name;
  const next = () => new Promise((done) => setTimeout(done, 100));
  send('mousemove', 0);
  for (let k = 0; k < 10; k++) await next();
  send('mousedown', 1);
  for (let k = 0; k < 300 && !shown(); k++) await next();
  send('mouseup', 0);
  return shown();
}"""
# Where a camera is drawn, in px from the plot's upper left corner: its data through the
# matrices of the scene, as in `project` of plotly's own gl3d code.
_PLACE_ON_SCREEN = """name => {
  const plot = document.getElementById('cameras-3d');
  const scene = plot._fullLayout.scene._scene;
  const trace = plot.data.find((t) => (t.customdata || []).includes(name));
  const row = trace.customdata.indexOf(name);
  const column = (axis) => plot._fullData[plot.data.indexOf(trace)][axis][row];
  let at = [...['x', 'y', 'z'].map((axis, k) => column(axis) * scene.dataScale[k]), 1];
  const {model, view, projection} = scene.glplot.cameraParams;
  for (const m of [model, view, projection]) {
    at = [0, 1, 2, 3].map((i) => at.reduce((sum, v, j) => sum + m[4 * j + i] * v, 0));
  }
  const canvas = scene.container.getBoundingClientRect();
  const frame = plot.getBoundingClientRect();
  return [
    canvas.left - frame.left + canvas.width * (0.5 + 0.5 * at[0] / at[3]),
    canvas.top - frame.top + canvas.height * (0.5 - 0.5 * at[1] / at[3]),
  ];
}"""


def test_a_click_on_a_picture_marks_its_camera(chromium, page_file):
    with opened(chromium, page_file, **SMALL) as (page, complaints):
        page.locator('#sheet li[data-name="f003.jpg"] .picture').click()
        page.wait_for_function(
            "(p => p && p.data && p.data.at(-1).x[0] !== null)"
            "(document.getElementById('cameras-3d'))",
            timeout=90_000,
        )
        marked = page.evaluate(
            "(p => ['x', 'y', 'z'].map((axis) => p.data.at(-1)[axis][0]))"
            "(document.getElementById('cameras-3d'))"
        )
        cameras = orbit_cameras(8, share=1.0)
        expected = canonical_gauge(cameras).points(cameras.centres_xyz)[3]
        assert np.allclose(marked, expected, atol=1e-5)
        assert page.inner_text("#shown-words .name") == "f003.jpg"
        assert complaints == []


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(chromium, page_file, width):
    with opened(chromium, page_file, width=width) as (page, complaints):
        drawn(page)
        page.locator("#sheet .picture").last.click()
        inside = page.evaluate(
            "document.documentElement.scrollWidth <= window.innerWidth"
        )
        assert inside and complaints == []
        small = page.evaluate(
            "[...document.querySelectorAll('p, td, li span, summary, label')].filter("
            "e => parseFloat(getComputedStyle(e).fontSize) < 12).length"
        )
        assert small == 0


def test_dark_mode_is_dark_with_readable_ink(chromium, page_file):
    with opened(chromium, page_file, dark=True) as (page, complaints):
        drawn(page)
        page_colour, ink = (
            np.array(page.evaluate(_COLOUR, name))
            for name in ("backgroundColor", "color")
        )
        assert contrast(page_colour, ink) > 7 and page_colour.max() < 50
        font = page.evaluate("document.getElementById('cameras-3d').layout.font.color")
        assert int(font[1:3], 16) > 150 and complaints == []


_COLOUR = "name => getComputedStyle(document.body)[name].match(/[0-9.]+/g).map(Number)"


def contrast(one, other):
    """Ratio of relative luminances (WCAG 2.2)."""
    lights = []
    for rgb in (one, other):
        share = np.asarray(rgb)[:3] / 255
        linear = np.where(
            share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4
        )
        lights.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(lights) / min(lights)
