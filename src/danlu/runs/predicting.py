"""A trained run, ready to answer: its net in torch, fp32, on any device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from danlu import recipe as recipes
from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.base import Framing
from danlu.recipe.names import load_object, spec_of
from danlu.runs import thresholds, weights
from danlu.runs.adapted import attach
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.runs.predictor import Predictor, files_in
from danlu.tasks.base import Task
from danlu.tasks.catalogue import Catalogue
from danlu.tasks.decoding import Given
from danlu.training.evaluation import as_numpy


class RunPredictor(Predictor):
    """Answers with a run's weights. use: "best" or "last" of them; None: as the recipe's ``evaluate.weights`` says.

    Thresholds that the run has tuned hold for the weights that it was tuned with.
    """

    def __init__(
        self, path: str | Path, device: str | torch.device = "cpu", use: Literal["best", "last"] | None = None
    ) -> None:
        self.folder = RunFolder.open(path)
        recipe = recipes.resolved(self.folder.recipe)
        self.recipe = weights.replaced(recipes.patch(recipe, {"evaluate.weights": use}) if use else recipe)
        self.spec = spec_of(self.recipe.task, self.recipe.where("task"))
        self.data = restore(self.folder.read_json(self.folder.columns), self.folder.read_json(self.folder.card))
        self.kinds, self.inputs = self.data.kinds, self.data.inputs
        learnt = self.data.card.get("columns", {})
        named = {name: self.recipe.data.columns.get(name) or learnt.get(name, {}).get("called") for name in self.inputs}
        self.called = {name: column for name, column in named.items() if isinstance(column, str) and column != name}
        self.task: Task = load_object(self.spec.task)(self.recipe, self.data)
        thresholds.use(self.folder, self.recipe, self.task)
        decoder = self.task.decoder()
        self.pieces, self.worth = decoder.pieces(self.kinds), decoder.worth
        self.device = torch.device(device)
        self.net = self.task.net()
        adapter = attach(self.net, self.recipe)
        weights.put_into(self.net, weights.chosen(self.folder, self.recipe), self.folder)
        if adapter is not None:
            adapter.merge(self.net)
        self.net.to(self.device).eval()

    def outputs(self, given: Mapping[str, Given]) -> Any:
        batch = self.batch(given).to(self.device)
        with torch.inference_mode():
            return as_numpy(self.task.respond(self.net, batch))

    def decode(self, outputs: Any, given: Mapping[str, Given]) -> dict[str, Any]:
        return self.task.decode(outputs, self.batch(given))

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None) -> dict[str, Any]:
        return self.task.answer(predictions, index, framing)

    def catalogue(self) -> Catalogue | None:
        return self.task.catalogue(self.net)

    def batch(self, given: Mapping[str, Given]) -> Batch:
        """Input columns as what the net is called with, on the CPU."""
        first = given[self.inputs[0]]
        count = len(first[0] if isinstance(first, tuple) else first)
        columns: dict[str, Tensor | Padded] = {
            name: Padded(*map(_tensor, values)) if isinstance(values, tuple) else _tensor(values)
            for name, values in given.items()
        }
        return Batch(columns, self.inputs, np.arange(count), np.zeros(count, np.uint64))


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values if values.flags.writeable else values.copy())


def load(path: str | Path, device: str = "cpu") -> RunPredictor:
    """A trained run, to answer raw inputs."""
    return RunPredictor(path, device)


def predict(path: str | Path, inputs: Iterable[str | Path]) -> Iterator[dict[str, Any]]:
    """A run's answers for files and folders (each file in them)."""
    return load(path).stream(files_in(inputs))
