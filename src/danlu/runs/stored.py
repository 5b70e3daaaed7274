"""Predictions of a run, read back from Parquet block by block. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from danlu.errors import RunError
from danlu.messages import say

BLOCK = 1 << 22  # values of a column held at once


class Stored:
    """A file that :class:`danlu.runs.predictions.PredictionWriter` wrote: rows {id, "true/NAME", prediction columns}."""

    def __init__(self, path: Path) -> None:
        """Raises RunError where the file is missing or is no such file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                self._schema, self.rows = file.schema_arrow, int(file.metadata.num_rows)
        except (OSError, pa.ArrowInvalid) as error:
            reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
            raise RunError.of(str(path), say("runs.unreadable", reason=reason)) from error
        if "id" not in self._schema.names:
            raise RunError.of(str(path), say("runs.unreadable", reason="id"))

    def __len__(self) -> int:
        return self.rows

    @property
    def truths(self) -> tuple[str, ...]:
        """True columns, without "true/"."""
        return tuple(name.removeprefix("true/") for name in self._schema.names if name.startswith("true/"))

    @property
    def predictions(self) -> tuple[str, ...]:
        """Prediction columns."""
        return tuple(name for name in self._schema.names if name != "id" and not name.startswith("true/"))

    def is_list(self, name: str) -> bool:
        """Whether a sample holds many values of the column."""
        import pyarrow.types as kinds

        return bool(kinds.is_list(self._schema.field(name).type))

    def is_whole(self, name: str) -> bool:
        """Whether the column holds one integer a sample."""
        import pyarrow.types as kinds

        return bool(kinds.is_integer(self._schema.field(name).type))

    def ids(self) -> list[str]:
        """Sample ids, in the file's order."""
        found: list[str] = []
        for block in self.blocks(("id",)):
            found += block["id"]
        return found

    def blocks(self, columns: Sequence[str], rows: int = 1 << 16) -> Iterator[dict[str, Any]]:
        """At most ``rows`` rows at a time, fewer where they are wide.

        "id": list of str. One value a sample: ndarray (B,). As many for each: ndarray (B, K). Else a list of B ndarrays.
        """
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(max(1, min(rows, BLOCK // self._width(file, columns))), columns=columns):
                yield {name: _values(batch.column(name), name == "id") for name in columns}

    def _width(self, file: Any, columns: Sequence[str]) -> int:
        """Values of the widest column in a row, by the file's own counts."""
        wide = 1
        for group in range(file.metadata.num_row_groups):
            meta = file.metadata.row_group(group)
            for index in range(meta.num_columns):
                chunk = meta.column(index)
                if chunk.path_in_schema.partition(".")[0] in columns:
                    wide = max(wide, chunk.num_values // max(1, meta.num_rows))
        return wide

    def column(self, name: str) -> Any:
        """A whole column, where it is one value a sample: ndarray (N,)."""
        found = [block[name] for block in self.blocks((name,))]
        return np.concatenate(found) if found else np.empty(0)


def _values(column: Any, texts: bool) -> Any:
    import pyarrow.types as kinds

    if texts:
        return column.to_pylist()
    if not kinds.is_list(column.type):
        return column.to_numpy(zero_copy_only=False)
    ends = column.offsets.to_numpy()
    ends, inner = ends - ends[0], column.flatten()
    if kinds.is_list(inner.type):  # rows of as many numbers each: boxes
        flat = inner.flatten().to_numpy(zero_copy_only=False)
        return np.split(flat.reshape(len(inner), -1) if len(inner) else flat.reshape(0, 0), ends[1:-1])
    flat, sizes = inner.to_numpy(zero_copy_only=False), np.diff(ends)
    if len(sizes) and (sizes == sizes[0]).all():
        return flat.reshape(len(sizes), -1)
    return np.split(flat, ends[1:-1])
