"""Make the fonts that reports are cut from again: ``python tools/make_han_font.py NotoSansCJK-Regular.ttc``.

The file is of Debian's package fonts-noto-cjk (/usr/share/fonts/opentype/noto). The same file and the same fontTools and brotli give
the same bytes; ``tests/report/test_fonts.py`` holds what the fonts have to cover.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FOLDER = Path(__file__).parents[1] / "src" / "danlu" / "report" / "fonts"
FACE = "NotoSansCJKsc-Regular"
WIDE = "·—‘’“”…"  # what Chinese sets as wide as a character
IDEOGRAPHS = range(0x4E00, 0xA000)
OTHERS = (range(0x3000, 0x3100), range(0xFF00, 0xFFF0))  # punctuation and kana; full-width and half-width forms
TABLES = ["GPOS", "GSUB", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]  # one line of text, from left to right


def common() -> set[int]:
    """GB 2312; the first levels of Big5 and JIS X 0208."""
    rows = (("gb2312", range(0xA1, 0xF8)), ("big5", range(0xA4, 0xC7)), ("euc_jp", range(0xB0, 0xD0)))
    found = {letter for name, leads in rows for letter in _coded(name, leads)}
    return found.union(map(ord, WIDE), *OTHERS)


def rare() -> set[int]:
    """The rest of the ideographs of GBK: mostly in names, of people and of places."""
    return set(IDEOGRAPHS) - common()


def _coded(name: str, leads: Iterable[int]) -> Iterator[int]:
    """Code points of a double-byte code; what it holds besides Chinese is left to fonts of its own."""
    for lead in leads:
        for trail in range(0x40, 0xFF):
            try:
                letter = bytes((lead, trail)).decode(name)
            except UnicodeDecodeError:
                continue
            if len(letter) == 1 and ord(letter) > 0x2E7F:
                yield ord(letter)


def cut(font: TTFont, letters: set[int]) -> bytes:
    """WOFF2 with the glyphs of ``letters``."""
    options = subset.Options(
        hinting=False,
        layout_features=[],
        drop_tables=[*subset.Options().drop_tables, *TABLES],
        notdef_outline=False,
        desubroutinize=True,
        recalc_timestamp=False,
        name_IDs=[0, 1, 2, 5, 13, 14],
        name_languages=[0x409],
    )
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    font.flavor = "woff2"
    packed = io.BytesIO()
    font.save(packed)
    return packed.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path)
    options = parser.parse_args()
    for name, letters in (("danlu-han.woff2", common()), ("danlu-han-rare.woff2", rare())):
        with TTCollection(options.collection, recalcTimestamp=False) as faces:
            font = next(face for face in faces if face["name"].getDebugName(6) == FACE)
            (FOLDER / name).write_bytes(cut(font, letters))


if __name__ == "__main__":
    main()
