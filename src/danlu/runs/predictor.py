"""Raw inputs → prepared as in training → net → decoded answers: one way for a run and for an artifact. No torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, prepare_row
from danlu.data.sources._listing import listing
from danlu.errors import DataError
from danlu.messages import say
from danlu.tasks.catalogue import Catalogue
from danlu.tasks.decoding import Given, Pieces

_AT_ONCE = 2**26  # values in one batch, where samples are large: memory does not depend on what comes in


@dataclass(frozen=True)
class Row:
    """One prepared input. values: column → what the cache would hold, decoded. framing: of its image, if it has one."""

    values: Mapping[str, np.ndarray]
    framing: Framing | None


class Predictor(ABC):
    """Answers raw inputs. kinds: column → fitted kind, of all columns. inputs: those the net is called with, in order."""

    kinds: Mapping[str, Kind]
    inputs: tuple[str, ...]
    called: Mapping[str, str] = MappingProxyType(
        {}
    )  # input → its column in the files that were learnt from, where it had another name
    pieces: Pieces | None = None  # how inputs that are too large for the net are answered
    worth: str | None = None  # the number of an answer by which candidates are put in order, see Decoder.worth

    @abstractmethod
    def outputs(self, given: Mapping[str, Given]) -> Any:
        """The net's outputs in fp32 for input columns as :meth:`Kind.stack` gives them; numpy in the net's own structure."""

    @abstractmethod
    def decode(self, outputs: Any, given: Mapping[str, Given]) -> dict[str, Any]:
        """Outputs → prediction columns, see :meth:`danlu.tasks.decoding.Decoder.decode`."""

    @abstractmethod
    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None) -> dict[str, Any]:
        """One sample's prediction for a person, see :meth:`danlu.tasks.decoding.Decoder.answer`."""

    def catalogue(self) -> Catalogue | None:
        """What an index of embeddings takes from the net, where its answers are chosen among things it knows."""
        return None

    def predict(self, inputs: Iterable[Any], batch_size: int = 64) -> list[dict[str, Any]]:
        """One answer for each raw input: a path, bytes or an array (a mapping column → raw value where there are several columns).

        An input that can't be used raises DataError; :meth:`stream` goes on and says so in its answer.
        """
        answers = []
        for place, answer in enumerate(self.stream(inputs, batch_size), start=1):
            if "error" in answer:
                raise DataError.of(str(answer.get("input", say("deploy.input", number=place))), answer["error"])
            answers.append(answer)
        return answers

    def rank(self, inputs: Iterable[Any], batch_size: int = 64) -> list[dict[str, Any]]:
        """:meth:`predict`, the best of the candidates first, with its "place" among the inputs, from 0. Equal ones stay in order.

        Raises TypeError where answers have no number that says which is better.
        """
        if self.worth is None:
            raise TypeError("answers of this application are in no order")
        answers = [{**answer, "place": place} for place, answer in enumerate(self.predict(inputs, batch_size))]
        return in_order(answers, self.worth)

    def stream(self, inputs: Iterable[Any], batch_size: int = 64) -> Iterator[dict[str, Any]]:
        """Answers in the order of the inputs: {"input": name, …}, or {"input": name, "error": reason} for what can't be used.

        At most ``batch_size`` inputs are held at once, fewer where they are large.
        """
        chunk: list[tuple[dict[str, Any], Row | None]] = []
        rows: list[Row] = []
        shapes: dict[str, tuple[int, ...]] = {}  # of the block that they are padded to
        for raw in inputs:
            answer: dict[str, Any] = {"input": str(raw)} if isinstance(raw, (str, Path)) else {}
            row = whole = None
            try:
                whole = self._whole(raw)
                row = self.prepare(raw) if whole is None else None
            except BadValue as error:
                answer["error"] = str(error)
            if whole is not None:
                yield from self._answers(chunk, rows)
                chunk, rows, shapes = [], [], {}
                yield answer | self._pieced(whole, batch_size)
                continue
            if row is not None:
                shapes = _grown(shapes, row)
                if rows and (len(rows) + 1) * max(map(prod, shapes.values())) > _AT_ONCE:
                    yield from self._answers(chunk, rows)
                    chunk, rows, shapes = [], [], _grown({}, row)
                rows.append(row)
            chunk.append((answer, row))
            if len(chunk) >= batch_size:
                yield from self._answers(chunk, rows)
                chunk, rows, shapes = [], [], {}
        yield from self._answers(chunk, rows)

    def prepare(self, raw: Any) -> Row:
        """One raw input as the net takes it. Raises :class:`BadValue` with the reason."""
        return self._prepared(raw, self.kinds)

    def _prepared(self, raw: Any, kinds: Mapping[str, Kind]) -> Row:
        named = raw if isinstance(raw, Mapping) and not self._is_row(raw) else {self.inputs[0]: raw}
        missing = [name for name in self.inputs if name not in named]
        if missing:
            raise BadValue(say("deploy.input-missing", columns=", ".join(missing)))
        prepared = prepare_row({name: kinds[name] for name in self.inputs}, named)
        values = {}
        for name, made in prepared.items():
            kind = kinds[name]
            encoded = kind.storage().layout == "encoded"
            values[name] = kind.decode(made.value.tobytes()) if encoded else made.value
        return Row(values, next((made.framing for made in prepared.values() if made.framing is not None), None))

    def given(self, rows: Sequence[Row]) -> dict[str, Given]:
        """What the net is called with for these rows."""
        return {name: self.kinds[name].stack([row.values[name] for row in rows]) for name in self.inputs}

    def _is_row(self, raw: Mapping[str, Any]) -> bool:
        """Whether a mapping is the one input itself, a row of a table, and does not name the inputs."""
        alone = len(self.inputs) == 1 and self.kinds[self.inputs[0]].spans == "rest"
        return alone and not isinstance(raw.get(self.inputs[0]), Mapping)

    def _whole(self, raw: Any) -> Row | None:
        """The input prepared whole where it has to be answered in pieces."""
        if self.pieces is None:
            return None
        row = self._prepared(raw, {**self.kinds, **self.pieces.kinds})
        return row if self.pieces.wanted(row.values) else None

    def _pieced(self, whole: Row, batch_size: int) -> dict[str, Any]:
        assert self.pieces is not None
        cut = self.pieces.cut(whole.values)
        told: list[Any] = []
        for start in range(0, len(cut), batch_size):
            some = [Row(values, None) for values in cut[start : start + batch_size]]
            outputs = self.outputs(self.given(some))
            told += [_each(outputs, itemgetter(at)) for at in range(len(some))]
        joined = _each(self.pieces.join(told, whole.values), lambda leaf: np.asarray(leaf)[None])
        kinds = {**self.kinds, **self.pieces.kinds}
        given = {name: kinds[name].stack([whole.values[name]]) for name in self.inputs}
        return self.answer(self.decode(joined, given), 0, whole.framing)

    def _answers(self, chunk: Sequence[tuple[dict[str, Any], Row | None]], rows: list[Row]) -> Iterator[dict[str, Any]]:
        predictions: dict[str, Any] = {}
        if rows:
            given = self.given(rows)
            predictions = self.decode(self.outputs(given), given)
        place = 0
        for answer, row in chunk:
            if row is not None:
                answer |= self.answer(predictions, place, row.framing)
                place += 1
            yield answer


def in_order(answers: Iterable[dict[str, Any]], worth: str) -> list[dict[str, Any]]:
    """By the number ``worth``, the largest first; those that were refused last."""
    return sorted(answers, key=lambda answer: -float(answer[worth]) if worth in answer else float("inf"))


def _each(outputs: Any, change: Callable[[Any], Any]) -> Any:
    """Every array of a structure changed."""
    if isinstance(outputs, Mapping):
        return {key: _each(value, change) for key, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return [_each(value, change) for value in outputs]
    return None if outputs is None else change(outputs)


def _grown(shapes: Mapping[str, tuple[int, ...]], row: Row) -> dict[str, tuple[int, ...]]:
    """The shape that each column's values have when this row's are padded too."""
    return {
        name: tuple(map(max, value.shape, shapes[name])) if name in shapes else value.shape
        for name, value in row.values.items()
    }


def files_in(inputs: Iterable[str | Path]) -> list[Path]:
    """Files as they are, and each file in folders, in alphabetical order, as in training: links are followed, never in a circle, and
    what is hidden is left out. A link that leads nowhere and a folder that can't be listed are among them, to be told of when they
    are opened. Raises DataError for none.
    """
    files: list[Path] = []
    named = [Path(each) for each in inputs]
    for path in named:
        if path.is_dir():
            found = listing(path, wanted=lambda name: True)
            unlisted = (path / name for name, _ in found.problems)
            files += sorted({*(path / name for name in found.names), *unlisted})
        else:
            files.append(path)
    if not files:
        raise DataError.of(", ".join(map(str, named)), say("runs.nothing-to-predict"))
    return files
