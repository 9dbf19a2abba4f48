"""The report in headless Chromium, offline: nothing fails to load, the 3D view answers, tables sort, a phone needs no scrolling."""

from __future__ import annotations

import importlib.util
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_run import temperature

from ground.plotting import load_matplotlib

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.plot,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]
SOFTWARE_WEBGL = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
NO_WEBGL = "HTMLCanvasElement.prototype.getContext = () => null;"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE_WEBGL)
        yield started
        started.close()


class Visit:
    """A page of its own, and everything that went wrong on it."""

    def __init__(self, browser: Any, folder: Path, script: str = "", **options: Any) -> None:
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("requestfailed", lambda request: self.wrong.append(request.url[:100]))
        self.page.on("request", lambda request: self.asked.append(request.url[:100]))
        if script:
            self.page.add_init_script(script)
        self.page.goto((folder / "report.html").as_uri())

    def picture(self) -> np.ndarray:
        """The canvas as it is seen."""
        shot = self.page.locator(".field-view canvas").screenshot()
        return np.asarray(load_matplotlib().imread(io.BytesIO(shot)))[..., :3]


@pytest.fixture(scope="module")
def wide(browser: Any, made: Path) -> Iterator[Visit]:
    """The page on a screen."""
    visit = Visit(browser, made, viewport={"width": 1280, "height": 900})
    yield visit
    assert visit.wrong == []
    visit.context.close()


def test_nothing_is_fetched_nothing_fails_and_every_picture_is_there(wide: Visit) -> None:
    assert [u for u in wide.asked if not u.startswith(("file:", "data:"))] == []
    assert wide.asked[0].startswith("file:") and sum(u.startswith("file:") for u in wide.asked) == 1
    sizes = wide.page.evaluate("[...document.images].map((i) => [i.complete, i.naturalWidth])")
    assert len(sizes) == 9 and all(done and size > 100 for done, size in sizes)
    assert wide.page.evaluate("[...document.images].filter((i) => !i.checkVisibility()).length") == 1  # the 3D view's
    shown = wide.page.evaluate("[...document.querySelectorAll('svg')].map((s) => s.getBoundingClientRect().width)")
    assert len(shown) == 2 and min(shown) > 300
    assert wide.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_3d_view_turns_zooms_and_changes(wide: Visit) -> None:
    canvas = wide.page.locator(".field-view canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag() -> None:
        wide.page.mouse.move(x, y)
        wide.page.mouse.down()
        wide.page.mouse.move(x + 60, y + 30, steps=3)
        wide.page.mouse.up()

    def press(name: str) -> Any:
        return lambda: wide.page.locator(".field-view").get_by_role("button", name=name, exact=True).click()

    steps = {
        "drag": drag,
        "wheel": lambda: wide.page.mouse.wheel(0, -300),  # the drag has given it the focus
        "keys": lambda: canvas.press("ArrowLeft"),
        "field": press("Power density"),
        "view": press("Filament"),
        "region": lambda: wide.page.get_by_label("CMO", exact=True).uncheck(),
        "back": press("Device"),
    }
    seen = wide.picture()
    assert np.ptp(seen, axis=(0, 1)).min() > 0.5  # not one colour
    for name, act in steps.items():
        before = wide.page.evaluate("document.querySelector('.field-view canvas').toDataURL()")
        act()
        assert wide.page.evaluate("document.querySelector('.field-view canvas').toDataURL()") != before, name
    assert "power density" in wide.page.locator(".field-view .bar").inner_text()


def test_the_value_under_the_pointer_is_that_of_the_field(browser: Any, made: Path) -> None:
    visit = Visit(browser, made, viewport={"width": 1000, "height": 900})
    canvas = visit.page.locator(".field-view canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    # The view looks at the middle of the device; on the edge x = y = 0 of the cut, the picture's height is z sqrt(2/3).
    ruler = visit.page.locator(".field-view .ruler")
    pixels = ruler.evaluate("(e) => parseFloat(e.style.width)") / float(ruler.inner_text().split()[0])  # per nm
    for z in (5.0, 30.0, 60.0):
        up = (z - 32.0) * np.sqrt(2 / 3) * pixels
        visit.page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 - up)
        text = visit.page.locator(".field-view output").inner_text()
        value = float(text.partition(" = ")[2].split()[0])
        assert value == pytest.approx(float(temperature(np.array([0.0, 0.0, z]))), abs=2.0), text
        assert text.startswith({5.0: "bottom TiN", 30.0: "dome", 60.0: "top TiN"}[z]) and text.endswith(" K")
    assert visit.wrong == []
    visit.context.close()


@pytest.mark.parametrize("without", ["WebGL", "JavaScript"])
def test_the_picture_stands_where_3d_cannot(browser: Any, made: Path, without: str) -> None:
    options: dict[str, Any] = {"script": NO_WEBGL} if without == "WebGL" else {"java_script_enabled": False}
    visit = Visit(browser, made, **options)
    assert visit.page.locator(".field-view img").is_visible()
    assert visit.page.locator(".field-view canvas").count() == 0
    said = visit.page.locator(".field-view .why").inner_text()
    assert said == (
        "No 3D here (this browser has no WebGL 2): the picture stands instead."
        if without == "WebGL"
        else "The 3D view needs JavaScript and WebGL 2."
    )
    assert visit.wrong == []
    visit.context.close()


def test_tables_sort_by_mouse_and_by_key(wide: Visit) -> None:
    table = wide.page.locator("#files table")
    column = "(t) => [...t.tBodies[0].rows].map((r) => Number(r.cells[2].dataset.number))"
    head = table.get_by_role("columnheader").nth(2)
    head.get_by_role("button").click()
    sizes = table.evaluate(column)
    assert sizes == sorted(sizes) and len(set(sizes)) > 10 and head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").focus()
    wide.page.keyboard.press("Enter")
    assert table.evaluate(column) == sorted(sizes, reverse=True) and head.get_attribute("aria-sort") == "descending"
    other = table.get_by_role("columnheader").nth(0)
    other.get_by_role("button").focus()
    wide.page.keyboard.press("Space")
    names = table.evaluate("(t) => [...t.tBodies[0].rows].map((r) => r.cells[0].textContent)")
    assert names[0] == "aihwkit_config.py" and names[-1] == "train/result.json"
    assert head.get_attribute("aria-sort") is None


def test_a_phone_shows_all_without_scrolling_sideways(browser: Any, made: Path) -> None:
    visit = Visit(
        browser, made, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    visit.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    boxes = "main, section, figure, img, svg, .wide, pre, .facts"
    right = f"[...document.querySelectorAll('{boxes}')].map((e) => e.getBoundingClientRect().right)"
    assert max(visit.page.evaluate(right)) <= 390
    assert visit.page.evaluate("[...document.querySelectorAll('.wide')].some((e) => e.scrollWidth > e.clientWidth)")
    picture = visit.page.locator("figure > img").first
    small = picture.bounding_box()["width"]
    picture.tap()  # shown at its own size, and scrolls within its figure
    assert picture.bounding_box()["width"] > 1.5 * small
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    picture.tap()
    assert picture.bounding_box()["width"] == small
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(246, 247, 249)"
    assert visit.wrong == []
    visit.context.close()
