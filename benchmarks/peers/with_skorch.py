"""skorch: its classifier with its defaults (without its own validation split), and tuned by hand."""

from __future__ import annotations

import danlu  # noqa: F401  # puts torchvision right where its compiled operators don't load

# isort: split
from typing import Any

import torch
from contest import DECAY, MOMENTUM, PEAK, RATE, Clock, Setting, loss, numbers, run
from images import InMemory, Samples, accuracy
from nets import Tuned, image_net, small_mlp
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR


def _classifier(net: nn.Module, setting: Setting, **more: Any) -> NeuralNetClassifier:
    schedule = LRScheduler(
        policy=OneCycleLR,
        step_every="batch",
        max_lr=RATE,
        total_steps=setting.steps + 1,  # it makes one more than there are batches
        pct_start=PEAK,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    return NeuralNetClassifier(
        net,
        criterion=loss(),
        optimizer=torch.optim.SGD,
        optimizer__momentum=MOMENTUM,
        optimizer__nesterov=True,
        optimizer__weight_decay=DECAY,
        lr=RATE,
        max_epochs=setting.epochs,
        batch_size=setting.batch,
        train_split=None,
        classes=list(range(10)),
        callbacks=[("schedule", schedule)],
        **more,
    )


def images(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    net = image_net(setting.net)
    _classifier(net, setting, iterator_train__shuffle=True).fit(Samples(setting.data), None)
    return accuracy(net, setting.data)


class Batches:
    """In place of the DataLoader that skorch makes of a dataset."""

    def __init__(self, dataset: Any, batches: InMemory, **_: Any) -> None:
        self.batches = batches

    def __iter__(self) -> Any:
        return iter(self.batches)


def images_tuned(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    net = Tuned(image_net(setting.net))
    batches = InMemory(setting.data, setting.batch)
    classifier = _classifier(
        net, setting, iterator_train=Batches, iterator_train__batches=batches, optimizer__fused=True, verbose=0
    )
    classifier.set_params(callbacks__print_log=None)
    classifier.fit(Samples(setting.data), None)
    return accuracy(net, setting.data)


def mlp(setting: Setting, clock: Clock) -> None:
    clock.follow_optimizers()
    x, y = (part.numpy() for part in numbers(setting))
    NeuralNetClassifier(
        small_mlp(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=1e-3,
        max_epochs=setting.epochs,
        batch_size=setting.batch,
        train_split=None,
        iterator_train__shuffle=True,
    ).fit(x, y)


if __name__ == "__main__":
    run("skorch", {"images": images, "images-tuned": images_tuned, "mlp": mlp})
