"""Predictions as Parquet, keyed by sample id, written batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from danlu.data.batches.batch import Batch
from danlu.data.card import membership
from danlu.data.dataset import Dataset
from danlu.runs.assembling import Bench
from danlu.training.evaluation import Keep, true_values


class PredictionWriter:
    """Rows {id, true columns as "true/NAME", prediction columns}; the file appears when it is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._aside = path.with_name(f".{path.name}.part")
        self._writer: Any = None

    def add(self, ids: Sequence[str], truth: Mapping[str, Any], predictions: Mapping[str, Any]) -> None:
        """One batch of B samples. Values: ndarray (B, …) or a list of B ndarrays."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {"id": pa.array(ids)} | {f"true/{name}": _column(values) for name, values in truth.items()}
        table = pa.table(columns | {name: _column(values) for name, values in predictions.items()})
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._aside, table.schema, compression="zstd")
        self._writer.write_table(table)

    def __enter__(self) -> PredictionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            return
        self._writer.close()
        if kind is None:
            self._aside.replace(self.path)
        else:
            self._aside.unlink(missing_ok=True)


def _column(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, np.ndarray) and values.ndim == 1:
        return pa.array(values)
    return pa.array([np.asarray(value).tolist() for value in values])


def write_membership(path: Path, data: Dataset) -> None:
    """{id, part} of every row that is in a part, as Parquet: which samples the run learnt from, and which it was judged on."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(membership(data))
    parts = pa.array([part for _, part in rows]).dictionary_encode()
    pq.write_table(pa.table({"id": pa.array([name for name, _ in rows]), "part": parts}), path, compression="zstd")


def keeper(made: Bench, writer: PredictionWriter) -> Keep:
    """Writes every judged batch down: ids, true target columns, predictions."""

    def keep(batch: Batch, predictions: Mapping[str, Any]) -> None:
        truth = {name: true_values(made.data.kinds, name, batch) for name in made.data.targets}
        writer.add([made.data.ids[row] for row in batch.rows], truth, predictions)

    return keep
