"""A table of any file format (CSV, JSON lines, Parquet) that names images, labels and numbers → rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.columns import Coded, Paths
from danlu.data.kinds.base import BadValue, MissingValue
from danlu.data.kinds.category import class_name
from danlu.data.moments import zones_mixed
from danlu.data.progress import Pace, Progress
from danlu.data.row_names import RowNames, digests_of
from danlu.data.sources import _listing
from danlu.data.sources._colour_maps import class_file
from danlu.data.sources._images_of import images_of
from danlu.data.sources._listing import readable
from danlu.data.sources._mapping import extra, guessed, mapping, plain, shortened, spans
from danlu.data.sources._objects import objects_of
from danlu.data.sources._parts import part_of
from danlu.data.split import PARTS, given_by
from danlu.data.table import Part, Table
from danlu.data.tabular.cells import ABSENT
from danlu.data.tabular.records import Records
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_SPLIT_NAMES = ("split", "subset", "partition", "set")


@dataclass(frozen=True)
class Fetched:
    """columns: the file's columns that were asked for. lines: where a person finds each row. problems: rows that were set aside.

    given: parts that the files themselves say (train.parquet). classes: names of numbered classes, where the file says them. types:
    of columns, where the file says them ("number", "category").
    """

    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[str]
    problems: Sequence[tuple[str, str]] = ()
    notes: Sequence[tuple[str, str]] = ()
    given: Sequence[Part | None] | None = None
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What a reader of one format offers. digest: of the file's content. sample: a few values of a column. fetch: whole columns.

    objects: a column that is offered in parts as well → these parts.
    """

    path: Path
    offered: Sequence[str]
    digest: str
    sample: Callable[[str], Sequence[Any]]
    fetch: Callable[[Sequence[str]], Fetched]
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def table(
    manifest: Manifest, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None
) -> Table:
    """The manifest's rows with the wanted columns."""
    where, offered = str(manifest.path), manifest.offered
    split, unused = data.split.column, ""
    if split:
        extra(where, "data.split.column", split, offered)
    else:
        split, unused = _split_by_name(manifest)
    reserved = [name for name in (split, data.split.group) if name]
    mapped = mapping(where, offered, wanted, data, manifest.sample, reserved, manifest.objects)
    extras = {
        key: extra(where, f"data.split.{key}", name, offered)
        for key in ("group", "time")
        if (name := getattr(data.split, key))
    }
    every = [each for column in mapped.columns.values() for each in ((column,) if isinstance(column, str) else column)]
    got = manifest.fetch(list(dict.fromkeys([*every, *extras.values(), *([split] if split else [])])))
    if not len(got.lines):
        raise DataError(_no_rows(manifest.path, got))
    notes = [
        *got.notes,
        *((where, guessed(name, found)) for name, found in mapped.guessed.items() if found.column != name),
        *([(where, unused)] if unused else []),
    ]
    if "time" in extras and zones_mixed(got.columns[extras["time"]]):
        notes.append((where, say("data.note.zones", column=extras["time"])))
    columns: dict[str, Sequence[Any]] = {}
    names: Sequence[str | None] | None = None
    wrong: dict[int, str] = {}
    digest = manifest.digest
    for name, wish in wanted.items():
        source = mapped.columns[name]
        values = got.columns[source] if isinstance(source, str) else _beside(got, source, spans(wish.kind))
        if isinstance(values, Records):
            columns[name] = values
        elif wish.kind == "image" and _texts(values):
            found = images_of(
                values, manifest.path, data.root, ("images", "image", "imgs", "img", "train", manifest.path.stem)
            )
            wrong |= found.wrong
            names = found.names
            notes += [(where, note) for note in found.notes]
            columns[name] = _paths(found.root, found.names)
            digest += _listing.fingerprint(str(found.root), found.names, progress)
        elif wish.kind == "mask" and _texts(values):
            drawn = images_of(values, manifest.path, data.root, ("masks", "mask", "labels", "annotations"))
            wrong |= drawn.wrong
            notes += [(where, note) for note in drawn.notes]
            columns[name] = _paths(drawn.root, drawn.names)
            digest += _listing.fingerprint(str(drawn.root), drawn.names, progress)
        elif wish.kind == "image":
            names = names or _names_in(values)
            columns[name] = values
        elif wish.kind == "category":
            if wish.options.get("absent") == "missing":
                values, counts = _without_absent(values)
                if counts:
                    notes.append((where, say("data.note.absent", column=name, values=counts)))
            columns[name] = _categories(values, got.classes.get(str(source)))
        elif wish.kind == "boxes":
            columns[name] = [objects_of(value) for value in values]
        else:
            columns[name] = values
    given = _given(where, got.columns[split], data.split.column is not None, split) if split else got.given
    if split and data.split.column is None:
        notes.append((where, say("data.note.split-column", column=split)))
    classes = {name: got.classes[str(c)] for name, c in mapped.columns.items() if c in got.classes}
    for name in (name for name, wish in wanted.items() if wish.kind == "mask" and name not in classes):
        beside, content = class_file(manifest.path.parent)
        classes |= {name: beside} if beside else {}  # type: ignore[dict-item]  # or a map, which a mask takes as well
        digest += content
    origins = got.lines if names is None else _Origins(got.lines, names)
    whole = Table(
        columns=columns,
        ids=_ids(names, columns, [got.columns[name] for name in extras.values()], got.lines, progress),
        origins=origins,
        fingerprint=f"manifest {digest} {json.dumps(dict(mapped.columns), sort_keys=True)}",
        given=given,
        extra={key: got.columns[name] for key, name in extras.items()},
        classes=classes,
        problems=(
            *got.problems,
            *((origins[row], reason) for row, reason in wrong.items()),
        ),
        notes=tuple(notes),
        guessed=mapped.guessed,
    )
    if not wrong:
        return whole
    return whole.take(np.setdiff1d(np.arange(len(whole), dtype=np.int64), np.fromiter(wrong, np.int64)))


def _beside(got: Fetched, names: Sequence[str], spans: str) -> Sequence[dict[str, Any]]:
    """Several columns as one, whose values are mappings name → value."""
    columns = got.columns
    if spans == "rest":
        told = {name: got.types[name] for name in names if name in got.types}
        return Records({name: columns[name] for name in names}, len(got.lines), told)
    return [dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)]


def _no_rows(path: Path, got: Fetched) -> Any:
    from danlu.errors import Problem

    if not got.problems:
        return Problem(str(path), say("data.manifest.empty"))
    return [Problem(origin, reason) for origin, reason in got.problems[:5]]


def _texts(values: Sequence[Any]) -> bool:
    """Whether an image column holds names of files (and gaps, and what is no image at all), not images themselves."""
    if isinstance(values, Coded):
        return True
    found = {type(value) for value in values[:100]} - {type(None)}
    return not found or (str in found and bytes not in found)


def _paths(root: Path, names: list[str]) -> Sequence[Any]:
    return Paths(root, names) if all(names) else [root / name if name else None for name in names]


def _names_in(values: Sequence[Any]) -> list[str | None] | None:
    """Names that come with images in the file itself ({bytes, path}), if those are read without the images."""
    names = getattr(values, "names", None)
    return names() if names is not None else None


def _without_absent(values: Sequence[Any]) -> tuple[Sequence[Any], str]:
    """(the values, None for those that say there is none, these and how often)."""
    found = Counter(value.strip() for value in values if type(value) is str and value.strip().casefold() in ABSENT)
    if not found:
        return values, ""
    kept = [None if type(value) is str and value.strip() in found else value for value in values]
    return kept, ", ".join(f"{value} ({count})" for value, count in found.most_common())


def _categories(values: Sequence[Any], classes: tuple[str, ...] | None) -> Sequence[Any]:
    """Texts, few and coded; what is no category at all is left as it is, to be listed as bad."""
    known: dict[Any, str | None] = {}
    numbered = {str(place): name for place, name in enumerate(classes or ())}

    def text(value: Any) -> str | None:
        key = (type(value), value)  # True equals 1
        if key not in known:
            try:
                name = class_name(value)
                known[key] = numbered.get(name, name)
            except MissingValue:
                known[key] = None
        return known[key]

    def text_or_raw(value: Any) -> Any:
        try:
            return text(value)
        except (TypeError, BadValue):
            return value

    try:
        return Coded.of(map(text, values))
    except (TypeError, BadValue):  # a list in some row
        return [text_or_raw(value) for value in values]


def _split_by_name(manifest: Manifest) -> tuple[str | None, str]:
    """(a column that is called "split" (or so) and whose values say so; else what to tell of one where only some of them do)."""
    unused = ""
    for name in manifest.offered:
        if plain(name) in _SPLIT_NAMES:
            values = [value for value in manifest.sample(name) if value not in (None, "")]
            odd = Counter(str(value) for value in values if not (isinstance(value, str) and part_of(value)))
            if values and not odd:
                return name, ""
            if len(odd) < len({str(value) for value in values}):
                shown = ", ".join(f"{value!r}" for value, _ in odd.most_common(3))
                unused = say("data.note.split-unused", column=name, values=shortened(shown))
    return None, unused


def _given(where: str, values: Iterable[Any], strict: bool, column: str) -> Sequence[Part | None]:
    if isinstance(values, Coded):  # each different one is looked at once
        named = [part_of(value) or value for value in values.values_in_use() if value]
        if all(part in PARTS for part in named):
            told = {value: PARTS.index(part_of(value) or value) for value in values.values_in_use() if value}  # type: ignore[arg-type]
            place = np.asarray([*(told.get(value, -1) for value in values.values), -1], np.int8)
            return given_by(place[values.codes])
    parts = [None if value is None or value == "" else part_of(str(value)) or str(value) for value in values]
    odd = Counter(part for part in parts if part not in (None, "train", "val", "test"))
    if odd:
        shown = ", ".join(f"{value!r} ({count})" for value, count in odd.most_common(5))
        remedy = say("data.split.column-values.remedy" if strict else "data.split.column-values.unasked", column=column)
        raise DataError.of(where, say("data.split.column-values", column=column, values=shown), remedy)
    return parts  # type: ignore[return-value]


class _Origins(Sequence[str]):
    """ "labels.csv, line 17 (cats/1.png)", made when asked for."""

    def __init__(self, lines: Sequence[str], names: Sequence[str | None]) -> None:
        self._lines = lines
        self._names = names

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        name = self._names[row]
        return f"{self._lines[row]} ({shortened(readable(name), 200)})" if name else self._lines[row]


def _ids(
    names: Sequence[str | None] | None,
    columns: Mapping[str, Sequence[Any]],
    extras: Sequence[Sequence[Any]],
    lines: Sequence[str],
    progress: Progress | None,
) -> Sequence[str]:
    """The image's name; with the rest of the row where a name occurs twice; the row's content where there is no name.

    extras: what the split looks at, so that rows it tells apart have ids of their own in whatever order they stand.

    A row with images of no name is known by its place alone.
    """
    if names is None:
        return _contents([*columns.values(), *extras], progress) if all(map(_plain_values, columns.values())) else lines
    bases = [readable(name) if name else "" for name in names]
    often = {base for base, count in Counter(bases).items() if count > 1}
    if not often:
        return bases
    others = [*(column for column in columns.values() if not isinstance(column, Paths)), *extras]
    ids: list[str] = []
    used: dict[str, int] = {}
    for row, base in enumerate(bases):
        if base in often:
            base = f"{base}#{_digest([column[row] for column in others]).hex()}"
            used[base] = used.get(base, 0) + 1
            base = base if used[base] == 1 else f"{base}.{used[base]}"
        ids.append(base)
    return ids


def _contents(columns: Sequence[Sequence[Any]], progress: Progress | None) -> Sequence[str]:
    """Rows of no name: each by what stands in it, equal ones numbered. Of millions no Python object is kept for each."""
    pace = Pace(progress, say("large.naming"), len(columns[0]))

    def told() -> Iterator[bytes]:
        for row, values in enumerate(zip(*columns, strict=True)):
            yield _digest(list(values))
            if not row % 4096:
                pace(row)

    made = RowNames(digests_of(told()))
    pace.end(len(made))
    return made


def _digest(row: list[Any]) -> bytes:
    """8 bytes of a row's content."""
    return blake2b(repr(row).encode(), digest_size=8).digest()


def _plain_values(column: Sequence[Any]) -> bool:
    return isinstance(column, (Coded, Paths, Records)) or all(
        isinstance(v, (str, int, float, type(None))) for v in column[:100]
    )
