"""Questions about paragraphs, as SQuAD and CMRC write them, become rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from danlu.data.progress import Pace, Progress
from danlu.data.room import refuse_too_large
from danlu.data.sources._json import parsed
from danlu.data.sources._parts import part_in
from danlu.data.sources._text import encoding_of
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Part, Table
from danlu.errors import DataError, Problem
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_START = 1 << 16  # bytes by which a file is told
_HELD = 10  # bytes of memory for each of a file's, which is read whole


def files(path: Path, tells: Callable[[bytes], bool]) -> list[Path]:
    """The file itself, or all of a folder that are named train, val or test; none where ``tells`` denies one by its first bytes."""
    if path.is_dir():
        named = [file for file in sorted(path.glob("*.json")) if part_in(file.stem) is not None]
        return named if named and all(tells(_start(file)) for file in named) else []
    return [path] if path.is_file() and path.suffix.lower() == ".json" and tells(_start(path)) else []


def _start(path: Path) -> bytes:
    """Without what may stand before JSON; empty where the file can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(_START).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return b""


@dataclass
class Asked:
    """Rows as they are found. groups: title of the article, or the text."""

    contexts: list[str] = field(default_factory=list)
    questions: list[Any] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    parts: list[Part | None] = field(default_factory=list)

    def add(self, context: Any, question: Any, answers: Any, name: Any, group: Any, origin: str) -> None:
        self.contexts.append(context)
        self.questions.append(question)
        self.answers.append(answers)
        self.ids.append(str(name))
        self.origins.append(origin)
        self.groups.append(str(group))


def squad(content: Any, file: str, found: Asked) -> None:
    """{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers", "is_impossible"}]}]}]}. Raises DataError."""
    for place, article in enumerate(_list(content, "data", file, "")):
        where = f"data[{place}]"
        for number, paragraph in enumerate(_list(article, "paragraphs", file, where)):
            inside = f"{where}.paragraphs[{number}]"
            context = _value(paragraph, "context", file, inside)
            title = article.get("title") or context
            for index, one in enumerate(_list(paragraph, "qas", file, inside)):
                at = f"{inside}.qas[{index}]"
                answers = [] if one.get("is_impossible") is True else one.get("answers") or []
                name = one.get("id", f"{Path(file).name}#{place}.{number}.{index}")
                found.add(
                    context, _value(one, "question", file, at), answers, name, title, f"{Path(file).name}, {name}"
                )


def cmrc(content: Sequence[Any], file: str, found: Asked) -> None:
    """[{"context_id", "context_text", "qas": [{"query_id", "query_text", "answers": [text, …]}]}]. Raises DataError."""
    for place, paragraph in enumerate(content):
        where = f"[{place}]"
        context = _value(paragraph, "context_text", file, where)
        for index, one in enumerate(_list(paragraph, "qas", file, where)):
            name = one.get("query_id", f"{Path(file).name}#{place}.{index}")
            question = _value(one, "query_text", file, f"{where}.qas[{index}]")
            group = paragraph.get("title") or context
            found.add(context, question, one.get("answers") or [], name, group, f"{Path(file).name}, {name}")


def table(
    path: Path,
    files: Sequence[Path],
    data: DataSection,
    wanted: Mapping[str, Column],
    kind: str,
    progress: Progress | None,
) -> Table:
    """kind: "squad" or "cmrc". Several files are parts by their names. Raises DataError."""
    kinds = only(path, wanted, ("query", "passage", "answers"), kind)
    no_extra(path, data, kind)
    parts = _parts(files)
    found = Asked()
    digests = []
    pace = Pace(progress, say("data.reading", file=path.name), len(files))
    for done, (file, part) in enumerate(zip(files, parts, strict=True)):
        encoding, digest = encoding_of(file, None)
        refuse_too_large(str(file), _HELD * file.stat().st_size)
        content = parsed(file, file.read_text(encoding))
        (squad if kind == "squad" else cmrc)(content, str(file), found)
        found.parts += [part] * (len(found.ids) - len(found.parts))
        digests.append(digest)
        pace(done)
    pace.end(len(files))
    if not found.ids:
        raise DataError.of(str(path), say("answers.squad.none"))
    named, notes = _unique(found.ids)
    values = {"query": found.questions, "passage": found.contexts, "answers": found.answers}
    return Table(
        columns={kinds[each]: values[each] for each in kinds},
        ids=named,
        origins=found.origins,
        fingerprint=f"{kind} {' '.join(digests)} {sorted(kinds.items())}",
        given=None if parts == [None] else found.parts,
        extra={"group": found.groups},
        notes=tuple((str(path), note) for note in notes),
    )


def _parts(files: Sequence[Path]) -> list[Part | None]:
    if len(files) == 1:
        return [None]
    parts = [part_in(file.stem) for file in files]
    if None in parts or "train" not in parts:
        raise DataError.of(
            ", ".join(file.name for file in files), say("answers.squad.parts"), say("answers.squad.parts.remedy")
        )
    return parts


def _unique(ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Ids of which none occurs twice, and what was said about those that did."""
    often = {name: count for name, count in Counter(ids).items() if count > 1}
    if not often:
        return list(ids), []
    taken: Counter[str] = Counter()
    made = []
    for name in ids:
        taken[name] += 1
        made.append(name if taken[name] == 1 else f"{name}.{taken[name]}")
    return made, [say("answers.squad.id-twice", id=name, count=count) for name, count in list(often.items())[:5]]


def _list(holder: Any, key: str, file: str, where: str) -> Iterable[Any]:
    found = _value(holder, key, file, where)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _missing(key, file, where)
    return found


def _value(holder: Any, key: str, file: str, where: str) -> Any:
    if not isinstance(holder, dict) or key not in holder:
        raise _missing(key, file, where)
    return holder[key]


def _missing(key: str, file: str, where: str) -> DataError:
    what = say("answers.squad.keys", place=where or "{}", key=f'"{key}"')
    place = f"{file}, {where}" if where else file
    return DataError([Problem(place, what, say("answers.squad.keys.remedy"))])
