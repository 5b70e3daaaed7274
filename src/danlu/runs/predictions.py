"""Predictions as Parquet, keyed by sample id, written batch by batch."""

from __future__ import annotations

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
from danlu.training.aside import beside, clear, sync
from danlu.training.evaluation import Keep, true_values

_ROWS, _BYTES = 1 << 13, 2 << 20  # of a row group, whichever is reached first: writing one takes some times its size
_BATCHES = 64  # that wait as they are: many small arrays between large ones that come and go would leave the heap full of holes


class PredictionWriter:
    """Rows {id, true columns as "true/NAME", prediction columns}; the file appears when it is whole.

    Several processes may write the same file: the last to end is kept. Raises RunError where the disk refuses.
    What waits is a row group at most. Types are those of the arrays: a vector of float32 is a list of float.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._aside = beside(path)
        self._writer: Any = None
        self._fresh: list[tuple[Sequence[str], Mapping[str, Any]]] = []
        self._waiting: list[Any] = []
        self._rows = self._bytes = 0

    def add(self, ids: Sequence[str], truth: Mapping[str, Any], predictions: Mapping[str, Any]) -> None:
        """One batch of B samples. Values: ndarray (B, …) or a list of B ndarrays."""
        columns = {**{f"true/{name}": value for name, value in truth.items()}, **predictions}
        self._fresh.append((ids, columns))
        self._rows += len(ids)
        self._bytes += sum(np.asarray(part).nbytes for value in columns.values() for part in _pieces(value))
        if self._rows >= _ROWS or self._bytes >= _BYTES:
            self._write()
        elif len(self._fresh) >= _BATCHES:
            self._gather()

    def _gather(self) -> None:
        if not self._fresh:
            return
        import pyarrow as pa

        columns = {"id": pa.array([name for ids, _ in self._fresh for name in ids], pa.string())}
        for name in self._fresh[0][1]:
            columns[name] = column(_joined([values[name] for _, values in self._fresh]))
        self._waiting.append(pa.table(columns))
        self._fresh = []

    def _write(self) -> None:
        self._gather()
        if not self._waiting:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.concat_tables(self._waiting)
        self._waiting, self._rows, self._bytes = [], 0, 0
        with writing(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                clear(self.path.parent, self.path.name)
                self._writer = pq.ParquetWriter(self._aside, table.schema, compression="zstd", use_dictionary=False)
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


def _pieces(values: Any) -> Any:
    return (values,) if isinstance(values, np.ndarray) else values


def _joined(batches: Sequence[Any]) -> Any:
    """The values of several batches as those of one."""
    if all(isinstance(batch, np.ndarray) for batch in batches) and len({batch.shape[1:] for batch in batches}) == 1:
        return np.concatenate(batches)
    return [value for batch in batches for value in batch]


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
    aside = beside(path)
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
