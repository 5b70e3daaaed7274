"""``danlu.export``: a run becomes an artifact, accepted only if it answers raw inputs as the run does."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch

from danlu.data.kinds.base import Kind
from danlu.deploy import card, layout, parity, raws
from danlu.deploy.artifact import Artifact
from danlu.deploy.engine import DTYPES, SIZES, Engine
from danlu.deploy.graph import OPSET, write_further, write_graph
from danlu.deploy.profile import SAMPLED, profile
from danlu.deploy.raws import RawData, Sample
from danlu.errors import ArtifactError
from danlu.messages import say
from danlu.runs.predicting import RunPredictor
from danlu.runs.run import Run
from danlu.tasks.base import Task
from danlu.training import manifest
from danlu.training.aside import beside, clear, sync, sync_folder

Tell = Callable[[str], None]


def export(
    run: Run | str | Path,
    folder: str | Path | None = None,
    *,
    weights: Literal["best", "last"] | None = None,
    inputs: Sequence[str | Path] = (),
    licence: str | None = None,
    replace: bool = False,
    tell: Tell = lambda text: None,
) -> Path:
    """Write a run's artifact and give its folder, by default ``RUN/artifact``; it appears whole, or not at all.

    weights: None as the recipe's ``evaluate.weights`` says. inputs: raw inputs for the parity gate where the run's own are gone: files
    and folders, or tables. licence: a line for the model card; None: what the recipe says. replace: an earlier artifact gives way.
    tell: is given each stage in words.

    Raises ArtifactError: a net that can't be captured, no raw inputs to prove it with, answers that differ, a folder that is taken.
    """
    path = Path(run.path if isinstance(run, Run) else run)
    target = path / "artifact" if folder is None else Path(folder)
    _refuse_taken(target, replace)
    tell(say("deploy.stage.net"))
    trained = RunPredictor(path, "cpu", weights)
    _refuse_own_decoding(trained)
    trained.task.refuse_export()
    data, samples, source = _raws(trained, [str(each) for each in inputs])
    aside = beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        clear(target.parent, target.name)
        aside.mkdir()
        tell(say("deploy.stage.graph"))
        described = _description(trained, samples, aside, licence)
        layout.write_json(aside / layout.DESCRIPTION, described)
        layout.write_json(aside / layout.PROFILE, _profile(trained, data))
        layout.seal(aside)
        tell(say("deploy.stage.parity", samples=len(samples)))
        figures = parity.gate(trained, Artifact(aside, allow_code=True), samples)
        described["parity"] = {"source": source, **figures.as_dict(), **_proven_with()}
        layout.write_json(aside / layout.DESCRIPTION, described)
        files = [layout.GRAPH, *(each["file"] for each in described.get("graphs", {}).values())]
        hashes = {name: manifest.digest(aside / name) for name in (*files, layout.DESCRIPTION, layout.PROFILE)}
        text = card.model_card(described, trained.data.card, hashes)
        (aside / layout.CARD).write_text(text, encoding="utf-8")
        layout.seal(aside)
        _appear(aside, target)
    except OSError as error:
        what = say("deploy.not-written", reason=error.strerror or str(error))
        raise ArtifactError.of(str(target), what, say("deploy.not-written.remedy")) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _refuse_taken(target: Path, replace: bool) -> None:
    if not os.path.lexists(target) or (target.is_dir() and not any(target.iterdir())):
        return
    if not layout.is_artifact(target):
        raise ArtifactError.of(str(target), say("deploy.taken"), say("deploy.taken.remedy"))
    if not replace:
        raise ArtifactError.of(str(target), say("deploy.there"), say("deploy.there.remedy"))


def _refuse_own_decoding(trained: RunPredictor) -> None:
    """A task that decodes by itself needs torch to do it."""
    kind = type(trained.task)
    if kind.decode is not Task.decode or kind.answer is not Task.answer:
        where = f"{kind.__module__}:{kind.__qualname__}"
        raise ArtifactError.of(where, say("deploy.own-decoding"), say("deploy.own-decoding.remedy"))


def _raws(trained: RunPredictor, inputs: Sequence[str]) -> tuple[RawData | None, list[Sample], str]:
    """(the run's own rows, samples for the gate, where these are from): of the run, or else of ``inputs``."""
    if inputs:
        samples = raws.of_inputs(trained, inputs, parity.SAMPLES)
        if not samples:
            raise ArtifactError.of(", ".join(inputs), say("deploy.no-usable"), say("deploy.no-raws.remedy"))
        return None, samples, "inputs"
    data = raws.of_run(trained)
    samples = data.samples(trained, data.part, parity.SAMPLES)
    if not samples:
        what = say("deploy.no-raws", reason=say("deploy.no-usable"))
        raise ArtifactError.of(trained.recipe.data.source, what, say("deploy.no-raws.remedy"))
    return data, samples, data.part


def _description(trained: RunPredictor, samples: Sequence[Sample], aside: Path, licence: str | None) -> dict[str, Any]:
    """Writes the graph; what ``artifact.json`` says of it, all but the parity."""
    import danlu

    rows = [sample.row for sample in samples[:2]]
    given = trained.given(rows * (2 // len(rows)))
    structure = write_graph(trained.net, trained.kinds, given, aside / layout.GRAPH)
    further = _further(trained, given, aside)
    session = Engine(aside, aside / layout.GRAPH, structure, threads=1).session
    decoder = trained.task.decoder()
    run, recipe = Run(trained.folder.path), trained.recipe
    return {
        "format": layout.FORMAT,
        "danlu": danlu.__version__,
        "task": recipe.task,
        "title": list(trained.spec.title),
        "inputs": [
            {
                "name": name,
                **_kind(trained.kinds[name]),
                **({"column": trained.called[name]} if name in trained.called else {}),
                "tensors": [
                    {"name": each.name, "dtype": DTYPES[each.type], "shape": list(each.shape)}
                    for each in session.get_inputs()
                    if each.name in (name, name + SIZES)
                ],
            }
            for name in trained.inputs
        ],
        "targets": {name: _kind(trained.kinds[name]) for name in trained.data.targets},
        "outputs": structure,
        "decoder": {"class": f"{type(decoder).__module__}:{type(decoder).__qualname__}", "spec": decoder.spec()},
        "graph": {"file": layout.GRAPH, "opset": OPSET, "precision": "fp32"},
        **({"graphs": further} if further else {}),
        "licence": licence or recipe.deploy.licence,
        "run": {
            "name": trained.folder.path.absolute().name,
            "net": _net_name(trained),
            "parameters": sum(parameter.numel() for parameter in trained.net.parameters()),
            "weights": recipe.evaluate.weights,
            "seed": recipe.seed,
            "fingerprint": trained.data.card.get("fingerprint"),
        },
        "metrics": _finite(run.metrics),
        "intervals": _finite(run.intervals),
        "confidence": recipe.evaluate.confidence,
        "made_with": {name: version(name) for name in ("torch", "numpy", "pillow", "onnx", "onnxscript")},
    }


def _further(trained: RunPredictor, given: Mapping[str, Any], aside: Path) -> dict[str, Any]:
    """Writes what the net's own graph does not hold: name → {"file", "outputs": structure}."""
    with torch.no_grad():
        outputs = trained.net(*trained.batch(given).arguments())
        graphs = trained.task.graphs(trained.net, outputs)
    found: dict[str, Any] = {}
    for name, further in graphs.items():
        file = f"{name}.onnx"
        found[name] = {"file": file, "outputs": write_further(further, aside / file)}
    return found


def _net_name(trained: RunPredictor) -> str:
    """As the recipe names it; the class of what stands behind the normalisation, where it leaves the choice to the task."""
    name = trained.recipe.model.name
    parts = list(trained.net.children()) or [trained.net]
    return type(parts[-1]).__name__ if name == "auto" else name


def _kind(kind: Kind) -> dict[str, Any]:
    return {"kind": kind.name, "version": kind.version, "spec": kind.spec()}


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _profile(trained: RunPredictor, data: RawData | None) -> dict[str, Any]:
    rows: Iterable[Sample] = () if data is None else data.stream(trained, "train", SAMPLED)
    made = profile(
        trained.kinds,
        trained.inputs,
        (sample.row.values for sample in rows),
        trained.data.statistics,
        trained.data.card,
    )
    found: dict[str, Any] = _finite(made)
    return found


def _proven_with() -> dict[str, str]:
    return {"runtime": f"onnxruntime {version('onnxruntime')}", "reference": f"torch {version('torch')}"}


def _appear(aside: Path, target: Path) -> None:
    """Under its name, on the disk; an earlier artifact goes only once the new one is there."""
    for path in aside.iterdir():
        sync(path)
    sync_folder(aside)
    old = beside(target, "old")
    if target.exists():
        target.rename(old)
    aside.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    sync_folder(target.parent)
