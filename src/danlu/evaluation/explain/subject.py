"""One sample before its net: what is explained, as a function of the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Padded
from danlu.errors import DanluError
from danlu.messages import say
from danlu.nn.views import Viewed
from danlu.runs.predicting import RunPredictor
from danlu.tasks.base import Task
from danlu.tasks.explaining import Aim


@dataclass(frozen=True)
class Opened:
    """A run's net, made ready to be explained: a copy of its own, in evaluation mode, without further views of an image.

    column: the input that holds images. The run's folder is only read; torch's default generator is as before.
    """

    predictor: RunPredictor
    column: str

    @classmethod
    def of(cls, path: Any) -> Opened:
        """Raises RunError where there is no run, DanluError where its inputs are no images."""
        with torch.random.fork_rng(devices=[]):  # building the net draws first weights
            predictor = RunPredictor(path)
        images = [name for name in predictor.inputs if predictor.kinds[name].name == "image"]
        if not images:
            raise DanluError.of(str(path), say("explain.no-image"), say("explain.no-image.remedy"))
        for module in predictor.net.modules():
            if isinstance(module, Viewed):
                module.views = "none"
        return cls(predictor, images[0])

    @property
    def task(self) -> Task:
        return self.predictor.task

    @property
    def net(self) -> nn.Module:
        net: nn.Module = self.predictor.net
        return net

    def subject(self, values: Mapping[str, np.ndarray], asked: str | None = None, beside: Any = None) -> Subject:
        """A sample of prepared values. beside: another one's, to compare with. Raises DanluError where nothing can be explained."""
        arguments = self._arguments(values)
        place = self.predictor.inputs.index(self.column)
        with torch.no_grad():
            outputs = self.net(*arguments)
            other = None if beside is None else self.net(*self._arguments(beside))
        try:
            aim = self.task.explained(outputs, asked, other)
        except TypeError as error:
            raise DanluError.of(self.predictor.recipe.task, str(error)) from error
        picture = self.predictor.kinds[self.column].draw(np.asarray(values[self.column]))
        assert isinstance(picture, np.ndarray)
        return Subject(self.net, arguments, place, aim, picture, self._neutral(arguments[place]))

    def _arguments(self, values: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
        kinds, inputs = self.predictor.kinds, self.predictor.inputs
        given = {name: kinds[name].stack([np.asarray(values[name])]) for name in inputs}
        arguments = list(self.predictor.batch(given).to(self.predictor.device).arguments())
        place = inputs.index(self.column)
        arguments[place] = _changed(arguments[place], lambda pixels: pixels.float())
        return tuple(arguments)

    def _neutral(self, image: Any) -> Tensor:
        """(1, C, 1, 1): the training images' mean colour, which normalisation makes 0; black where it isn't known."""
        pixels = _pixels(image)
        mean = self.predictor.data.statistics.get(self.column, {}).get("mean")
        colour = torch.zeros(pixels.shape[1]) if mean is None else torch.tensor(mean, dtype=torch.float32).reshape(-1)
        return colour.expand(pixels.shape[1]).reshape(1, -1, 1, 1).to(pixels.device)


@dataclass(frozen=True)
class Subject:
    """net: in evaluation mode. arguments: what it is called with, the image at ``place`` as float32 (1, C, H, W) in 0–255.

    picture: RGB uint8 (H, W, 3), as the net sees it. neutral: (1, C, 1, 1), the colour that stands for nothing.
    """

    net: nn.Module
    arguments: tuple[Any, ...]
    place: int
    aim: Aim
    picture: np.ndarray
    neutral: Tensor

    @property
    def pixels(self) -> Tensor:
        """float32 (1, C, H, W)."""
        return _pixels(self.arguments[self.place])

    def score(self, pixels: Tensor) -> Tensor:
        """(B,): what is explained, for B variants (B, C, H, W) of the image."""
        return self.aim.score(self.outputs(pixels))

    def outputs(self, pixels: Tensor) -> Any:
        count = len(pixels)
        arguments = [_repeated(each, count) for each in self.arguments]
        arguments[self.place] = _changed(arguments[self.place], lambda _: pixels)
        return self.net(*arguments)


def _pixels(image: Any) -> Tensor:
    pixels: Tensor = image.values if isinstance(image, Padded) else image
    return pixels


def _changed(image: Any, change: Any) -> Any:
    return image._replace(values=change(image.values)) if isinstance(image, Padded) else change(image)


def _repeated(value: Any, count: int) -> Any:
    if isinstance(value, Tensor):
        return value.expand(count, *value.shape[1:]) if len(value) == 1 else value
    return type(value)(*(_repeated(part, count) for part in value))
