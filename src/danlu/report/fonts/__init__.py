"""Chinese glyphs that travel with a page, so that it is right where no Chinese font is installed.

Of Noto Sans CJK SC Regular (SIL Open Font License 1.1, see ``OFL.txt``), without hints and layout tables, made by
``tools/make_han_font.py``. ``danlu-han.woff2``: GB 2312, the first levels of Big5 and JIS X 0208, punctuation, kana and full-width
forms. ``danlu-han-rare.woff2``: the other ideographs up to U+9FFF, opened only where a page shows one of them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FAMILY = "Danlu Han"
NAMES = ("danlu-han.woff2", "danlu-han-rare.woff2")
MOST = 1500
"""Glyphs in a page: 380 kB of it."""

WIDE = "·—‘’“”…"
"""Punctuation that Chinese sets as wide as a character, and other languages don't."""


@cache
def known(name: str) -> frozenset[str]:
    """Characters that a font has glyphs for."""
    return frozenset(map(chr, _open(name).getBestCmap()))


def subset(name: str, letters: Iterable[str]) -> bytes:
    """A WOFF with the glyphs of ``letters``, which the font must know. The same letters give the same bytes.

    WOFF and not WOFF2, whose last tenth of size costs twice the time of all the rest.
    """
    from fontTools import subset as cutting

    font = _open(name)
    options = cutting.Options(
        layout_features=[], notdef_outline=False, recalc_timestamp=False, hinting=True, name_IDs=[0, 1, 2, 13]
    )  # there are no hints; looking for them would take time
    cutter = cutting.Subsetter(options)
    cutter.populate(unicodes=map(ord, letters))
    cutter.subset(font)
    font.flavor = "woff"
    packed = io.BytesIO()
    font.save(packed)
    return packed.getvalue()


def faces(text: Mapping[str, int], wide: bool = False, first: str = "") -> str:
    """``@font-face`` rules with the Chinese characters of ``text``; empty where there is none.

    text: character → how often it stands there. wide: its punctuation is Chinese too. Of more than 1,500 those of ``first``, then the
    most frequent; whoever has a text of so many characters to show is left to the fonts of the reader for the rest.
    """
    wanted = [letter for letter in text if ord(letter) > 0x2E7F or (wide and letter in WIDE)]
    ours = frozenset(first)
    wanted.sort(key=lambda letter: (letter not in ours, -text[letter], letter))
    left = set(wanted[:MOST])
    rules = []
    for name in NAMES:
        if not left:
            break
        found = sorted(left & known(name))
        left.difference_update(found)
        if found:
            uri = f"data:font/woff;base64,{base64.b64encode(subset(name, found)).decode()}"
            ranges = ",".join(f"U+{ord(letter):X}" for letter in found)
            rules.append(f'@font-face{{font-family:"{FAMILY}";src:url({uri}) format("woff");unicode-range:{ranges}}}')
    return "".join(rules)


def _open(name: str) -> TTFont:
    from fontTools.ttLib import TTFont

    data = (files(__package__) / name).read_bytes()
    return TTFont(io.BytesIO(data), lazy=True, recalcTimestamp=False, recalcBBoxes=False)
