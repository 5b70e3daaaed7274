"""What a person asks on the command line: files, texts, tables of rows."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from danlu.errors import DataError
from danlu.messages import say
from danlu.runs.predictor import Predictor, files_in

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx")
_PLAIN = ".txt"
_STDIN = "-"


def answers(
    answering: Predictor, given: Iterable[str | Path], tell: Callable[[str], None] = lambda text: None
) -> Iterator[dict[str, Any]]:
    """An answer for each of what was given, see :meth:`danlu.runs.predictor.Predictor.stream`.

    Images: files, and each file in folders. Texts: the text itself, .txt files, folders of them, tables with a column of texts, and
    "-" for each line of standard input.
    Everything else: NAME=VALUE for every input of one row, or
    tables (CSV, JSON lines, Parquet), an answer for each of their rows. tell: hears what a person should know, as which column was
    taken where none is called as it was learnt. Raises DataError for what is not there, for columns that can't be told apart, and for
    nothing at all: as a file's name it would mean the folder that one stands in.
    """
    words = _words(given)
    asked = _asked([type(answering.kinds[name]) for name in answering.inputs])
    if asked == "file":
        yield from answering.stream(files_in(words))
    elif asked in ("text", "name"):
        for word in words:
            yield from _named_answers(answering, _texts_of(answering, word, tell))
    elif (row := _named(answering.inputs, words)) is not None:
        for answer in answering.stream([row]):
            yield {"input": " ".join(map(str, words))[:80], **answer}
    else:
        yield from _named_answers(answering, _rows_of(answering, files_in(words), tell))


def raws(
    answering: Predictor, given: Iterable[str | Path], tell: Callable[[str], None] = lambda text: None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what a person calls it, the raw input) of each text or row that was given, as :func:`answers` takes them. Not for images."""
    words = _words(given)
    if _asked([type(answering.kinds[name]) for name in answering.inputs]) in ("text", "name"):
        for word in words:
            yield from _texts_of(answering, word, tell)
    elif (row := _named(answering.inputs, words)) is not None:
        yield " ".join(map(str, words))[:80], row
    else:
        yield from _rows_of(answering, files_in(words), tell)


def _words(given: Iterable[str | Path]) -> list[str | Path]:
    """As they are. Raises DataError for nothing at all: as a file's name it would mean the folder that one stands in."""
    words = list(given)
    for number, word in enumerate(words, 1):
        if not str(word).strip() and isinstance(word, str):
            raise DataError.of(say("deploy.input", number=number), say("deploy.empty"), say("deploy.empty.remedy"))
    return words


def _named(inputs: Sequence[str], words: Sequence[str | Path]) -> dict[str, str] | None:
    """``question=… context=…``, one for each input, as one row; None where it is something else."""
    pairs = [str(word).partition("=") for word in words]
    row = {name: value for name, _, value in pairs}
    return row if len(pairs) == len(row) and set(row) == set(inputs) and all(mark for _, mark, _ in pairs) else None


def example(task: str) -> str:
    """What a person would give to a model of this task, to be shown in a command."""
    from danlu.recipe.names import load_object, resolve, spec_of

    columns = spec_of(task).columns.values()
    kinds = [load_object(resolve("kind", column.kind)) for column in columns if column.role == "input"]
    return say(f"cli.input-name.{_asked(kinds)}")


def _asked(kinds: Sequence[Any]) -> str:
    return str(kinds[0].asked) if len(kinds) == 1 else "row"


def _named_answers(answering: Predictor, asked: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """An answer for each raw input, with its name. Answers come in the inputs' order, some inputs behind."""
    names: deque[str] = deque()

    def raws() -> Iterator[dict[str, Any]]:
        for name, raw in asked:
            names.append(name)
            yield raw

    for answer in answering.stream(raws()):
        yield {"input": names.popleft(), **answer}


def _texts_of(
    answering: Predictor, word: str | Path, tell: Callable[[str], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    path = Path(word)
    suffix = path.suffix.casefold()
    name = answering.inputs[0]
    if word == _STDIN:
        yield from _lines(name)
        return
    try:
        there = path.exists()
    except (OSError, ValueError):  # no name of a file at all: longer than one may be, or with a NUL in it
        there = False
    if there and suffix not in _TABLES:
        files = files_in([path])
        if path.is_dir():  # as it is learnt from: a README between texts is none of them
            files = [file for file in files if file.suffix.casefold() == _PLAIN]
            if not files:
                raise DataError.of(str(word), say("deploy.no-texts"), say("deploy.no-texts.remedy"))
        yield from ((str(file), {name: _read(file)}) for file in files)
    elif there:
        yield from _rows_of(answering, [path], tell)
    elif (suffix in (*_TABLES, _PLAIN) or str(word).endswith("/")) and not any(map(str.isspace, str(word))):
        raise DataError.of(str(word), say("data.source.missing", path=path.absolute()))
    else:
        yield str(word), {name: str(word)}


def _lines(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line of standard input, in UTF-8; an empty line too, so that answers can be counted off."""
    lines = (line.decode("utf-8", "surrogateescape").rstrip("\r\n") for line in sys.stdin.buffer)
    for number, line in enumerate(lines, 1):
        yield (
            say("data.line", file="stdin", number=number),
            {name: line.removeprefix("\ufeff") if number == 1 else line},
        )


def _read(file: Path) -> str:
    from danlu.data.sources._text import encoding_of

    return file.read_text(encoding=encoding_of(file, longest=None)[0])


def _rows_of(
    answering: Predictor, files: Sequence[Path], tell: Callable[[str], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where the row stands, the row) for every row of tables."""
    from danlu.data.substitutes import read_as_learnt  # which an artifact does without
    from danlu.recipe import patch
    from danlu.recipe.schema import Recipe
    from danlu.recipe.spec import Column

    wanted = {name: Column(answering.kinds[name].name, "input") for name in answering.inputs}
    for file in files:
        recipe = patch(Recipe(), {"data.source": str(file), "data.columns": dict(answering.called)})
        _, table = read_as_learnt(recipe, wanted, tell=tell)
        yield from zip(table.origins, _rows(table.columns, answering.inputs, len(table)), strict=True)


def _rows(columns: Mapping[str, Sequence[Any]], names: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    for row in range(count):
        yield {name: columns[name][row] for name in names}
