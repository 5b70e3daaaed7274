"""SentencePiece's rules of normalisation: what of a text is written otherwise, at each place the longest that there is a rule for.

They are compiled: the size of a double array (darts-clone), itself, and texts that end with NUL, to which its values point. The library
``tokenizers`` has its own way with them, which differs where letters have marks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import numpy as np

_LONGEST = 64  # letters of what a rule replaces
_LETTERS = 4  # bytes of one


class Rules:
    """charsmap: compiled rules, b"" for none. Raises ValueError where they are damaged."""

    def __init__(self, charsmap: bytes) -> None:
        self.charsmap = charsmap
        self._units: list[int] = []
        self._texts = b""
        self._begins: re.Pattern[str] | None = None
        if not charsmap:
            return
        if len(charsmap) < 8:
            raise ValueError("its rules are cut off")
        (size,) = struct.unpack_from("<I", charsmap)
        if size % 4 or size < 4 or size > len(charsmap) - 4:
            raise ValueError("its rules are cut off")
        units = np.frombuffer(charsmap, "<u4", size // 4, 4)
        self._units, self._texts = units.tolist(), charsmap[4 + size :]
        self._begins = _pattern(units)

    def written(self, text: str) -> Iterator[tuple[int, str]]:
        """(letters of the text, what is written for them), in turn, all of the text."""
        at = 0
        for match in self._begins.finditer(text) if self._begins is not None else ():
            start = match.start()
            if start < at:
                continue
            size, value = self._longest(text[start : start + _LONGEST])
            if not size:
                continue
            if start > at:
                yield start - at, text[at:start]
            yield size, value
            at = start + size
        if at < len(text):
            yield len(text) - at, text[at:]

    def _longest(self, text: str) -> tuple[int, str]:
        """(letters of the beginning that a rule replaces, what it writes); 0 letters where there is none."""
        units, data = self._units, text.encode("utf-8", "surrogatepass")
        place, found, value = _offset(units[0]), 0, 0
        for at, byte in enumerate(data):
            place ^= byte
            if place >= len(units) or units[place] & 0x800000FF != byte:
                break
            unit = units[place]
            place ^= _offset(unit)
            if unit >> 8 & 1 and (at + 1 == len(data) or data[at + 1] & 0xC0 != 0x80):
                found, value = at + 1, units[place] & 0x7FFFFFFF
        if not found:
            return 0, ""
        return len(data[:found].decode("utf-8", "surrogatepass")), self._texts[
            value : self._texts.index(b"\0", value)
        ].decode("utf-8")


def _pattern(units: np.ndarray) -> re.Pattern[str] | None:
    """Where a rule may begin. A letter of ASCII that needs others behind it, which are no ASCII, only before such."""
    labels = units & np.uint32(0x800000FF)
    every = np.arange(256, dtype=np.int64)
    letters: set[str] = set()
    alone: set[str] = set()
    waiting = [(_offset(int(units[0])), b"")]
    while waiting:
        base, before = waiting.pop()
        places = base ^ every
        inside = places < len(units)
        fits = inside & (labels[np.where(inside, places, 0)] == every)
        for byte in np.flatnonzero(fits).tolist():
            if byte == 0:
                continue
            key, unit = before + bytes([byte]), int(units[base ^ byte])
            first = key.decode("utf-8", "ignore")
            if first:
                letters.add(first[0])
            if key.isascii():  # on, as long as it may be of ASCII alone
                alone.update(first[:1] * (unit >> 8 & 1))
            if not first or (key.isascii() and len(key) < _LONGEST):
                if not first and len(key) >= _LETTERS:
                    raise ValueError("its rules are damaged")
                waiting.append(((base ^ byte) ^ _offset(unit), key))
    if not letters:
        return None
    bound = "".join(sorted(each for each in letters - alone if each.isascii()))
    others = "".join(sorted(each for each in letters if (each in alone or not each.isascii()) and each < "\U00010000"))
    # A class is quick only while none of its letters needs more than 16 bits: of those that do, each is looked at.
    rare = "[\U00010000-\U0010ffff]"
    parts = [rare] * any(each >= "\U00010000" for each in letters)
    parts += [f"[{re.escape(others)}]"] * bool(others)
    parts += [f"[{re.escape(bound)}](?=[^\\x00-\\x7f])"] * bool(bound)
    return re.compile("|".join(parts))


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & 1 << 9) >> 6)
