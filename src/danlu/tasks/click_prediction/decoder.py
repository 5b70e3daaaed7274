"""Logits of a click → its probability among all rows, whatever share of them was learnt from. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.metrics.thresholds import Tuned
from danlu.tasks.decoding import Decoder, Given

_TINY = float(np.finfo(np.float32).tiny)


class ClickDecoder(Decoder):
    """Outputs (B,), (B, 1) or (B, members, 1), logits of the second class → ``probability`` float32 (B, 2), ``click`` int64 (B,).

    recalibrate: slope and intercept of the logits are then found on the validation part (Platt 1999); ``line`` holds them.

    offset: added to every logit of a click. Where a share w of the rows without a click was learnt from, the net's odds are 1/w times
    those among all rows: log(w) undoes that exactly (as prior correction, King & Zeng 2001). positive: which class is a click.
    """

    worth = "click"

    measure = "log-loss"
    watches = ("probability",)
    tells = "clicks.recalibrated"

    def __init__(
        self,
        classes: Sequence[str],
        positive: int = 1,
        offset: float = 0.0,
        recalibrate: bool = False,
        line: Sequence[float] = (1.0, 0.0),
    ) -> None:
        self.classes, self.positive, self.offset = tuple(classes), int(positive), float(offset)
        self.recalibrate, self.line = recalibrate, (float(line[0]), float(line[1]))
        self.calibrates = "click" if recalibrate else None

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        classes: Sequence[str] = kinds["click"].classes  # type: ignore[attr-defined]
        place, offset = positive_of(classes, options.get("positive")), float(np.log(options.get("negatives", 1.0)))
        return cls(classes, place, offset, bool(options.get("recalibrate", False)))

    def spec(self) -> dict[str, Any]:
        made: dict[str, Any] = {"classes": list(self.classes), "positive": self.positive, "offset": self.offset}
        return made | ({"recalibrate": True, "line": list(self.line)} if self.recalibrate else {})

    def moved(self, offsets: Sequence[float]) -> Self:
        return type(self)(self.classes, self.positive, self.offset, self.recalibrate, (offsets[0], offsets[1]))

    def tuned(self, predictions: Mapping[str, np.ndarray], truth: Any, metric: str) -> Tuned:
        """Slope and intercept with the least log loss; before and after: that loss. truth: classes, (N,), negative: unknown."""
        known = np.asarray(truth) >= 0
        logits = _logits(np.asarray(predictions["probability"], np.float64)[known])
        yes = (np.asarray(truth)[known] == 1).astype(np.float64)
        line = straightened(logits, yes)
        return Tuned(np.asarray(line), _loss(logits, yes), _loss(line[0] * logits + line[1], yes))

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        logits = np.asarray(outputs, np.float64)
        logits = logits.reshape(len(logits), -1) + (self.offset if self.positive == 1 else -self.offset)
        with np.errstate(over="ignore"):
            both = np.stack([(1 / (1 + np.exp(logits))).mean(1), (1 / (1 + np.exp(-logits))).mean(1)], axis=1)
        if self.line != (1.0, 0.0):
            odds = self.line[0] * _logits(both) + self.line[1]
            both = np.stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))], axis=1)
        probability = both.astype(np.float32)
        return {"probability": probability, "click": probability.argmax(1).astype(np.int64)}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"click": its probability, seven digits}."""
        return {"click": float(f"{float(predictions['probability'][index][self.positive]):.7g}")}


def straightened(logits: np.ndarray, yes: np.ndarray) -> tuple[float, float]:
    """(slope, intercept) for which σ(slope·logit + intercept) has the least mean log loss; (1, 0) where no answer differs.

    Newton's method on a convex function of two numbers, halved where a step does not gain. logits, yes: float64 (N,).
    """
    line = np.asarray([1.0, 0.0])
    if not len(yes) or yes.min() == yes.max() or np.ptp(logits) == 0:
        return 1.0, 0.0
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    loss = _loss(design @ line, yes)
    for _ in range(50):
        said = 1 / (1 + np.exp(-(design @ line)))
        gradient = design.T @ (said - yes) / len(yes)
        curve = (design * (said * (1 - said))[:, None]).T @ design / len(yes) + 1e-9 * np.eye(2)
        step, scale = np.linalg.solve(curve, gradient), 1.0
        while scale > 1e-6 and _loss(design @ (line - scale * step), yes) > loss:
            scale /= 2
        line = line - scale * step
        before, loss = loss, _loss(design @ line, yes)
        if before - loss < 1e-12:
            break
    return float(line[0]), float(line[1])


def _logits(probability: np.ndarray) -> np.ndarray:
    """float64 (N,) of probabilities (N, 2); one that was rounded to 0 counts as the least that is not."""
    logs = np.log(np.maximum(probability, _TINY))
    return np.asarray(logs[:, 1] - logs[:, 0])


def _loss(logits: np.ndarray, yes: np.ndarray) -> float:
    return float((np.logaddexp(0, logits) - yes * logits).mean()) if len(yes) else float("nan")


_CLICK = "click"  # the column


def positive_of(classes: Sequence[str], asked: str | None) -> int:
    """The place of the class that is a click. Raises RecipeError for more than two classes, or a name that none has."""
    if len(classes) != 2:
        what = say("clicks.two", classes=", ".join(list(classes)[:8]))
        raise RecipeError.of(f"data.columns.{_CLICK}", what, say("clicks.two.remedy"))
    if asked is None:
        return 1
    if asked not in classes:
        what = say("clicks.positive", name=asked, classes=", ".join(classes))
        raise RecipeError.of("options.positive", what)
    return list(classes).index(asked)
