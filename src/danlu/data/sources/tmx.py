"""Translation memories (TMX 1.1–1.4b): each unit's segments in two languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any
from xml.parsers import expat

from danlu.data.columns import Texts
from danlu.data.progress import Pace, Progress
from danlu.data.sources._text import unreadable
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_LANGUAGE = ("xml:lang", "lang")
_HIDDEN = frozenset(("bpt", "ept", "ph", "it", "ut"))  # marks of the document that a segment stood in


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".tmx"


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each unit that has both languages; others are set aside. The first language of the file is the first column's.

    ``data.columns`` says otherwise ({source: fr, target: en}); a language may be told without its region. Entities and other
    documents are refused. Raises DataError.
    """
    names = [name for name, column in wanted.items() if column.kind in ("text", "tokens")]
    if len(names) != 2 or len(wanted) != 2:
        raise DataError.of(str(path), say("parallel.two"), say("data.source.cannot.remedy"))
    units = _units(path, progress)
    counts = Counter(language for unit in units for language in dict.fromkeys(language for language, _ in unit))
    languages = _chosen(path, data, names, counts)
    columns = {name: Texts() for name in names}
    origins: list[str] = []
    problems: list[tuple[str, str]] = []
    for number, unit in enumerate(units, start=1):
        origin = say("parallel.unit", file=path.name, number=number)
        found = dict(reversed(unit))
        texts = [_of(found, language) for language in languages]
        if not all(texts):
            problems.append((origin, say("parallel.lacks", languages=", ".join(languages))))
            continue
        for name, text in zip(names, texts, strict=True):
            columns[name].append(text)
        origins.append(origin)
    if not origins:
        raise DataError.of(str(path), say("parallel.none", languages=", ".join(counts) or "–"))
    digest = blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return Table(
        columns=columns,
        ids=[f"unit {origin.rpartition(' ')[2]}" for origin in origins],
        origins=origins,
        fingerprint=f"tmx {digest} {' '.join(languages)}",
        problems=tuple(problems),
    )


class _Reader:
    """Gathers [(language, text)] of each unit from what the parser tells, without a tree of the whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.units: list[list[tuple[str, str]]] = []
        self._language, self._inside, self._hidden = "", False, 0
        self._parts: list[str] = []
        self._unit: list[tuple[str, str]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "tu":
            self._unit = []
        elif tag == "tuv":
            told = next((attributes[name] for name in _LANGUAGE if name in attributes), "")
            self._language = told.replace("_", "-").lower()
        elif tag == "seg":
            self._inside, self._parts, self._hidden = True, [], 0
        elif tag in _HIDDEN:
            self._hidden += 1

    def end(self, tag: str) -> None:
        if tag == "seg":
            self._inside = False
            self._unit.append((self._language, re.sub(r"\s+", " ", "".join(self._parts)).strip()))
        elif tag == "tu":
            self.units.append(self._unit)
        elif tag in _HIDDEN:
            self._hidden -= 1

    def text(self, data: str) -> None:
        if self._inside and not self._hidden:
            self._parts.append(data)

    def refuse(self, *_: object) -> Any:
        """A file may say what an entity means, and so grow without bounds or fetch others; no translation memory needs that."""
        raise DataError.of(str(self.path), say("parallel.entities"))


def _units(path: Path, progress: Progress | None) -> list[list[tuple[str, str]]]:
    """[(language, text)] of each unit, in the file's order. Raises DataError."""
    reader, parser = _Reader(path), expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = parser.ExternalEntityRefHandler = reader.refuse
    pace = Pace(progress, say("data.reading", file=path.name))
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                parser.Parse(block, False)
                pace(len(reader.units))
            parser.Parse(b"", True)
    except OSError as error:
        raise unreadable(path, error) from error
    except expat.ExpatError as error:
        raise DataError.of(str(path), say("parallel.xml", reason=str(error))) from error
    pace.end(len(reader.units))
    return reader.units


def _of(found: Mapping[str, str], language: str) -> str:
    """The text in a language, in whatever region where none is asked for."""
    if language in found:
        return found[language]
    return next((text for name, text in found.items() if name.partition("-")[0] == language), "")


def _chosen(path: Path, data: DataSection, names: list[str], counts: Counter[str]) -> list[str]:
    asked = [str(data.columns[name]).replace("_", "-").lower() if name in data.columns else "" for name in names]
    known = {*counts, *(name.partition("-")[0] for name in counts)}
    for name, language in zip(names, asked, strict=True):
        if language and language not in known:
            what = say("parallel.no-language", language=language, languages=", ".join(counts))
            raise DataError.of(f"data.columns.{name}", what)
    free = [name for name, _ in counts.most_common() if name not in asked and name.partition("-")[0] not in asked]
    order = list(counts)
    free = sorted(free[: 2 - sum(map(bool, asked))], key=order.index)
    languages = [language or (free.pop(0) if free else "") for language in asked]
    if not all(languages):
        raise DataError.of(str(path), say("parallel.none", languages=", ".join(counts) or "–"))
    return languages
