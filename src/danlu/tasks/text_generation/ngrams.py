"""What counting says: interpolated Kneser-Ney trigrams of tokens (Kneser & Ney 1995; Chen & Goodman 1999, section 3.5)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from danlu.data.kinds.text import Text
from danlu.tasks.baselines.base import Baseline, Sample, Tell

DISCOUNT = 0.75


class KneserNey:
    """begin: the id before the first token of a text. size: number of ids, each of which has a share of the probability."""

    def __init__(self, texts: Sequence[Sequence[int]], begin: int, size: int) -> None:
        self.begin, self.size = begin, size
        threes: Counter[tuple[int, int, int]] = Counter()
        for ids in texts:
            padded = [begin, begin, *ids]
            threes.update(zip(padded, padded[1:], padded[2:], strict=False))
        self._threes = threes
        self._pairs: Counter[tuple[int, int]] = Counter()  # in how many contexts a pair was seen
        self._after: dict[tuple[int, ...], int] = defaultdict(int)
        self._kinds: dict[tuple[int, ...], int] = defaultdict(int)
        self._next: dict[tuple[int, ...], tuple[int, int]] = {}
        for (one, two, three), count in sorted(threes.items()):
            self._pairs[two, three] += 1
            self._count((one, two), three, count)
        self._ones: Counter[int] = Counter()
        for (two, three), count in sorted(self._pairs.items()):
            self._ones[three] += 1
            self._count((two,), three, count)
        for three, count in sorted(self._ones.items()):
            self._count((), three, count)

    def _count(self, context: tuple[int, ...], token: int, count: int) -> None:
        self._after[context] += count
        self._kinds[context] += 1
        if count > self._next.get(context, (0, 0))[0]:
            self._next[context] = (count, token)

    def probability(self, one: int, two: int, three: int) -> float:
        """Of ``three`` after ``one`` and ``two``."""
        found = 1.0 / self.size
        for context, count in (
            ((), self._ones[three]),
            ((two,), self._pairs[two, three]),
            ((one, two), self._threes[one, two, three]),
        ):
            total = self._after.get(context, 0)
            if total:
                found = (max(count - DISCOUNT, 0.0) + DISCOUNT * self._kinds[context] * found) / total
        return found

    def likeliest(self, one: int, two: int) -> int:
        """The most frequent token behind the longest context that was seen."""
        return next((self._next[context][1] for context in ((one, two), (two,), ()) if context in self._next), 0)


class Ngrams(Baseline):
    """Columns as :func:`danlu.tasks.generating.teacher.told` gives them, of the tokens that the net is judged by."""

    name = "kneser-ney"

    def __init__(self, column: str, kind: Text, begin: int) -> None:
        self.column, self.kind, self.begin = column, kind, begin
        self._rows = 0

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        self._model = KneserNey(
            [self._ids(text) for text in train.inputs[self.column]], self.begin, self.kind.vocabulary
        )
        self._rows = len(train)

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        tokens, right, surprise = (np.zeros(len(sample), kind) for kind in (np.int64, np.int64, np.float64))
        for row, text in enumerate(sample.inputs[self.column]):
            ids = self._ids(text)
            padded = [self.begin, self.begin, *ids]
            tokens[row] = len(ids)
            for one, two, three in zip(padded, padded[1:], ids, strict=False):
                right[row] += self._model.likeliest(one, two) == three
                surprise[row] -= math.log(self._model.probability(one, two, three))
            tell(row + 1, len(sample))
        return {"tokens": tokens, "right": right, "surprise": surprise}

    def settings(self) -> dict[str, Any]:
        return {"order": 3, "discount": DISCOUNT, "rows": self._rows}

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.kind.prepare(text).value.tolist()
        return ids[: self.kind.max_length]
