"""Plain texts whose lines belong together, in a folder: ``corpus.en`` and ``corpus.fr``; also ``train.en``, ``test.en`` and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from danlu.data.columns import Texts
from danlu.data.progress import Progress
from danlu.data.sources._listing import is_hidden
from danlu.data.sources._parts import part_of
from danlu.data.sources._text import encoding_of
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_ENDINGS = (".txt", ".tok", ".raw")
_LANGUAGE = re.compile(
    r"[a-z]{2}([-_][A-Za-z]{2,4})?"
)  # en, zh-CN, zh_Hans; three letters are many other files' ending


def recognises(path: Path) -> bool:
    """A folder that holds nothing but pairs of files ``NAME.xx`` and ``NAME.yy``, with two languages in all."""
    return path.is_dir() and _pairs(path) is not None


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each pair of lines. The languages are columns in alphabetical order, unless ``data.columns`` says otherwise.

    A pair of files called train, val or test gives that part. Raises DataError where two files have different numbers of lines.
    """
    names = [name for name, column in wanted.items() if column.kind in ("text", "tokens")]
    found = _pairs(path) if path.is_dir() else None
    if len(names) != 2 or len(wanted) != 2 or found is None:
        what = say("parallel.two") if found is not None else say("parallel.no-pairs")
        raise DataError.of(str(path), what, say("parallel.no-pairs.remedy"))
    languages = _chosen(data, names, sorted(next(iter(found.values()))))
    columns = {name: Texts() for name in names}
    ids: list[str] = []
    origins: list[str] = []
    given: list[Part | None] = []
    digests: list[str] = []
    notes: list[tuple[str, str]] = []
    for stem, files in sorted(found.items()):
        sides = []
        for language in languages:
            file = files[language]
            encoding, digest = encoding_of(file)
            digests.append(digest)
            if not encoding.startswith("utf-8"):
                notes.append((str(file), say("data.note.encoding", encoding=encoding.upper())))
            sides.append(file.read_text(encoding=encoding).removesuffix("\n").split("\n"))
        one, other = sides
        if len(one) != len(other):
            first, second = (files[language].name for language in languages)
            what = say("parallel.lines", one=first, lines=len(one), other=second, others=len(other))
            raise DataError.of(str(path), what, say("parallel.lines.remedy"))
        for name, lines in zip(names, sides, strict=True):
            for line in lines:
                columns[name].append(line.strip())
        ids += [f"{stem}:{number}" for number in range(1, len(one) + 1)]
        origins += [say("data.line", file=files[languages[0]].name, number=number) for number in range(1, len(one) + 1)]
        given += [part_of(stem)] * len(one)
    whole = any(part is not None for part in given) and "train" in given
    return Table(
        columns=columns,
        ids=ids,
        origins=origins,
        given=given if whole else None,
        fingerprint=f"parallel {' '.join([*languages, *digests])}",
        notes=tuple(notes),
    )


def _pairs(path: Path) -> dict[str, dict[str, Path]] | None:
    """Stem → language → file; None where anything else is there."""
    found: dict[str, dict[str, Path]] = {}
    try:
        files = sorted(entry for entry in path.iterdir() if not is_hidden(entry.name))
    except OSError:
        return None
    if not 2 <= len(files) <= 40:
        return None
    for file in files:
        name = file.name
        for ending in _ENDINGS:
            name = name.removesuffix(ending)
        stem, dot, language = name.rpartition(".")
        if not file.is_file() or not dot or not stem or not _LANGUAGE.fullmatch(language):
            return None
        if language in found.setdefault(stem, {}):
            return None
        found[stem][language] = file
    languages = {tuple(sorted(files)) for files in found.values()}
    return found if len(languages) == 1 and len(next(iter(languages))) == 2 else None


def _chosen(data: DataSection, names: list[str], languages: list[str]) -> list[str]:
    asked = [str(data.columns[name]) if name in data.columns else "" for name in names]
    for name, language in zip(names, asked, strict=True):
        if language and language not in languages:
            what = say("parallel.no-language", language=language, languages=", ".join(languages))
            raise DataError.of(f"data.columns.{name}", what)
    free = [language for language in languages if language not in asked]
    return [language or free.pop(0) for language in asked]
