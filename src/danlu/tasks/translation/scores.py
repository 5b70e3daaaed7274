"""BLEU, chrF and TER of a corpus, with intervals: sentences are counted by sacrebleu, which says by its signature how.

Papineni et al. 2002, Popović 2015, Snover et al. 2006; Post 2018 for signatures; Koehn 2004 for resampling sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np

from danlu.data.text.tokenizers import tokenizer_of
from danlu.errors import RecipeError
from danlu.messages import choose
from danlu.metrics.base import Columns, Metric
from danlu.metrics.bootstrap import Figure, interval
from danlu.metrics.interval import Interval
from danlu.tasks.translation import texts

Scoring = Literal["13a", "intl", "zh", "char"]
_BLEU, _CHRF, _TER = slice(0, 10), slice(10, 28), slice(28, 30)
_DRAWS = 1000


class Translations(Metric):
    """``bleu`` and ``chrf`` in 0–100, larger is better; ``ter`` in hundredths of the reference's words, smaller is better.

    column, target: of predicted texts, and of true ids, which ``tokenizer`` (its spec) reads. State: what sacrebleu counts in each
    sentence, float64 (N, 30).
    """

    sums = True

    def __init__(self, column: str, target: str, tokenizer: Mapping[str, Any], scoring: Scoring) -> None:
        self.column, self.target, self.scoring = column, target, scoring
        self._words = tokenizer_of(tokenizer)
        self._counted: list[np.ndarray] = []

    def update(self, predictions: Columns, targets: Columns) -> None:
        rows = [
            counted(str(said), self._words.decode(np.asarray(meant).tolist()), self.scoring)
            for said, meant in zip(predictions[self.column], targets[self.target], strict=True)
        ]
        if rows:
            self._counted.append(np.asarray(rows, np.float64))

    def merge(self, other: Translations) -> None:
        self._counted += other._counted

    def compute(self) -> dict[str, float]:
        return {name: figure.value for name, figure in self.figures().items()}

    def intervals(self, confidence: float) -> dict[str, Interval]:
        return {
            name: interval(figure, confidence, method="percentile", draws=_DRAWS)
            for name, figure in self.figures().items()
        }

    def figures(self) -> dict[str, Figure]:
        """Each score as a figure of the sentences, so that two translations of the same ones can be compared in pairs."""
        features = self._features()
        return {name: Figure(features, of) for name, of in _FIGURES.items()}

    def _features(self) -> np.ndarray:
        return np.concatenate(self._counted) if self._counted else np.empty((0, 30))


@lru_cache(maxsize=100_000)
def counted(said: str, meant: str, scoring: Scoring) -> tuple[float, ...]:
    """What sacrebleu counts in one sentence: 10 numbers for BLEU, 18 for chrF, 2 for TER."""
    found: list[float] = []
    for metric in _metrics(scoring):
        found += metric._extract_corpus_statistics([said], [[meant]])[0]
    return tuple(found)


@cache
def _metrics(scoring: Scoring) -> tuple[Any, Any, Any]:
    require()
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    solid = scoring in ("zh", "char")
    return BLEU(tokenize=scoring, force=True), CHRF(), TER(normalized=solid, asian_support=solid)


def signatures(scoring: Scoring) -> dict[str, str]:
    """Name → sacrebleu's signature, which says how the score was made."""
    found = {}
    for name, metric in zip(_FIGURES, _metrics(scoring), strict=True):
        metric.corpus_score(["a"], [["a"]])  # the number of references is known from then on
        found[name] = f"{name}|{metric.get_signature()}"
    return found


def require() -> None:
    """Raises RecipeError where sacrebleu is not installed."""
    try:
        import sacrebleu  # noqa: F401
    except ImportError as error:
        raise RecipeError.of("task", choose(texts.NO_SACREBLEU), choose(texts.NO_SACREBLEU_REMEDY)) from error


def _bleu(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    """sacrebleu's, with its exponential smoothing of orders without a match."""
    sums = weights @ features[:, _BLEU]
    said, meant, right, total = sums[:, 0], sums[:, 1], sums[:, 2:6], sums[:, 6:10]
    logs, smooth, broken = np.zeros(len(sums)), np.ones(len(sums)), np.zeros(len(sums), bool)
    for order in range(4):
        none = (right[:, order] == 0) & (total[:, order] > 0)
        smooth = np.where(none, smooth * 2, smooth)
        broken |= total[:, order] == 0
        matched = np.where(none, 1 / smooth, right[:, order])
        with np.errstate(divide="ignore", invalid="ignore"):
            logs += np.log(np.where(broken, 1.0, matched / total[:, order])) / 4
    brevity = np.exp(np.minimum(0.0, 1 - meant / np.maximum(said, 1e-9)))
    found: np.ndarray = np.where(broken | ~right.any(1), 0.0, 100 * brevity * np.exp(logs))
    return found


def _chrf(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    sums = (weights @ features[:, _CHRF]).reshape(len(weights), 6, 3)
    said, meant, right = sums[..., 0], sums[..., 1], sums[..., 2]
    used = (said > 0) & (meant > 0)
    count = np.maximum(used.sum(1), 1)
    precision = (np.where(used, right / np.maximum(said, 1e-9), 0)).sum(1) / count
    recall = (np.where(used, right / np.maximum(meant, 1e-9), 0)).sum(1) / count
    found: np.ndarray = 100 * 5 * precision * recall / np.maximum(4 * precision + recall, 1e-16)
    return found


def _ter(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    sums = weights @ features[:, _TER]
    found: np.ndarray = 100 * np.where(
        sums[:, 1] > 0, sums[:, 0] / np.maximum(sums[:, 1], 1e-9), (sums[:, 0] > 0) * 1.0
    )
    return found


_FIGURES = {"bleu": _bleu, "chrf": _chrf, "ter": _ter}
