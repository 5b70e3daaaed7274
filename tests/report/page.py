"""A report read back as a strict reader would: every tag closed in its turn, every id once, every link with its target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "img", "hr", "col"}
_ATTRIBUTE = r'(?:\s[a-zA-Z][a-zA-Z0-9-]*(?:="[^"<>]*")?)*'
_TAG = re.compile(rf"<(?:!DOCTYPE html|!-- danlu report --|/[a-zA-Z0-9]+|[a-zA-Z0-9]+{_ATTRIBUTE})>")


@dataclass
class Read(HTMLParser):
    """names: data-name → value. cells: "true,predicted" → count. texts: everything that is shown, in order."""

    names: dict[str, float] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    tags: list[tuple[str, Mapping[str, str | None]]] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _cell: str | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute of {tag} stands twice"
        self.tags.append((tag, found))
        if tag not in VOID:
            self._open.append(tag)
        if (name := found.get("id")) is not None:
            assert re.fullmatch(r"[a-z][a-z0-9-]*", name), name
            self.ids.append(name)
            if tag == "section" and self._open.count("section") == 1:
                self.sections.append(name)
        if tag == "a":
            self.links.append(str(found["href"]))
        if tag == "data" and "data-name" in found:
            name = str(found["data-name"])
            assert name not in self.names, f"{name} stands twice"
            self.names[name] = float(str(found["value"]))
        if tag == "td":
            self._cell = found.get("data-cell")

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes out of turn"
        if tag == "td":
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title", "desc"):
            self.texts.append(data)
            if self._cell is not None:
                self.cells[self._cell] = self.cells.get(self._cell, 0) + int(data.replace(",", ""))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def read(report: Path | str) -> Read:
    """Raises AssertionError for whatever is not well-formed."""
    markup = report if isinstance(report, str) else report.read_text(encoding="utf-8")
    body = re.sub(r"<style>.*?</style>", "<style></style>", markup, flags=re.DOTALL)
    assert "<" not in _TAG.sub("", body), "every < begins a tag as we write them"
    assert not re.search(r"&(?!amp;|lt;|gt;|quot;|#x27;)", body), "every & begins an entity"
    found = Read()
    found.feed(markup)
    found.close()
    assert found._open == [], f"left open: {found._open}"
    assert len(set(found.ids)) == len(found.ids), "an id stands twice"
    for link in found.links:
        assert link.startswith("#"), link
        assert link[1:] in found.ids, f"{link} leads nowhere"
    for _, attributes in found.tags:
        for owner in ("aria-labelledby", "aria-describedby"):
            assert all(name in found.ids for name in (attributes.get(owner) or "").split())
    return found
