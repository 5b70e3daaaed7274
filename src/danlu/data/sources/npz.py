"""A NumPy archive: x and y, images and labels, x_train and x_test, train_images and test_images …"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.progress import Pace, Progress
from danlu.data.sources import _arrays
from danlu.data.sources._mapping import mapping
from danlu.data.sources._numbered import Numbered
from danlu.data.sources._parts import part_in
from danlu.data.sources._text import unreadable
from danlu.data.sources._wanted import no_extra
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".npz"


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each along the arrays' first axis. Arrays whose names say train, val or test are those parts.

    Object arrays are refused: they would have to be unpickled.
    """
    no_extra(path, data, "npz")
    with _open(path) as archive:
        groups = _groups(archive.files)
        pieces: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
        given: list[Part | None] = []
        ids: list[str] = []
        origins: list[str] = []
        notes: list[tuple[str, str]] = []
        pace = Pace(progress, say("data.reading", file=path.name), len(groups))
        for done, (part, arrays) in enumerate(groups.items()):
            mapped = mapping(str(path), list(arrays), wanted, data)
            count = -1
            rows: list[np.ndarray] = []
            for name, wish in sorted(wanted.items(), key=lambda item: item[1].kind != "image"):
                key = arrays[mapped.columns[name]]
                where = f"{path}, {key}"
                values = _load(archive, key, where)
                count = len(values) if count < 0 else count
                if wish.kind == "image":
                    values, said = _arrays.images(values, where)
                else:
                    values, said = _arrays.labels(values, count, where)
                notes += [(where, note) for note in said]
                pieces[name].append(values)
                rows.append(values)
            ids += _arrays.ids_by_content(rows, f"{part}/" if part else "")
            origins += Numbered(f"{path.name}, {next(iter(mapped.columns.values()))}", range(count), "data.row")
            given += [part] * count
            pace(done)
        pace.end(len(groups))
    if not ids:
        raise DataError.of(str(path), say("data.manifest.empty"))
    columns: dict[str, Sequence[Any]] = {name: _arrays.join(values) for name, values in pieces.items()}
    parted = None not in groups
    return Table(columns, ids, origins, f"npz {_arrays.digest_of(path)}", given if parted else None, notes=tuple(notes))


def _open(path: Path) -> Any:
    try:
        archive = np.load(path, allow_pickle=False)
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError.of(str(path), say("data.npz.broken", reason=error)) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise DataError.of(str(path), say("data.npz.one-array"), say("data.npz.one-array.remedy"))
    return archive


def _load(archive: Any, key: str, where: str) -> np.ndarray:
    try:
        values: np.ndarray = archive[key]
    except ValueError as error:  # an object array
        raise DataError.of(where, say("data.npz.pickled"), say("data.npz.pickled.remedy")) from error
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError.of(where, say("data.npz.broken", reason=error)) from error
    if values.ndim == 0:
        raise DataError.of(where, say("data.arrays.shape", shape=[]), say("data.arrays.shape.remedy"))
    return values


def _groups(keys: Sequence[str]) -> dict[Part | None, dict[str, str]]:
    """part → {name without the part's: key}. One group None where no train part is named."""
    parts = {key: part_in(key) for key in keys}
    if "train" not in parts.values():
        return {None: {key: key for key in keys}}
    groups: dict[Part | None, dict[str, str]] = {}
    for key, part in parts.items():
        if part is not None:
            bare = "_".join(word for word in key.split("_") if part_in(word) is None) or key
            groups.setdefault(part, {})[bare] = key
    return groups
