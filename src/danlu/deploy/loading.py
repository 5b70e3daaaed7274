"""``danlu.load``: a run or an artifact, whichever lies there; torch is loaded for a run only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from danlu.deploy import asking, layout
from danlu.errors import RunError
from danlu.messages import say
from danlu.runs.predictor import Predictor, in_order


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
    rank: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> Iterator[dict[str, Any]]:
    """Answers for what a person gives: files and folders, texts, tables; see :func:`danlu.deploy.asking.answers`.

    rank: all of them are candidates, and the best comes first. tell: hears what a person should know of them. Raises RunError where
    answers are in no order.
    """
    answering = load(path, device, threads=threads, allow_code=allow_code)
    if rank and answering.worth is None:
        raise RunError.of(str(path), say("deploy.no-order"), say("deploy.no-order.remedy"))
    found = asking.answers(answering, inputs, tell)
    return iter(in_order(found, answering.worth)) if rank and answering.worth else found
