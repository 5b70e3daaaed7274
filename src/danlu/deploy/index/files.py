"""The folder of an index: vectors, entries and settings of one generation, and a manifest that proves them.

A change writes a new generation beside the old one; it holds once the manifest, which is replaced in one step, names it, and then the
old files are deleted: what was removed is on the disk no longer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danlu.errors import ArtifactError, DanluError
from danlu.messages import say
from danlu.training import aside, manifest
from danlu.training.manifest import DamagedError

FORMAT = 1
SETTINGS, VECTORS, ENTRIES = "index-{:06d}.json", "vectors-{:06d}.safetensors", "entries-{:06d}.json"
_OWN = re.compile(r"(index|entries)-\d{6,}\.json|vectors-\d{6,}\.safetensors")
_MOST = 2**36  # bytes of a file that is read


@dataclass(frozen=True)
class Content:
    """vectors: float32 (N, D). ids: N different names. labels: N names, "" for none. settings: JSON-able."""

    vectors: np.ndarray
    ids: Sequence[str]
    labels: Sequence[str]
    settings: Mapping[str, Any]
    generation: int = 0


def is_index(folder: Path) -> bool:
    """Whether this claims to be one; damaged or not."""
    return (folder / manifest.NAME).is_file() and any(_OWN.fullmatch(path.name) for path in folder.iterdir())


def read(folder: Path) -> Content:
    """What is there, proven. Raises ArtifactError where there is none, or where it is not as it was written."""
    if not folder.is_dir() or not is_index(folder):
        raise ArtifactError.of(str(folder), say("index.none"), say("index.none.remedy"))
    try:
        entries = manifest.entries(folder)
        named = {name.partition("-")[0]: name for name in entries if _OWN.fullmatch(name)}
        if set(named) != {"index", "entries", "vectors"} or len(entries) != 3:
            raise DamagedError(say("index.files"))
        if sum(entry.bytes for entry in entries.values()) > _MOST:
            raise DamagedError(say("index.too-large"))
        content = {kind: manifest.content(folder / name, entries[name]) for kind, name in named.items()}
    except DamagedError as damage:
        raise damaged(folder, str(damage)) from damage
    return _parsed(folder, content, int(named["index"].partition("-")[2].partition(".")[0]))


def _parsed(folder: Path, content: Mapping[str, bytes], generation: int) -> Content:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        settings, entries = json.loads(content["index"]), json.loads(content["entries"])
        vectors = load(content["vectors"])["vectors"]
        ids, labels = entries["ids"], entries["labels"]
        sound = vectors.ndim == 2 and vectors.dtype == np.float32 and len(vectors) == len(ids) == len(labels)
        sound = sound and settings["dimensions"] == vectors.shape[1] and settings["metric"] in ("cosine", "inner")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise damaged(folder, say("index.files")) from error
    if not sound:
        raise damaged(folder, say("index.files"))
    if settings.get("format") != FORMAT:
        raise ArtifactError.of(str(folder), say("index.newer", found=settings.get("format"), known=FORMAT))
    return Content(vectors, ids, labels, settings, generation)


def write(folder: Path, content: Content) -> int:
    """The new generation's number. Raises ArtifactError where it can't be written; then the old one holds."""
    from safetensors.numpy import save

    generation = content.generation + 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside.clear(folder)
        written = {
            SETTINGS: json.dumps(dict(content.settings) | {"format": FORMAT}, ensure_ascii=False, indent=1).encode(),
            ENTRIES: json.dumps(
                {"ids": list(content.ids), "labels": list(content.labels)}, ensure_ascii=False
            ).encode(),
            VECTORS: save({"vectors": np.ascontiguousarray(content.vectors, np.float32)}),
        }
        names = {name.format(generation): data for name, data in written.items()}
        for name, data in names.items():
            aside.write_whole(folder / name, data)
        aside.sync_folder(folder)
        aside.write_whole(folder / manifest.NAME, manifest.proof(folder, names))
        aside.sync_folder(folder)
        sweep(folder, set(names))
    except OSError as error:
        raise ArtifactError.of(
            str(folder),
            say("deploy.not-written", reason=error.strerror or str(error)),
            say("deploy.not-written.remedy"),
        ) from error
    return generation


def sweep(folder: Path, kept: set[str]) -> None:
    """Delete files of other generations."""
    for path in folder.iterdir():
        if path.name not in kept and _OWN.fullmatch(path.name):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        aside.sync_folder(folder)


def damaged(folder: Path, what: str) -> DanluError:
    return ArtifactError.of(str(folder), what, say("index.damaged.remedy"))
