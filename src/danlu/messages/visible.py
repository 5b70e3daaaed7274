"""Text of others (file names, labels, cells) made safe to be shown: nothing in it can steer a terminal or hide what it says."""

from __future__ import annotations

import re

# Controls but for line feed and tab, what turns the direction of writing, line separators, and halves of characters.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str, line: bool = False) -> str:
    """``text`` with such characters as ``\\x1b`` or ``\\u202e``; bytes of a file name that are no UTF-8 as ``\\xff``.

    line: line feeds and tabs too, so that it stays one line and one cell.
    """
    if text.isprintable():
        return text
    text = _HIDDEN.sub(_escape, text)
    return text.replace("\n", "\\n").replace("\t", "\\t") if line else text


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is no text
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"
