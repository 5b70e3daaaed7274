"""``danlu.explain``: why a run answers as it does about an image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.kinds.base import BadValue
from danlu.errors import DanluError, DataError
from danlu.evaluation.explain.explanation import Explanation
from danlu.evaluation.explain.grad_cam import grad_cam
from danlu.evaluation.explain.perturbing import integrated_gradients, occlusion
from danlu.evaluation.explain.roll_out import roll_out
from danlu.evaluation.explain.subject import Opened, Subject
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean
from danlu.runs.predictor import files_in
from danlu.runs.run import Run

METHODS = ("grad-cam", "integrated-gradients", "occlusion", "roll-out")


def explain(
    run: str | Path | Run,
    inputs: Any,
    *,
    method: str = "grad-cam",
    target: str | None = None,
    layer: str | None = None,
    beside: Any = None,
) -> list[Explanation]:
    """One explanation for each input: a file, a folder (each file in it), or a raw value (array, bytes), or several of them.

    run: a run or its folder; nothing in it is changed. method: "grad-cam", "integrated-gradients" and "occlusion" (these two need
    captum: ``pip install "danlu[explain]"``), or "roll-out" for Transformers. target: a class's name, or what the application calls
    what it finds; None: what the net answers. layer: of Grad-CAM, a module's dotted name; None: the last feature map. beside: another
    input, for nets whose answers compare two.
    Raises RunError where there is no run, DataError for an input that can't be read, DanluError where the method doesn't suit the net.
    """
    if method not in METHODS:
        what = say("explain.no-method", methods=", ".join(METHODS))
        raise DanluError.of(method, what, did_you_mean(method, METHODS))
    if layer is not None and method != "grad-cam":
        raise DanluError.of(layer, say("explain.layer-unused", method=method), say("explain.layer-unused.remedy"))
    opened = Opened.of(run.path if isinstance(run, Run) else os.fspath(run))
    other = None if beside is None else _prepared(opened, beside)
    found = []
    for place, raw in enumerate(_inputs(inputs), start=1):
        subject = opened.subject(_prepared(opened, raw), target, other)
        name = str(raw) if isinstance(raw, (str, Path)) else say("deploy.input", number=place)
        found.append(explained(subject, name, method, layer))
    return found


def explained(subject: Subject, name: str, method: str = "grad-cam", layer: str | None = None) -> Explanation:
    """One subject by one method."""
    import torch

    with torch.no_grad():
        score = float(subject.score(subject.pixels))
    notes: list[str] = []
    sums, where = None, ""
    if method == "grad-cam":
        made = grad_cam(subject, layer)
        heat, where = made.heat, made.layer
        notes.append(say("explain.read-at", layer=made.layer, height=made.shape[0], width=made.shape[1]))
        if not float(heat.max()):
            notes.append(say("explain.nothing-for"))
    elif method == "integrated-gradients":
        parts, total, apart = integrated_gradients(subject)
        heat, sums = parts.sum(0), (total, apart)
        missed = abs(total - apart) / max(abs(apart), 1e-12)
        key = "explain.complete" if missed <= 0.05 else "explain.incomplete"
        notes.append(say(key, total=f"{total:.4g}", apart=f"{apart:.4g}", missed=f"{100 * missed:.2g}"))
    elif method == "occlusion":
        heat, side = occlusion(subject)
        notes.append(say("explain.covered", side=side))
    else:
        heat, layers = roll_out(subject)
        notes.append(say("explain.rolled", layers=layers))
    return Explanation(
        name, method, subject.aim.name, score, heat.cpu().numpy(), subject.picture, where, tuple(notes), sums
    )


def _inputs(inputs: Any) -> Iterable[Any]:
    given: list[Any] = [inputs] if isinstance(inputs, (str, Path, bytes, Mapping, np.ndarray)) else list(inputs)
    return files_in(given) if all(isinstance(each, (str, Path)) for each in given) else given


def _prepared(opened: Opened, raw: Any) -> dict[str, np.ndarray]:
    try:
        return dict(opened.predictor.prepare(raw).values)
    except BadValue as error:
        raise DataError.of(str(raw)[:80], str(error)) from error
