"""Chinese is right on a machine that has no Chinese font: each character that a page shows has its glyph in the page."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from danlu.messages import LANGUAGES, Language
from danlu.messages.texts import report as texts
from danlu.report import fonts, write_report
from danlu.report.fonts import MOST, NAMES, WIDE, faces, known, subset
from danlu.report.page import letters
from tests.report.made import classified, regressed
from tests.report.test_figures import answered

FACE = re.compile(
    r'@font-face\{font-family:"Danlu Han";src:url\(data:font/woff;base64,([^)]*)\) format\("woff"\);unicode-range:([^}]*)\}'
)


def embedded(markup: str) -> set[str]:
    """Characters that have an outline in the page, and that the browser is told to take from there."""
    found: set[str] = set()
    for data, ranges in FACE.findall(markup):
        font = TTFont(io.BytesIO(base64.b64decode(data)))
        glyphs, names = font.getGlyphSet(), font.getBestCmap()
        told = {int(code.removeprefix("U+"), 16) for code in ranges.split(",")}
        assert told == set(names), "no more and no fewer"
        for code, name in names.items():
            assert glyphs[name].width > 0
            assert chr(code) in "　" or drawn(font, name), f"{chr(code)} is empty"
        found |= set(map(chr, told))
    return found


def drawn(font: TTFont, name: str) -> bool:
    from fontTools.pens.recordingPen import RecordingPen

    pen = RecordingPen()
    font.getGlyphSet()[name].draw(pen)
    return len(pen.value) > 2


def shown(markup: str) -> set[str]:
    body = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", markup, flags=re.DOTALL)
    return set(letters(body))


def chinese(found: set[str]) -> set[str]:
    return {letter for letter in found if ord(letter) > 0x2E7F}


NAMES_OF_CLASSES = ["猫", "狗", "喆堃", "犇驫", "カメラ", "ｆｕｌｌ"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_glyph_of_a_page_is_in_it(lang: Language, tmp_path: Path) -> None:
    probability, label = answered(300, 6, 0)
    run = classified(tmp_path / "运行 一", probability, label, NAMES_OF_CLASSES, said=["请注意：第３步。"])
    markup = write_report(run, lang=lang).read_text(encoding="utf-8")
    wanted = chinese(shown(markup))
    assert set("猫狗喆堃犇驫运行丹炉") <= wanted
    assert wanted <= embedded(markup)
    assert {"驫", "喆"} <= embedded(markup), "also those of names, which are in the second file"
    assert (set(WIDE) & embedded(markup) != set()) == (lang == "zh"), "English keeps its own punctuation"


def test_numbers_in_chinese(tmp_path: Path) -> None:
    true = np.linspace(0, 1, 50)
    markup = write_report(regressed(tmp_path / "run", true**2, true), lang="zh").read_text(encoding="utf-8")
    assert chinese(shown(markup)) <= embedded(markup)


def test_every_word_of_the_dictionary_can_be_written() -> None:
    words = {letter for _, text in texts.TEXTS.values() for letter in text if ord(letter) > 0x2E7F}
    assert words <= known(NAMES[0])


def test_what_the_fonts_cover() -> None:
    common, rare = (known(name) for name in NAMES)
    assert not common & rare
    for code, low, high in (("gb2312", 0xB0, 0xF7), ("big5", 0xA4, 0xC6), ("euc_jp", 0xB0, 0xCF)):
        for lead in range(low, high + 1):
            for trail in range(0xA1, 0xFF):
                letter = bytes((lead, trail)).decode(code, "ignore")
                if len(letter) == 1 and "一" <= letter <= "龥":
                    assert letter in common, (code, letter)
    assert {chr(code) for code in range(0x4E00, 0x9FA6)} <= common | rare
    assert set("，。、；：？！“”‘’（）《》【】—…·％あいうアイウ") <= common


def test_a_subset_is_the_same_each_time_and_holds_no_more() -> None:
    first, again = (subset(NAMES[0], list(order)) for order in ("丹炉训练", "练训炉丹"))
    assert first == again
    font = TTFont(io.BytesIO(first))
    assert set(map(chr, font.getBestCmap())) == set("丹炉训练")
    assert len(font.getGlyphOrder()) == 5, "and .notdef"
    assert "SIL Open Font License" in font["name"].getDebugName(13)


def test_nothing_is_embedded_where_nothing_is_needed() -> None:
    assert faces({}) == faces({"a": 3, "é": 1, "…": 2}) == ""
    assert "U+2026" in faces({"…": 1}, wide=True)
    assert faces({"\U00020000": 1}) == "", "no font of ours has it"


def test_of_too_many_characters_the_most_frequent_are_embedded() -> None:
    every = [chr(code) for code in range(0x4E00, 0x4E00 + MOST + 200)]
    text = {letter: 5 if place % 2 else 1 for place, letter in enumerate(every)}
    ours = every[0]
    found = embedded(faces(text, first=ours))
    assert len(found) == MOST
    assert ours in found
    assert {letter for letter, count in text.items() if count == 5} <= found


def test_the_fonts_lie_beside_their_licence() -> None:
    folder = Path(fonts.__file__).parent
    assert {path.name for path in folder.glob("*.woff2")} == set(NAMES)
    licence = (folder / "OFL.txt").read_text(encoding="utf-8")
    assert all(name in licence for name in NAMES)
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    assert "OFL.txt" in notice
