"""A report in Chromium: scripts off, both languages, wide and narrow, on a machine without Chinese fonts.

``DANLU_PICTURES=folder`` keeps pictures of every page there.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import danlu
from danlu.messages import LANGUAGES, Language
from danlu.report import write_report
from tests.report.made import classified, regressed
from tests.report.page import read
from tests.report.test_figures import answered
from tests.runs.small import recipe

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install danlu[browser]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LATIN = Path("/usr/share/fonts/truetype/dejavu")
PICTURES = Path(os.environ["DANLU_PICTURES"]) if "DANLU_PICTURES" in os.environ else None
WIDTHS = (1280, 390)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.skipif(
        not LATIN.is_dir(), reason="needs the DejaVu fonts, the only ones of the machine that is played"
    ),
    pytest.mark.timeout(900),
]


@dataclass
class Visit:
    """A page, and what went wrong or out in it."""

    page: Any
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def picture(self, what: str = "") -> np.ndarray:
        """RGB (H, W, 3) of the whole page, or of the first element that ``what`` selects."""
        shot = self.page.locator(what).first.screenshot() if what else self.page.screenshot(full_page=True)
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """On a machine that has DejaVu and nothing else."""
    place = tmp_path_factory.mktemp("fonts")
    settings = place / "fonts.conf"
    settings.write_text(
        f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>{LATIN}</dir>'
        f"<cachedir>{place}</cachedir></fontconfig>",
        encoding="utf-8",
    )
    with playwright.sync_playwright() as started:
        given = {**os.environ, "FONTCONFIG_FILE": str(settings)}
        made = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], env=given)
        yield made
        made.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name and language → page: of a training on pictures, of one on numbers, and of one with many classes of long names."""
    place = tmp_path_factory.mktemp("reports")
    draw = np.random.default_rng(0)
    true = draw.gamma(2.0, 3.0, 900)
    runs = {
        "pictures": danlu.train(recipe(place, epochs=4), screen=False).path,
        "numbers": regressed(place / "made", true + draw.normal(size=900), true),
        "many": classified(
            place / "many", *answered(2000, 60, 0), [f"Klassenbezeichnung_{row:03}" * 2 for row in range(60)]
        ),
    }
    return {
        f"{name}-{lang}": write_report(run, place / f"{name}-{lang}.html", lang)
        for name, run in runs.items()
        for lang in LANGUAGES
    }


def visit(browser: Any, path: Path, width: int = 1280, scheme: str = "light", fragment: str = "") -> Visit:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=False, color_scheme=scheme, locale="en"
    )
    found = Visit(context.new_page())
    found.page.on("request", lambda request: found.asked.append(request.url))
    found.page.on("console", lambda message: found.said.append(message.text))
    found.page.goto(path.as_uri() + fragment)
    return found


def keep(picture: np.ndarray, name: str) -> None:
    if PICTURES is not None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(PICTURES / f"{name}.png")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["pictures", "numbers", "many"])
def test_a_page_stands_alone_and_fits(
    name: str, lang: Language, width: int, browser: Any, reports: dict[str, Path]
) -> None:
    path = reports[f"{name}-{lang}"]
    for scheme in ("light", "dark"):
        found = visit(browser, path, width, scheme)
        for summary in found.page.locator("summary").all():
            summary.click()
        picture = found.picture()
        keep(picture, f"{name}-{lang}-{width}-{scheme}")
        assert picture.shape[1] == width, "nothing is wider than the page"
        assert [url for url in found.asked if not url.startswith("data:")] == [path.as_uri()]
        assert found.said == []
        ink = (np.abs(picture.astype(int) - picture[-1, 0]).sum(2) > 120).mean()
        assert ink > 0.02, "and something is seen"
        headings = [heading for heading in found.page.locator("main > section > h2").all() if heading.is_visible()]
        assert len(headings) == len(read(path).sections)
        found.page.context.close()


def test_without_chinese_fonts_chinese_is_seen(browser: Any, reports: dict[str, Path], tmp_path: Path) -> None:
    """Where a glyph is missing all characters are the same empty box: two titles of four look alike."""
    whole = reports["pictures-zh"]
    titles = "#curves-title", "#health-title"
    bare = tmp_path / "bare.html"
    bare.write_text(re.sub(r"@font-face\{[^}]*\}", "", whole.read_text(encoding="utf-8")), encoding="utf-8")
    seen = {}
    for name, path in (("whole", whole), ("bare", bare)):
        found = visit(browser, path)
        assert [len(found.page.locator(title).inner_text()) for title in titles] == [4, 4]
        seen[name] = [found.picture(title) for title in titles]
        keep(np.concatenate(seen[name]), f"titles-{name}")
        found.page.context.close()
    alike = apart(*seen["bare"])
    assert alike < 0.2 * apart(*seen["whole"]), "there really is no Chinese font on this machine; in the page there is"
    for one, empty in zip(seen["whole"], seen["bare"], strict=True):
        assert alike < 0.2 * apart(one, empty)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of the ink in each column; of equal shapes that lie between rows of pixels differently it is small, not 0."""
    ink = [(255.0 - picture.mean(2)).sum(0) for picture in (one, other)]
    return float(np.abs(ink[0] - ink[1]).mean())


def test_every_number_of_the_matrix_leads_to_its_samples(browser: Any, reports: dict[str, Path]) -> None:
    found = visit(browser, reports["pictures-en"])
    page = found.page
    assert page.locator(".cell:visible").count() == 0
    links = page.locator(".matrix td a").all()
    assert len(links) > 2
    for link in links:
        link.click()
        cell = page.locator(".cell:visible")
        assert cell.count() == 1
        assert f"#{cell.get_attribute('id')}" == link.get_attribute("href")
        assert cell.locator("img:visible").count() >= 1
    keep(found.picture(), "cell")
    cell.get_by_role("link").click()
    assert page.locator(".cell:visible").count() == 0
    page.context.close()


def test_by_keyboard(browser: Any, reports: dict[str, Path]) -> None:
    found = visit(browser, reports["pictures-en"])
    page = found.page
    page.keyboard.press("Tab")
    skip = page.locator("a.skip")
    box = skip.bounding_box()
    assert box["x"] >= 0, "what has the focus is seen"
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.keyboard.press("Tab")
    reached = set()
    while (focused := page.locator(":focus")).count():
        reached.add(focused.evaluate("one => one.tagName + (one.getAttribute('href') || '')"))
        page.keyboard.press("Tab")
    assert "SUMMARY" in reached
    assert any(one.startswith("A#cell-") for one in reached)
    page.context.close()


def test_on_paper(browser: Any, reports: dict[str, Path], tmp_path: Path) -> None:
    found = visit(browser, reports["pictures-zh"])
    paper = found.page.pdf(format="A4", print_background=True)
    assert paper.startswith(b"%PDF")
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", paper)) < 20
    if PICTURES is not None:
        (PICTURES / "paper.pdf").write_bytes(paper)
    found.page.context.close()
