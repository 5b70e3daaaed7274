"""``danlu.inspect``: a look at whatever training holds."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.runs.predicting import load
from danlu.runs.run import Run
from danlu.watch.differences import compare
from danlu.watch.examination import of_array, of_net, of_several, of_tensor, refused
from danlu.watch.inspection import Inspection


def inspect(x: Any, other: Any = None) -> Inspection:
    """Shape, memory and values of what is given; printed as a table, in Jupyter too, and ``as_dict()`` for programs.

    x: a tensor or array; a batch, list or dict of them; an ``nn.Module`` (its parameters and gradients); a run or its folder (the net
    with the weights that it would answer with). other: something of the same kind, to be compared with ``x``: how far the values are
    apart, and where.
    Raises DataError for anything else, RunError where a folder holds no run.
    """
    x, other = _opened(x), _opened(other)
    if other is not None:
        return compare(x, other)
    if isinstance(x, nn.Module):
        return of_net(x)
    return _values(x)


def _values(x: Any) -> Inspection:
    if isinstance(x, Tensor):
        return of_tensor(x)
    if isinstance(x, np.ndarray):
        return of_array(x)
    return of_several(x)


def _opened(x: Any) -> Any:
    """A run as its net, anything shaped like an array as an array."""
    if isinstance(x, Run):
        x = x.path
    if isinstance(x, (str, os.PathLike)):
        return load(os.fspath(x)).net
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
    return isinstance(x, (list, tuple)) and bool(x) and all(isinstance(part, (bool, int, float, complex)) for part in x)
