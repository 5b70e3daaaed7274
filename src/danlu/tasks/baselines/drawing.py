"""The rows of a dataset that baselines see: bounded in number and size, drawn by position, gathered block by block."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from danlu.data.progress import Pace, Progress
from danlu.randomness import order
from danlu.tasks.baselines.base import Sample
from danlu.tasks.baselines.reduced import reduce

if TYPE_CHECKING:
    from danlu.data.dataset import Dataset

ROWS = 20_000
_VALUES = 2**29  # of all inputs together (pixels): 3,500 images of 224 × 224
_PREPARED = 1500  # rows, where each has to be decoded or prepared anew
_AT_ONCE = 2**24  # values gathered together


def chosen(data: Dataset, rows: np.ndarray, seed: int, most: int = ROWS) -> np.ndarray:
    """int64: ``rows``, or as many of them as may be looked at, drawn by their keys; sorted."""
    most = max(100, min(most, ROWS if data.instant else _PREPARED, _VALUES // _values(data, rows)))
    if len(rows) <= most:
        return rows
    return np.sort(rows[order(seed, "baselines", 0, data.keys[rows])[:most]])


def gather(data: Dataset, rows: np.ndarray, progress: Progress | None = None, stage: str = "") -> Sample:
    """The sample of int64 ``rows``: inputs reduced, targets whole."""
    step = max(1, _AT_ONCE // _values(data, rows))
    pace = Pace(progress, stage, len(rows))
    inputs: dict[str, list[np.ndarray]] = {}
    sizes: dict[str, list[np.ndarray]] = {}
    targets: dict[str, list[object]] = {name: [] for name in data.targets}
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        values = _gathered(data, some)
        for name in data.inputs:
            made = reduce(data.kinds[name], values[name])
            if made is not None:
                inputs.setdefault(name, []).append(made[0])
                if made[1] is not None:
                    sizes.setdefault(name, []).append(made[1])
        for name in data.targets:
            targets[name].append(values[name])
        pace(start + len(some))
    if len(rows):
        pace.end(len(rows))
    return Sample(
        {name: np.concatenate(blocks) for name, blocks in inputs.items()},
        {name: np.concatenate(blocks) for name, blocks in sizes.items()},
        {name: _joined(blocks) for name, blocks in targets.items()},
        data.kinds,
        rows,
    )


def _gathered(data: Dataset, rows: np.ndarray) -> dict[str, object]:
    together = getattr(data.store, "gather_all", None)
    if together is not None:
        return dict(together(data.kinds, rows))
    return {name: data.store.gather(name, rows) for name in data.kinds}


def _joined(blocks: list[object]) -> object:
    if blocks and isinstance(blocks[0], np.ndarray):
        return np.concatenate(blocks)  # type: ignore[arg-type]
    return [value for block in blocks for value in block]  # type: ignore[attr-defined]


def _values(data: Dataset, rows: np.ndarray) -> int:
    """Values of the inputs of one row; of images of many sizes, the largest of a few."""
    total = 0
    for name in data.inputs:
        shape = data.kinds[name].storage().shape
        if -1 in shape:
            few = rows[:: max(1, len(rows) // 4)][:4]
            total += (
                max((np.asarray(value).size for value in data.store.gather(name, few)), default=1) if len(few) else 1
            )
        else:
            total += prod(shape)
    return max(1, total)
