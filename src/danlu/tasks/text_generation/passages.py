"""Long texts become passages, at ends of lines, sentences and words, as far as there are any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from danlu.data.kinds.base import BadValue
from danlu.data.table import Table
from danlu.data.text.cleaning import text_of
from danlu.recipe.schema import Recipe

_ENDS = (re.compile(r"\n\s*"), re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])"), re.compile(r"\s+"))


def cut(recipe: Recipe, table: Table) -> Table:
    """The table of passages of at most ``options.passage`` characters. Those of a text stay in one part, where there are many texts."""
    most = recipe.options["passage"]
    ids: list[str] = []
    rows: list[int] = []
    passages: list[Any] = []
    for row, raw in enumerate(table.columns["text"]):
        parts = list(pieces(_text(raw), most)) or [raw]
        passages += parts
        rows += [row] * len(parts)
        ids += [table.ids[row]] if len(parts) == 1 else [f"{table.ids[row]}#{place}" for place in range(len(parts))]
    if len(passages) == len(table):
        return table
    extra = {name: [values[row] for row in rows] for name, values in table.extra.items()}
    if "group" not in extra and "time" not in extra and len(table) >= 10 and table.given is None:
        extra["group"] = [str(table.ids[row]) for row in rows]
    return replace(
        table,
        columns={"text": passages},
        ids=ids,
        origins=[table.origins[row] for row in rows],
        given=None if table.given is None else [table.given[row] for row in rows],
        extra=extra,
        fingerprint=blake2b(f"{table.fingerprint} passages {most}".encode(), digest_size=16).hexdigest(),
    )


def pieces(text: str, most: int) -> Iterator[str]:
    """Passages of a text, each with at least a character that is no space."""
    text = text.strip()
    while len(text) > most:
        end = most
        for mark in _ENDS:
            ends = [found.end() for found in mark.finditer(text, 0, most)]
            if ends and ends[-1] >= most // 2:
                end = ends[-1]
                break
        if passage := text[:end].strip():
            yield passage
        text = text[end:].strip()
    if text:
        yield text


def _text(raw: Any) -> str:
    try:
        return text_of(raw)[0] if isinstance(raw, str | bytes | Path) else ""
    except BadValue:
        return ""
