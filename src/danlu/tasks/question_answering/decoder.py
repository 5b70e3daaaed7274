"""From logits of windows to a quotation, in numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.answers import answered
from danlu.data.kinds.base import Framing, Kind
from danlu.data.kinds.passage import Quote
from danlu.data.text import windows
from danlu.metrics.thresholds import Tuned
from danlu.tasks.decoding import Decoder, Given
from danlu.tasks.question_answering.metrics import scores
from danlu.tasks.question_answering.scoring import RULES

_AROUND = 60  # characters before and behind an answer that are shown with it
_BEGIN, _END = "⟦", "⟧"


class SpanDecoder(Decoder):
    """Logits {"start", "end"} (B, W, 1 + L) → span, best, margin, probability; see :meth:`decode`.

    longest: tokens of an answer. nulls: whether "no answer" may be said at all; threshold: of ``margin``, above which it is. rule: by
    which :meth:`tuned` judges.
    """

    measure = "f1"
    watches = ("best", "margin")
    tells = "answers.tuned"
    moves_probability = False

    def __init__(
        self, window: int, stride: int, longest: int, nulls: bool, rule: str = "squad", threshold: float = 0.0
    ) -> None:
        self.window, self.stride, self.longest = window, stride, longest
        self.nulls, self.rule, self.threshold = nulls, rule, threshold
        self.calibrates = "answers" if nulls else None

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        passage, answers = kinds["context"], kinds["answers"]
        rule = options["scoring"]
        if rule not in RULES:
            rule = "cmrc" if passage.solid else "squad"  # type: ignore[attr-defined]
        return cls(passage.window, passage.stride, options["longest"], answers.unanswerable, rule)  # type: ignore[attr-defined]

    def spec(self) -> dict[str, Any]:
        return {
            "window": self.window,
            "stride": self.stride,
            "longest": self.longest,
            "nulls": self.nulls,
            "rule": self.rule,
            "threshold": self.threshold,
        }

    def moved(self, offsets: Sequence[float]) -> Self:
        return type(self)(**{**self.spec(), "threshold": float(offsets[0])})

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        """span: int64 (B, 2), [start, end) of the answer in characters, (-1, -1) for none. best: the same of the best answer, given or
        not. margin: float32 (B,), logit of no answer (the least over windows) minus that of ``best``. probability: float32 (B,), of
        what is answered, as if start and end were drawn apart.
        """
        text, tokens = inputs["context"]
        start, end = np.asarray(outputs["start"], np.float32), np.asarray(outputs["end"], np.float32)
        batch, count, length = text.shape[:3]
        which = np.arange(count)[None]
        used = windows.used(tokens, which, self.window, self.stride)  # (B, W)
        seen = windows.shown(
            tokens[:, :, None], which[:, :, None], np.arange(length)[None, None], self.window, self.stride
        )  # (B, W, L)
        low = np.float32(-np.inf)
        first = np.where(seen, start[:, :, 1:], low)
        last = np.where(seen, end[:, :, 1:], low)
        score = np.full(batch, low, np.float32)
        place = np.zeros((batch, 2), np.int64)  # of the flattened windows, and tokens behind the first
        rows = np.arange(batch)
        for more in range(min(self.longest, length)):
            sums = (first[:, :, : length - more] + last[:, :, more:]).reshape(batch, -1)
            at = sums.argmax(1)
            found = sums[rows, at]
            better = found > score
            wide = length - more
            place[better, 0] = (at // wide * length + at % wide)[better]
            place[better, 1] = more
            score = np.maximum(score, found)
        window, token = place[:, 0] // length, place[:, 0] % length
        best = np.stack([text[rows, window, token, 1], text[rows, window, token + place[:, 1], 2]], axis=1).astype(
            np.int64
        )
        null = np.where(used, start[:, :, 0] + end[:, :, 0], np.float32(np.inf)).min(1)
        margin = (null - score).astype(np.float32)
        silent = (margin > self.threshold) if self.nulls else np.zeros(batch, bool)
        chosen = np.where(silent, null, score)
        whole = [
            _log_sum(np.concatenate([values.reshape(batch, -1), _least(zero, used)], axis=1))
            for values, zero in ((first, start[:, :, 0]), (last, end[:, :, 0]))
        ]
        return {
            "span": np.where(silent[:, None], np.int64(-1), best),
            "best": best,
            "margin": margin,
            "probability": np.exp(np.minimum(chosen - whole[0] - whole[1], 0)).astype(np.float32),
        }

    def tuned(self, predictions: Mapping[str, np.ndarray], truth: Any, metric: str) -> Tuned:
        """The threshold of ``margin`` with which F1 is largest; of equally good ones the one nearest to 0."""
        known = [answered(np.asarray(value)) for value in truth]
        margin = np.asarray(predictions["margin"], np.float64)
        gain = scores(predictions["best"], known, self.rule)[1]
        silent = np.asarray([float(not each.answers) for each in known])
        order = np.argsort(margin, kind="stable")
        spoken = np.concatenate([[0.0], np.cumsum(gain[order])])  # the first so many are answered, the others not
        kept = np.concatenate([np.cumsum(silent[order][::-1])[::-1], [0.0]])
        value = (spoken + kept) / max(1, len(known))
        sorted_ = margin[order]
        between = np.concatenate([[sorted_[0] - 1], (sorted_[1:] + sorted_[:-1]) / 2, [sorted_[-1] + 1]])
        real = np.concatenate([[True], sorted_[1:] > sorted_[:-1], [True]])  # equal margins can't be parted
        before = float(np.where(margin > 0, silent, gain).mean())
        good = real & (value >= value[real].max() - 1e-12)
        threshold = min(between[good].tolist(), key=abs)
        if value[good].max() <= before + 1e-12:
            threshold = 0.0
        after = float(np.where(margin > threshold, silent, gain).mean())
        return Tuned(np.asarray([threshold]), before, after)

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"answer", "probability", "start", "end", "shown"}: start and end in characters, shown: the answer in its surroundings.

        An answer of null: the text doesn't tell.
        """
        start, end = (int(each) for each in predictions["span"][index])
        made: dict[str, Any] = {"answer": None, "probability": round(float(predictions["probability"][index]), 6)}
        if start < 0:
            return made
        made |= {"start": start, "end": end}
        if isinstance(framing, Quote):
            made["answer"] = framing.text[start:end]
            made["shown"] = highlighted(framing.text, start, end)
        return made


def highlighted(text: str, start: int, end: int, around: int = _AROUND) -> str:
    """The answer between ⟦ and ⟧ with what stands around it, in one line."""
    left, right = max(0, start - around), min(len(text), end + around)
    parts = (text[left:start], _BEGIN + text[start:end] + _END, text[end:right])
    line = " ".join("".join(parts).split())
    return f"{'…' if left else ''}{line}{'…' if right < len(text) else ''}"


def _least(zero: np.ndarray, used: np.ndarray) -> np.ndarray:
    """(B, 1): of the windows that are there."""
    least: np.ndarray = np.where(used, zero, np.float32(np.inf)).min(1, keepdims=True)
    return least


def _log_sum(values: np.ndarray) -> np.ndarray:
    most = values.max(1, keepdims=True)
    found: np.ndarray = (most + np.log(np.exp(values - most).sum(1, keepdims=True)))[:, 0]
    return found
