"""Recommendations judged by the items that a user then met: full ranking, as a state of ranks by user that merges.

Definitions as RecBole's (https://recbole.io/docs/user_guide/evaluation_support.html): each figure is a mean over users with at least
one item to be found. Sampled metrics are not offered: they may not even agree which model is better (Krichene and Rendle 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from danlu.large.sorting import once
from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval
from danlu.metrics.moments import Moments

NAMES = ("recall", "ndcg", "mrr", "map", "hit", "precision")


class Ranking(Metric):
    """recall, ndcg, mrr, map, hit and precision @k, coverage@k, novelty@k, and ndcg of groups of users.

    Predictions: ``user`` int64 (B,), ``items`` int (B, K), the K best in order, -1 behind the last. Targets: ``item`` int64 (B,), a row
    for each pair; -1, an item that isn't known, can't be found and so is missed. liked: least value of the target ``rating`` of an item
    that counts; None: all do. A pair that comes twice counts once.

    ks: ascending, none above K. counts: users who met each item in training, of M; by them and ``users``, their number, novelty is the
    mean of -log₂(share of users). groups: name → int64 places of users, of which ndcg at the largest k is told.
    """

    unit = "user"

    def __init__(
        self,
        ks: Sequence[int] = (10,),
        *,
        counts: np.ndarray | None = None,
        users: int = 0,
        liked: float | None = None,
        groups: dict[str, np.ndarray] | None = None,
    ) -> None:
        self.ks = tuple(ks)
        self.counts = counts
        self.users = users
        self.liked = liked
        self.groups = groups or {}
        self._pairs: list[np.ndarray] = []  # int64 (n, 3): user, item, rank (from 1; 0: not among the K)
        self._lists: dict[int, np.ndarray] = {}  # user → what was recommended

    def update(self, predictions: Columns, targets: Columns) -> None:
        user, listed = np.asarray(predictions["user"], np.int64), np.stack(list(predictions["items"]))
        item = np.asarray(targets["item"], np.int64)
        counting = np.ones(len(item), bool)
        if self.liked is not None and "rating" in targets:
            counting = np.asarray(targets["rating"], np.float64) >= self.liked
        found = (listed == item[:, None]) & (item >= 0)[:, None]
        rank = np.where(found.any(1), found.argmax(1) + 1, 0)
        self._pairs.append(np.stack([user, item, rank], axis=1)[counting])
        fresh = np.flatnonzero(counting)
        _, first = np.unique(user[fresh], return_index=True)
        for row in fresh[first].tolist():
            self._lists.setdefault(int(user[row]), listed[row])

    def merge(self, other: Any) -> None:
        self._pairs += other._pairs
        for user, listed in other._lists.items():
            self._lists.setdefault(user, listed)

    def compute(self) -> dict[str, float]:
        users, figures = self._figures()
        values = {name: float(each.mean()) if len(each) else math.nan for name, each in figures.items()}
        values |= self._beyond()
        for name, members in self.groups.items():
            inside = np.isin(users, members)
            each = figures[f"ndcg@{self.ks[-1]}"][inside]
            values[f"ndcg@{self.ks[-1]}/{name}"] = float(each.mean()) if len(each) else math.nan
        return values

    def intervals(self, confidence: float) -> dict[str, Interval]:
        """Of the means over users, each between 0 and 1: Wilson's."""
        found = {}
        for name, each in self._figures()[1].items():
            moments = Moments()
            moments.update(each)
            found[name] = moments.share_interval(confidence)
        return found

    def by_unit(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        users, figures = self._figures()
        return (users, figures[name]) if name in figures else None

    def _figures(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """(int64 (U,), users in order; name → float64 (U,))."""
        pairs = np.concatenate(self._pairs) if self._pairs else np.empty((0, 3), np.int64)
        known = pairs[pairs[:, 1] >= 0]
        _, first = np.unique(known[:, :2], axis=0, return_index=True)
        pairs = np.concatenate([known[np.sort(first)], pairs[pairs[:, 1] < 0]])
        users, place, total = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
        place = place.reshape(-1)
        order = np.lexsort((pairs[:, 2], place))
        place, rank = place[order], pairs[order, 2]
        figures: dict[str, np.ndarray] = {}
        for k in self.ks:
            hit = (rank > 0) & (rank <= k)
            where, at = place[hit], rank[hit].astype(np.float64)
            hits = np.bincount(where, minlength=len(users)).astype(np.float64)
            begin = np.cumsum(hits) - hits
            so_far = np.arange(1, len(where) + 1) - begin[where]  # hits of the user up to this one
            first = np.full(len(users), np.inf)
            np.minimum.at(first, where, at)
            most = np.minimum(total, k)
            ideal = np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))
            gained = np.bincount(where, 1.0 / np.log2(at + 1), len(users))
            made = {
                "recall": hits / total,
                "ndcg": gained / ideal[most - 1] if len(users) else hits,
                "mrr": 1.0 / first,
                "map": np.bincount(where, so_far / at, len(users)) / np.maximum(most, 1),
                "hit": (hits > 0).astype(np.float64),
                "precision": hits / k,
            }
            figures |= {f"{name}@{k}": made[name] for name in NAMES}
        return users, figures

    def _beyond(self) -> dict[str, float]:
        """What the lists are like, whoever is right."""
        if self.counts is None or not self._lists:
            return {}
        values = {}
        for k in self.ks:
            listed = np.concatenate([each[:k] for each in self._lists.values()])
            listed = listed[listed >= 0]
            share = np.maximum(self.counts[listed], 1) / max(1, self.users)
            values[f"coverage@{k}"] = len(once(listed)) / max(1, len(self.counts))
            values[f"novelty@{k}"] = float(-np.log2(np.minimum(share, 1.0)).mean()) if len(listed) else math.nan
        return values
