"""``danlu.load``: a run or an artifact, whichever lies there; torch is loaded for a run only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from danlu.data import reading
from danlu.deploy import layout
from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe import patch
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import Column
from danlu.runs.predictor import Predictor, files_in


def load(path: str | Path, device: str = "cpu", *, threads: int | None = None, allow_code: bool = False) -> Predictor:
    """What answers raw inputs: ``load(path).predict(["photo.jpg"])``.

    path: the folder of a run (its net answers, in torch) or of an artifact (see :class:`danlu.deploy.artifact.Artifact`). threads: on
    the CPU; for a run they hold for the whole process. Raises RunError where neither is there, ArtifactError for a damaged artifact.
    """
    folder = Path(path)
    if layout.is_artifact(folder):
        from danlu.deploy.artifact import Artifact

        return Artifact(folder, device, threads=threads, allow_code=allow_code)
    if not (folder / "recipe.yaml").is_file():
        raise RunError.of(str(path), say("deploy.neither"), say("runs.no-run.remedy"))
    from danlu.runs import predicting

    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    return predicting.load(folder, device)


def predict(
    path: str | Path,
    inputs: Iterable[str | Path],
    device: str = "cpu",
    *,
    threads: int | None = None,
    allow_code: bool = False,
) -> Iterator[dict[str, Any]]:
    """Answers for files and folders (each file in them), see :meth:`danlu.runs.predictor.Predictor.stream`.

    Where the input is a row of a table, files are tables (CSV, JSON lines, Parquet), and there is an answer for each of their rows.
    """
    files = files_in(inputs)
    answering = load(path, device, threads=threads, allow_code=allow_code)
    alone = answering.inputs[0] if len(answering.inputs) == 1 else ""
    if not alone or answering.kinds[alone].spans != "rest":
        return answering.stream(files)
    return _of_tables(answering, alone, files)


def _of_tables(answering: Predictor, column: str, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """{"input": where the row stands, …} for every row of tables."""
    for file in files:
        recipe = patch(Recipe(), {"data.source": str(file)})
        _, table = reading.read(recipe, {column: Column(answering.kinds[column].name, "input")})
        for place, answer in enumerate(answering.stream(table.columns[column])):
            yield {"input": table.origins[place], **answer}
