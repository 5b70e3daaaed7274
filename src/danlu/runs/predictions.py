"""Predictions as Parquet, keyed by sample id, written batch by batch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from danlu.data.batches.batch import Batch
from danlu.data.card import membership
from danlu.data.dataset import Dataset
from danlu.runs.assembling import Bench
from danlu.runs.folder import writing
from danlu.training.checkpoint import clear_beside, sync
from danlu.training.evaluation import Keep, true_values

_ROWS, _BYTES = 1 << 14, 8 << 20  # of a row group, whichever is reached first: what is held before it is written
_PIECES = 64  # tables of one batch that wait: small ones take several times what is in them


class PredictionWriter:
    """Rows {id, true columns as "true/NAME", prediction columns}; the file appears when it is whole.

    Several processes may write the same file: the last to end is kept. Raises RunError where the disk refuses.
    Never more than a row group is held. Types are those of the arrays: a vector of float32 is a list of float.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._writer: Any = None
        self._waiting: list[Any] = []
        self._rows = self._bytes = 0

    def add(self, ids: Sequence[str], truth: Mapping[str, Any], predictions: Mapping[str, Any]) -> None:
        """One batch of B samples. Values: ndarray (B, …) or a list of B ndarrays."""
        import pyarrow as pa

        columns = {"id": pa.array(ids, pa.string())} | {f"true/{name}": column(value) for name, value in truth.items()}
        table = pa.table(columns | {name: column(value) for name, value in predictions.items()})
        self._waiting.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        if self._rows >= _ROWS or self._bytes >= _BYTES:
            self._write()
        elif len(self._waiting) >= _PIECES:
            self._waiting = [pa.concat_tables(self._waiting).combine_chunks()]

    def _write(self) -> None:
        if not self._waiting:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.concat_tables(self._waiting)
        self._waiting, self._rows, self._bytes = [], 0, 0
        with writing(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                clear_beside(self.path.parent, self.path.name)
                self._writer = pq.ParquetWriter(self._aside, table.schema, compression="zstd")
            self._writer.write_table(table)

    def __enter__(self) -> PredictionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write()
                with writing(self.path):
                    if self._writer is not None:
                        self._writer.close()
                        sync(self._aside)
                        self._aside.replace(self.path)
            elif self._writer is not None:
                with suppress(OSError):  # the footer of what is given up: a full disk may refuse it again
                    self._writer.close()
        finally:
            with suppress(OSError):
                self._aside.unlink(missing_ok=True)


def column(values: Any) -> Any:
    """ndarray (B, …) or a list of B ndarrays → an Arrow array of B values, nested lists where they have dimensions."""
    import pyarrow as pa

    if isinstance(values, np.ndarray):
        if values.ndim < 2:
            return pa.array(values)
        starts = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
        return pa.ListArray.from_arrays(starts, column(values.reshape(-1, *values.shape[2:])))
    arrays = [np.asarray(value) for value in values]
    if not arrays or not arrays[0].ndim:
        return pa.array(np.asarray(arrays))
    starts = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    alike = len({array.shape[1:] for array in arrays}) == 1
    inside = column(np.concatenate(arrays) if alike else [part for array in arrays for part in array])
    return pa.ListArray.from_arrays(starts, inside)


def write_membership(path: Path, data: Dataset) -> None:
    """{id, part} of every row that is in a part, as Parquet: which samples the run learnt from, and which it was judged on."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema({"id": pa.string(), "part": pa.dictionary(pa.int32(), pa.string())})
    rows = membership(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        while some := list(islice(rows, _ROWS)):
            parts = pa.array([part for _, part in some]).dictionary_encode()
            writer.write_table(pa.table({"id": pa.array([name for name, _ in some]), "part": parts}, schema))
    sync(aside)
    aside.replace(path)


def keeper(made: Bench, writer: PredictionWriter) -> Keep:
    """Writes every judged batch down: ids, true target columns, predictions."""

    def keep(batch: Batch, predictions: Mapping[str, Any]) -> None:
        truth = {name: true_values(made.data.kinds, name, batch) for name in made.data.targets}
        writer.add([made.data.ids[row] for row in batch.rows], truth, predictions)

    return keep
