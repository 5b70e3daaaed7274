"""Keras 3 on torch: ``compile`` and ``fit`` with their defaults, and tuned by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
from contest import DECAY, MOMENTUM, PEAK, RATE, SMOOTHING, Clock, Setting, numbers, run
from images import InMemory, accuracy, loader
from nets import Tuned, image_net
from torch import Tensor, nn


class Ticking(keras.callbacks.Callback):
    """Keras's optimisers are not torch's, so the clock is told here."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.clock.tick()


def _model(net: nn.Module) -> Any:
    return keras.Sequential([keras.layers.TorchModuleWrapper(net)])


def _cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return nn.functional.cross_entropy(y_pred, y_true.long().flatten(), reduction="none", label_smoothing=SMOOTHING)


def _sgd(setting: Setting) -> Any:
    warm = int(PEAK * setting.steps)
    rate = keras.optimizers.schedules.CosineDecay(
        RATE / 25, setting.steps - warm, warmup_target=RATE, warmup_steps=warm
    )
    return keras.optimizers.SGD(rate, MOMENTUM, nesterov=True, weight_decay=DECAY)


def images(setting: Setting, clock: Clock) -> float:
    net = image_net(setting.net)
    model = _model(net)
    model.compile(optimizer=_sgd(setting), loss=_cross_entropy, metrics=["accuracy"])
    model.fit(loader(setting.data, setting.batch), epochs=setting.epochs, callbacks=[Ticking(clock)])
    return accuracy(net, setting.data)


class FromMemory(keras.utils.PyDataset):
    def __init__(self, batches: InMemory) -> None:
        super().__init__()
        self.batches = batches
        self.pass_: Iterator[tuple[Tensor, Tensor]] = iter(())

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index == 0:
            self.pass_ = iter(self.batches)
        return next(self.pass_)


def images_tuned(setting: Setting, clock: Clock) -> float:
    net = Tuned(image_net(setting.net))
    model = _model(net)
    model.compile(optimizer=_sgd(setting), loss=_cross_entropy)
    batches = FromMemory(InMemory(setting.data, setting.batch))
    model.fit(batches, epochs=setting.epochs, callbacks=[Ticking(clock)], verbose=0, shuffle=False)
    return accuracy(net, setting.data)


def mlp(setting: Setting, clock: Clock) -> None:
    """Of layers of its own."""
    x, y = (part.numpy() for part in numbers(setting))
    model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
    crossed = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.AdamW(1e-3), loss=crossed, metrics=["accuracy"])
    model.fit(x, y, batch_size=setting.batch, epochs=setting.epochs, callbacks=[Ticking(clock)])


if __name__ == "__main__":
    run("keras", {"images": images, "images-tuned": images_tuned, "mlp": mlp})
