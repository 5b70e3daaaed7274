"""Self-supervision: net, objective, views, and what its features are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.augment import pipeline
from danlu.data.augment.base import BatchTransform
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.metrics.base import Metric
from danlu.nn.nets.vit import Vit
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.nn.terms.nt_xent import NtXent
from danlu.randomness import key_of, order
from danlu.tasks.base import Rows, Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.self_supervised import probe
from danlu.tasks.self_supervised.learner import encoder
from danlu.tasks.self_supervised.methods.mae import HiddenPixels, Masked
from danlu.tasks.self_supervised.methods.rotation import Turned
from danlu.tasks.self_supervised.methods.simclr import Contrastive
from danlu.tasks.self_supervised.probe import Labelled
from danlu.tasks.self_supervised.spread import Spread
from danlu.tasks.self_supervised.views import Hidden, Rotations, Views
from danlu.training.objective import Objective

_WARM = 8  # batches from which an untrained net's batch norm takes its statistics
LABEL = "label"


class SelfSupervised(Task):
    """An encoder learnt from images alone; prediction column ``embedding`` float32 (B, D)."""

    _untrained: nn.Module | None = None
    _untrained_values: dict[str, dict[str, float]]

    @property
    def method(self) -> str:
        return str(self.recipe.options["method"])

    def net(self) -> nn.Module:
        body, width = encoder(self.recipe, self.data, "vit" if self.method == "mae" else "resnet")
        if self.method == "mae":
            inner = body[1]  # type: ignore[index]
            if not isinstance(inner, Vit):
                raise RecipeError.of(
                    self.recipe.where("model.name"), say("self_supervised.mae", net=type(inner).__name__)
                )
            return Masked(body, inner, width, normalized=self.recipe.options["patch_pixels"] == "normalized")
        if self.method == "rotation":
            height, wide, _ = self.data.kinds["image"].storage().shape
            if height != wide:
                what = say("self_supervised.square", size=f"{height}×{wide}")
                raise RecipeError.of(self.recipe.where("data.image.size"), what, say("self_supervised.square.remedy"))
            return Turned(body, width)
        return Contrastive(body, width, self.recipe.options["projection"])

    def objective(self) -> Objective:
        if self.method == "mae":
            return Objective({"hidden-pixels": HiddenPixels("hidden", "pixels")})
        if self.method == "rotation":
            return Objective({"rotation": CrossEntropy("rotation", "rotation")})
        return Objective({"nt-xent": NtXent("views", "projection", temperature=self.recipe.options["temperature"])})

    def metrics(self) -> Sequence[Metric]:
        return (Spread(),)

    def baselines(self) -> Sequence[Baseline]:
        return ()  # an untrained encoder stands beside: see :meth:`probe`

    def transforms(self) -> Sequence[BatchTransform]:
        if self.method == "rotation":
            return (Rotations(),)
        if self.method == "mae":
            body = self.net().encoder[1]  # type: ignore[index,union-attr]
            assert isinstance(body, Vit)
            options = self.recipe.options
            return (Hidden(body.grid[0] * body.grid[1], options["mask"], options["painted"]),)
        where = self.recipe.where("data.augment")
        made = pipeline.build(self.recipe.data.augment, {"image": self.data.kinds["image"]}, where)
        if any(transform.partners for transform in made):
            raise RecipeError.of(where, say("self_supervised.mixing"), say("self_supervised.mixing.remedy"))
        return (Views(made),)

    def training_transforms(self, augment: Sequence[BatchTransform]) -> Sequence[BatchTransform]:
        """SimCLR's augmentations are what makes the views differ, so that they stand inside of these."""
        return self.transforms() if self.method == "simclr" else (*augment, *self.transforms())

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        picture = self.data.kinds["image"].draw(values["image"])
        return picture if isinstance(picture, np.ndarray) else None

    # ---- what the features are worth --------------------------------------------------------------------------------
    def probe(self, net: nn.Module, part: str, rows: Rows) -> Mapping[str, float]:
        """Accuracy of a linear classifier and of nearest neighbours on the features, and of the same on those of an untrained net.

        Fitted on labelled training rows (at most ``options.probe_rows``), judged on the labelled rows of ``part``.
        """
        given = self._given(part)
        if given is None:
            return {}
        train, asked = given
        if self._untrained is None:
            self._untrained, self._untrained_values = self._new(train, rows), {}
        if part not in self._untrained_values:
            found = self._judged(self._untrained, train, asked, rows)
            self._untrained_values[part] = {f"untrained-{name}": value for name, value in found.items()}
        return {**self._judged(net, train, asked, rows), **self._untrained_values[part]}

    def _given(self, part: str) -> tuple[np.ndarray, np.ndarray] | None:
        """(int64 training rows, rows of the part) that have labels; None where there are none, or nothing is to be judged."""
        parts: Mapping[str, np.ndarray] = self.data.parts  # type: ignore[assignment]
        if not self.recipe.options["probe"] or LABEL not in self.data.kinds or part == "train":
            return None
        train, asked = (self._labelled(parts.get(name, np.empty(0, np.int64))) for name in ("train", part))
        if len(train) < 2 or not len(asked):
            return None
        first = order(self.recipe.seed, "probe", 0, self.data.keys[train])[: self.recipe.options["probe_rows"]]
        return np.sort(train[first]), asked

    def _labelled(self, rows: np.ndarray) -> np.ndarray:
        return rows[self._labels(rows) >= 0] if len(rows) else rows

    def _labels(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.data.store.gather(LABEL, rows)).reshape(-1)

    def _judged(self, net: nn.Module, train: np.ndarray, asked: np.ndarray, rows: Rows) -> dict[str, float]:
        known = Labelled(features(net, train, rows), self._labels(train))
        unknown, truth = features(net, asked, rows), self._labels(asked)
        near = probe.neighbours(known, unknown, self.recipe.options["neighbours"])
        return {
            "probe-accuracy": probe.accuracy(probe.linear(known, unknown), truth),
            "knn-accuracy": probe.accuracy(near, truth),
        }

    def _new(self, train: np.ndarray, batches: Rows) -> nn.Module:
        """The encoder as it was before it learnt anything; its batch norm has seen some images, since without it would not be fair."""
        plain = self.recipe.model.model_copy(update={"pretrained": False})
        recipe = self.recipe.model_copy(update={"model": plain})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(key_of(f"init/{self.recipe.seed}") >> 1)
            net = type(self)(recipe, self.data).net()
        device = next(iter(batches(train[:1])))["image"].device  # type: ignore[union-attr]
        net.to(device).train()
        for norm in net.modules():
            if isinstance(norm, nn.modules.batchnorm._BatchNorm):
                norm.momentum = None  # the mean over all that it sees
        with torch.no_grad():
            for number, batch in enumerate(batches(train)):
                if number == _WARM:
                    break
                net.embed(batch["image"])  # type: ignore[operator]
        return net.eval()


def features(net: nn.Module, rows: np.ndarray, batches: Rows) -> np.ndarray:
    """float32 (len(rows), D), in evaluation mode; the net's mode is as before afterwards."""
    was, found = net.training, []
    net.eval()
    try:
        with torch.inference_mode():
            for batch in batches(rows):
                image = batch["image"]
                assert isinstance(image, Tensor)
                found.append(net(image)["embedding"].float().cpu().numpy())
    finally:
        net.train(was)
    return np.concatenate(found)
