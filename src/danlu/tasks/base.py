"""An application. One folder under ``tasks/`` holds a torch-free ``spec.py`` with ``SPEC`` and the class it names, a :class:`Task`.

Nothing else has to be touched: ``danlu.recipe.names`` finds the folder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from danlu.data.augment.base import BatchTransform
from danlu.data.batches.batch import Batch, Padded
from danlu.data.dataset import Dataset
from danlu.data.kinds.base import Framing
from danlu.metrics.base import Metric
from danlu.recipe import names
from danlu.recipe.schema import Recipe
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.offered import by_kinds
from danlu.tasks.catalogue import Catalogue
from danlu.tasks.decoding import Decoder, Given
from danlu.tasks.explaining import Aim, by_target
from danlu.training.evaluation import Taught
from danlu.training.objective import Objective


@dataclass(frozen=True)
class Further:
    """A further graph. module: called with the tensors of ``given``, in order, it gives tensors in dicts and lists.

    given: name → an example. free: name → dimensions whose sizes vary, beside the first, which is the batch's everywhere.
    """

    module: nn.Module
    given: Mapping[str, Tensor]
    free: Mapping[str, Sequence[int]] = field(default_factory=dict)


Rows = Callable[[np.ndarray], Iterable[Batch]]
"""Batches of int64 rows of the dataset, in their order and without transforms, on the net's device."""


class Task(ABC):
    """What an application adds to the core: net, objective, metrics, decoding, views."""

    drawn_faults: ClassVar[bool] = (
        False  # whether a report draws its worst samples by :meth:`show`, with truth and prediction
    )
    _offsets: Sequence[float] | None = None

    def __init__(self, recipe: Recipe, data: Dataset) -> None:
        self.recipe = recipe
        self.data = data

    @abstractmethod
    def net(self) -> nn.Module:
        """A new net, normalisation inside, called as ``net(*batch.arguments())``. Takes cached values (uint8 images, ids)."""

    @abstractmethod
    def objective(self) -> Objective: ...

    @abstractmethod
    def metrics(self) -> Sequence[Metric]:
        """Fresh, empty metrics."""

    def decoder(self) -> Decoder:
        """What turns outputs into predictions and answers, without torch: of the class that the task's spec names."""
        spec = names.spec_of(self.recipe.task, self.recipe.where("task"))
        made: Decoder = names.load_object(spec.decoder).of(self.data.kinds, self.data.targets, self.recipe.options)
        return made if self._offsets is None else made.moved(self._offsets)

    def move(self, offsets: Sequence[float] | None) -> None:
        """Decide by thresholds from now on, see :meth:`Decoder.moved`; None: by the logits as they are."""
        self._offsets = offsets
        self.__dict__.pop("_decoder", None)

    @property
    def offsets(self) -> Sequence[float] | None:
        """The thresholds that it decides by."""
        return self._offsets

    @cached_property
    def _decoder(self) -> Decoder:
        return self.decoder()

    def decode(self, outputs: Any, batch: Batch) -> dict[str, Any]:
        """Outputs as numpy (same structure as the net's) → prediction columns: ndarray (B, …) or list of B ndarrays.

        Leave it to the decoder: a task that decodes by itself can be trained, but not exported.
        """
        return self._decoder.decode(outputs, _Inputs(batch))

    def respond(self, net: nn.Module, batch: Batch) -> Any:
        """The net's outputs for the inputs alone, which :meth:`decode` is given: what an artifact gives. Texts are written here."""
        return net(*batch.arguments())

    def taught(self) -> Taught | None:
        """How epochs are judged where :meth:`respond` is more than a call of the net, and takes longer; None: by :meth:`metrics`."""
        return None

    def graphs(self, net: nn.Module, outputs: Any) -> Mapping[str, Further]:
        """Graphs that an artifact holds beside the net's own, for :meth:`danlu.tasks.decoding.Decoder.run`; none unless overridden.

        outputs: of the net (torch, in evaluation mode) for two or more samples.
        """
        return {}

    def baselines(self) -> Sequence[Baseline]:
        """Simple models that the net must beat, judged beside it; by default what suits the kinds of the columns."""
        return by_kinds(self.data)

    def transforms(self) -> Sequence[BatchTransform]:
        """Batch transforms of the task's own, after augmentation (a detector assigns boxes to locations here); also in evaluation."""
        return ()

    def training_transforms(self, augment: Sequence[BatchTransform]) -> Sequence[BatchTransform]:
        """All transforms of a training batch, in order. augment: those of the recipe's ``data.augment``."""
        return (*augment, *self.transforms())

    def catalogue(self, net: nn.Module) -> Catalogue | None:
        """What ``danlu index`` takes from a net whose answers are chosen among things it knows; None: it has none."""
        return None

    def refuse_export(self) -> None:  # noqa: B027 - most have nothing to refuse
        """Raises ArtifactError where no graph can hold this net, in the application's words; by default the capture finds out."""

    def probe(self, net: nn.Module, part: str, rows: Rows) -> Mapping[str, float]:
        """Further values of a part that is judged, which are not of single samples' predictions (what a probe learns from features)."""
        return {}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """One sample's prediction as JSON-able data for a person: label and probability, boxes, …

        framing: how the sample's image was resized, so that positions can be given in the pixels of the image that came in.
        """
        return self._decoder.answer(predictions, index, framing)

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        """A picture (RGB uint8 (H, W, 3)) of a sample with its prediction; None where there is nothing to see."""
        return None

    def told(self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any]) -> Mapping[str, str] | None:
        """What a report shows of a sample that is no picture, with its prediction: head of a column → text; None: its inputs.

        values: of all columns, as the store gathers them for one sample. predictions: its prediction columns, without the batch.
        """
        return None

    def explained(self, outputs: Any, asked: str | None = None, beside: Any = None) -> Aim:
        """What of the net's outputs an explanation explains, see :class:`Aim`; by default the logit of a class, or a number.

        outputs: the net's (torch), for one sample. asked: what a person named (a class); None: what the net answers. beside: the
        net's outputs for another sample, for nets whose outputs say something only when compared (embeddings).
        Raises DanluError where there is no such thing, TypeError where the application has nothing to explain.
        """
        return by_target(self, outputs, asked)

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """How badly each of B samples is answered, (B,), 0 where nothing is wrong; None where the targets' kinds tell it.

        predictions, targets: columns as they are kept, ndarray (B, …) or a sequence of B ndarrays. A report shows the worst.
        """
        return None


class _Inputs(Mapping[str, Given]):
    """A batch's input columns as a decoder takes them; fetched from the device only when asked for."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __getitem__(self, name: str) -> Given:
        value = self.batch[name]
        if isinstance(value, Padded):
            return value.values.cpu().numpy(), value.sizes.cpu().numpy()
        return value.cpu().numpy()  # type: ignore[union-attr]

    def __iter__(self) -> Iterator[str]:
        return iter(self.batch.inputs)

    def __len__(self) -> int:
        return len(self.batch.inputs)
