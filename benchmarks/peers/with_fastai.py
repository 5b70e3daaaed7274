"""fastai: its Learner with its defaults, and tuned by hand."""

from __future__ import annotations

import danlu  # noqa: F401  # puts torchvision right where its compiled operators don't load

# isort: split
from functools import partial
from typing import Any

import fastai.callback.schedule  # noqa: F401
import torch
from contest import DECAY, MOMENTUM, PEAK, RATE, Clock, Setting, loss, numbers, run
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner, Recorder
from fastai.optimizer import SGD, OptimWrapper
from images import InMemory, Samples, accuracy
from nets import Tuned, image_net, small_mlp
from torch import nn
from torch.utils.data import TensorDataset


class Ticking(Callback):
    """fastai's own optimisers are not torch's, so the clock is told here."""

    order = 100

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def after_step(self) -> None:
        self.clock.tick()


def _without_validation(samples: Any, batch: int) -> DataLoaders:
    batches = DataLoader(samples, bs=batch, shuffle=True, num_workers=0)
    return DataLoaders(batches, [])


def images(setting: Setting, clock: Clock) -> float:
    data = _without_validation(Samples(setting.data), setting.batch)
    optimizer = partial(SGD, mom=MOMENTUM, decouple_wd=False)
    learner = Learner(data, image_net(setting.net), loss_func=loss(), opt_func=optimizer, wd=DECAY, cbs=Ticking(clock))
    learner.fit_one_cycle(setting.epochs, RATE, pct_start=PEAK, moms=(MOMENTUM,) * 3)
    return accuracy(learner.model, setting.data)


def images_tuned(setting: Setting, clock: Clock) -> float:
    data = DataLoaders(InMemory(setting.data, setting.batch), [], device=torch.device("cpu"))
    optimizer = partial(OptimWrapper, opt=partial(torch.optim.SGD, nesterov=True, momentum=MOMENTUM, fused=True))
    learner = Learner(
        data, Tuned(image_net(setting.net)), loss_func=loss(), opt_func=optimizer, wd=DECAY, cbs=Ticking(clock)
    )
    learner.remove_cbs([ProgressCallback, Recorder])
    with learner.no_logging():
        learner.fit_one_cycle(setting.epochs, RATE, pct_start=PEAK, moms=(MOMENTUM,) * 3)
    return accuracy(learner.model, setting.data)


def mlp(setting: Setting, clock: Clock) -> None:
    data = _without_validation(TensorDataset(*numbers(setting)), setting.batch)
    learner = Learner(data, small_mlp(), loss_func=nn.CrossEntropyLoss(), cbs=Ticking(clock))
    learner.fit_one_cycle(setting.epochs, 1e-3)


if __name__ == "__main__":
    run("fastai", {"images": images, "images-tuned": images_tuned, "mlp": mlp})
