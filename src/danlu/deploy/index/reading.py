"""Vectors with ids and labels, from a file of vectors or from raw files that a model embeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.split import PARTS
from danlu.deploy import layout
from danlu.deploy.loading import load
from danlu.errors import ArtifactError, DanluError, DataError, Problem
from danlu.messages import say
from danlu.runs.predictor import Predictor, files_in
from danlu.tasks.catalogue import Catalogue
from danlu.training import manifest

VECTORS = (".npy", ".safetensors", ".parquet")
EMBEDDING = "embedding"


@dataclass(frozen=True)
class Read:
    """vectors: (N, D). labels: "" for none. failed: (name, reason) of what could not be used.

    without: of each that asks, ids that are no answers.
    """

    vectors: np.ndarray
    ids: list[str]
    labels: list[str]
    failed: tuple[tuple[str, str], ...] = ()
    without: tuple[frozenset[str], ...] = ()


def is_vectors(path: Path) -> bool:
    return path.suffix.lower() in VECTORS and path.is_file()


def vectors_of(path: Path, column: str | None = None) -> Read:
    """A .npy array (N, D), one tensor of a .safetensors file, or a Parquet file with a column of lists, "id" and a label.

    Ids are the file's name and row where it has none; a label is the column "label", or the one of a run's predictions that begins with
    ``true/`` and holds names, or whole numbers (for which a run beside it has names). column: of the vectors, where several could be
    meant. Nothing is unpickled. Raises DataError.
    """
    try:
        made = {".npy": _npy, ".safetensors": _safetensors, ".parquet": _parquet}[path.suffix.lower()](path, column)
    except DanluError:
        raise
    except Exception as error:  # three libraries with a dozen errors each
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise _unread(path, reason) from error
    if made.vectors.ndim != 2 or made.vectors.dtype.kind not in "fiu":
        raise _unread(path, say("index.two-dimensional", shape=made.vectors.shape))
    return made


def embedded(model: Predictor, inputs: Sequence[str | Path]) -> Read:
    """Files and folders through a model. An id is the path as given, in folders the path inside; a label the first folder inside."""
    names, labels, files = [], [], []
    for given in map(Path, inputs):
        for path in files_in([given]):
            inside = path.relative_to(given) if given.is_dir() else Path(path.name)
            names.append(inside.as_posix())
            labels.append(inside.parts[0] if len(inside.parts) > 1 else "")
            files.append(path)
    vectors, kept, failed = [], [], []
    for place, answer in enumerate(model.stream(files)):
        if "error" in answer:
            failed.append((str(files[place]), str(answer["error"])))
        elif not isinstance(answer.get(EMBEDDING), list):
            raise no_embedding(str(files[place]))
        else:
            vectors.append(answer[EMBEDDING])
            kept.append(place)
    return Read(_stacked(vectors), [names[place] for place in kept], [labels[place] for place in kept], tuple(failed))


def everything(made: Catalogue) -> Read:
    """All that a recommender chooses from."""
    return Read(made.vectors, list(made.ids), list(made.labels))


def asked(made: Catalogue, names: Sequence[str]) -> Read:
    """Whoever asks, by name: a recommender's users."""
    found, kept, failed = [], [], []
    for name in names:
        try:
            found.append(made.ask(name))
            kept.append(name)
        except DataError as error:
            failed.append((name, _reason(error)))
    vectors = _stacked([each.vector for each in found])
    return Read(vectors, kept, [""] * len(kept), tuple(failed), tuple(each.without for each in found))


def chosen(made: Catalogue, ids: Sequence[str]) -> Read:
    """Some of what a recommender chooses from, by id."""
    places = {name: place for place, name in enumerate(made.ids)}
    kept = [places[name] for name in ids if name in places]
    reason = str(Problem("", say("index.no-item"), say("index.no-item.remedy")))
    failed = tuple((name, reason) for name in ids if name not in places)
    return Read(made.vectors[kept], [made.ids[at] for at in kept], [made.labels[at] for at in kept], failed)


def _reason(error: DanluError) -> str:
    """Without the place, which is told before it."""
    return "\n".join(str(replace(each, where="")) for each in error.problems)


def _stacked(vectors: Sequence[Any]) -> np.ndarray:
    """float32 (N, D); (0, 0) of none."""
    return np.asarray(vectors, np.float32).reshape(len(vectors), -1) if vectors else np.empty((0, 0), np.float32)


def opened(path: str | Path) -> tuple[Predictor, dict[str, Any]]:
    """(the model, what an index keeps of it: path and hash). path: of a run or an artifact."""
    folder = Path(path)
    return load(folder), {"path": str(folder.absolute()), "hash": fingerprint(folder)}


def of_index(kept: Any, where: str) -> Predictor:
    """The model of an index again. Raises ArtifactError where it has none, or another lies there now."""
    if kept is None:
        raise ArtifactError.of(where, say("index.no-model"), say("index.no-model.remedy"))
    model, now = opened(kept["path"])
    if now["hash"] != kept["hash"]:
        raise ArtifactError.of(kept["path"], say("index.other-model"), say("index.other-model.remedy"))
    return model


def fingerprint(folder: Path) -> str:
    """Of an artifact its manifest, of a run its weights and recipe."""
    if layout.is_artifact(folder):
        return manifest.digest(folder / manifest.NAME)
    parts = [folder / "recipe.yaml", *sorted(folder.glob("best/**/*.safetensors"))]
    return "-".join(manifest.digest(path) for path in parts if path.is_file())


def no_embedding(where: str) -> DanluError:
    return ArtifactError.of(where, say("index.no-embedding"), say("index.no-embedding.remedy"))


def _npy(path: Path, column: str | None) -> Read:
    vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    return Read(vectors, *_numbered(path, len(vectors)))


def _safetensors(path: Path, column: str | None) -> Read:
    from safetensors.numpy import load_file

    found = load_file(path)
    vectors = found[_chosen(path, column, [name for name, value in found.items() if value.ndim == 2])]
    return Read(vectors, *_numbered(path, len(vectors)))


def _parquet(path: Path, column: str | None) -> Read:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    lists = [each.name for each in schema if pa.types.is_list(each.type) or pa.types.is_fixed_size_list(each.type)]
    lists = [EMBEDDING] if EMBEDDING in lists and column is None else lists
    chosen = _chosen(path, column, lists)
    named = next((name for name in ("label", *schema.names) if name in schema.names and _names(schema, name)), None)
    table = file.read(columns=[chosen, *({named} - {None}), *({"id"} & set(schema.names))])
    column_ = table[chosen].combine_chunks()
    flat, size = column_.flatten(), len(column_)
    if not size or column_.null_count or len(flat) % size:
        raise _unread(path, say("index.no-list", name=chosen))
    vectors = flat.to_numpy(zero_copy_only=False).reshape(size, -1)
    ids, labels = _numbered(path, size)
    if "id" in table.column_names:
        ids = [str(each) for each in table["id"].to_pylist()]
    if named is not None:
        classes = _classes(path, named)
        labels = [_label(each, classes) for each in table[named].to_pylist()]
    return Read(vectors, ids, labels)


def _classes(path: Path, column: str) -> Sequence[str]:
    """The names that a run's predictions of its own parts count, where the file lies in the run; else none."""
    columns = path.absolute().parent.parent / "data" / "columns.json"
    if path.parent.name != "predictions" or path.stem not in PARTS or not columns.is_file():
        return ()
    kind = json.loads(columns.read_text("utf-8"))["kinds"].get(column.removeprefix("true/"), {})
    return [str(name) for name in kind.get("spec", {}).get("classes", ())]


def _label(value: Any, classes: Sequence[str]) -> str:
    if isinstance(value, int) and 0 <= value < len(classes):
        return classes[value]
    return "" if value is None else str(value)


def _names(schema: Any, name: str) -> bool:
    import pyarrow as pa

    kind = schema.field(name).type
    plain = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
    return bool(plain) and (name == "label" or name.startswith("true/"))


def _chosen(path: Path, column: str | None, offered: Sequence[str]) -> str:
    if column is not None:
        if column not in offered:
            raise _unread(path, say("index.no-column", name=column))
        return column
    if len(offered) != 1:
        raise _unread(path, say("index.which", count=len(offered), names=", ".join(list(offered)[:5])))
    return offered[0]


def _numbered(path: Path, count: int) -> tuple[list[str], list[str]]:
    return [f"{path.stem}-{row}" for row in range(count)], [""] * count


def _unread(path: Path, reason: str) -> DanluError:
    return DataError.of(str(path), say("index.no-vectors", reason=reason), say("index.no-vectors.remedy"))


def gathered(model: Any, inputs: Sequence[str], column: str | None, where: str, asking: bool) -> Iterator[Read]:
    """Files of vectors one by one, and everything else together through the model: raw files; of a recommender ids.

    model: what the index keeps of it. asking: ids are of users, who ask, else of items.
    """
    rest = []
    for each in inputs:
        if is_vectors(Path(each)):
            yield vectors_of(Path(each), column)
        else:
            rest.append(each)
    if rest:
        predictor = of_index(model, where)
        made = predictor.catalogue()
        if made is None:
            yield embedded(predictor, rest)
        else:
            yield asked(made, rest) if asking else chosen(made, rest)


def dimensions_of(model: Predictor, where: str | Path) -> int:
    """Numbers in a model's embedding, by asking it about a black input. Raises ArtifactError where it gives none."""
    made = model.catalogue()
    if made is not None:
        return int(made.vectors.shape[1])
    rows = {}
    for name in model.inputs:
        storage = model.kinds[name].storage()
        rows[name] = np.zeros([64 if size == -1 else size for size in storage.shape], storage.dtype)
    given = {name: model.kinds[name].stack([value]) for name, value in rows.items()}
    decoded = model.decode(model.outputs(given), given)
    found = decoded.get(EMBEDDING)
    if not isinstance(found, np.ndarray) or found.ndim != 2:
        raise no_embedding(str(where))
    return int(found.shape[1])


def validation(path: Path) -> Path | None:
    """The labelled embeddings of a run's validation part, also of the run that an artifact lies in; None where there are none."""
    for folder in (path, path.absolute().parent):
        held = folder / "predictions" / "val.parquet"
        if held.is_file():
            return held
    return None
