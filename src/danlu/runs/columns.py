"""The columns of a run without its rows: kinds as fitted, and what normalisation was learnt.

Enough to predict and to judge new data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.dataset import Dataset
from danlu.data.kinds.base import Kind
from danlu.recipe.names import load_object, resolve


class NoRows:
    """The store of a dataset that has none."""

    def gather(self, column: str, rows: np.ndarray) -> Any:
        raise IndexError("this dataset describes columns, it has no rows")


def describe(data: Dataset) -> dict[str, Any]:
    """JSON-able; :func:`restore` is the inverse."""
    return {
        "kinds": {name: {"kind": kind.name, "spec": kind.spec()} for name, kind in data.kinds.items()},
        "inputs": list(data.inputs),
        "targets": list(data.targets),
        "statistics": {name: dict(values) for name, values in data.statistics.items()},
    }


def restore(described: dict[str, Any], card: dict[str, Any] | None = None) -> Dataset:
    """A dataset with these columns and no rows."""
    return Dataset(
        store=NoRows(),
        kinds={name: kind_of(entry) for name, entry in described["kinds"].items()},
        inputs=tuple(described["inputs"]),
        targets=tuple(described["targets"]),
        ids=(),
        origins=(),
        keys=np.empty(0, np.uint64),
        parts={},
        statistics=described["statistics"],
        card=card or {},
    )


def kind_of(entry: dict[str, Any]) -> Kind:
    found: Kind = load_object(resolve("kind", entry["kind"], "data/columns.json"))(**entry["spec"])
    return found
