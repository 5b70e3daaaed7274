"""From a net's outputs to answers, in numpy: what training, a run and an artifact without torch have in common (rule 7)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.data.kinds.category import Category
from danlu.data.kinds.number import Number
from danlu.metrics.thresholds import Tuned, tuned

Given = np.ndarray | tuple[np.ndarray, np.ndarray]
"""What the net was called with, of one input column: values (B, …), or (padded values, sizes int64 (B, …))."""


class Pieces(ABC):
    """How an input that the net can't take at once is answered: cut up, each piece by itself, and what was said joined.

    kinds: input column → kind that prepares the whole of it, in place of the one that the net was trained with.
    """

    kinds: Mapping[str, Kind]

    @abstractmethod
    def wanted(self, values: Mapping[str, np.ndarray]) -> bool:
        """Whether an input, prepared whole, has to be cut. Others are prepared and answered as ever."""

    @abstractmethod
    def cut(self, values: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Pieces as the net takes them, one or more."""

    @abstractmethod
    def join(self, outputs: Sequence[Any], values: Mapping[str, np.ndarray]) -> Any:
        """outputs: of each piece, in the net's own structure, without the batch's dimension → the same of the whole."""


class Decoder(ABC):
    """Decodes an application's outputs. Loads no torch; made anew from :meth:`spec`, which an artifact carries as JSON.

    decides: the target of classes, if it is one, whose column ``probability`` is made of logits that :meth:`moved` can move.
    calibrates: the target whose errors on the validation part it must know, by :meth:`tuned` and :meth:`moved`, without being asked.
    measure: what it is calibrated by; watches: the prediction columns that :meth:`tuned` then looks at, () for the target's own.
    tells: key of the text that says what came of it (with metric, before, after); "": that of classes, labels or intervals.
    """

    decides: str | None = None
    calibrates: str | None = None
    measure: str = "coverage"
    watches: tuple[str, ...] = ()
    tells: str = ""
    worth: str | None = None  # the number of an answer by which candidates are put in order, the largest first
    moves_probability = True  # whether thresholds change probabilities too, or decisions alone

    @classmethod
    @abstractmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        """The decoder of a run. kinds: fitted, of all columns. options: the recipe's own of the task."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """JSON-able constructor arguments: ``type(decoder)(**decoder.spec())`` decodes alike."""

    @abstractmethod
    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        """Outputs as numpy (in dicts and lists, as the net gives them) → prediction columns: ndarray (B, …), or B ndarrays."""

    def run(self, outputs: Any, inputs: Mapping[str, Given], graphs: Mapping[str, Callable[..., Any]]) -> Any:
        """What :meth:`decode` is given, where an artifact holds further graphs (a step of writing), which this calls as it likes.

        outputs: of the first graph, which is called with the inputs. graphs: name → graph, called with a mapping of its inputs; see
        :meth:`danlu.tasks.base.Task.graphs`.
        """
        return outputs

    def moved(self, offsets: Sequence[float]) -> Self:
        """The same with decision thresholds: K numbers that are added to the logits of ``decides``. Raises TypeError without one."""
        raise TypeError(f"{type(self).__name__} has no category whose logits could be moved")

    def tuned(self, predictions: Mapping[str, np.ndarray], truth: Any, metric: str) -> Tuned:
        """What :meth:`moved` should be given so that ``metric`` is largest; for exclusive classes, unless overridden.

        predictions: columns of N samples, as :meth:`decode` gave them. truth: the column ``decides`` or ``calibrates`` of them.
        """
        return tuned(np.log(np.maximum(predictions["probability"], np.finfo(np.float32).tiny)), truth, metric)

    def pieces(self, kinds: Mapping[str, Kind]) -> Pieces | None:
        """How raw inputs are answered piece by piece; None where each is one input of the net. kinds: of the input columns."""
        return None

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """One sample's prediction as JSON-able data for a person: label and probability, boxes, …

        framing: how the sample's image was resized, so that positions can be given in the pixels of the image that came in.
        """
        return {name: np.asarray(values[index]).tolist() for name, values in predictions.items()}


class ByTarget(Decoder):
    """What an application without a decoder of its own gets: targets are numbers or categories, told apart by their kinds.

    targets: name → class names, or None for a number. A number's output (B,) is its prediction. A category's output (B, K) holds
    logits: its predictions are ``probability`` float32 (B, K) and the class's index int64 (B,) under the target's name. Of several
    targets the outputs are a mapping by name, and a probability's column is ``NAME/probability``. Raises TypeError for other kinds.

    offsets: of a single category, K numbers, see :meth:`moved`.
    """

    def __init__(
        self,
        targets: Mapping[str, Sequence[str] | None],
        offsets: Sequence[float] | None = None,
    ) -> None:
        self.targets = {name: None if classes is None else tuple(classes) for name, classes in targets.items()}
        single = [name for name, classes in self.targets.items() if classes is not None and len(self.targets) == 1]
        self.decides = single[0] if single else None
        self.offsets = None if offsets is None else np.asarray(offsets, np.float32)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        known: dict[str, Sequence[str] | None] = {}
        for name in targets:
            kind = kinds[name]
            if not isinstance(kind, (Category, Number)):
                raise TypeError(f"a target that is {kind.name} needs a decoder of its own: name it in the task's SPEC")
            known[name] = kind.classes if isinstance(kind, Category) else None
        return cls(known)

    def spec(self) -> dict[str, Any]:
        made: dict[str, Any] = {"targets": {name: classes and list(classes) for name, classes in self.targets.items()}}
        return made if self.offsets is None else made | {"offsets": self.offsets.tolist()}

    def moved(self, offsets: Sequence[float]) -> Self:
        return type(self)(self.targets, offsets) if self.decides is not None else super().moved(offsets)

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        predictions: dict[str, Any] = {}
        for name, classes in self.targets.items():
            values = outputs[name] if isinstance(outputs, Mapping) else outputs
            if classes is None:
                predictions[name] = values
            else:
                logits = values if self.offsets is None else values + self.offsets
                predictions[self._probability(name)] = probability = softmax(logits)
                predictions[name] = probability.argmax(axis=1)
        return predictions

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """A number with seven digits; a class's name, its probability, and the five most probable."""
        found: dict[str, Any] = {}
        for name, classes in self.targets.items():
            if classes is None:
                found[name] = float(f"{float(predictions[name][index]):.7g}")
            else:
                best = ranked(predictions[self._probability(name)][index], classes)
                prefix = "" if len(self.targets) == 1 else f"{name}/"
                found |= {name: best[0][0], f"{prefix}probability": best[0][1], f"{prefix}top": best}
        return found

    def _probability(self, name: str) -> str:
        return "probability" if len(self.targets) == 1 else f"{name}/probability"


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (B, K) of logits (B, K), without overflow."""
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability: np.ndarray = exponents / exponents.sum(axis=1, keepdims=True)
    return probability


def ranked(probability: np.ndarray, classes: Sequence[str], most: int = 5) -> list[list[Any]]:
    """Up to ``most`` [class, probability rounded to six digits] of one sample's (K,), the most probable first."""
    top = np.argsort(-probability, kind="stable")[:most]
    return [[classes[index], round(float(probability[index]), 6)] for index in top]
