"""A Parquet file, or a folder of them (train-00000.parquet, test-00000.parquet …)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.columns import Coded, Numbers
from danlu.data.columns import Column as LazyColumn
from danlu.data.growing import FEW, SHARE
from danlu.data.progress import Pace, Progress
from danlu.data.room import refuse_too_large
from danlu.data.sources import _manifest
from danlu.data.sources._listing import stamp
from danlu.data.sources._mapping import listed, shortened
from danlu.data.sources._numbered import Numbered
from danlu.data.sources._parts import part_in
from danlu.data.sources._text import plain_file, unreadable
from danlu.data.split import codes_of, given_by
from danlu.data.table import Part, Table
from danlu.errors import DataError, Problem
from danlu.large.arrays import Growing
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_SAMPLE = 50
_HELD = 64  # bytes of memory for a value, at least, where the column is not of numbers without gaps
_CODE = 4  # of a value of few different ones
_BATCH = 1 << 18  # rows read at once


def recognises(path: Path) -> bool:
    """A Parquet file; a folder with some in it, or in a folder "data" below it."""
    if path.is_file():
        return path.suffix.lower() in (".parquet", ".pq")
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    for folder in (path, path / "data"):
        if found := sorted(file for file in folder.glob("*.parquet") if not file.name.startswith(".")):
            return found
    return []


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each of the files' rows; a file's name may say its part.

    Images may be names of files, or bytes, or both as Hugging Face keeps them ({bytes, path}); bytes are read row group by row
    group while they are prepared.
    """
    from pyarrow import parquet

    files = _files(path)
    if not files:
        raise DataError.of(str(path), say("data.parquet.none"))
    opened = []
    for file in files:
        plain_file(file)
        with _reading(file):
            opened.append(parquet.ParquetFile(file, memory_map=True))
    schema = opened[0].schema_arrow
    offered = list(schema.names)
    if twice := [name for name, count in Counter(offered).items() if count > 1]:
        raise DataError.of(str(files[0]), say("data.csv.twice", columns=listed(twice)), say("data.csv.twice.remedy"))
    for file, other in zip(files, opened, strict=True):
        if list(other.schema_arrow.names) != offered:
            raise DataError.of(str(file), say("data.parquet.columns", file=files[0].name))
    parts = _parts(files)
    digest = blake2b(
        "\n".join(f"{file.name} {stamp(str(file))}" for file in files).encode(), digest_size=16
    ).hexdigest()

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        counts = [file.metadata.num_rows for file in opened]
        light = [name for name in names if not _heavy(schema.field(name).type)]
        refuse_too_large(str(path), sum(_room(opened, name, schema.field(name).type, sum(counts)) for name in light))
        pace = Pace(progress, say("data.reading", file=path.name), sum(counts) * len(names))
        columns: dict[str, Sequence[Any]] = {}
        for done, name in enumerate(names):
            if _heavy(schema.field(name).type):
                columns[name] = Grouped(files, name)
            else:
                pieces = _Pieces(files, opened, name, lambda rows, done=done: pace(done * sum(counts) + rows))  # type: ignore[misc]
                columns[name] = _compact(pieces, schema.field(name).type) or _one_after_another(pieces.whole())
        pace.end(sum(counts) * len(names))
        lines = _Joined(
            [Numbered(file.name, range(1, count + 1), "data.row") for file, count in zip(files, counts, strict=True)]
        )
        given: Sequence[Part | None] | None = None
        if parts is not None:
            given = given_by(np.repeat(codes_of(parts), counts))
        return _manifest.Fetched(columns, lines, given=given, classes=_class_names(schema))

    def some(name: str) -> Sequence[Any]:
        with _reading(files[0]):
            batch = next(opened[0].iter_batches(_SAMPLE, columns=[name]), None)
        return [] if batch is None else batch[0].to_pylist()

    return _manifest.table(_manifest.Manifest(path, offered, digest, some, fetch), data, wanted, progress)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Whatever Arrow finds wrong with a file, as a DataError."""
    import pyarrow as pa

    try:
        yield
    except MemoryError as error:
        raise DataError.of(str(file), say("data.parquet.memory"), say("data.room.memory.remedy")) from error
    except OSError as error:
        if error.errno is not None:
            raise unreadable(file, error) from error
        raise _broken(file, error) from error
    except pa.ArrowException as error:
        raise _broken(file, error) from error


def _broken(file: Path, error: Exception) -> DataError:
    reason = shortened(" ".join(str(error).split()), 200)
    return DataError(Problem(str(file), say("data.parquet.broken", reason=reason)))


def _parts(files: Sequence[Path]) -> list[Part | None] | None:
    """The part of each file where all say one and train is among them."""
    parts = [part_in(file.stem) for file in files]
    return parts if len(files) > 1 and None not in parts and "train" in parts else None


def _heavy(kind: Any) -> bool:
    """Types that may hold images."""
    import pyarrow as pa

    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    if pa.types.is_struct(kind):
        return any(_heavy(kind.field(place).type) for place in range(kind.num_fields))
    return any(test(kind) for test in binary)


class _Pieces:
    """A column of several files, some rows at a time. tell: how many rows are read."""

    def __init__(self, files: Sequence[Path], opened: Sequence[Any], name: str, tell: Callable[[int], None]) -> None:
        self._files, self._opened, self._name, self._tell = files, opened, name, tell

    def __iter__(self) -> Iterator[Any]:
        """Arrow arrays."""
        done = 0
        for file, each in zip(self._files, self._opened, strict=True):
            with _reading(file):
                for batch in each.iter_batches(_BATCH, columns=[self._name]):
                    yield batch.column(0)
                    done += len(batch)
                    self._tell(done)

    def whole(self) -> list[list[Any] | np.ndarray]:
        """The values of each file."""
        found = []
        for file, each in zip(self._files, self._opened, strict=True):
            with _reading(file):
                found.append(_plain(each.read([self._name])[self._name]))
        return found


def _compact(pieces: Iterable[Any], kind: Any) -> Numbers | Coded | None:
    """Numbers without gaps, or few different texts; None for anything else."""
    import pyarrow as pa

    if _numeric(kind):
        made: Growing | None = None
        for piece in pieces:
            if piece.null_count or piece.type != kind:
                return None
            made = made or Growing(piece.to_numpy(zero_copy_only=False).dtype)
            made.append(piece.to_numpy(zero_copy_only=False))
        return None if made is None else Numbers(made.done())
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    codes, known = Growing(np.int32), dict[str | None, int]()
    for piece in pieces:
        found = piece.dictionary_encode()
        places = [-1 if text is None else known.setdefault(text, len(known)) for text in found.dictionary.to_pylist()]
        inside = found.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
        codes.append(np.asarray([*places, -1], np.int32)[inside])
        if len(known) > max(FEW, codes.length // SHARE):
            return None
    return None if len(known) > codes.length / 2 else Coded(codes.done(), tuple(known))  # type: ignore[arg-type]


def _numeric(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _room(files: Sequence[Any], name: str, kind: Any, rows: int) -> int:
    """Bytes of memory that a column takes, beside what lies in files: codes for few different texts, else objects of Python."""
    import pyarrow as pa

    chunks = [chunk for file in files for chunk in _chunks(file, name)]
    if _numeric(kind):
        told = [chunk.statistics for chunk in chunks]
        gaps = any(each is not None and each.has_null_count and each.null_count for each in told)
        return rows * _HELD if gaps else 0
    if pa.types.is_string(kind) or pa.types.is_large_string(
        kind
    ):  # in the file: two bytes a place; four and its letters for a text
        different: int = max(0, sum(chunk.total_uncompressed_size for chunk in chunks) - 2 * rows) // 5
        if different <= max(FEW, rows // SHARE):
            return rows * _CODE + different * _HELD
    return rows * _HELD


def _chunks(file: Any, name: str) -> list[Any]:
    """What a file (Parquet's own) says of a plain column, row group by row group."""
    told = file.metadata
    places = [place for place in range(told.num_columns) if told.schema.column(place).path == name]
    return [told.row_group(group).column(place) for group in range(told.num_row_groups) for place in places]


def _plain(column: Any) -> list[Any] | np.ndarray:
    """Values of a column: numbers without gaps as an array, all else (dictionary-encoded, dated) as plain Python objects."""
    if _numeric(column.type) and not column.null_count:
        return column.to_numpy()  # type: ignore[no-any-return]
    return column.to_pylist()  # type: ignore[no-any-return]


def _one_after_another(pieces: Sequence[list[Any] | np.ndarray]) -> Sequence[Any]:
    """The files' values as one column."""
    arrays = [piece for piece in pieces if isinstance(piece, np.ndarray)]
    if len(arrays) == len(pieces) and len({array.dtype for array in arrays}) == 1:
        return Numbers(np.concatenate(arrays) if len(arrays) > 1 else arrays[0])
    return [value for piece in pieces for value in (piece.tolist() if isinstance(piece, np.ndarray) else piece)]


def _class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """Names of numbered classes that Hugging Face's writer kept in the file's metadata."""
    raw = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(raw)["info"]["features"] if raw else {}
        return {
            name: tuple(map(str, feature["names"]))
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


class Grouped(LazyColumn[Any]):
    """A column of bytes (or {bytes, path}), of which one row group at a time is held in memory."""

    def __init__(self, files: Sequence[Path], name: str) -> None:
        from pyarrow import parquet

        self._files = list(files)
        self._name = name
        groups = []
        for place, file in enumerate(files):
            metadata = parquet.read_metadata(file)
            for group in range(metadata.num_row_groups):
                chunks = map(metadata.row_group(group).column, range(metadata.num_columns))
                inside = sum(
                    chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.partition(".")[0] == name
                )
                refuse_too_large(str(file), inside)
            groups += [(place, group, metadata.row_group(group).num_rows) for group in range(metadata.num_row_groups)]
        self._groups = groups
        self._starts = np.concatenate([[0], np.cumsum([rows for _, _, rows in groups], dtype=np.int64)])
        self._held: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def _value(self, row: int) -> Any:
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        held, column = self._held  # one read: threads may replace it between two
        if held != group:
            column = self._load(group)
            self._held = (group, column)
        value = column[row - int(self._starts[group])].as_py()
        if isinstance(value, dict):
            inside = value.get("bytes")
            return inside if inside is not None else value.get("path")
        return value

    def _load(self, group: int) -> Any:
        from pyarrow import parquet

        place, inside, _ = self._groups[group]
        with _reading(self._files[place]):
            opened = parquet.ParquetFile(self._files[place], memory_map=True)
            return opened.read_row_group(inside, columns=[self._name])[self._name]

    def names(self) -> list[str | None] | None:
        """The paths that stand beside the bytes, where each is there; read without the bytes."""
        from pyarrow import parquet

        names: list[str | None] = []
        for file in self._files:
            opened = parquet.ParquetFile(file, memory_map=True)
            if f"{self._name}.path" not in [
                column.path for column in map(opened.schema.column, range(len(opened.schema)))
            ]:
                return None
            with _reading(file):
                table = opened.read([f"{self._name}.path"])[self._name]
            names += [value and value.get("path") for value in table.to_pylist()]
        return names if all(names) else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_held": (-1, None)}


class _Joined(Sequence[str]):
    """Rows of several files, one after the other."""

    def __init__(self, pieces: Sequence[Sequence[str]]) -> None:
        self._pieces = pieces
        self._starts = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces], dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        piece = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._pieces[piece][row - int(self._starts[piece])]
