"""One plain text: each of its paragraphs is a row; where there are no empty lines, each of its lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from danlu.data.columns import Texts
from danlu.data.progress import Progress
from danlu.data.sources._text import examined, nul_in
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".txt", ".text", ".md")


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """Rows in their order; the encoding (UTF-8, UTF-16, GB18030) is found by itself and noted. Rows with a NUL byte are set aside.

    Raises DataError for an empty file.
    """
    content = next((column.kind for column in wanted.values() if column.kind in ("text", "tokens", "gapped")), "text")
    kinds = only(path, wanted, (content,), "txt")
    no_extra(path, data, "txt")
    found = examined(path)
    encoding = found.encoding
    with path.open(encoding=encoding) as file:
        lines = [line.rstrip("\n") for line in file]
    starts = [row for row, line in enumerate(lines) if line.strip() and (row == 0 or not lines[row - 1].strip())]
    if len(starts) < 10:
        starts = [row for row, line in enumerate(lines) if line.strip()]
    if not starts or content not in kinds:
        raise DataError.of(str(path), say("data.manifest.empty"))
    ends = [*starts[1:], len(lines)]
    texts = ["\n".join(lines[start:end]).strip() for start, end in zip(starts, ends, strict=True)]
    origins = [say("data.line", file=path.name, number=start + 1) for start in starts]
    broken = [(origin, say("data.text.nul-row")) for origin, text in zip(origins, texts, strict=True) if "\0" in text]
    whole = [row for row, text in enumerate(texts) if "\0" not in text]
    if not whole:
        raise nul_in(path, found.nul)
    notes = [] if encoding.startswith("utf-8") else [(str(path), say("data.note.encoding", encoding=encoding.upper()))]
    return Table(
        columns={kinds[content]: Texts(re.sub(r"[ \t]+\n", "\n", text) for text in (texts[row] for row in whole))},
        ids=[f"line {starts[row] + 1}" for row in whole],
        origins=[origins[row] for row in whole],
        fingerprint=f"txt {found.digest}",
        problems=tuple(broken),
        notes=tuple(notes),
    )
