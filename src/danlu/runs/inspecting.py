"""``danlu.inspect``: a look at whatever training holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import BadValue
from danlu.errors import DataError
from danlu.runs import tensor_files
from danlu.runs.activations import ActivationInspection
from danlu.runs.predicting import RunPredictor, load
from danlu.runs.predictor import files_in
from danlu.runs.run import Run
from danlu.training.captures import SAMPLES, activations, of_batch
from danlu.training.objective import Objective
from danlu.watch.differences import compare
from danlu.watch.examination import of_array, of_net, of_several, of_tensor, refused
from danlu.watch.inspection import Inspection


def inspect(
    x: Any,
    other: Any = None,
    *,
    loss: Callable[[Any], Tensor] | None = None,
    samples: int = SAMPLES,
) -> Inspection:
    """Shape, memory and values of what is given; printed as a table, in Jupyter too, and ``as_dict()`` for programs.

    x: a tensor or array; a batch, list or dict of them; a file of them (safetensors, npy, npz); an ``nn.Module`` (its parameters and
    gradients); a run, its folder or what
    :func:`danlu.load` gives (the net with the weights that it answers with).
    other: of the same kind as ``x``: how far the values are apart, and where. With a net: the inputs it is called with (a tensor, a
    tuple, a batch; with a run also files, texts or raw values): what each layer gives out, on a copy, in the net's own mode, for the
    first ``samples`` of them. loss: makes a 0-d loss of the outputs (then all inputs are run), or a batch's
    :class:`~danlu.training.objective.Objective`: each output's gradient is shown too.
    Raises DataError for anything else, RunError where a folder holds no run, TrainingError where a net can't be copied.
    """
    if _is_tensor_file(x):
        x = tensor_files.read(Path(x))
    opened = x if isinstance(x, RunPredictor) else None
    if isinstance(x, (Run, str, os.PathLike)):
        opened = load(os.fspath(_path(x)))
    x = opened.net if opened is not None else _as_array(x)
    if other is None:
        return of_net(x) if isinstance(x, nn.Module) else _values(x)
    if isinstance(other, Run) or is_run(other):
        other = load(os.fspath(_path(other))).net
    elif _is_tensor_file(other) and not isinstance(x, nn.Module):
        other = tensor_files.read(Path(other))
    if not isinstance(x, nn.Module) or isinstance(other, nn.Module):
        return compare(x, _as_array(other))
    if opened is not None and _raw(other):
        other = _prepared(opened, other, samples)
    return _running(x, other, loss, samples)


def _is_tensor_file(x: Any) -> bool:
    return isinstance(x, (str, os.PathLike)) and os.fspath(x).lower().endswith(tensor_files.ENDINGS)


def _values(x: Any) -> Inspection:
    if isinstance(x, Tensor):
        return of_tensor(x)
    return of_array(x) if isinstance(x, np.ndarray) else of_several(x)


def _running(net: nn.Module, inputs: Any, loss: Callable[[Any], Tensor] | None, samples: int) -> ActivationInspection:
    """A loss that knows its targets must see as many samples as they are: then all are run."""
    if isinstance(inputs, Batch) and (loss is None or isinstance(loss, Objective)):
        count, rows = min(samples, len(inputs)), of_batch(net, loss, inputs, samples=samples)
    else:
        given = inputs.arguments() if isinstance(inputs, Batch) else inputs if type(inputs) is tuple else (inputs,)
        given = tuple(_as_tensor(value) for value in given)
        if loss is None:
            given = tuple(value[:samples] if isinstance(value, Tensor) and value.ndim else value for value in given)
        count = next((len(value) for value in given if isinstance(value, Tensor) and value.ndim), 1)
        rows = activations(net, given, loss=loss)
    return ActivationInspection(type(net).__name__, count, net.training, rows)


def _as_tensor(value: Any) -> Any:
    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value


def _prepared(run: RunPredictor, raw: Any, samples: int) -> Batch:
    """Raw inputs as the run's net takes them."""
    given: list[Any] = [raw] if isinstance(raw, (str, Path, bytes, Mapping)) else list(raw)
    kinds = [run.kinds[name] for name in run.inputs]
    named: Sequence[Any]
    if len(kinds) == 1 and kinds[0].asked == "text":
        named = [Path(each) if isinstance(each, str) and _is_text_file(each) else each for each in given]
    else:
        named = files_in(given) if all(isinstance(each, (str, Path)) for each in given) else given
    rows = []
    for each in list(named)[:samples]:
        try:
            rows.append(run.prepare(each))
        except BadValue as error:
            raise DataError.of(str(each)[:80], str(error)) from error
    return run.batch(run.given(rows)).to(run.device)


def is_run(value: Any) -> bool:
    """Whether it names the folder of a run."""
    try:
        return isinstance(value, (str, os.PathLike)) and (Path(value) / "recipe.yaml").is_file()
    except (OSError, ValueError):  # a text, which is no name of a file at all
        return False


def _is_text_file(word: str) -> bool:
    """Whether a text that was given is the name of a file that holds one."""
    try:
        return word.endswith(".txt") and Path(word).is_file()
    except (OSError, ValueError):  # no name of a file at all
        return False


def _raw(value: Any) -> bool:
    one = value[0] if isinstance(value, list) and value else value
    return isinstance(one, (str, Path, bytes)) or (isinstance(one, Mapping) and not isinstance(value, Batch))


def _path(x: Run | str | os.PathLike[str]) -> str | os.PathLike[str]:
    return x.path if isinstance(x, Run) else x


def _as_array(x: Any) -> Any:
    """Anything shaped like an array as an array, a batch as its columns."""
    if isinstance(x, (Tensor, nn.Module, np.ndarray)):
        return x
    if isinstance(x, Batch):
        return dict(x.columns)
    if isinstance(x, (bool, int, float, complex)) or _numbers(x) or hasattr(x, "__array__"):
        array = np.asarray(x)
        if array.dtype.kind not in "biufc":
            raise refused(type(x).__name__)
        return array
    return x


def _numbers(x: Any) -> bool:
    return isinstance(x, Sequence) and bool(x) and all(isinstance(part, (bool, int, float, complex)) for part in x)
