"""A raw value becomes a text that a tokenizer can take, or is refused with the reason."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

from danlu.data.kinds.base import BadValue, MissingValue
from danlu.errors import DanluError
from danlu.messages import say

MOST = 4_000_000  # characters: what is longer is no text that anybody reads, but a file in the wrong place
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]+")
_HALVES = re.compile("[\ud800-\udfff]")


def text_of(raw: Any) -> tuple[str, tuple[str, ...]]:
    """(the text, what had to be mended). raw: a text, a file that holds one (``Path``), its bytes, or a number.

    Control characters (NUL among them) become spaces. Raises :class:`BadValue` for what is no text, MissingValue for nothing.
    """
    notes: list[str] = []
    if isinstance(raw, Path | bytes):
        raw, note = _read(raw)
        notes += [note] if note else []
    if raw is None or (isinstance(raw, float) and raw != raw):
        raise MissingValue(say("data.missing"))
    if isinstance(raw, bool | int | float):
        raw = str(raw)
    if not isinstance(raw, str):
        raise BadValue(say("text.type", type=type(raw).__name__))
    if len(raw) > MOST:
        raise BadValue(say("text.long", count=f"{len(raw):,}", most=f"{MOST:,}"))
    if not raw.isascii() and _HALVES.search(raw):
        raise BadValue(say("data.category.text"))
    if not raw.isprintable() and _CONTROLS.search(raw):
        raw = _CONTROLS.sub(" ", raw)
        notes.append(say("text.note.controls"))
    if "\ufffd" in raw:
        notes.append(say("text.note.replaced"))
    if not raw or raw.isspace():
        raise MissingValue(say("data.missing"))
    return raw, tuple(notes)


def spaced(text: str) -> str:
    """The text with a space for each control character, so that places in it stay what they are."""
    if text.isprintable() or not _CONTROLS.search(text):
        return text
    return _CONTROLS.sub(lambda found: " " * len(found[0]), text)


def normal(text: str, form: str, lower: bool) -> str:
    """form: "nfkc" (full-width letters, ligatures and the like become plain ones), "nfc", or "none"."""
    if form != "none" and not text.isascii():
        text = unicodedata.normalize("NFC" if form == "nfc" else "NFKC", text)
    return text.lower() if lower else text


def _read(raw: Path | bytes) -> tuple[str, str]:
    """(content, a note where it is no UTF-8). Raises BadValue for a file that can't be read, or is in no known encoding."""
    from danlu.data.sources._text import decoded  # the one place that knows encodings

    try:
        data = raw.read_bytes() if isinstance(raw, Path) else raw
    except OSError as error:
        raise BadValue(say("data.file.unreadable", reason=error.strerror or error)) from error
    if len(data) > 4 * MOST:
        raise BadValue(say("text.long", count=f"{len(data):,}", most=f"{MOST:,}"))
    try:
        text, encoding = decoded(data)
    except DanluError as error:
        raise BadValue(error.problems[0].what) from error
    return text, "" if encoding.startswith("utf-8") else say("data.note.encoding", encoding=encoding.upper())
