"""``danlu.Index``: embeddings with ids and labels that are added, searched and removed. No torch; nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from danlu.deploy.index import files
from danlu.deploy.index.files import Content
from danlu.deploy.index.rejection import Rejection, of_searches, rejection
from danlu.deploy.index.scan import Scan
from danlu.errors import ArtifactError, DataError
from danlu.messages import say
from danlu.metrics.pairing import unit
from danlu.training import lock

Metric = Literal["cosine", "inner"]
DIMENSIONS = 65_536
_AT_ONCE = 2**24  # scores in memory while a threshold is chosen
NEAREST = 10_000
NAME = 4096  # characters of an id or label


@dataclass(frozen=True)
class Hit:
    """score: cosine or inner product. label: "" for none."""

    id: str
    label: str
    score: float


class Index:
    """An index in a folder, by :meth:`create` or :meth:`open`. A change is on the disk when a method returns, whole or not at all.

    metric: "cosine" (vectors are kept with length 1) or "inner". threshold: score from which something counts as known, None where
    none was chosen (:meth:`calibrate`). model: whatever says what embeds raw inputs (a path and a hash), JSON-able.
    """

    def __init__(self, folder: Path, content: Content) -> None:
        self.folder = folder
        self._content = content

    @classmethod
    def create(
        cls,
        folder: str | Path,
        dimensions: int,
        metric: Metric = "cosine",
        *,
        model: Mapping[str, Any] | None = None,
    ) -> Self:
        """A new, empty index. Raises ArtifactError where something lies there already."""
        path = Path(folder)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ArtifactError.of(str(path), say("index.taken"), say("index.taken.remedy"))
        if not 1 <= dimensions <= DIMENSIONS or metric not in ("cosine", "inner"):
            raise ValueError(f"dimensions from 1 to {DIMENSIONS}, metric cosine or inner; not {dimensions}, {metric!r}")
        settings: dict[str, Any] = {
            "dimensions": dimensions, "metric": metric, "rejection": None, "model": None if model is None else dict(model)
        }  # fmt: skip
        made = cls(path, Content(np.empty((0, dimensions), np.float32), (), (), settings))
        with lock.held(path):
            made._write(made._content)
        return made

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Raises ArtifactError where there is no index, or where it is damaged."""
        path = Path(folder)
        return cls(path, files.read(path))

    def __len__(self) -> int:
        return len(self._content.ids)

    def __repr__(self) -> str:
        return f"Index({str(self.folder)!r}, {len(self)} × {self.dimensions}, {self.metric})"

    def __contains__(self, id: object) -> bool:
        return id in self._places

    @property
    def dimensions(self) -> int:
        return int(self._content.settings["dimensions"])

    @property
    def metric(self) -> Metric:
        found: Metric = self._content.settings["metric"]
        return found

    @property
    def ids(self) -> Sequence[str]:
        return tuple(self._content.ids)

    @property
    def labels(self) -> Sequence[str]:
        return tuple(self._content.labels)

    @property
    def model(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._content.settings.get("model")
        return found

    @property
    def rejection(self) -> Rejection | None:
        """How strangers are told, see :meth:`calibrate`."""
        found = self._content.settings.get("rejection")
        return None if found is None else Rejection(**found)

    @property
    def threshold(self) -> float | None:
        return None if self.rejection is None else self.rejection.threshold

    def add(
        self, vectors: np.ndarray, ids: Sequence[str], labels: Sequence[str] | None = None, *, replace: bool = False
    ) -> None:
        """vectors: (N, D) numbers. ids: N different names. labels: N names, "" for none; several entries may share one.

        replace: entries of the same id give way. Raises DataError for anything that doesn't fit, and then nothing is added.
        """
        made = self._checked(vectors)
        if self.metric == "cosine" and len(made):
            empty = np.flatnonzero(np.linalg.norm(made, axis=1) == 0)
            if len(empty):
                raise DataError.of(str(ids[empty[0]]), say("index.zero"))
        names = [] if labels is None else list(labels)
        ids, names = list(ids), names or [""] * len(ids)
        if not len(ids) == len(names) == len(made):
            what = say("index.counts", vectors=len(made), ids=len(ids), labels=len(names))
            raise DataError.of(str(self.folder), what)
        for name in (*ids, *names):
            if not isinstance(name, str) or len(name) > NAME:
                raise DataError.of(str(name)[:60], say("index.name", most=NAME))
        seen: set[str] = set()
        for name in ids:
            if name in seen or (name in self._places and not replace):
                raise DataError.of(name[:200], say("index.twice"), say("index.twice.remedy"))
            seen.add(name)
        with lock.held(self.folder):
            self._refresh()
            kept = np.asarray([place for place, name in enumerate(self._content.ids) if name not in seen], np.int64)
            old = self._content
            self._write(
                Content(
                    np.concatenate([old.vectors[kept], made]),
                    [*(old.ids[place] for place in kept.tolist()), *ids],
                    [*(old.labels[place] for place in kept.tolist()), *names],
                    old.settings,
                    old.generation,
                )
            )

    def remove(self, ids: Sequence[str] = (), labels: Sequence[str] = ()) -> int:
        """How many entries went: those with one of the ids, and all with one of the labels. Their vectors are deleted from the disk.

        Raises DataError for an id or label that is not there, and then nothing is removed.
        """
        with lock.held(self.folder):
            self._refresh()
            old = self._content
            gone, whose = set(ids), set(labels)
            missing = [name for name in ids if name not in self._places]
            missing += sorted(whose - set(old.labels))
            if missing:
                raise DataError.of(missing[0][:200], say("index.missing"), say("index.missing.remedy"))
            kept = [
                place
                for place, (name, label) in enumerate(zip(old.ids, old.labels, strict=True))
                if name not in gone and label not in whose
            ]
            self._write(
                Content(
                    old.vectors[np.asarray(kept, np.int64)],
                    [old.ids[place] for place in kept],
                    [old.labels[place] for place in kept],
                    old.settings,
                    old.generation,
                )
            )
            return len(old.ids) - len(kept)

    def search(self, vectors: np.ndarray, k: int = 10) -> list[list[Hit]]:
        """For each of (Q, D) or for one (D,) the ``k`` most similar, the most similar first; exact."""
        if not 1 <= k <= NEAREST:
            raise DataError.of(str(self.folder), say("index.k", most=NEAREST))
        queries = self._checked(np.atleast_2d(np.asarray(vectors)))
        places, scores = self._scan(queries, k)
        ids, labels = self._content.ids, self._content.labels
        return [
            [Hit(ids[place], labels[place], score) for place, score in zip(*each, strict=True)]
            for each in zip(places.tolist(), scores.tolist(), strict=True)
        ]

    def identify(self, vectors: np.ndarray, threshold: float | None = None) -> list[Hit | None]:
        """For each of (Q, D) or for one (D,) the most similar entry, None where its score is below the threshold: nobody known.

        threshold: None takes the index's own. Raises DataError where it has none.
        """
        least = self.threshold if threshold is None else threshold
        if least is None:
            raise DataError.of(str(self.folder), say("index.no-threshold"), say("index.no-threshold.remedy"))
        found = self.search(vectors, 1)
        return [each[0] if each and each[0].score >= least else None for each in found]

    def calibrate(self, vectors: np.ndarray, labels: Sequence[str], far: float, source: str = "") -> Rejection:
        """Choose the threshold so that of comparisons between two different labels at most the share ``far`` reaches it.

        vectors: (N, D), labelled, that nothing was learnt from (a validation part). Raises DataError for a rate that so few comparisons
        can't tell, with the least they can.
        """
        made = rejection(self._checked(vectors), labels, far, self.metric, source)
        with lock.held(self.folder):
            self._refresh()
            self._keep(made)
        return made

    def calibrate_searches(self, vectors: np.ndarray, labels: Sequence[str], far: float, source: str = "") -> Rejection:
        """Choose the threshold so that of searches by people who have no entry at most the share ``far`` finds somebody, among the
        entries that are there now. It grows stale as entries are added.

        vectors: (N, D), that nothing was learnt from. labels: entries of a vector's own label are left out of its search; "" has none.
        Raises DataError for a rate that so few can't tell, and for an empty index.
        """
        queries = self._checked(vectors)
        with lock.held(self.folder):
            self._refresh()
            if not len(self):
                raise DataError.of(str(self.folder), say("index.empty"), say("index.empty.remedy"))
            made = of_searches(self._best_of_others(queries, labels), far, source)
            self._keep(made)
        return made

    def _best_of_others(self, queries: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """float32 (N,): the highest score of an entry of another label; less than any score where there is none."""
        old = self._content
        numbers = {label: number for number, label in enumerate(dict.fromkeys(old.labels)) if label}
        whose = np.asarray([numbers.get(label, -1) for label in old.labels])
        own = np.asarray([numbers.get(label, -2) for label in labels])
        best = np.empty(len(queries), np.float32)
        step = max(1, _AT_ONCE // len(whose))
        for start in range(0, len(queries), step):
            some = slice(start, start + step)
            scores = queries[some] @ np.asarray(old.vectors).T
            scores[own[some, None] == whose] = -np.inf
            best[some] = scores.max(1)
        return best

    def _keep(self, made: Rejection) -> None:
        old = self._content
        settings = dict(old.settings) | {"rejection": made.as_dict()}
        self._write(Content(old.vectors, old.ids, old.labels, settings, old.generation))

    @cached_property
    def _scan(self) -> Scan:
        return Scan(self._content.vectors)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self._content.ids)}

    def _checked(self, vectors: np.ndarray) -> np.ndarray:
        values = np.asarray(vectors)
        if values.ndim != 2 or values.shape[1] != self.dimensions or values.dtype.kind not in "fiu":
            what = say("index.shape", found=f"{values.dtype} {values.shape}", dimensions=self.dimensions)
            raise DataError.of(str(self.folder), what)
        made = values.astype(np.float32)
        if not np.isfinite(made).all():
            raise DataError.of(str(self.folder), say("index.not-finite", row=int(np.argmin(np.isfinite(made).all(1)))))
        return unit(made) if self.metric == "cosine" else made

    def _refresh(self) -> None:
        """Another process may have changed it since; holds within the lock."""
        if (self.folder / files.SETTINGS.format(self._content.generation)).is_file():
            return
        self._take(files.read(self.folder))

    def _write(self, content: Content) -> None:
        generation = files.write(self.folder, content)
        self._take(Content(content.vectors, content.ids, content.labels, content.settings, generation))

    def _take(self, content: Content) -> None:
        self._content = content
        for name in ("_scan", "_places"):
            self.__dict__.pop(name, None)
