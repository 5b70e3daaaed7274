"""``danlu.load(path).predict(inputs)``: raw inputs → the same preparation as in training → net → decoded answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from danlu import recipe as recipes
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import BadValue, Prepared, prepare_row
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.names import load_object, spec_of
from danlu.runs import weights
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.tasks.base import Task
from danlu.training.evaluation import as_numpy


class Predictor:
    """A trained run, ready to answer. ``task`` decodes; ``kinds`` prepare."""

    def __init__(self, path: str | Path, device: str | torch.device = "cpu") -> None:
        folder = RunFolder.open(path)
        self.recipe = weights.replaced(recipes.complete(recipes.load(folder.recipe)))
        spec = spec_of(self.recipe.task, self.recipe.where("task"))
        self.data = restore(folder.read_json(folder.columns), folder.read_json(folder.card))
        self.task: Task = load_object(spec.task)(self.recipe, self.data)
        self.device = torch.device(device)
        self.net = self.task.net()
        self.net.load_state_dict(weights.chosen(folder, self.recipe))
        self.net.to(self.device).eval()

    def predict(self, inputs: Iterable[Any], batch_size: int = 64) -> list[dict[str, Any]]:
        """One answer for each raw input: a path, bytes or an array (a mapping column → raw value where there are several inputs).

        An input that can't be read raises DataError; :meth:`stream` goes on and says so in its answer.
        """
        answers = list(self.stream(inputs, batch_size))
        bad = next((answer for answer in answers if "error" in answer), None)
        if bad is not None:
            raise DataError.of(str(bad.get("input", "")), bad["error"])
        return answers

    def stream(self, inputs: Iterable[Any], batch_size: int = 64) -> Iterator[dict[str, Any]]:
        """Answers in the order of the inputs, {"input": name, …} or {"input": name, "error": reason}."""
        source = iter(inputs)
        while chunk := list(islice(source, batch_size)):
            yield from self._answers(chunk)

    def _answers(self, raws: Sequence[Any]) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = [{"input": str(raw)} if isinstance(raw, (str, Path)) else {} for raw in raws]
        rows: list[dict[str, Prepared]] = []
        good: list[int] = []
        for index, raw in enumerate(raws):
            try:
                rows.append(self._prepared(raw))
                good.append(index)
            except BadValue as error:
                answers[index]["error"] = str(error)
        if good:
            _, predictions = self.run(rows)
            for place, index in enumerate(good):
                framing = next((value.framing for value in rows[place].values() if value.framing is not None), None)
                answers[index] |= self.task.answer(predictions, place, framing)
        return answers

    def _prepared(self, raw: Any) -> dict[str, Prepared]:
        named = raw if isinstance(raw, dict) else {self.data.inputs[0]: Path(raw) if isinstance(raw, str) else raw}
        kinds = {name: self.data.kinds[name] for name in self.data.inputs}
        return prepare_row(kinds, named)

    def run(self, rows: Sequence[dict[str, Prepared]]) -> tuple[Batch, dict[str, Any]]:
        """(batch, prediction columns) of prepared rows."""
        columns = {}
        for name in self.data.inputs:
            kind = self.data.kinds[name]
            values = [row[name].value for row in rows]
            layout = kind.storage().layout
            if layout == "encoded":
                values = [kind.decode(value.tobytes()) for value in values]
            columns[name] = kind.collate(np.stack(values) if layout == "fixed" else values)
        batch = Batch(columns, self.data.inputs, np.arange(len(rows)), np.zeros(len(rows), np.uint64)).to(self.device)
        with torch.inference_mode():
            outputs = self.net(*batch.arguments())
        return batch, self.task.decode(as_numpy(outputs), batch)


def load(path: str | Path, device: str = "cpu") -> Predictor:
    """A trained run as a :class:`Predictor`."""
    return Predictor(path, device)


def predict(path: str | Path, inputs: Iterable[str | Path]) -> Iterator[dict[str, Any]]:
    """Answers for files and folders (each file in them, in natural order)."""
    files = list(_files(inputs))
    if not files:
        raise DataError.of("", say("runs.nothing-to-predict"))
    return load(path).stream(files)


def _files(inputs: Iterable[str | Path]) -> Iterator[Path]:
    for path in map(Path, inputs):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        else:
            yield path
