"""What decoding learns from the validation part alone, kept in the run.

``evaluate.thresholds``: offsets of the classes' logits; or what a decoder calibrates of itself, half-widths of intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from danlu.errors import RecipeError, RunError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.runs.folder import RunFolder, writing
from danlu.runs.run import Run
from danlu.tasks.base import Task
from danlu.training.evaluation import true_values

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch
    from danlu.runs.assembling import Bench


def check(made: Bench) -> None:
    """Raises RecipeError where thresholds are asked for and can't be tuned."""
    asked, where = made.recipe.evaluate.thresholds, made.recipe.where("evaluate.thresholds")
    if asked is None:
        return
    if not len(made.data.parts.get("val", ())):
        key = "evaluate.thresholds"
        raise RecipeError.of(
            where, say("runs.no-validation", key=key), say("recipe.clash.no-validation.remedy", key=key)
        )
    if _target(made.task) is None:
        raise RecipeError.of(where, say("runs.thresholds.none"), say("runs.thresholds.none.remedy"))


def tune(folder: RunFolder, made: Bench, net: nn.Module, tell: Callable[[str], None]) -> None:
    """Tune, keep in ``thresholds.json`` and use from now on, where the recipe or the decoder asks for it.

    tell: is given what came of it.
    """
    metric: str | None = made.recipe.evaluate.thresholds
    name = _target(made.task)
    watched: tuple[str, ...] = ("probability",)
    if metric is None and len(made.data.parts.get("val", ())) and (name := _calibrated(made.task)) is not None:
        decoder = made.task.decoder()
        metric, watched = decoder.measure, decoder.watches or (name,)
    if metric is None or name is None:
        return
    answers: dict[str, list[np.ndarray]] = {column: [] for column in watched}
    labels: list[Any] = []

    def keep(batch: Batch, predictions: Mapping[str, Any]) -> None:
        for column, values in answers.items():
            values.append(predictions[column])
        labels.append(true_values(made.data.kinds, name, batch))

    made.task.move(None)
    made.judge("val", keep=keep)(net)
    decoder = made.task.decoder()
    truth = np.concatenate(labels) if isinstance(labels[0], np.ndarray) else [each for some in labels for each in some]
    found = decoder.tuned({column: np.concatenate(values) for column, values in answers.items()}, truth, metric)
    classes = list(made.data.kinds[name].spec().get("classes", ()))
    offsets = [float(each) for each in found.offsets]
    content = {
        "metric": metric,
        "part": "val",
        "weights": made.recipe.evaluate.weights,
        "target": name,
        "classes": classes,
        "offsets": offsets,
        "before": found.before,
        "after": found.after,
        "samples": int(sum(map(len, labels))),
    }
    with writing(folder.thresholds):
        folder.write_json(folder.thresholds, content)
    made.task.move(offsets)
    if metric == "coverage":
        tell(
            say(
                "tables.interval",
                half=f"{offsets[0]:.4g}",
                held=f"{found.after:.1%}",
                samples=f"{content['samples']:,}",
            )
        )
        return
    key = decoder.tells or ("runs.thresholds.tuned" if decoder.moves_probability else "labels.tuned")
    tell(say(key, metric=metric, before=f"{found.before:.4f}", after=f"{found.after:.4f}"))


def kept(folder: RunFolder) -> dict[str, Any] | None:
    """What ``thresholds.json`` says; None where there is none. Raises RunError where it is damaged."""
    return folder.read_json(folder.thresholds) if folder.thresholds.exists() else None


def use(folder: RunFolder, recipe: Recipe, task: Task) -> None:
    """The task decides by the run's thresholds, where it has tuned any for the weights that are used.

    Raises RunError where they are damaged, or not there though training has ended.
    """
    if recipe.evaluate.thresholds is None and _calibrated(task) is None:
        return
    found = kept(folder)
    if (
        found is None
        and recipe.evaluate.thresholds is not None
        and Run(folder.path).status in ("finished", "early-stop")
    ):
        path = folder.path
        raise RunError.of(
            str(folder.thresholds), say("runs.thresholds.gone"), say("runs.thresholds.gone.remedy", path=path)
        )
    if found is not None and found["weights"] == recipe.evaluate.weights:
        task.move(found["offsets"])


def _calibrated(task: Task) -> str | None:
    """The target that the task's decoder calibrates of itself."""
    return task.decoder().calibrates if type(task).decode is Task.decode else None


def _target(task: Task) -> str | None:
    """The category that the task decides on by its decoder."""
    return task.decoder().decides if type(task).decode is Task.decode else None
