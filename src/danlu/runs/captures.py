"""What training's looks inside the net found, as Parquet: ``captures/layers.parquet`` and ``captures/parameters.parquet``.

While a run goes on they lie in pieces (``layers-a001-000345.parquet``: attempt 1, up to step 345), each whole, and each on the disk
before the checkpoint that would make its steps past. An attempt that goes on from a checkpoint takes away what lies there of later
steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from danlu.errors import RunError
from danlu.messages import say
from danlu.runs.folder import writing
from danlu.training.aside import beside, clear, sync
from danlu.training.events import Captured, Event, FitDone, FitStarted, LayerFigures, ParameterFigures, Saving

TABLES = {"layers": LayerFigures, "parameters": ParameterFigures}
_DIGEST = b"danlu.digest"
PIECES = 8  # of a table at most, in the long run: then they are joined
_MOST = 50_000  # rows that wait in memory at most
_TYPES = {
    "str": "string",
    "int": "int64",
    "float": "float64",
    "bool": "bool_",
    "bytes": "binary",
    "float | None": "float64",
}


class CaptureWriter:
    """A watcher. Raises RunError where the disk refuses."""

    wants_snapshots = False
    wants_captures = True

    def __init__(self, folder: Path, attempt: int) -> None:
        self.folder, self.attempt = folder, attempt
        clear(folder, elsewhere=True)  # of attempts that were killed; the run's lock keeps others out
        self._waiting: list[Captured] = []
        self._rows = 0

    def on(self, event: Event) -> None:
        match event:
            case FitStarted() if self.attempt > 1:
                self._take_back(event.step)
            case Captured():
                self._waiting.append(event)
                self._rows += len(event.layers) + len(event.parameters)
                if self._rows > _MOST:
                    self._write()
            case Saving():
                self._write()
            case FitDone():
                self._write()
                if event.reason != "interrupted":
                    self._join()

    def close(self) -> None:
        """What waits belongs to steps after the last checkpoint: a run that failed is looked into for just these."""
        self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        last = self._waiting[-1].step
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in TABLES:
                _put(self.folder / f"{name}-a{self.attempt:03d}-{last:06d}.parquet", _table(name, self._waiting))
        self._waiting, self._rows = [], 0
        if len(_pieces(self.folder, "layers")) > PIECES:
            self._join()
        _give_back()

    def _take_back(self, step: int) -> None:
        for name in TABLES:
            pieces = _pieces(self.folder, name)
            try:
                table = _whole(pieces, name)
            except RunError:
                continue
            done = table["step"].to_numpy()
            if (done > step).any():
                self._replace(name, pieces, table.filter(done <= step))

    def _join(self) -> None:
        for name in TABLES:
            pieces = _pieces(self.folder, name)
            if len(pieces) == 1:
                with writing(self.folder):
                    pieces[0].replace(self.folder / f"{name}.parquet")
            elif pieces:
                try:
                    table = _whole(pieces, name)
                except RunError:
                    continue  # whoever reads is told which piece is damaged; the run does not depend on it
                self._replace(name, pieces, table)

    def _replace(self, name: str, pieces: Sequence[Path], table: Any) -> None:
        """The pieces become one file; they are deleted once it is there."""
        with writing(self.folder):
            whole = self.folder / f"{name}.parquet"
            _put(whole, table)
            for piece in pieces:
                if piece != whole:
                    piece.unlink(missing_ok=True)


def read(folder: str | Path, name: str) -> dict[str, np.ndarray]:
    """Column → values (N,), by rising step, in the order of the net; empty where nothing was captured.

    folder: a run's ``captures``. name: "layers" or "parameters". Numbers that are not known are NaN.
    Raises RunError for a damaged file.
    """
    pieces = _pieces(Path(folder), name)
    if not pieces:
        return {}
    table = _whole(pieces, name)
    return {column: table[column].to_numpy() for column in table.column_names}


def _pieces(folder: Path, name: str) -> list[Path]:
    """The joined file first, then by attempt and step."""
    joined = folder / f"{name}.parquet"
    return [joined] * joined.is_file() + sorted(folder.glob(f"{name}-a*.parquet"))


def _whole(pieces: Sequence[Path], name: str) -> Any:
    """One table, each step as the last piece that holds it has it. Raises RunError."""
    import pyarrow as pa

    tables = [_got(path, name) for path in pieces]
    table = pa.concat_tables([_table(name, ()), *tables])
    step = table["step"].to_numpy()
    piece = np.repeat(np.arange(len(tables)), [len(one) for one in tables])
    newest = dict(zip(step.tolist(), piece.tolist(), strict=True))
    kept = np.flatnonzero(piece == np.array([newest[at] for at in step.tolist()], dtype=np.int64))
    return table.take(pa.array(kept[np.argsort(step[kept], kind="stable")]))


def _got(path: Path, name: str) -> Any:
    """A piece, proven by the digest that it carries. Raises RunError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:  # pq.read_table would load all that is made for folders of files
            table = file.read()
        told = (table.schema.metadata or {}).get(_DIGEST)
        if table.schema.equals(_table(name, ()).schema) and told == _digest(table):
            return table
        reason = say("training.damage-content", file=path.name)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
    what = say("runs.captures-unreadable", reason=reason)
    raise RunError.of(str(path), what, say("runs.captures-unreadable.remedy"))


def _table(name: str, events: Sequence[Captured]) -> Any:
    import pyarrow as pa

    rows = list(_rows(name, events))
    columns = {"step": pa.array([step for step, _, _ in rows], pa.int64())}
    columns["epoch"] = pa.array([epoch for _, epoch, _ in rows], pa.int32())
    for field in fields(TABLES[name]):
        kind = getattr(pa, _TYPES[str(field.type)])()
        columns[field.name] = pa.array([getattr(row, field.name) for _, _, row in rows], kind)
    return pa.table(columns)


def _rows(name: str, events: Sequence[Captured]) -> Iterator[tuple[int, int, Any]]:
    for event in events:
        for row in getattr(event, name):
            yield event.step, event.epoch, row


def _digest(table: Any) -> bytes:
    """Of everything that is in it (blake2b, hexadecimal)."""
    digest = blake2b(digest_size=16)
    for name in table.column_names:
        values = table[name].to_numpy()
        digest.update(f"{name} {values.dtype} {len(values)} {table[name].null_count} ".encode())
        if values.dtype == object:
            parts = [part.encode() if isinstance(part, str) else part or b"" for part in values.tolist()]
            digest.update(f"{[len(part) for part in parts]}".encode() + b"".join(parts))
        else:
            digest.update(values.tobytes())
    return digest.hexdigest().encode()


def _give_back() -> None:
    """Arrow keeps what it freed for itself, some MB more after each joining; a training goes on for long."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _put(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq

    part = beside(path)
    try:
        pq.write_table(table.replace_schema_metadata({_DIGEST: _digest(table)}), part, compression="zstd")
        sync(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
