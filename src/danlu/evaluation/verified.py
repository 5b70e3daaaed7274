"""How well embeddings of a run tell identities apart, and which pairs they get wrong. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from danlu.metrics.pairing import every_pair, unit
from danlu.metrics.roc import Ranked
from danlu.runs.stored import Stored

_MOST = 20_000  # samples that are looked at, evenly spread


@dataclass(frozen=True)
class Pair:
    """Two samples. first, second: ids. names: their identities. likeness: cosine of their embeddings."""

    first: str
    second: str
    names: tuple[str, str]
    likeness: float


@dataclass(frozen=True)
class Verified:
    """far, tar: float64 (T,), the receiver operating characteristic over falling thresholds, from (0, 0).

    threshold: with the largest mean of both rates. accepted: share of genuine pairs above it; alarms: of impostor pairs.
    missed: genuine pairs, the least alike first. mistaken: impostor pairs, the likest first.
    """

    far: np.ndarray
    tar: np.ndarray
    threshold: float
    accepted: float
    alarms: float
    missed: list[Pair]
    mistaken: list[Pair]


def verified(stored: Stored, columns: Mapping[str, Any], most: int) -> Verified | None:
    """None where there are no embeddings beside one identity a sample, or no genuine or no impostor pair. most: pairs of each kind.

    A sample is in at most two of the pairs of a kind, so that one bad picture does not fill the list.
    """
    whole = (name for name in columns.get("targets", ()) if name in stored.truths and stored.is_whole(f"true/{name}"))
    name = next(whole, None)
    kind = columns.get("kinds", {}).get(name, {})
    if "embedding" not in stored.predictions or kind.get("kind") != "category":
        return None
    ids, embeddings, codes = _read(stored, f"true/{name}")
    classes = [*map(str, kind["spec"].get("classes", ()))]
    kept = np.flatnonzero((codes >= 0) & (codes < len(classes)))
    if len(kept) < 2:
        return None
    pairs = every_pair(unit(embeddings[kept]), codes[kept])
    if not pairs.both:
        return None
    curves = Ranked.of(pairs.scores, pairs.same).curves()
    threshold = curves.best_threshold()
    above = pairs.scores >= threshold
    place = kept[pairs.order]

    def made(index: int) -> Pair:
        one, other = (int(place[side[index]]) for side in (pairs.left, pairs.right))
        names = classes[codes[one]], classes[codes[other]]
        return Pair(ids[one], ids[other], names, float(pairs.scores[index]))

    def hardest(which: np.ndarray, sign: int) -> list[Pair]:
        found: list[Pair] = []
        often: dict[str, int] = {}
        for index in which[np.argsort(sign * pairs.scores[which], kind="stable")][: 50 * most].tolist():
            pair = made(index)
            if max(often.get(pair.first, 0), often.get(pair.second, 0)) < 2:
                found.append(pair)
                for one in (pair.first, pair.second):
                    often[one] = often.get(one, 0) + 1
            if len(found) == most:
                break
        return found

    return Verified(
        np.r_[0.0, curves.far[0]],
        np.r_[0.0, curves.tar[0]],
        threshold,
        float(above[pairs.same].mean()),
        float(above[~pairs.same].mean()),
        hardest(np.flatnonzero(pairs.same), 1),
        hardest(np.flatnonzero(~pairs.same), -1),
    )


def _read(stored: Stored, truth: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """(ids, embeddings (N, D), int64 codes (N,)) of every sample, or of every so-manieth where there are very many."""
    step, before = max(1, -(-len(stored) // _MOST)), 0
    ids: list[str] = []
    embeddings, codes = [], []
    for block in stored.blocks(("id", "embedding", truth), 4096):
        some = slice(-before % step, None, step)
        before += len(block["id"])
        ids += block["id"][some]
        embeddings.append(np.asarray(block["embedding"][some], np.float32).reshape(len(block["id"][some]), -1))
        codes.append(np.nan_to_num(np.asarray(block[truth][some], np.float64), nan=-1.0).astype(np.int64))
    if not ids:
        return [], np.empty((0, 1), np.float32), np.empty(0, np.int64)
    return ids, np.concatenate([each for each in embeddings if each.size]), np.concatenate(codes)
