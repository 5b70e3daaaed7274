"""Logits of a click → its probability among all rows, whatever share of them was learnt from. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.tasks.decoding import Decoder, Given


class ClickDecoder(Decoder):
    """Outputs (B,), (B, 1) or (B, members, 1), logits of the second class → ``probability`` float32 (B, 2), ``click`` int64 (B,).

    offset: added to every logit of a click. Where a share w of the rows without a click was learnt from, the net's odds are 1/w times
    those among all rows: log(w) undoes that exactly (as prior correction, King & Zeng 2001). positive: which class is a click.
    """

    worth = "click"

    def __init__(self, classes: Sequence[str], positive: int = 1, offset: float = 0.0) -> None:
        self.classes, self.positive, self.offset = tuple(classes), int(positive), float(offset)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        classes: Sequence[str] = kinds["click"].classes  # type: ignore[attr-defined]
        return cls(classes, positive_of(classes, options.get("positive")), float(np.log(options.get("negatives", 1.0))))

    def spec(self) -> dict[str, Any]:
        return {"classes": list(self.classes), "positive": self.positive, "offset": self.offset}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        logits = np.asarray(outputs, np.float64)
        logits = logits.reshape(len(logits), -1) + (self.offset if self.positive == 1 else -self.offset)
        with np.errstate(over="ignore"):
            both = np.stack([(1 / (1 + np.exp(logits))).mean(1), (1 / (1 + np.exp(-logits))).mean(1)], axis=1)
        probability = both.astype(np.float32)
        return {"probability": probability, "click": probability.argmax(1).astype(np.int64)}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"click": its probability, seven digits}."""
        return {"click": float(f"{float(predictions['probability'][index][self.positive]):.7g}")}


def positive_of(classes: Sequence[str], asked: str | None) -> int:
    """The place of the class that is a click. Raises RecipeError for more than two classes, or a name that none has."""
    if len(classes) != 2:
        what = say("clicks.two", classes=", ".join(list(classes)[:8]))
        raise RecipeError.of("data.columns.click", what, say("clicks.two.remedy"))
    if asked is None:
        return 1
    if asked not in classes:
        what = say("clicks.positive", name=asked, classes=", ".join(classes))
        raise RecipeError.of("options.positive", what)
    return list(classes).index(asked)
